"""Collecting outcomes that a judge may be asked about.

In: a station, how to act, a generator. Out: a Collected: outcomes, items about them, what they took.
Touches no disk and no ledger: the task's environments alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.random import Generator

from rrm_tree.choosing import (
    POOL_OF_WINDOWS,
    ask_every_criterion,
    choose_items,
    choose_windows,
    draw_items,
    draw_windowed,
    repeat_items,
)
from rrm_tree.contracts import Correctable, Segmented, Split
from rrm_tree.learning.kinds import BY_STEP
from rrm_tree.learning.rollouts import UNLIMITED, Act, rollout
from rrm_tree.learning.windows import place_windows
from rrm_tree.outcomes import Arrays, Items, Outcomes, join_outcomes, take_rows, take_steps
from rrm_tree.scoring import Scorer
from rrm_tree.station import Station

POOL = 4
"""Outcomes without parts collected for each that the reward model chooses to have judged: all must be run."""


@dataclass(frozen=True)
class Collected:
    """Outcomes, and what a judge may be asked about them."""

    outcomes: Outcomes
    items: Items
    steps: int
    """Environment steps executed."""
    episodes: int
    longest: int
    """Steps of the longest episode."""
    short: int
    """Episodes shorter than a segment."""

    @property
    def dearest_item(self) -> float:
        """Steps that an item takes if all episodes are as long as the longest one."""
        return self.longest * self.episodes / len(self.items)

    @property
    def items_per_episode(self) -> float:
        """Items that an episode has yielded."""
        return len(self.items) / self.episodes


@dataclass(frozen=True)
class Collector:
    """Gathers outcomes at a station by one way of acting, and items about them."""

    station: Station
    act: Act
    rng: Generator
    """What everything is drawn from."""
    scorer: Scorer | None = None
    """Collect more items, and choose by what it expects of them; None: as many as are asked for."""

    def collect(self, count: int, split: Split, *, explore: bool = True, limit: int = UNLIMITED) -> Collected:
        """Outcomes for about `count` items, or as many as the steps pay for, and the items.

        A preference compares two outcomes about the same subject; a label or a rating takes up
        `judge.parts_per_outcome` random parts of each outcome, once for every criterion; a critique of
        parts as many groups of them. A scorer chooses from all parts of as many outcomes, or of
        `judge.pool` times as many outcomes where they have no parts; of corrections and critiques, from
        `judge.pool` times as many steps of as many episodes.

        Args:
            count: items.
            split: where subjects come from.
            explore: passed on to `act`.
            limit: environment steps that may be executed. Episodes that it cuts short are left out.
        """
        station, rng, task = self.station, self.rng, self.station.task
        dissects = station.kind in BY_STEP and not station.among_parts
        wanted = max(1, count // len(station.questions))
        each = min(station.node.judge.parts_per_outcome, station.most_each)
        if station.line.overlap > 1:
            wanted = max(1, int(wanted / station.line.answers_each))
        subjects = math.ceil(wanted / each)
        if self.scorer is not None:
            of_steps = dissects and station.kind != "goal"
            pool = 1 if task.parts > 1 or of_steps else station.node.judge.pool or POOL
            each = station.node.judge.pool or POOL_OF_WINDOWS if of_steps else station.most_each
            subjects = subjects * pool
            wanted = subjects * each
        about = station.team.subjects(station.name, subjects, split, rng)
        every, steps = self._act_again(about, explore=explore, limit=limit)
        whole, kept = join_outcomes(every), len(every[0])
        if dissects:
            outcomes, items = self._dissect(whole, each, min(wanted, kept * each))
        else:
            outcomes = station.cut(whole, rng)
            items = draw_items(station, kept, each, min(wanted, kept * each), rng)
        longest = int(whole.lengths.max(initial=0))
        in_windows = isinstance(task, Segmented) and task.segment is not None
        short = int((outcomes.lengths < outcomes.actions.shape[1]).sum()) if in_windows else 0
        if self.scorer is not None and len(items):
            most = max(1, int(count / station.line.answers_each))
            outcomes, items = choose_items(station, outcomes, items, most, self.scorer, rng)
        items = repeat_items(station, items, rng)
        return Collected(outcomes, items, steps, len(whole), longest, short)

    def collect_windows(
        self, count: int, *, per_episode: float | None = None, limit: int = UNLIMITED
    ) -> Collected:
        """Windows of episodes and items about them: about `count` or, at first, all of two episodes.

        An episode gives `judge.windows_per_episode` windows; a preference compares any two of all,
        whichever episodes they are from, and each window stands in one pair. A scorer chooses as many
        items from `judge.pool` times as many.

        Args:
            count: items.
            per_episode: items that an episode yields; None if that is not known yet.
            limit: environment steps that may be executed. Episodes that it cuts short are left out.
        """
        station, rng, task = self.station, self.rng, cast(Segmented, self.station.task)
        segment, each = cast(int, task.segment), station.node.judge.windows_per_episode
        least = 2 if station.kind == "preference" else 1
        runs = max(least, math.ceil(count / per_episode)) if per_episode else least
        about = station.team.subjects(station.name, runs, "judge", rng)
        done = rollout(station.task, self.act, about, rng, explore=True, limit=limit)
        executed = done.outcomes.take(np.flatnonzero(done.whole))
        episodes = task.whole(executed)
        windows = place_windows(task.last_start(episodes), segment, each, rng)
        items = draw_windowed(station, windows, rng)
        if self.scorer is not None and len(items):
            windows, items = choose_windows(station, episodes, len(items), self.scorer, rng)
        items = repeat_items(station, items, rng)
        pieces = task.windows(episodes, windows.rows, windows.starts)
        outcomes = station.located(pieces, episodes, windows.rows, windows.starts)
        longest = int(executed.lengths.max(initial=0))
        short = int((episodes.lengths < segment).sum())
        return Collected(outcomes, items, done.steps, len(executed), longest, short)

    def _act_again(self, about: Arrays, *, explore: bool, limit: int) -> tuple[list[Outcomes], int]:
        """As many batches of outcomes as an item is about, row by row about the same subjects; the steps.

        Subjects about which the steps do not pay for all outcomes are left out.
        """
        task, ends, act, rng = self.station.task, self.station.ends, self.act, self.rng
        # Two episodes take about as many steps as each other.
        first = rollout(task, act, about, rng, explore=explore, limit=max(1, limit // ends))
        kept, steps, every = np.flatnonzero(first.whole), first.steps, [first.outcomes]
        every[0] = every[0].take(kept)
        for done in range(1, ends):
            if not len(kept) or steps >= limit:
                return [batch.take(kept[:0]) for batch in every], steps
            left = max(1, (limit - steps) // (ends - done))
            again = rollout(task, act, take_rows(about, kept), rng, explore=True, limit=left)
            finished = np.flatnonzero(again.whole)
            steps, kept = steps + again.steps, kept[finished]
            every = [batch.take(finished) for batch in (*every, again.outcomes)]
        return every, steps

    def _dissect(self, whole: Outcomes, each: int, wanted: int) -> tuple[Outcomes, Items]:
        """Items about single steps of episodes, `each` of an episode, and those steps as outcomes.

        A correction is about all actions at one step; a critique about several steps of one episode; a
        goal about the ends of episodes, to which the judge adds its own.
        """
        station, rng = self.station, self.rng
        episodes = cast(Segmented, station.task).whole(whole)
        lengths = episodes.lengths
        if station.kind == "goal":
            ends = take_steps(episodes, np.arange(len(episodes)), lengths - 1)
            return ends, draw_items(station, len(ends) // station.ends, 1, wanted, rng)
        if station.kind == "correction":
            rows = np.repeat(np.arange(len(episodes)), each)
            acted = take_steps(episodes, rows, rng.integers(0, lengths[rows]))
            outcomes = cast(Correctable, station.task).instead(acted)
            several = len(outcomes) // max(1, len(acted))
        else:
            several = station.several
            rows = np.repeat(np.flatnonzero(lengths >= several), each)
            order = rng.random((len(rows), episodes.actions.shape[1]))
            order[~episodes.mask[rows]] = 2.0
            times = np.sort(order.argsort(axis=1)[:, :several], axis=1)
            rows, starts = np.repeat(rows, several), times.ravel()
            outcomes = station.located(take_steps(episodes, rows, starts), episodes, rows, starts)
        alternatives = np.arange(len(outcomes)).reshape(-1, several)[:wanted]
        parts = np.zeros(len(alternatives), np.int64)
        return outcomes, ask_every_criterion(station, alternatives, parts)
