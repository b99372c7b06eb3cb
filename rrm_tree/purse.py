"""What one round may spend on collecting and judging.

In: a budget and the rounds so far, then whatever is collected and judged. Out: how much to ask for
next, and what the budget did not pay for, in words.
Touches nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from rrm_tree.collecting import Collected
from rrm_tree.learning.rollouts import UNLIMITED
from rrm_tree.node_spec import BudgetSpec, ScheduleSpec
from rrm_tree.outcomes import Judged
from rrm_tree.rounds import RoundState, Setup

ASKED_AT_ONCE = 1024
"""Items put to the judge in one batch; the budget of looks is checked after each."""


HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Spent:
    """What a node has used up of its budget."""

    judgments: int
    looks: int
    steps: int
    optimiser_steps: int

    @classmethod
    def over(cls, done: Sequence[RoundState]) -> Spent:
        """All rounds so far; judgments in a record count from the first round on."""
        facts = done[-1].record.facts if done else None
        gates = sum(state.record.gate.looks for state in done if state.record.gate)
        return cls(
            facts.judgments if facts else 0,
            (facts.looks if facts else 0) + gates,
            sum(state.record.steps for state in done),
            sum(state.record.optimiser_steps for state in done),
        )


@dataclass(frozen=True)
class Left:
    """What a round may spend: its share of the budget, and what earlier rounds have left over."""

    judgments: int
    looks: int
    steps: int


def left_for(setup: Setup, index: int, spent: Spent) -> Left:
    """What a round may spend, given what the rounds before it have."""
    budget, limit = setup.node.budget, setup.looks_limit
    share = share_out(budget, setup.node.judge.schedule, index)
    allowed = math.ceil(budget.judgments * share.judgments)
    judgments = UNLIMITED if limit is not None else allowed - spent.judgments
    limits = [given for given in (limit, budget.looks) if given is not None]
    looks = math.ceil(min(limits) * share.judgments) - spent.looks if limits else UNLIMITED
    return Left(judgments, looks, math.ceil(budget.steps * share.steps) - spent.steps)


def share_by(amount: int, shares: Sequence[float]) -> list[int]:
    """An amount by shares that sum to 1: at least 1 for each but the first, which gets what is left."""
    if amount >= UNLIMITED:
        return [amount] * len(shares)
    others = [max(1, int(amount * share)) for share in shares[1:]]
    return [amount - sum(others), *others]


@dataclass(frozen=True)
class Allowance:
    """Shares of a node's whole budget that may be spent up to the end of a round, earlier rounds included."""

    judgments: Fraction | float
    """Of judgments and looks."""
    steps: Fraction | float
    collecting: Fraction
    """Which part of this round's steps collecting may take where episodes must be run."""


def share_out(budget: BudgetSpec, schedule: ScheduleSpec | None, index: int) -> Allowance:
    """What the first rounds up to this one may spend together; all of it at the last.

    Half of all steps is for collecting: those follow the judgments, the others are shared evenly.
    """
    even = min(1.0, (index + 1) / budget.rounds)
    if schedule is None:
        return Allowance(even, even, HALF)
    exactly = [min(Fraction(1), Fraction(done, budget.rounds)) for done in (index, index + 1)]
    asked = [_scheduled(schedule, budget.rounds, done) for done in (index, index + 1)]
    more, more_evenly = asked[1] - asked[0], exactly[1] - exactly[0]
    part = more / (more + more_evenly) if more_evenly else HALF
    return Allowance(asked[1], (asked[1] + exactly[1]) / 2, part)


def _scheduled(schedule: ScheduleSpec, rounds: int, done: int) -> Fraction:
    """Share of the judgments that so many rounds may ask for.

    A share first, as in Christiano et al., "Deep reinforcement learning from human preferences"
    (2017), A.1; then evenly, or in proportion to 1/(1 + t) while t goes from 0 to 1.
    """
    if done == 0 or done >= rounds:
        return Fraction(min(done, 1))
    first, later = Fraction(str(schedule.first)), rounds - 1
    falls = schedule.then == "hyperbolic"
    parts = [1 / (1 + Fraction(place if falls else 0, max(1, later - 1))) for place in range(later)]
    return first + (1 - first) * sum(parts[: done - 1]) / sum(parts)


@dataclass
class Purse:
    """What one round may spend on collecting and judging, and what it has spent."""

    judgments: int
    looks: int
    """Still left."""
    may_execute: int
    imagines: bool
    """Whether outcomes are imagined: then improving executes nothing, and every episode is one step."""
    collecting: Fraction = HALF
    """Part of the steps that collecting may take where episodes must be run; the rest is for improving."""
    asked: int = 0
    steps: int = 0
    dearest_item: float | None = None
    per_episode: float | None = None
    """Items that an episode yields; None before the first."""
    short: int = 0
    collected: int = 0
    lacks_steps: bool = False

    def __post_init__(self) -> None:
        if not self.imagines:
            self.may_execute = math.ceil(self.may_execute * self.collecting)

    @property
    def steps_left(self) -> int:
        """Environment steps that collecting may still execute."""
        return self.may_execute - self.steps

    def items(self) -> int:
        """How many items to collect next; 0 where there is nothing left to pay with.

        Episodes that the steps cut short would be lost, so only as many as can be run to their
        end if all take twice as long as the longest so far; of the first nothing is known.
        """
        wanted = min(self.judgments - self.asked, ASKED_AT_ONCE)
        self.lacks_steps = wanted > 0 and self.looks > 0 and self.steps_left <= 0
        if wanted <= 0 or self.looks <= 0 or self.steps_left <= 0:
            return 0
        if self.imagines:
            return wanted
        return min(wanted, max(1, int(self.steps_left / (2 * self.dearest_item)))) if self.dearest_item else 1

    def pay_steps(self, new: Collected) -> None:
        """Take note of what was collected."""
        self.steps += new.steps
        self.short, self.collected = self.short + new.short, self.collected + new.episodes
        self.lacks_steps = not len(new.items)
        if len(new.items):
            self.dearest_item = max(self.dearest_item or 0.0, new.dearest_item)
            self.per_episode = new.items_per_episode

    def pay(self, batch: Judged) -> None:
        """Take note of what was judged."""
        self.asked += len(batch.items)
        self.looks -= int(batch.answers.looks.sum())

    def notes(self) -> tuple[str, ...]:
        """What to say in the round's record."""
        notes = []
        if self.lacks_steps:
            of = f" of {self.judgments:,}" if self.judgments < UNLIMITED else ""
            notes.append(
                f"{self.steps:,} environment steps paid for {self.asked:,}{of} judgments; raise budget.steps"
            )
        if self.short:
            notes.append(
                f"{self.short:,} of {self.collected:,} episodes are shorter than a segment; they are padded,"
                " and the padding is masked, but a judge can tell them by their length: shorten the segment"
            )
        return tuple(notes)
