"""What a judge must offer: answers, and who can, demonstrations, a tape, or answers that come later.

Holds protocols and the small values that cross them; loads neither NumPy nor torch nor gymnasium.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from rrm_tree.contracts.tasks import Task

if TYPE_CHECKING:
    from numpy.random import Generator

    from rrm_tree.asking import Asking
    from rrm_tree.feedback import Kind
    from rrm_tree.outcomes import Advice, Answers, Arrays, Floats, Ints, Items, Judged, Outcomes

MOST_RANKED: Final = 7
"""Alternatives of a ranking: nobody orders more at a glance, and 7! orders can be counted."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is put to a judge, in one batch."""

    task: Task
    kind: str
    questions: tuple[str, ...]
    """The criteria's questions in words; `items.criterion` points into them."""
    outcomes: Outcomes
    advice: Advice
    """Empty where the judge works alone."""
    items: Items
    rng: Generator


class Judge(Protocol):
    """Who gives feedback. `version`, `kinds`, `direct` and `tasks` are read before training."""

    version: str
    kinds: tuple[str, ...]
    """Kinds of judgment it can give; the first is the default."""
    direct: bool
    """Whether it can judge without helpers, and so ground a leaf."""
    tasks: tuple[str, ...] | None
    """Tasks it knows, by registered name; None for any."""

    def answer(self, request: Request) -> Answers:
        """One answer an item, NaN for "cannot tell", with the looks that it took."""


@runtime_checkable
class Demonstrator(Protocol):
    """A judge who can show how it is done."""

    def demonstrate(self, request: Request) -> tuple[Outcomes, Ints]:
        """An episode of its own about the subject of every item, and the looks that each took, [items].

        The items' outcomes are what agents did about the same subjects.
        """


@runtime_checkable
class Deferred(Protocol):
    """A judge whose answers take as long as people take: questions are written down, the node is parked.

    Its `answer` is never called; what comes later is all that is learned from. Declares `deferred = True`.
    """

    asking: Asking
    """How the questions are put."""


@runtime_checkable
class Taped(Protocol):
    """A judge whose judgments are all there, outcomes with them, and who can give no others.

    Its `answer` is called where it is a fallback alone: what it said of the very same questions, NaN for all
    others. Declares `taped = True`.
    """

    def judged(self, kind: Kind) -> Judged:
        """All judgments of a kind, in the order in which they are learned from."""


@runtime_checkable
class Solver(Protocol):
    """A judge of whom it is known how many looks doing the task itself would take."""

    def solve_looks(self, task: Task, subjects: Arrays, rng: Generator) -> Floats:
        """Looks to find a right answer unaided, shape [subjects]."""
