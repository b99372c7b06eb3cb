"""What goes into training one node and what each of its rounds leaves behind.

Plain values between whoever trains (`node.py`) and whoever stores; loads no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from rrm_tree.asking import Asking, Given, Question
from rrm_tree.errors import TrainingError
from rrm_tree.measured import NodeMeasurement
from rrm_tree.node_spec import NodeSpec
from rrm_tree.outcomes import Advice, Answers, Array, Arrays, Items, Judged, Outcomes
from rrm_tree.records import Picture, RoundRecord
from rrm_tree.seeding import seed_from
from rrm_tree.spec import TreeSpec


@dataclass(frozen=True)
class Artifacts:
    """What a trained node hands to its parents."""

    agent: Arrays
    reward: Arrays


@dataclass(frozen=True)
class Posed:
    """What a node asks people, in one batch."""

    number: int
    """Of the batch, the same whenever the round is done again."""
    judged: Judged
    """What is shown; nothing of it is answered."""
    asked: tuple[Question, ...]
    asking: Asking


def ask_nobody(posed: Posed) -> tuple[Given, ...]:
    """Refuse: only who can park a node may ask people.

    Raises:
        TrainingError: always.
    """
    raise TrainingError(f"{len(posed.asked):,} questions are for people, and here is nobody to ask")


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
    before: Mapping[str, Artifacts] = field(default_factory=dict)
    """Of the sweep before, by node name: the agents above, and whoever they ask."""
    inherited: int = 0
    """How many rounds are those of the sweep before, from which the node goes on."""
    looks_limit: int | None = None
    """Looks that an arm may spend to cost what the node itself cost; lifts its judgment budget."""
    cpu_used: float = 0.0
    """CPU seconds that earlier attempts have spent."""
    tell: Callable[[str], None] = field(default=lambda phase: None)
    """Called with what is being done: "distilling", "judging 250/500", …"""
    note: Callable[[str, Mapping[str, object]], None] = field(default=lambda kind, facts: None)
    """Called with what is worth knowing at once: a kind of event, and its facts."""
    people: Callable[[Posed], tuple[Given, ...]] = field(default=ask_nobody)
    """Puts questions to people; raises WaitsForPeople until they have answered enough."""

    def seed(self, *purpose: object) -> int:
        """A seed for one purpose: the same whenever and wherever the node is trained."""
        return seed_from(self.fingerprint, *purpose)

    def rng(self, index: int, purpose: str) -> Generator:
        """A generator for one purpose in one round."""
        return np.random.default_rng(self.seed(index, purpose))


@dataclass(frozen=True)
class Measuring:
    """What it took on this machine to measure a round; never part of what must be equal."""

    cpu_seconds: float = 0.0
    steps: int = 0
    """Environment steps executed."""

    def __add__(self, other: Measuring) -> Measuring:
        return Measuring(self.cpu_seconds + other.cpu_seconds, self.steps + other.steps)


@dataclass(frozen=True)
class RoundState:
    """What one round leaves behind: all that the next round, the parents and the report need."""

    index: int
    agent: Arrays
    reward: Arrays
    """Empty where nothing could be learned from the judgments so far."""
    judged: Judged
    """This round's judgments alone, of the kind that the node names first."""
    record: RoundRecord
    pictures: tuple[Picture, ...] = ()
    pairs: NodeMeasurement | None = None
    """Stored beside the round, as it can be measured again: what the record's shares count."""
    beside: tuple[Judged, ...] = ()
    """This round's judgments of other kinds, in the spec's order."""
    measuring: Measuring = Measuring()
    """Not stored: it is handed on to whoever notes the round's cost."""

    def __post_init__(self) -> None:
        # As they come back from the store: sums over another memory layout end in other bits.
        for name in ("agent", "reward"):
            object.__setattr__(self, name, _in_c_order(getattr(self, name)))
        object.__setattr__(self, "judged", _judged_in_c_order(self.judged))
        object.__setattr__(self, "beside", tuple(map(_judged_in_c_order, self.beside)))

    @property
    def judgments(self) -> tuple[Judged, ...]:
        """This round's judgments, one batch of each kind."""
        return self.judged, *self.beside


def _in_c_order(arrays: Arrays) -> dict[str, Array]:
    return {name: np.asarray(values, order="C") for name, values in arrays.items()}


def _judged_in_c_order(judged: Judged) -> Judged:
    items, answers = judged.items, judged.answers
    first, part, criterion = (
        np.asarray(one, order="C") for one in (items.first, items.part, items.criterion)
    )
    second, more, parts = (
        None if one is None else np.asarray(one, order="C") for one in (items.second, items.more, items.parts)
    )
    return Judged(
        Outcomes.from_arrays(_in_c_order(judged.outcomes.arrays())),
        Advice(_in_c_order(judged.advice.values), judged.advice.kinds),
        judged.kind,
        Items(first, second, part, criterion, more, parts),
        Answers(
            np.asarray(answers.values, order="C"),
            np.asarray(answers.looks, order="C"),
            **_in_c_order(answers.notes),
        ),
        judged.judges,
    )
