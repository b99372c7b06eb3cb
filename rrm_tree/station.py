"""One node with its plug-ins at hand: collecting outcomes and asking the judge about them.

In: a team, a node's name and spec. Out: outcomes, items, judgments.
Touches no disk and no ledger; randomness comes in as a generator.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias, cast

import numpy as np
from numpy.random import Generator

from rrm_tree.contracts import Correctable, Demonstrator, Factorised, Judge, Request, Segmented, Split
from rrm_tree.errors import PluginError
from rrm_tree.feedback import Kind
from rrm_tree.learning.kinds import BY_STEP, DEMONSTRATED, KINDS, PLAIN
from rrm_tree.learning.queries import STRATEGIES, Expected, Strategy, own_query
from rrm_tree.learning.rollouts import rollout
from rrm_tree.learning.windows import Windows, pair_up, place_windows, window_sums
from rrm_tree.outcomes import (
    Advice,
    Answers,
    Array,
    Arrays,
    Floats,
    Ints,
    Items,
    Judged,
    Outcomes,
    join_outcomes,
    take_rows,
    take_steps,
)
from rrm_tree.spec import NodeSpec
from rrm_tree.team import Advisor, Scorer, Team

Act: TypeAlias = Callable[[Arrays, Arrays, Generator, bool], Array]

UNLIMITED = 1 << 62

POOL = 4
"""Outcomes without parts collected for each that the reward model chooses to have judged: all must be run."""

ALTERNATIVES = 4
"""Among how many is chosen where a spec does not say."""

POOL_OF_WINDOWS = 10
"""Items about windows for each that is chosen; they cost no steps (B-Pref, Lee et al. 2021, takes ten)."""


def seed_from(*parts: object) -> int:
    """A seed that depends on these parts alone, the same on every machine; 63 bits."""
    digest = hashlib.sha256("\n".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


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


class Station:
    """Where one node works: its task, judge, algorithm, network and advisors."""

    def __init__(self, team: Team, entry: str, node: NodeSpec, kind: Kind | None = None) -> None:
        """Build what the node names.

        Args:
            team: builds plug-ins.
            entry: the node's name, or `player~alone` for an arm of it.
            node: its spec.
            kind: of judgment that is asked for; the node's first if left out.
        """
        self.team = team
        self.entry = entry
        self.name = entry.partition("~")[0]
        self.node = node
        self.task = team.task(self.name)
        self.judge = team.judge(node.judge)
        self.next_in_line = tuple(team.judge(one) for one in node.judge.fallback)
        self.overlap = node.judge.overlap or 1
        self.algorithm = team.algorithm(node)
        self.network = team.network(node)
        self.kinds = cast(Mapping[Kind, float], node.judge.shares or {self.judge.kinds[0]: 1.0})
        self.kind: Kind = next(iter(self.kinds)) if kind is None else kind
        self.questions = tuple(criterion.question for criterion in node.criteria.values())
        self.weights: Floats = np.array([criterion.weight for criterion in node.criteria.values()])

    def asking(self, kind: Kind) -> Station:
        """The same station, asking for judgments of this kind."""
        return self if kind == self.kind else Station(self.team, self.entry, self.node, kind)

    @cached_property
    def comparing(self) -> Station | None:
        """The same station, asking what two outcomes can be ordered by; None where the judge says no such.

        Its own kind where that will do, otherwise the one that says most about the order.
        """
        able = [self.kind, *PLAIN] if self.kind in PLAIN else list(PLAIN)
        return next((self.asking(kind) for kind in able if kind in self.judge.kinds), None)

    @property
    def refusal(self) -> str | None:
        """Why the judge cannot be asked this kind about this task; None where it can."""
        by_step, name = self.kind in BY_STEP, type(self.task).__name__
        if by_step and not isinstance(self.task, Segmented):
            return f"a {self.kind} is about steps, and {name} says nothing of them (`windows`)"
        if self.kind == "correction" and not isinstance(self.task, Correctable):
            return f"{name} does not say what other actions lead to (`instead`)"
        if self.kind in DEMONSTRATED and not isinstance(self.judge, Demonstrator):
            return f"judge {self.node.judge.use} does not `demonstrate`"
        if KINDS[self.kind].shown == "several" and self.node.judge.query != "random":
            return f"`query: {self.node.judge.query}` does not know a {self.kind}; ask at random"
        return None

    @property
    def ends(self) -> int:
        """How many outcomes about each subject are collected for an item."""
        several = self.node.judge.alternatives or ALTERNATIVES
        if self.kind in DEMONSTRATED:
            return several - 1
        if self.kind in BY_STEP:
            return 1
        return {"one": 1, "two": 2, "several": several}[KINDS[self.kind].shown]

    @cached_property
    def query(self) -> Strategy:
        """How items are chosen from a pool."""
        name = self.node.judge.query
        return STRATEGIES[name] if name in STRATEGIES else own_query(name)

    @cached_property
    def shown(self) -> Advisor:
        """Who advises the judge."""
        return self.team.advisor(self.name, self.node, self.node.judge.sees)

    @cached_property
    def seen(self) -> Advisor:
        """Who advises the reward model."""
        return self.team.advisor(self.name, self.node, self.node.reward_model.sees)

    @property
    def settled_by_one(self) -> bool:
        """One label settles a pair: a part has two values, and exactly one of them is right."""
        return isinstance(self.task, Factorised) and self.task.exclusive and self.task.part_values == 2

    @property
    def windowed(self) -> bool:
        """Windows of any two episodes may be compared: they are about nothing, and nobody is asked."""
        task = self.task
        alone = not self.node.helpers and not self.team.parents[self.name] and task.subject is None
        few = KINDS[self.kind].shown != "several"
        return isinstance(task, Segmented) and task.segment is not None and alone and task.parts == 1 and few

    @property
    def chooses(self) -> bool:
        """Whether the reward model, once there is one, has a say in what is asked."""
        asks_anything = self.node.judge.query == "random"
        return not asks_anything and not (self.kind == "rating" and self.node.judge.query == "entropy")

    def propose(self, observations: Arrays, subjects: Arrays, rng: Generator, explore: bool) -> Array:
        """How the node acts before anything is trained, in the form of an agent's `act`."""
        return self.task.propose(observations, subjects, rng)

    def scorer(self, reward: Arrays) -> Scorer:
        """The node's reward model, with the helpers whose advice it sees."""
        return self.team.scorer(self.name, self.node, reward)

    def collect(  # noqa: PLR0913 - the one place where outcomes are gathered
        self,
        count: int,
        act: Act,
        split: Split,
        rng: Generator,
        *,
        explore: bool = True,
        scorer: Scorer | None = None,
        limit: int = UNLIMITED,
    ) -> Collected:
        """Outcomes for about `count` items, or as many as the steps pay for, and the items.

        A preference compares two outcomes about the same subject; a label or a rating takes up
        `judge.parts_per_outcome` random parts of each outcome, once for every criterion.

        Args:
            count: items.
            act: how to act.
            split: where subjects come from.
            rng: what everything is drawn from.
            explore: passed on to `act`.
            scorer: collect more items and choose by what it expects of them: all parts of as many
                outcomes, or `judge.pool` times as many outcomes where they have no parts.
            limit: environment steps that may be executed. Episodes that it cuts short are left out.
        """
        wanted = max(1, count // len(self.questions))
        each = min(self.node.judge.parts_per_outcome, self.task.parts)
        if self.overlap > 1:
            wanted = max(1, wanted // self.overlap)
        subjects = math.ceil(wanted / each)
        if scorer is not None:
            pool = 1 if self.task.parts > 1 else self.node.judge.pool or POOL
            subjects, each = subjects * pool, self.task.parts
            wanted = subjects * each
        about = self.team.subjects(self.name, subjects, split, rng)
        every, steps = self._act_again(act, about, rng, explore=explore, limit=limit)
        whole, kept = join_outcomes(every), len(every[0])
        if self.kind in BY_STEP:
            outcomes, items = self._dissect(whole, min(wanted, kept), rng)
        else:
            outcomes = self.cut(whole, rng)
            items = self._items(kept, each, min(wanted, kept * each), rng)
        longest = int(whole.lengths.max(initial=0))
        in_windows = isinstance(self.task, Segmented) and self.task.segment is not None
        short = int((outcomes.lengths < outcomes.actions.shape[1]).sum()) if in_windows else 0
        if scorer is not None and len(items):
            outcomes, items = self.select(outcomes, items, max(1, count // self.overlap), scorer, rng)
        items = self._overlapping(items)
        return Collected(outcomes, items, steps, len(whole), longest, short)

    def _act_again(
        self, act: Act, about: Arrays, rng: Generator, *, explore: bool, limit: int
    ) -> tuple[list[Outcomes], int]:
        """As many batches of outcomes as an item is about, row by row about the same subjects; the steps.

        Subjects about which the steps do not pay for all outcomes are left out.
        """
        # Two episodes take about as many steps as each other.
        first = rollout(self.task, act, about, rng, explore=explore, limit=max(1, limit // self.ends))
        kept, steps, every = np.flatnonzero(first.whole), first.steps, [first.outcomes]
        every[0] = every[0].take(kept)
        for done in range(1, self.ends):
            if not len(kept) or steps >= limit:
                return [batch.take(kept[:0]) for batch in every], steps
            left = max(1, (limit - steps) // (self.ends - done))
            again = rollout(self.task, act, take_rows(about, kept), rng, explore=True, limit=left)
            finished = np.flatnonzero(again.whole)
            steps, kept = steps + again.steps, kept[finished]
            every = [batch.take(finished) for batch in (*every, again.outcomes)]
        return every, steps

    def _dissect(self, whole: Outcomes, wanted: int, rng: Generator) -> tuple[Outcomes, Items]:
        """Items about single steps of episodes, and those steps as outcomes.

        A correction is about all actions at one step; a critique about several steps of one episode; a
        goal about the ends of episodes, to which the judge adds its own.
        """
        episodes = cast(Segmented, self.task).whole(whole)
        lengths = episodes.lengths
        if self.kind == "goal":
            ends = take_steps(episodes, np.arange(len(episodes)), lengths - 1)
            return ends, self._items(len(ends) // self.ends, 1, wanted, rng)
        if self.kind == "correction":
            rows = np.arange(len(episodes))
            acted = take_steps(episodes, rows, rng.integers(0, lengths))
            outcomes = cast(Correctable, self.task).instead(acted)
            several = len(outcomes) // max(1, len(acted))
        else:
            several = self.node.judge.alternatives or ALTERNATIVES
            rows = np.flatnonzero(lengths >= several)
            order = rng.random((len(rows), episodes.actions.shape[1]))
            order[~episodes.mask[rows]] = 2.0
            times = np.sort(order.argsort(axis=1)[:, :several], axis=1)
            outcomes = take_steps(episodes, np.repeat(rows, several), times.ravel())
        alternatives = np.arange(len(outcomes)).reshape(-1, several)[:wanted]
        return outcomes, self._per_criterion(alternatives, np.zeros(len(alternatives), np.int64))

    def collect_windows(
        self,
        count: int,
        act: Act,
        rng: Generator,
        *,
        scorer: Scorer | None = None,
        per_episode: float | None = None,
        limit: int = UNLIMITED,
    ) -> Collected:
        """Windows of episodes and items about them: about `count` or, at first, all of two episodes.

        An episode gives `judge.windows_per_episode` windows; a preference compares any two of all,
        whichever episodes they are from, and each window stands in one pair.

        Args:
            count: items.
            act: how to act.
            rng: what everything is drawn from.
            scorer: choose as many items, by what it expects of them, from `judge.pool` times as many.
            per_episode: items that an episode yields; None if that is not known yet.
            limit: environment steps that may be executed. Episodes that it cuts short are left out.
        """
        task = cast(Segmented, self.task)
        segment = cast(int, task.segment)
        least = 2 if self.kind == "preference" else 1
        runs = max(least, math.ceil(count / per_episode)) if per_episode else least
        about = self.team.subjects(self.name, runs, "judge", rng)
        done = rollout(self.task, act, about, rng, explore=True, limit=limit)
        executed = done.outcomes.take(np.flatnonzero(done.whole))
        episodes = task.whole(executed)
        windows = place_windows(task.last_start(episodes), segment, self.node.judge.windows_per_episode, rng)
        items = self._items_about(windows, rng)
        if scorer is not None and len(items):
            windows, items = self._choose_windows(episodes, len(items), scorer, rng)
        items = self._overlapping(items)
        outcomes = task.windows(episodes, windows.rows, windows.starts)
        longest = int(executed.lengths.max(initial=0))
        short = int((episodes.lengths < segment).sum())
        return Collected(outcomes, items, done.steps, len(executed), longest, short)

    def _choose_windows(
        self, episodes: Outcomes, count: int, scorer: Scorer, rng: Generator
    ) -> tuple[Windows, Items]:
        """That many items about windows from anywhere in the episodes, chosen from a pool of them.

        Every step is scored once, whatever number of windows it lies in.
        """
        task, ends = cast(Segmented, self.task), 2 if self.kind == "preference" else 1
        segment, candidates = cast(int, task.segment), count * (self.node.judge.pool or POOL_OF_WINDOWS)
        each = math.ceil(ends * candidates / len(self.questions) / len(episodes))
        windows = place_windows(task.last_start(episodes), segment, each, rng)
        items = self._items_about(windows, rng)
        steps = scorer.member_steps(episodes)[:, :, :, 0]
        sums = window_sums(np.moveaxis(steps, -1, 1), windows, segment)
        chosen = self._choose(np.moveaxis(sums, 1, -1)[:, :, None], items, count, rng)
        used, items = _used(items.take(chosen))
        return windows.take(used), items

    def _items_about(self, windows: Windows, rng: Generator) -> Items:
        """Every criterion's items about windows: each by itself, or in one pair with any other."""
        first, second = (
            pair_up(windows, rng) if self.kind == "preference" else (np.arange(len(windows)), None)
        )
        criteria, pairs = len(self.questions), len(first)
        other = None if second is None else np.tile(second, criteria)
        zeros = np.zeros(pairs * criteria, np.int64)
        return Items(np.tile(first, criteria), other, zeros, np.repeat(np.arange(criteria), pairs))

    def _overlapping(self, items: Items) -> Items:
        """Every item as often as there shall be judges who answer it, one after the other."""
        return items if self.overlap == 1 else items.take(np.repeat(np.arange(len(items)), self.overlap))

    def _items(self, subjects: int, each: int, wanted: int, rng: Generator) -> Items:
        """Every criterion's items about random parts; other outcomes of a choice follow all the first."""
        rows = np.repeat(np.arange(subjects), each)[:wanted]
        part = rng.random((subjects, self.task.parts)).argsort(axis=1)[:, :each].ravel()[:wanted]
        return self._per_criterion(rows[:, None] + subjects * np.arange(self.ends), part)

    def _per_criterion(self, alternatives: Ints, part: Ints) -> Items:
        """Items about these outcomes and parts, once for every criterion."""
        criteria, count = len(self.questions), len(part)
        return Items.among(
            np.tile(alternatives, (criteria, 1)),
            np.tile(part, criteria),
            np.repeat(np.arange(criteria), count),
        )

    def select(
        self, outcomes: Outcomes, items: Items, count: int, scorer: Scorer, rng: Generator
    ) -> tuple[Outcomes, Items]:
        """Some of a pool's items, by what the reward model's members expect of them."""
        if self.node.judge.query == "entropy" and items.second is None:
            scores = scorer.part_scores(outcomes)
            part = np.minimum(items.part, scores.shape[1] - 1)
            log_odds = scores[items.first, part]
            if isinstance(self.task, Factorised) and self.task.exclusive:
                log_odds = _from_log_chances(log_odds)
            chosen = self.query(Expected(self.kind, log_odds[None]), count, rng)
        else:
            sums = scorer.member_steps(outcomes).sum(axis=2)
            chosen = self._choose(sums, items, count, rng)
        used, items = _used(items.take(chosen))
        return outcomes.take(used), items

    def _choose(self, scores: Floats, items: Items, count: int, rng: Generator) -> Array:
        """Which items to ask about, given what members score [members, outcomes, parts, criteria]."""
        part = np.minimum(items.part, scores.shape[2] - 1)
        expected = scores[:, items.first, part, items.criterion]
        if items.second is not None:
            expected = expected - scores[:, items.second, part, items.criterion]
        elif isinstance(self.task, Factorised) and self.task.exclusive and self.kind == "label":
            expected = _from_log_chances(expected)
        return self.query(Expected(self.kind, expected, self.node.reward_model.mistakes), count, rng)

    def cut(self, outcomes: Outcomes, rng: Generator) -> Outcomes:
        """What a judge sees of whole episodes: a window from anywhere in each where the task has segments."""
        if not isinstance(self.task, Segmented):
            return outcomes
        episodes = self.task.whole(outcomes)
        starts = rng.integers(0, self.task.last_start(episodes) + 1)
        return self.task.windows(episodes, np.arange(len(episodes)), starts)

    def ask(self, outcomes: Outcomes, items: Items, rng: Generator, looks: int = UNLIMITED) -> Judged:
        """The judge's answers, as many as the looks pay for, with the advice that was there.

        Raises:
            PluginError: the judge did not give one answer an item.
        """
        advisor = self.shown if self.shown.helpers else self.seen
        advice = advisor.advise(outcomes)
        shown = advice if self.shown.helpers else Advice()
        request = Request(self.task, self.kind, self.questions, outcomes, shown, items, rng)
        if self.kind in DEMONSTRATED:
            outcomes, items, answers = self._demonstrated(request)
            advice = advisor.advise(outcomes)
        else:
            answers = self._pass_on(request, self._answer(self.judge, request))
        paid = np.flatnonzero(np.cumsum(answers.looks) <= looks)
        judges = (self.node.judge.use, *(one.use for one in self.node.judge.fallback))
        names = judges if answers.link is not None else ()
        return Judged(outcomes, advice, self.kind, items.take(paid), answers.take(paid), names)

    def _answer(self, judge: Judge, request: Request) -> Answers:
        """One judge's answers.

        Raises:
            PluginError: it did not give one answer an item.
        """
        answers, count = judge.answer(request), len(request.items)
        if not isinstance(answers, Answers):
            raise PluginError(
                f"judge {self.node.judge.use} of {self.entry}: returned a {type(answers).__name__};"
                " return rrm_tree.outcomes.Answers"
            )
        if answers.values.shape != (count,) or answers.looks.shape != (count,):
            raise PluginError(
                f"judge {self.node.judge.use} of {self.entry}: answers {answers.values.shape} and looks"
                f" {answers.looks.shape} to {count} items; give one of each an item"
            )
        return answers

    def _pass_on(self, request: Request, answers: Answers) -> Answers:
        """The answers, with those of the judges next in line where the ones before could not tell.

        A question costs the looks of all who were asked it.
        """
        if not self.next_in_line:
            return answers
        values, looks = answers.values.copy(), answers.looks.copy()
        link = np.where(np.isnan(values), -1, 0)
        for place, judge in enumerate(self.next_in_line, 1):
            left = np.flatnonzero(np.isnan(values))
            if not len(left):
                break
            more = self._answer(judge, replace(request, items=request.items.take(left)))
            values[left], looks[left] = more.values, looks[left] + more.looks
            link[left] = np.where(np.isnan(more.values), -1, place)
        return replace(answers, values=values, looks=looks, link=link)

    def _demonstrated(self, request: Request) -> tuple[Outcomes, Items, Answers]:
        """What the judge did about every item's subject, as the alternative that was chosen.

        Raises:
            PluginError: the judge did not do so once an item.
        """
        done, looks = cast(Demonstrator, self.judge).demonstrate(request)
        count, items = len(request.items), request.items
        if len(done) != count or np.shape(looks) != (count,):
            raise PluginError(
                f"judge {self.node.judge.use} of {self.entry}: {len(done)} demonstrations and looks"
                f" {np.shape(looks)} for {count} items; give one of each an item"
            )
        if self.kind == "goal":
            episodes = cast(Segmented, self.task).whole(done)
            done = take_steps(episodes, np.arange(count), episodes.lengths - 1)
        else:
            done = self.cut(done, request.rng)
        shown = len(request.outcomes)
        alternatives = np.column_stack([shown + np.arange(count), items.alternatives])
        return (
            join_outcomes([request.outcomes, done]),
            Items.among(alternatives, items.part, items.criterion),
            Answers(np.zeros(count), looks),
        )


def _from_log_chances(log_chances: Floats) -> Floats:
    """Log-odds: scores of exclusive values are log probabilities."""
    return np.asarray(log_chances - np.log(-np.expm1(np.minimum(log_chances, -1e-9))))


def _used(items: Items) -> tuple[Array, Items]:
    """Which outcomes the items are about, and the items with those counted anew."""
    ends = items.alternatives
    used, place = np.unique(ends, return_inverse=True)
    return used, Items.among(place.reshape(ends.shape), items.part, items.criterion)
