"""What a spec says of one node: its task, who judges it with whose help, how it is learned, what it may cost.

In: mappings, or keyword arguments. Out: a NodeSpec, frozen.
Touches nothing. Knows no tree, no graph, no plug-ins, no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from rrm_tree.edits import as_plugin, merge
from rrm_tree.feedback import Kind
from rrm_tree.left_out import is_empty, is_none, is_zero
from rrm_tree.mistakes import Mistake, SpecMistakes, suggest
from rrm_tree.units import Count, Number, Seconds, Size
from rrm_tree.wording import AT, Complaint, validate

Sees = Literal["outcome", "advice"]
Help = Literal["trained", "ideal"]
NAME: Final = r"[A-Za-z][A-Za-z0-9_-]{0,63}"
Name = Annotated[str, StringConstraints(pattern=rf"^{NAME}$")]
"""Names become parts of keys, files and entries (`player~alone@3f…`)."""

STANDARD_ARMS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "alone": {"judge": {"sees": ["outcome"]}, "reward_model": {"sees": ["outcome"]}},
        "alone_sees_advice": {"judge": {"sees": ["outcome"]}},
        "assisted_sees_outcome": {"reward_model": {"sees": ["outcome"]}},
        "ideal": {"help": "ideal"},
        "truth": {"judge": {"use": "truth"}},
    }
)
"""Edits of a node that `arms: [name, …]` stands for."""


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    seen: set[str] = set()
    for position, value in enumerate(values):
        if value in seen:
            words = {"value": value, AT: position}
            raise PydanticCustomError("twice", "'{value}' stands here twice", words)
        seen.add(value)
    return values


QUERIES: Final = ("random", "disagreement", "entropy", "information", "kcenter")
"""What may be asked after the first round."""

_QUERY_SCHEMA: Final = {"anyOf": [{"enum": list(QUERIES)}, {"type": "string", "pattern": ":"}]}


def _known_query(value: str) -> str:
    if value in QUERIES or ":" in value:
        return value
    hint = suggest(value, QUERIES)
    words = {"value": value, "hint": hint if hint.endswith("?") else f"{hint}, or your own as module:attr"}
    raise PydanticCustomError("query", "no query is named '{value}'{hint}", words)


Share = Annotated[Number, Field(gt=0)]
Sights = Annotated[tuple[Sees, ...], Field(min_length=1), AfterValidator(_each_once)]


class Part(BaseModel):
    """Anything that stands in a spec: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


class PluginSpec(Part):
    """A plug-in by registered name or `module:attr`, with its options."""

    use: str = Field(min_length=1)
    options: Mapping[str, Any] = Field(default_factory=dict, alias="with")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return as_plugin(value)


class CriterionSpec(Part):
    """One question about an outcome that the judge answers, and the helpers that inform it."""

    question: str = Field(min_length=1)
    helpers: Annotated[tuple[str, ...], AfterValidator(_each_once)] = ()
    weight: Number = Field(default=1.0, gt=0)


class ScheduleSpec(Part):
    """How judgments are shared out over the rounds of a node."""

    first: Number = Field(default=0.25, gt=0, le=1)
    """Share of the judgments that the first round gets."""
    then: Literal["constant", "hyperbolic"] = "constant"
    """The others' parts: all alike, or falling as 1/(1 + t) with t from 0 to 1."""


class JudgeSpec(PluginSpec):
    """Who gives feedback, of which kind, and what is shown with the outcome."""

    kind: Kind | None = None
    """None: the judge's first, unless there are `kinds`."""
    kinds: Annotated[Mapping[Kind, Share], Field(min_length=1)] | None = Field(
        default=None, exclude_if=is_none
    )
    """Several kinds, each with its share of the judgments, as weights. The first sets the scale of
    rewards, and is the one that gates and measuring ask for."""
    alternatives: Count | None = Field(default=None, ge=2, le=64, exclude_if=is_none)
    """Among how many is chosen where a judge chooses among several; None: 4. Corrections are chosen
    among all actions."""
    sees: Sights = ("outcome", "advice")
    parts_per_outcome: Count = Field(default=1, ge=1)
    """How many random parts of an outcome are judged; tasks whose outcomes have parts only."""
    windows_per_episode: Count | None = Field(default=None, ge=1, exclude_if=is_none)
    """How many windows of an episode are judged; None: as many as fit side by side. Tasks with
    segments only, and only for training."""
    query: Annotated[str, AfterValidator(_known_query), WithJsonSchema(_QUERY_SCHEMA)] = "random"
    """What to ask after the first round: one of `QUERIES`, or one's own as `module:attr`."""
    pool: Count | None = Field(default=None, ge=1, exclude_if=is_none)
    """Candidates for each that is chosen where `query` is not random; None: 10 windows, or 4 whole
    outcomes, which must all be run. Of outcomes with parts all parts are candidates."""
    schedule: ScheduleSpec | None = Field(default=None, exclude_if=is_none)
    """How judgments are shared out over the rounds; None: evenly."""

    overlap: Count | None = Field(default=None, ge=2, exclude_if=is_none)
    """How many judges answer each question; None: one. Each answer is a judgment of the budget."""
    agreement: Number | None = Field(default=None, ge=-1, lt=1, exclude_if=is_none)
    """Krippendorff's alpha that several judges of a leaf must be able to have; None: 0.2."""
    fallback: tuple[PluginSpec, ...] = Field(default=(), exclude_if=is_empty)
    """Judges who are asked, one after the other, what the one before cannot tell."""

    @property
    def shares(self) -> Mapping[Kind, float]:
        """Kinds that the spec names, with their shares of all judgments; none: the judge's first alone."""
        if self.kinds is not None:
            total = sum(self.kinds.values())
            return {kind: share / total for kind, share in self.kinds.items()}
        return {} if self.kind is None else {self.kind: 1.0}

    @model_validator(mode="after")
    def _one_or_several(self) -> JudgeSpec:
        if self.kind is not None and self.kinds is not None:
            words = {"kind": self.kind, AT: "kinds"}
            raise PydanticCustomError(
                "kinds", "there is `kind: {kind}` as well; leave out one of them", words
            )
        return self


class RewardModelSpec(Part):
    """How judgments are distilled."""

    network: PluginSpec = PluginSpec(use="mlp")
    ensemble: Count = Field(default=3, ge=1, le=64)
    sees: Sights = ("outcome", "advice")
    learning_rate: Number = Field(default=1e-3, gt=0)
    weight_decay: Number = Field(default=1e-4, ge=0)
    batch: Count = Field(default=256, ge=1)
    epochs: Count = Field(default=60, ge=1)
    patience: Count = Field(default=8, ge=1)
    held_out: Number = Field(default=0.1, gt=0, lt=1)
    mistakes: Number = Field(default=0.1, ge=0, lt=1)
    """Share of all answers but ratings taken to be given at random, however clear the case."""
    ties: Number = Field(default=0.0, ge=0, exclude_if=is_zero)
    """How many times likelier than either answer a tie is between equals (Davidson 1970); 0 counts a
    tie as half of either answer, which is the limit."""
    caution: Number = Field(default=0.0, ge=0, exclude_if=is_zero)
    """How many deviations of the members are taken off the reward that an agent improves on."""


class AnswersSpec(Part):
    """What a node's parents hear instead of its agent: a helper that is ideal, or wrong on purpose."""

    ideal: bool = False
    """Perfect answers, which its task must be able to compute: its own agent is not asked."""
    wrong: Number = Field(default=0.0, ge=0, le=1)
    """Share of the parts of the answers that are replaced; see `corrupting.corrupt`."""


class BudgetSpec(Part):
    """Hard limits over all rounds of a node; None is no limit."""

    judgments: Count = Field(default=500, ge=1)
    looks: Count | None = Field(default=None, ge=1)
    steps: Count = Field(default=100_000, ge=1)
    """Environment steps of collecting and improving; collecting takes at most half of a round's share
    where episodes must be run, and improving what is left."""
    rounds: Count = Field(default=1, ge=1)
    optimiser_steps: Count | None = Field(default=None, ge=1)
    cpu_seconds: Seconds | None = Field(default=None, gt=0)


class GateSpec(Part):
    """The accuracy a node must show before its parents start (Wald's sequential test)."""

    reject: Number = Field(default=0.75, gt=0, lt=1, description="H0: accuracy is at most this")
    accept: Number = Field(default=0.85, gt=0, lt=1, description="H1: accuracy is at least this")
    alpha: Number = Field(default=0.05, gt=0, lt=0.5)
    beta: Number = Field(default=0.1, gt=0, lt=0.5)
    judgments: Count = Field(default=300, ge=1)
    on_miss: Literal["more", "stop", "warn"] = "warn"


class ResourcesSpec(Part):
    """What one attempt needs of its machine."""

    cpu: Count = Field(default=1, ge=1)
    gpu: Count = Field(default=0, ge=0)
    memory: Size = Field(default=2_000_000_000, ge=1, description="bytes")
    queue: str | None = None


class NodeSpec(Part):
    """One node: a task, who judges it with whose help, and how it is learned."""

    doc: str = Field(min_length=1)
    task: PluginSpec
    criteria: Mapping[Name, CriterionSpec] = Field(min_length=1)
    judge: JudgeSpec
    help: Help = "trained"
    answers: AnswersSpec | None = Field(default=None, exclude_if=is_none)
    """What its parents hear of it, for counterfactual trees; its own training stays as it is."""
    reward_model: RewardModelSpec = RewardModelSpec()
    agent: PluginSpec = PluginSpec(use="greedy")
    budget: BudgetSpec = BudgetSpec()
    gate: GateSpec | None = None
    resources: ResourcesSpec = ResourcesSpec()
    arms: Mapping[Name, Mapping[str, Any]] = Field(default_factory=dict)
    """Each arm's edits; apply them with `edit_node`."""

    @field_validator("arms", mode="before")
    @classmethod
    def _name_arms(cls, value: object) -> object:
        if isinstance(value, list | tuple):
            value = dict.fromkeys(_each_once(tuple(map(str, value))))
        if not isinstance(value, Mapping):
            raise PydanticCustomError("arms", "must be a list of standard arms, or a mapping of arms")
        return {name: _standard_arm(str(name)) if edits is None else edits for name, edits in value.items()}

    @property
    def answers_ideally(self) -> bool:
        """Whether its parents hear perfect answers, and not its agent's."""
        return self.answers is not None and self.answers.ideal

    @property
    def helpers(self) -> tuple[str, ...]:
        """Every helper of any criterion, once, in the order written."""
        named = (name for criterion in self.criteria.values() for name in criterion.helpers)
        return tuple(dict.fromkeys(named))

    @property
    def shows_advice(self) -> bool:
        """Whether there are helpers, and its judge sees what they say."""
        return bool(self.helpers) and "advice" in self.judge.sees


def _standard_arm(name: str) -> Mapping[str, Any]:
    if name not in STANDARD_ARMS:
        words = {"name": name, "suggestion": suggest(name, STANDARD_ARMS), AT: name}
        raise PydanticCustomError("arm", "no standard arm is named '{name}'{suggestion}", words)
    return STANDARD_ARMS[name]


def edit_node(node: NodeSpec, edits: Mapping[str, Any]) -> NodeSpec:
    """The node with edits merged in, such as those of an arm, validated again.

    Raises:
        SpecMistakes: if the result is not a node.
    """
    edited, complaints = try_edit(node, edits)
    if edited is None:
        raise SpecMistakes(Mistake(complaint.path, complaint.message) for complaint in complaints)
    return edited


def try_edit(node: NodeSpec, edits: Mapping[str, Any]) -> tuple[NodeSpec | None, list[Complaint]]:
    """The same, or None and what is wrong with it."""
    if "arms" in edits:
        return None, [Complaint(("arms",), "an arm has no arms of its own", on_key=True)]
    return validate(NodeSpec, merge(node.model_dump(by_alias=True), edits))
