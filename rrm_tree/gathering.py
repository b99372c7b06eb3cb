"""A round's new judgments, of every kind that its node asks for, within what the round may spend.

In: what the node is trained from, its stations, the rounds so far. Out: a Gathered.
Touches the task's environments and whom its judges touch; randomness derives from the fingerprint.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from rrm_tree.collecting import Collector
from rrm_tree.contracts import Imaginable, Noted, Taped
from rrm_tree.errors import TrainingError
from rrm_tree.learning.rollouts import UNLIMITED
from rrm_tree.measure import Actor
from rrm_tree.outcomes import Judged, join_judged
from rrm_tree.posing import hear, pose, replay
from rrm_tree.purse import Purse, Spent, left_for, share_by, share_out
from rrm_tree.rounds import RoundState, Setup
from rrm_tree.station import Station


@dataclass(frozen=True)
class Gathered:
    """A round's new judgments."""

    judged: tuple[Judged, ...]
    """One of each kind that is asked for; the first is the node's own."""
    steps: int
    """Environment steps that collecting has executed."""
    notes: tuple[str, ...]


def gather(
    setup: Setup,
    stations: Sequence[Station],
    done: Sequence[RoundState],
    agents: Sequence[Actor],
    spent: Spent,
) -> Gathered:
    """This round's judgments, and what they took.

    Args:
        setup: what the node is trained from.
        stations: the node's, one for each kind of judgment, the first its own.
        done: the rounds so far.
        agents: their newest snapshots, the last of which acts; the task's proposals without any.
        spent: by the rounds so far.

    Raises:
        TrainingError: the budget is too small for a single judgment.
    """
    round_of = _Round(setup, stations, done, agents, spent)
    gathered = [
        round_of.judgments_of(place, purse)
        for place, purse in enumerate(_purses(setup, stations[0], len(done), spent))
    ]
    task, judged = stations[0].task, tuple(of for one in gathered for of in one.judged)
    # What is to be said of outcomes is said of those that the first kind is about.
    said = task.notes(judged[0].outcomes) if isinstance(task, Noted) else ()
    notes = tuple(note for one in gathered for note in one.notes)
    return Gathered(judged, sum(one.steps for one in gathered), (*notes, *said))


def _purses(setup: Setup, station: Station, index: int, spent: Spent) -> list[Purse]:
    """What every kind of judgment may spend in this round: its share of what the round may."""
    left, shares = left_for(setup, index, spent), list(station.kinds.values())
    collecting = share_out(setup.node.budget, setup.node.judge.schedule, index).collecting
    imagines = isinstance(station.task, Imaginable)
    amounts = (share_by(amount, shares) for amount in (left.judgments, left.looks, left.steps))
    return [
        Purse(judgments, looks, steps, imagines=imagines, collecting=collecting)
        for judgments, looks, steps in zip(*amounts, strict=True)
    ]


@dataclass(frozen=True)
class _Round:
    """Where a node stands when it gathers; the fields are the arguments of `gather`."""

    setup: Setup
    stations: Sequence[Station]
    done: Sequence[RoundState]
    agents: Sequence[Actor]
    spent: Spent

    @property
    def index(self) -> int:
        """Which round this is, from 0."""
        return len(self.done)

    def judgments_of(self, place: int, purse: Purse) -> Gathered:
        """Judgments of one kind, as many as its purse pays for."""
        station = self.stations[place]
        if isinstance(station.line.judge, Taped):
            judged = self._replayed(place, station.line.judge)
            return Gathered((self._ask_people(place, judged, self.setup.rng(self.index, "people")),), 0, ())
        rng = self.setup.rng(self.index, "collect" if place == 0 else f"collect {station.kind}")
        batches = self._asked(station, purse, rng)
        if not batches:
            spent = self.spent
            raise TrainingError(
                f"{self.setup.entry}: round {self.index + 1} can pay for no judgment, with"
                f" {spent.judgments:,} judgments, {spent.looks:,} looks, {spent.steps + purse.steps:,}"
                " environment steps spent; raise budget.judgments, budget.looks or budget.steps, or ask for"
                " fewer rounds"
            )
        judged = self._ask_people(place, join_judged(batches), rng)
        return Gathered((judged,), purse.steps, purse.notes())

    def _asked(self, station: Station, purse: Purse, rng: Generator) -> list[Judged]:
        """What is collected and judged, batch by batch, until the purse is empty."""
        act = self.agents[-1].act if self.agents else station.propose
        scorer = station.scorer(self.done[-1].reward) if self.agents and station.chooses else None
        collector = Collector(station, act, rng, scorer)
        of = f"/{purse.judgments}" if purse.judgments < UNLIMITED else ""
        batches: list[Judged] = []
        while count := purse.items():
            self.setup.tell(f"judging {purse.asked}{of}")
            limit = purse.steps_left
            if station.windowed:
                new = collector.collect_windows(count, per_episode=purse.per_episode, limit=limit)
            else:
                new = collector.collect(count, "judge", limit=limit)
            purse.pay_steps(new)
            if not len(new.items):
                break
            # A subject's items come together: the last of them may be one too many.
            items = new.items.take(np.arange(min(len(new.items), purse.judgments - purse.asked)))
            batch = station.ask(new.outcomes, items, rng, purse.looks)
            if len(batch.items):
                batches.append(batch)
            purse.pay(batch)
            if len(batch.items) < len(items):
                break
        return batches

    def _ask_people(self, place: int, drafted: Judged, rng: Generator) -> Judged:
        """The judgments, with what people say of those that are left to them; nobody in line: as they are."""
        station, done = self.stations[place], self.done
        if station.line.people is None:
            return drafted
        number = self.index * len(self.stations) + place
        last = station.scorer(done[-1].reward) if done and done[-1].reward else None
        posed = pose(station, drafted, number, rng, last)
        if not posed.asked:
            return hear(station, drafted, posed, (), rng)
        self.setup.tell("waiting for people")
        return hear(station, drafted, posed, self.setup.people(posed), rng)

    def _replayed(self, place: int, tape: Taped) -> Judged:
        """This round's share of the judgments that there are; nothing is executed for them."""
        budget, station = self.setup.node.budget, self.stations[place]
        most = max(1, int(budget.judgments * list(station.kinds.values())[place]))
        total = min(most, len(tape.judged(station.kind).items))
        start = sum(len(state.judgments[place].items) for state in self.done)
        share = share_out(budget, self.setup.node.judge.schedule, self.index).judgments
        end = math.ceil(total * share)
        if end <= start:
            raise TrainingError(
                f"{self.setup.entry}: round {self.index + 1} has none of the {total:,} judgments in the"
                " file; ask for fewer rounds (budget.rounds)"
            )
        return replay(station, tape, start, end, self.setup.rng(self.index, "replay"))
