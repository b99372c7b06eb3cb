"""Held-out outcomes of one node, alone and in pairs, on which everything is measured.

In: a node's station, who acts. Out: outcomes, pairs that differ in truth.
Reads truth, as only this package does; nothing here flows back into training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from rrm_tree.contracts import (
    Agent,
    Factorised,
    Imaginable,
    Listed,
    Measurable,
    Problem,
    Ruled,
    Segmented,
    Task,
)
from rrm_tree.learning.best_action import Greedy
from rrm_tree.learning.rollouts import Act, rollout
from rrm_tree.measured import PROPOSAL
from rrm_tree.outcomes import Arrays, Floats, Ints, Outcomes, count_rows, join_outcomes, take_rows
from rrm_tree.records import Mean
from rrm_tree.scoring import Scorer
from rrm_tree.spec import MeasureSpec
from rrm_tree.station import Station
from rrm_tree.team import Drawn

DRAWS = 12
"""Proposals drawn about one subject until two differ in truth."""


@dataclass(frozen=True)
class Actor:
    """A way of acting, and whose it is."""

    act: Act
    by: int
    """The round whose agent it is; `PROPOSAL` for what the node did before anything was trained."""


@dataclass(frozen=True)
class Pairs:
    """Two outcomes about each of many subjects, and the part in which they are compared."""

    first: Outcomes
    second: Outcomes
    part: Ints
    first_truth: Floats
    second_truth: Floats
    first_by: Ints
    second_by: Ints
    subject: Ints
    """Which of the subjects drawn."""
    root: Ints
    """Which of the root's starting states that subject goes back to."""
    ties: int
    """Subjects about which no two outcomes differed in truth; left out."""

    def __len__(self) -> int:
        return len(self.part)

    @property
    def first_better(self) -> NDArray[np.bool_]:
        """What truth says."""
        return np.asarray(self.first_truth > self.second_truth)

    @property
    def better_value(self) -> Ints:
        """Of pairs of factorised actions: the value of the better outcome's part, [pairs]."""
        first, second = (value_of(one, self.part) for one in (self.first, self.second))
        return np.where(self.first_better, first, second)


def value_of(outcomes: Outcomes, part: Ints) -> Ints:
    """The value that each outcome gives to one of its parts, [n]."""
    values = outcomes.actions[:, 0].reshape(len(part), -1)
    return cast(Ints, values[np.arange(len(part)), part].astype(np.int64))


@dataclass
class Tally:
    """What measuring has executed."""

    steps: int = 0


@dataclass(frozen=True)
class Bench:
    """A node's station, and what is the same for every round and every arm of it.

    What does not depend on what was learned is worked out once for all rounds of an attempt.
    """

    station: Station
    measure: MeasureSpec
    seed: int
    """Derived from the tree's seed and the node's name: arms are measured on the same outcomes."""
    draw_number: int = 0
    """Which draw of held-out outcomes the seed is for; 0 is that of the node's own record."""
    tally: Tally = field(default_factory=Tally)

    @property
    def measures_every_round(self) -> bool:
        """Whether rounds before the last are measured too."""
        chosen = self.measure.rounds
        return isinstance(self.station.task, Imaginable) if chosen is None else chosen == "all"

    def act(self, act: Act, about: Arrays, rng: Generator, *, explore: bool) -> Outcomes:
        """Episodes, whose steps are counted."""
        done = rollout(self.station.task, act, about, rng, explore=explore)
        self.tally.steps += done.steps
        return done.outcomes

    @cached_property
    def about(self) -> Arrays:
        """What the agent's own outcomes are about."""
        return self.draw(self.measure.agent_outcomes, 0).subjects

    @cached_property
    def proposed(self) -> Outcomes:
        """What is done before anything is trained."""
        return self.act(self.station.propose, self.about, self.rng(5), explore=False)

    @cached_property
    def heuristic_truth(self) -> Mean | None:
        """Mean truth of acting by the simple rule; None where there is none."""
        rule = heuristic_agent(self.station.task)
        if rule is None:
            return None
        return truth_of(self.station.task, self.act(rule.act, self.about, self.rng(5), explore=False))

    @cached_property
    def pair_subjects(self) -> Drawn:
        """What the outcomes are about that are compared in pairs off policy."""
        return self.draw(self.measure.pairs, 3)

    @cached_property
    def on_subjects(self) -> Drawn:
        """The same on policy: from the second sweep on, what the agents above did in the sweep before."""
        team = self.station.team
        if team.before is None or not team.parents[self.station.name]:
            return self.pair_subjects
        return team.draw(self.station.name, self.measure.pairs, "measure", self.rng(3))

    @property
    def proposal(self) -> Actor:
        """The node before anything was trained."""
        return Actor(self.station.propose, PROPOSAL)

    @cached_property
    def off_pairs(self) -> Pairs:
        """Pairs off policy: two proposals each."""
        return draw_pairs(self, [(self.proposal, self.proposal)], self.pair_subjects)

    def on_pairs(self, agents: Sequence[Actor]) -> Pairs:
        """Pairs on policy, of earlier snapshots and the newest agent.

        The newest agent against every snapshot and, as often, against a proposal: a policy that has
        collapsed onto one answer would otherwise leave no pairs at all.
        """
        newest = agents[-1]
        ways = [pair for agent in reversed(agents) for pair in ((newest, agent), (newest, self.proposal))]
        return draw_pairs(self, ways, self.on_subjects)

    def rng(self, stream: int) -> Generator:
        """A fresh generator; one stream for one purpose."""
        return np.random.default_rng([self.seed, stream])

    def draw(self, count: int, stream: int) -> Drawn:
        """Held-out subjects, off policy: the same in every sweep."""
        team = self.station.team
        return team.draw(self.station.name, count, "measure", self.rng(stream), proposed=True)


def draw_pairs(bench: Bench, ways: Sequence[tuple[Actor, Actor]], drawn: Drawn) -> Pairs:
    """At most one pair a subject whose outcomes differ in truth, compared in a random part.

    `ways` are who acts first and second, tried in turn until truth tells the two outcomes apart.
    """
    task, rng = bench.station.task, bench.rng(6)
    truth = cast(Measurable, task).truth
    open_rows = np.arange(count_rows(drawn.subjects))
    found: list[Pairs] = []
    for turn in range(DRAWS):
        if not len(open_rows):
            break
        one, two = ways[turn % len(ways)]
        # One-step agents remember how they rated the rows they were last asked about; running
        # whole episodes again that have their pair already would be a waste.
        asked = np.arange(len(drawn.root)) if isinstance(task, Imaginable) else open_rows
        about = take_rows(drawn.subjects, asked)
        first = bench.station.cut(bench.act(one.act, about, rng, explore=True), rng)
        second = bench.station.cut(bench.act(two.act, about, rng, explore=True), rng)
        utility, other = truth(first), truth(second)
        part = _differing_part(utility, other, rng)
        rows = np.arange(len(part))
        differs = (utility[rows, part] != other[rows, part]) & np.isin(asked, open_rows)
        chosen = rows[differs], part[differs]
        found.append(
            Pairs(
                first.take(differs),
                second.take(differs),
                part[differs],
                utility[chosen],
                other[chosen],
                np.full(int(differs.sum()), one.by),
                np.full(int(differs.sum()), two.by),
                asked[differs],
                drawn.root[asked[differs]],
                0,
            )
        )
        open_rows = np.setdiff1d(open_rows, asked[differs])
    return _join_pairs(found, len(open_rows))


def _join_pairs(batches: Sequence[Pairs], ties: int) -> Pairs:
    """Batches one after the other."""

    def joined(name: str) -> Ints:
        return cast(Ints, np.concatenate([getattr(batch, name) for batch in batches]))

    return Pairs(
        join_outcomes([batch.first for batch in batches]),
        join_outcomes([batch.second for batch in batches]),
        joined("part"),
        cast(Floats, joined("first_truth")),
        cast(Floats, joined("second_truth")),
        joined("first_by"),
        joined("second_by"),
        joined("subject"),
        joined("root"),
        ties,
    )


def _differing_part(utility: Floats, other: Floats, rng: Generator) -> Ints:
    """A random part of each row, out of those that differ in truth where there are any."""
    chance = rng.random(utility.shape) + (utility != other)
    return cast(Ints, chance.argmax(axis=1).astype(np.int64))


def mean_of(values: Floats) -> Mean:
    """A mean with what an interval needs."""
    deviation = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    binary = bool(np.isin(values, (0, 1)).all())
    return Mean(mean=float(values.mean()), deviation=deviation, count=len(values), binary=binary)


def true_means(task: Task, outcomes: Outcomes) -> Floats:
    """Truth of each outcome, averaged over its parts; [n]."""
    return np.asarray(cast(Measurable, task).truth(outcomes).mean(axis=1))


def scores_of(scorer: Scorer, outcomes: Outcomes) -> Floats:
    """The reward model's score of each outcome, ended episodes going on where the task lets them; [n]."""
    task = scorer.task
    return scorer.scores(task.whole(outcomes) if isinstance(task, Segmented) else outcomes)


def truth_of(task: Task, outcomes: Outcomes) -> Mean:
    """Mean truth of outcomes, each averaged over its parts."""
    return mean_of(true_means(task, outcomes))


def heuristic_agent(task: Task) -> Agent | None:
    """Acts by the domain's simple rule; None where actions can be neither listed nor factorised."""
    if not isinstance(task, Ruled) or not isinstance(task, Listed | Factorised):
        return None
    rule = task.heuristic

    def table(outcomes: Outcomes) -> Floats:
        values = cast(Factorised, task).part_values
        columns = [rule(_acting(outcomes, value)) for value in range(values)]
        return cast(Floats, np.stack(columns, axis=2))

    def rewards(outcomes: Outcomes) -> Floats:
        return cast(Floats, rule(outcomes).sum(axis=1)[:, None])

    problem = Problem(
        task=task,
        starts=lambda count, rng: {},
        rewards=rewards,
        table=table,
        steps=0,
        optimiser_steps=None,
        seed=0,
    )
    return Greedy().load(problem, {})


def _acting(outcomes: Outcomes, value: int) -> Outcomes:
    """The same outcomes as if every part had been given this value."""
    actions = np.full_like(outcomes.actions, value)
    return Outcomes(
        outcomes.observations, actions, outcomes.lengths, outcomes.subjects, outcomes.hidden, outcomes.ended
    )
