"""How right a judge, its helpers and a reward model are, on held-out outcomes.

In: a node's station, its reward model and agents. Out: a record with Shares and means, pictures.
The only module that reads truth; nothing here flows back into training.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from rrm_tree.contracts import (
    Agent,
    Clip,
    Factorised,
    Filmed,
    Imaginable,
    Listed,
    Measurable,
    Problem,
    Request,
    Ruled,
    Segmented,
    Solver,
    Task,
)
from rrm_tree.learning.best_action import Greedy
from rrm_tree.learning.rollouts import rollout
from rrm_tree.outcomes import (
    Answers,
    Arrays,
    Floats,
    Ints,
    Items,
    Outcomes,
    count_rows,
    join_outcomes,
    take_rows,
)
from rrm_tree.records import Mean, Picture, RoundRecord, Share, Shares
from rrm_tree.spec import MeasureSpec
from rrm_tree.station import Act, Station
from rrm_tree.team import Advisor, Scorer

DRAWS = 12
"""Proposals drawn about one subject until two differ in truth."""


@dataclass(frozen=True)
class Pairs:
    """Two outcomes about each of many subjects, and the part in which they are compared."""

    first: Outcomes
    second: Outcomes
    part: Ints
    first_better: NDArray[np.bool_]
    ties: int
    """Subjects about which no two outcomes differed in truth; left out."""

    def __len__(self) -> int:
        return len(self.part)


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
        return self.subjects(self.measure.agent_outcomes, 0)

    @cached_property
    def proposal_truth(self) -> Mean:
        """Mean truth of what is done before anything is trained."""
        return self.truth_when(self.station.propose)

    @cached_property
    def heuristic_truth(self) -> Mean | None:
        """Mean truth of acting by the simple rule; None where there is none."""
        rule = heuristic_agent(self.station.task)
        return None if rule is None else self.truth_when(rule.act)

    def truth_when(self, act: Act) -> Mean:
        """Mean truth of acting like this."""
        return truth_of(self.station.task, self.act(act, self.about, self.rng(5), explore=False))

    @cached_property
    def pair_subjects(self) -> Arrays:
        """What the outcomes are about that are compared in pairs."""
        return self.subjects(self.measure.pairs, 3)

    @cached_property
    def proposed_pairs(self) -> tuple[Pairs, Shares]:
        """Pairs off policy, and who orders them rightly, the reward model left out."""
        propose = self.station.propose
        pairs = draw_pairs(self, self.pair_subjects, [(propose, propose)])
        return pairs, _judges_shares(self, pairs)

    def rng(self, stream: int) -> Generator:
        """A fresh generator; one stream for one purpose."""
        return np.random.default_rng([self.seed, stream])

    def subjects(self, count: int, stream: int) -> Arrays:
        """Held-out subjects."""
        return self.station.team.subjects(self.station.name, count, "measure", self.rng(stream))


def measure_round(bench: Bench, record: RoundRecord, reward: Arrays, agents: Sequence[Agent]) -> Measured:
    """A round's record with all that can be measured of it, and what there is to show.

    Args:
        record: the round, not yet measured.
        reward: arrays of its reward model.
        agents: earlier snapshots, then the newest agent.
    """
    station, newest = bench.station, agents[-1]
    scorer = station.scorer(reward)
    own = bench.act(newest.act, bench.about, bench.rng(1), explore=False)
    judged = station.task.whole(own) if isinstance(station.task, Segmented) else own
    update: dict[str, object] = {"agent_score": mean_of(scorer.scores(judged))}
    if isinstance(station.task, Measurable):
        update |= _against_truth(bench, scorer, agents, own)
    if isinstance(station.judge, Solver):
        looks = station.judge.solve_looks(station.task, bench.about, bench.rng(2))
        update["solve_looks"] = float(looks.mean())
    return Measured(record.model_copy(update=update), _scenes(station, own))


@dataclass(frozen=True)
class Measured:
    """A measured record, and outcomes worth a picture."""

    record: RoundRecord
    scenes: tuple[Scene, ...]


@dataclass(frozen=True)
class Scene:
    """One outcome to be shown."""

    outcome: Outcomes
    caption: str


def _against_truth(bench: Bench, scorer: Scorer, agents: Sequence[Agent], own: Outcomes) -> dict[str, object]:
    """Everything that needs truth: shares off and on policy, mean truth by who acts."""
    station = bench.station
    newest = agents[-1].act
    # The newest agent against every snapshot and, as often, against a proposal: a policy that has
    # collapsed onto one answer would otherwise leave no pairs at all.
    on = [pair for agent in reversed(agents) for pair in ((newest, agent.act), (newest, station.propose))]

    on_pairs = draw_pairs(bench, bench.pair_subjects, on)
    off_pairs, off_shares = bench.proposed_pairs
    return {
        "off": _with_distilled(off_shares, off_pairs, scorer),
        "on": _with_distilled(_judges_shares(bench, on_pairs), on_pairs, scorer),
        "agent_truth": truth_of(station.task, own),
        "proposal_truth": bench.proposal_truth,
        "heuristic_truth": bench.heuristic_truth,
    }


def draw_pairs(bench: Bench, subjects: Arrays, acts: Sequence[tuple[Act, Act]]) -> Pairs:
    """At most one pair a subject whose outcomes differ in truth, compared in a random part.

    `acts` are (first, second) ways of acting, tried in turn until truth tells the two apart.
    """
    task, rng = bench.station.task, bench.rng(6)
    truth = cast(Measurable, task).truth
    open_rows = np.arange(count_rows(subjects))
    found: list[tuple[Outcomes, Outcomes, Ints, NDArray[np.bool_]]] = []
    for turn in range(DRAWS):
        if not len(open_rows):
            break
        first_act, second_act = acts[turn % len(acts)]
        # One-step agents remember how they rated the rows they were last asked about; running
        # whole episodes again that have their pair already would be a waste.
        asked = np.arange(count_rows(subjects)) if isinstance(task, Imaginable) else open_rows
        about = take_rows(subjects, asked)
        first = bench.station.cut(bench.act(first_act, about, rng, explore=True), rng)
        second = bench.station.cut(bench.act(second_act, about, rng, explore=True), rng)
        utility, other = truth(first), truth(second)
        part = _differing_part(utility, other, rng)
        rows = np.arange(len(part))
        differs = (utility[rows, part] != other[rows, part]) & np.isin(asked, open_rows)
        better = utility[rows, part] > other[rows, part]
        found.append((first.take(differs), second.take(differs), part[differs], better[differs]))
        open_rows = np.setdiff1d(open_rows, asked[differs])
    return Pairs(
        join_outcomes([batch[0] for batch in found]),
        join_outcomes([batch[1] for batch in found]),
        np.concatenate([batch[2] for batch in found]),
        np.concatenate([batch[3] for batch in found]),
        len(open_rows),
    )


def _differing_part(utility: Floats, other: Floats, rng: Generator) -> Ints:
    """A random part of each row, out of those that differ in truth where there are any."""
    chance = rng.random(utility.shape) + (utility != other)
    return cast(Ints, chance.argmax(axis=1).astype(np.int64))


def _with_distilled(shares: Shares, pairs: Pairs, scorer: Scorer) -> Shares:
    """The shares with the reward model's own."""
    if not len(pairs):
        return shares
    return shares.model_copy(update={"distilled": _share(_part_margins(scorer.part_scores, pairs), pairs)})


def _judges_shares(bench: Bench, pairs: Pairs) -> Shares:
    """Who orders these pairs as truth does, the reward model left out, and at how many looks."""
    if not len(pairs):
        return Shares(truth_ties=pairs.ties)
    station = bench.station
    alone = _ordered(bench, pairs, station.team.nobody(station.name))
    assisted = _ordered(bench, pairs, station.shown) if station.shown.helpers else alone
    perfect = station.team.perfect_advisor(station.name, station.node)
    # Without helpers there is no better advice than none.
    ideal = alone if not station.node.helpers else _ordered(bench, pairs, perfect) if perfect else None
    rule = station.task.heuristic if isinstance(station.task, Ruled) else None
    return Shares(
        alone=_share(alone.margins, pairs),
        heuristic=None if rule is None else _share(_part_margins(rule, pairs), pairs),
        assisted=_share(assisted.margins, pairs),
        ideal=None if ideal is None else _share(ideal.margins, pairs),
        truth_ties=pairs.ties,
        looks_alone=alone.looks,
        looks_assisted=assisted.looks,
        looks_ideal=None if ideal is None else ideal.looks,
        abstained=assisted.abstained,
    )


@dataclass(frozen=True)
class _Ordering:
    margins: Floats
    """Above 0 where the first is preferred, 0 for a tie or "cannot tell"."""
    looks: float
    abstained: float


def _ordered(bench: Bench, pairs: Pairs, advisor: Advisor) -> _Ordering:
    """How the judge orders the pairs with this advice; criteria add up by their weights."""
    station, count = bench.station, len(pairs)
    criteria = len(station.questions)
    outcomes = join_outcomes([pairs.first, pairs.second])
    advice = advisor.advise(outcomes)
    rows = np.tile(np.arange(count), criteria)
    which = np.repeat(np.arange(criteria), count)

    def ask(first: Ints, second: Ints | None) -> Answers:
        items = Items(first, second, pairs.part[rows], which)
        # The same stream for every arm: a judge's luck must not pass for its helpers' worth.
        rng = bench.rng(4)
        request = Request(station.task, station.kind, station.questions, outcomes, advice, items, rng)
        return station.judge.answer(request)

    if station.kind == "preference" or station.settled_by_one:
        answers = [ask(rows, rows + count if station.kind == "preference" else None)]
        margins = 2 * answers[0].values - 1
    else:
        answers = [ask(rows, None), ask(rows + count, None)]
        margins = answers[0].values - answers[1].values
    told = np.where(np.isnan(margins), 0.0, margins).reshape(criteria, count)
    values = np.concatenate([answer.values for answer in answers])
    looks = np.concatenate([answer.looks for answer in answers])
    return _Ordering(
        (station.weights[:, None] * told).sum(axis=0), float(looks.mean()), float(np.isnan(values).mean())
    )


def _part_margins(score: Callable[[Outcomes], Floats], pairs: Pairs) -> Floats:
    rows = np.arange(len(pairs))
    first, second = score(pairs.first), score(pairs.second)
    # Undivided tasks score whole outcomes: their one column is part 0.
    margins: Floats = first[rows, pairs.part] - second[rows, pairs.part]
    return margins


def _share(margins: Floats, pairs: Pairs) -> Share:
    right = np.where(margins == 0, 0.5, (margins > 0) == pairs.first_better)
    return Share(right=float(right.sum()), pairs=len(pairs))


def mean_of(values: Floats) -> Mean:
    """A mean with what an interval needs."""
    deviation = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    binary = bool(np.isin(values, (0, 1)).all())
    return Mean(mean=float(values.mean()), deviation=deviation, count=len(values), binary=binary)


def truth_of(task: Task, outcomes: Outcomes) -> Mean:
    """Mean truth of outcomes, each averaged over its parts."""
    return mean_of(cast(Measurable, task).truth(outcomes).mean(axis=1))


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


def _scenes(station: Station, outcomes: Outcomes) -> tuple[Scene, ...]:
    """The agent's best and worst outcome by truth; the first one where truth is not known."""
    task = station.task
    truth = task.truth(outcomes).mean(axis=1) if isinstance(task, Measurable) else None
    if truth is None:
        rows = {"one": 0}
    elif truth.min() == truth.max():
        rows = {"any": 0}
    else:
        rows = {"best": int(truth.argmax()), "worst": int(truth.argmin())}
    scenes = []
    for word, row in rows.items():
        known = "" if truth is None else f", truth {truth[row]:.2f}"
        caption = f"{station.entry}: {word} of the agent's {len(outcomes)} outcomes{known}"
        scenes.append(Scene(outcomes.take(np.array([row])), caption))
    return tuple(scenes)


def take_pictures(station: Station, scenes: Sequence[Scene], *, clips: bool) -> tuple[Picture, ...]:
    """A drawing of every scene, or a clip where that is wished and can be had; if not, it says why."""
    pictures, task = [], station.task
    for scene in scenes:
        clip = task.film(scene.outcome, 0) if clips and isinstance(task, Filmed) else ""
        if isinstance(clip, Clip):
            data = b64encode(clip.data).decode()
            pictures.append(Picture(caption=scene.caption, media=clip.media, data=data))
            continue
        said = f" (no clip: {clip})" if clip else ""
        drawing = task.picture(scene.outcome, 0, station.shown.advise(scene.outcome))
        pictures.append(Picture(caption=scene.caption + said, svg=drawing))
    return tuple(pictures)
