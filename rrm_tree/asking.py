"""What is put to people, what they answer and how far they are, as plain values.

In: numbers and short text. Out: the same, checked.
Touches nothing. `desk` keeps these in the ledger.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rrm_tree.errors import UsageError
from rrm_tree.feedback import DEMONSTRATED, MOST_MOVES, REASONS, Kind

MOST_LETTERS = 64
"""Of a person's name."""

BY_PEOPLE: tuple[Kind, ...] = (
    "preference",
    "label",
    "rating",
    "best",
    "ranking",
    "correction",
    "critique",
    "demonstration",
    "goal",
)
"""Kinds that people can be asked for."""

SHOWN = 0.0
"""The answer of who has shown something: it is the first alternative, which is the chosen one."""

Order: TypeAlias = Literal["random", "unsure"]
"""What is asked first: no matter what, or what the reward model is least sure about."""

Received: TypeAlias = Literal["given", "amended"]


@dataclass(frozen=True, slots=True)
class Asking:
    """How a node puts its questions to people."""

    overlap: float = 1.0
    """Share of the questions that go to as many people as `judge.overlap` says."""
    hidden: float = 0.0
    """Share of the questions that are shown without advice, to find out what the advice is worth."""
    gold: float = 0.0
    """Share of the questions that the first fallback judge answers as well, to compare people with."""
    order: Order = "random"
    quota: int | None = None
    """Answers that one person may give to the node; None: any number."""
    patience: float | None = None
    """Seconds after which the node goes on with the answers that there are; None: it waits."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one key asks at once; its items lie in the store as `Store.pending(key, number)`."""

    key: str
    number: int
    """From 0, in the order in which the key asks."""
    run: str
    entry: str
    kind: Kind
    alternatives: int
    """Outcomes that each item shows."""
    quota: int | None = None
    """Answers that one person may give to the key; None: any number."""
    gold: float = 0.0
    """Of how much of what somebody is asked the answer is known; for who comes when others have answered."""
    patience: float | None = None
    """Seconds after which the batch goes on with the answers that there are; None: it waits."""


@dataclass(frozen=True, slots=True)
class Question:
    """One item of a batch, as it is put."""

    item: int
    """Row of the item in the batch."""
    place: int
    """Lower ones are asked first."""
    wanted: int = 1
    """By how many people."""
    gold: float | None = None
    """What somebody says who is trusted; None: it is not known."""
    hidden: bool = False
    """Whether it is shown without advice."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that somebody holds."""

    id: str
    """Cannot be guessed."""
    key: str
    batch: int
    run: str
    entry: str
    kind: Kind
    alternatives: int
    item: int
    hidden: bool
    swapped: bool
    """Whether the second of two outcomes is to be shown first."""
    value: float | None
    """What the person had answered, where that was undone."""
    moves: tuple[int, ...] | None = None
    """And what the person had done, where it was shown."""

    def turn(self, value: float | None) -> float | None:
        """A preference for what is shown first (1) as one for the first outcome, or back; others stay."""
        return value if value is None or not self.swapped or self.kind != "preference" else 1.0 - value


@dataclass(frozen=True, slots=True)
class Said:
    """What a person answers."""

    value: float | None
    """As the kind says, of the outcomes as the item names them (`Asked.turn`); None: cannot tell."""
    confidence: int | None = None
    """1 to 3."""
    reason: int | None = None
    """Why the person cannot tell, a place in `feedback.REASONS`."""
    seconds: float | None = None
    """How long it took."""
    moves: tuple[int, ...] | None = None
    """What is done, of demonstrations and goals: places of actions in their list (`steering.follow`)."""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it is kept."""

    question: str
    item: int
    person: str
    number: int
    """Of the person, from 0: who first took a question of this key."""
    value: float | None
    reason: int | None
    confidence: int | None
    seconds: float | None
    at: float
    swapped: bool
    hidden: bool
    gold: float | None
    amended: Said | None = None
    moves: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a key's open batch is."""

    key: str
    run: str
    entry: str
    batch: int
    kind: Kind
    questions: int
    open: int
    """Questions that lack answers."""
    wanted: int
    """Answers that are wanted of all questions."""
    given: int
    """Of those."""
    leased: int
    """Questions that somebody looks at now."""
    waited: float
    """Seconds since it was put."""


@dataclass(frozen=True, slots=True)
class PersonProgress:
    """What one person has done for some keys."""

    person: str
    given: int
    told: int
    leased: int
    seconds: float | None
    """Mean of those that are known."""
    compared: int
    """Answers of others to the same questions, of those that say something."""
    agreed: int
    """How many of these are the same."""
    gold: int
    """Questions answered whose answer is known."""
    gold_right: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How long people took for answers of one kind at one entry."""

    entry: str
    kind: Kind
    answers: int
    seconds: float
    """Mean of those that are known; whoever left the page open counts for minutes, not for hours."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of people, by whom it is answered and how fast."""

    questions: tuple[Progress, ...]
    people: tuple[PersonProgress, ...]
    paces: tuple[Pace, ...]

    def seconds_left(self, one: Progress) -> float | None:
        """What one person would take for the rest of a batch; None before anybody has answered anything.

        At the pace at this entry; before there is one, that of the same kind elsewhere; then of all.
        """
        alike = [pace for pace in self.paces if pace.kind == one.kind]
        here = [pace for pace in alike if pace.entry == one.entry]
        known = here or alike or self.paces
        answers = sum(pace.answers for pace in known)
        if not answers:
            return None
        return (one.wanted - one.given) * sum(pace.seconds * pace.answers for pace in known) / answers

    @property
    def all_seconds_left(self) -> float | None:
        """The same for all that is asked."""
        each = [self.seconds_left(one) for one in self.questions if one.wanted > one.given]
        known = [seconds for seconds in each if seconds is not None]
        return sum(known) if known else None


def check_name(person: str) -> str:
    """A person's name as it is kept.

    Raises:
        UsageError: it is empty, too long, or holds what cannot be printed.
    """
    name = person.strip()
    if not name or len(name) > MOST_LETTERS or not name.isprintable():
        raise UsageError(f"a person's name has 1 to {MOST_LETTERS} printable letters")
    return name


def check_said(said: Said, kind: str, alternatives: int) -> None:
    """Nothing, where this can be an answer to a question of this kind.

    Raises:
        UsageError: it cannot.
    """
    value = said.value
    if value is not None and not _is_answer(value, kind, alternatives):
        raise UsageError(f"{value:g} answers no {kind} of {alternatives}")
    if (said.moves is not None) != (kind in DEMONSTRATED and value is not None):
        raise UsageError(f"a {kind} is " + ("no" if said.moves else "its") + " moves")
    if said.moves is not None and not (0 < len(said.moves) <= MOST_MOVES and min(said.moves) >= 0):
        raise UsageError(f"moves are 1 to {MOST_MOVES:,} numbers from 0")
    if said.confidence is not None and said.confidence not in (1, 2, 3):
        raise UsageError("confidence is 1, 2 or 3")
    if said.reason is not None and (value is not None or not 0 <= said.reason < len(REASONS)):
        raise UsageError(f"a reason is a number below {len(REASONS)}, given with no answer alone")
    if said.seconds is not None and not (math.isfinite(said.seconds) and said.seconds >= 0):
        raise UsageError("seconds are a number from 0")


def _is_answer(value: float, kind: str, alternatives: int) -> bool:
    if kind in ("label", "preference"):
        return value in ((0.0, 1.0) if kind == "label" else (0.0, 0.5, 1.0))
    if kind == "rating":
        return math.isfinite(value)
    if kind in DEMONSTRATED:
        return value == SHOWN
    answers_there_are = math.factorial(alternatives) if kind == "ranking" else alternatives
    return value.is_integer() and 0 <= value < answers_there_are


def sum_up(person: str, given: Sequence[Given], leased: int) -> PersonProgress:
    """What one person has done, out of the answers of everybody."""
    mine = [one for one in given if one.person == person]
    told = [one for one in mine if one.value is not None]
    others: dict[str, list[float]] = {}
    for one in given:
        # Two who show something have not said the same.
        if one.person != person and one.value is not None and one.moves is None:
            others.setdefault(one.question, []).append(one.value)
    compared = [(one.value, value) for one in told for value in others.get(one.question, ())]
    known = [one for one in told if one.gold is not None]
    times = [one.seconds for one in mine if one.seconds is not None]
    return PersonProgress(
        person=person,
        given=len(mine),
        told=len(told),
        leased=leased,
        seconds=sum(times) / len(times) if times else None,
        compared=len(compared),
        agreed=sum(one == other for one, other in compared),
        gold=len(known),
        gold_right=sum(one.value == one.gold for one in known),
    )
