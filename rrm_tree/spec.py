"""A task-decomposition spec: YAML to frozen objects.

In: text, or keyword arguments. Out: a TreeSpec.
Touches the one file that it is told to read. Knows no graph, no plug-ins, no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Sees = Literal["outcome", "advice"]
Kind = Literal["label", "preference", "rating"]
Help = Literal["trained", "ideal"]


class Part(BaseModel):
    """Anything that stands in a spec: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class PluginSpec(Part):
    """A plug-in by registered name or `module:attr`, with its options."""

    use: str
    options: Mapping[str, Any] = Field(default_factory=dict, alias="with")


class CriterionSpec(Part):
    """One question about an outcome that the judge answers, and the helpers that inform it."""

    question: str
    helpers: tuple[str, ...] = ()
    weight: float = 1.0


class JudgeSpec(PluginSpec):
    """Who gives feedback, of which kind, and what is shown with the outcome."""

    kind: Kind | None = None
    sees: tuple[Sees, ...] = ("outcome", "advice")


class RewardModelSpec(Part):
    """How judgments are distilled."""

    network: PluginSpec = PluginSpec(use="mlp")
    ensemble: int = Field(3, ge=1, le=64)
    sees: tuple[Sees, ...] = ("outcome", "advice")
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    batch: int = Field(256, ge=1)
    epochs: int = Field(60, ge=1)
    patience: int = Field(8, ge=1)
    held_out: float = Field(0.1, gt=0, lt=1)


class BudgetSpec(Part):
    """Hard limits over all rounds of a node; None is no limit."""

    judgments: int = Field(500, ge=1)
    looks: int | None = Field(None, ge=1)
    steps: int = Field(100_000, ge=1)
    rounds: int = Field(1, ge=1)
    optimiser_steps: int | None = Field(None, ge=1)
    cpu_seconds: float | None = Field(None, gt=0)


class GateSpec(Part):
    """The accuracy a node must show before its parents start (Wald's sequential test)."""

    reject: float = Field(0.75, gt=0, lt=1, description="H0: accuracy is at most this")
    accept: float = Field(0.85, gt=0, lt=1, description="H1: accuracy is at least this")
    alpha: float = Field(0.05, gt=0, lt=0.5)
    beta: float = Field(0.1, gt=0, lt=0.5)
    judgments: int = Field(300, ge=1)
    on_miss: Literal["more", "stop", "warn"] = "warn"


class ResourcesSpec(Part):
    """What one attempt needs of its machine."""

    cpu: int = Field(1, ge=1)
    gpu: int = Field(0, ge=0)
    memory: int = Field(2_000_000_000, ge=1, description="bytes")
    queue: str | None = None


class NodeSpec(Part):
    """One node: a task, who judges it with whose help, and how it is learned."""

    doc: str
    task: PluginSpec
    criteria: Mapping[str, CriterionSpec]
    judge: JudgeSpec
    help: Help = "trained"
    reward_model: RewardModelSpec = RewardModelSpec()
    agent: PluginSpec = PluginSpec(use="greedy")
    budget: BudgetSpec = BudgetSpec()
    gate: GateSpec | None = None
    resources: ResourcesSpec = ResourcesSpec()
    arms: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)

    @property
    def helpers(self) -> tuple[str, ...]:
        """Every helper of any criterion, once, in the order written."""
        named = (name for criterion in self.criteria.values() for name in criterion.helpers)
        return tuple(dict.fromkeys(named))


class MeasureSpec(Part):
    """How much is measured on held-out outcomes."""

    pairs: int = Field(400, ge=1, description="pairs per distribution, before ties are left out")
    agent_outcomes: int = Field(200, ge=1, description="outcomes by which an agent is measured")


class TreeSpec(Part):
    """A whole declared tree."""

    version: Literal[1]
    name: str
    seed: int = 0
    imports: tuple[str, ...] = ()
    measure: MeasureSpec = MeasureSpec()
    nodes: Mapping[str, NodeSpec]
