"""What nodes cost people and machines.

In: records. Out: sums. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from rrm_tree.records import NodeResult, Stored


class Effort(Stored):
    """What was spent; gates apart from training."""

    judgments: int = 0
    looks: int = 0
    gate_judgments: int = 0
    gate_looks: int = 0
    steps: int = 0
    optimiser_steps: int = 0
    measure_steps: int = 0
    """Executed by measuring, besides `steps`; no budget pays for them."""
    cpu_seconds: float = 0.0
    measure_cpu_seconds: float = 0.0
    """Of `cpu_seconds`, what measuring took."""
    wall_seconds: float = 0.0
    peak_bytes: int = 0
    """The largest of any round, not a sum."""

    @property
    def all_judgments(self) -> int:
        """Training and gate judgments."""
        return self.judgments + self.gate_judgments

    @property
    def all_looks(self) -> int:
        """Looks at training and gate judgments."""
        return self.looks + self.gate_looks


def sum_effort(node: NodeResult) -> Effort:
    """What all rounds of one entry have spent."""
    gates = [record.gate for record in node.rounds if record.gate is not None]
    facts = node.rounds[-1].facts if node.rounds else None
    return Effort(
        judgments=facts.judgments if facts else 0,
        looks=facts.looks if facts else 0,
        gate_judgments=sum(gate.judgments for gate in gates),
        gate_looks=sum(gate.looks for gate in gates),
        steps=sum(record.steps for record in node.rounds),
        optimiser_steps=sum(record.optimiser_steps for record in node.rounds),
        measure_steps=sum(cost.measure_steps for cost in node.costs),
        cpu_seconds=sum(cost.cpu_seconds for cost in node.costs),
        measure_cpu_seconds=sum(cost.measure_cpu_seconds for cost in node.costs),
        wall_seconds=sum(cost.wall_seconds for cost in node.costs),
        peak_bytes=max((cost.peak_bytes for cost in node.costs), default=0),
    )


def add_effort(parts: Iterable[Effort]) -> Effort:
    """Efforts together; the peak is the largest."""
    parts = list(parts)
    summed = {
        name: sum(getattr(part, name) for part in parts)
        for name in Effort.model_fields
        if name != "peak_bytes"
    }
    return Effort(**summed, peak_bytes=max((part.peak_bytes for part in parts), default=0))
