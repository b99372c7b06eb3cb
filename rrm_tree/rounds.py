"""What goes into training one node and what each of its rounds leaves behind.

Plain values between whoever trains (`node.py`) and whoever stores; loads no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rrm_tree.outcomes import Arrays, Judged
from rrm_tree.records import Picture, RoundRecord
from rrm_tree.spec import NodeSpec, TreeSpec


@dataclass(frozen=True)
class Artifacts:
    """What a trained node hands to its parents."""

    agent: Arrays
    reward: Arrays


@dataclass(frozen=True)
class Setup:
    """Everything that one node needs to train; nothing else reaches it."""

    tree: TreeSpec
    entry: str
    """The node's name, or `player~alone` for an arm of it."""
    node: NodeSpec
    """The node's own spec, an arm's edits merged in."""
    key: str
    fingerprint: str
    artifacts: Mapping[str, Artifacts]
    """Of every descendant that the node or its helpers ask, by node name."""
    looks_limit: int | None = None
    """Looks that an arm may spend to cost what the node itself cost; lifts its judgment budget."""
    cpu_used: float = 0.0
    """CPU seconds that earlier attempts have spent."""
    tell: Callable[[str], None] = field(default=lambda phase: None)
    """Called with what is being done: "distilling", "judging 250/500", …"""


@dataclass(frozen=True)
class RoundState:
    """What one round leaves behind: all that the next round, the parents and the report need."""

    index: int
    agent: Arrays
    reward: Arrays
    """Empty where nothing could be learned from the judgments so far."""
    judged: Judged
    """This round's judgments alone."""
    record: RoundRecord
    pictures: tuple[Picture, ...] = ()
