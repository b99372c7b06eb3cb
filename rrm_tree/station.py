"""One node with its plug-ins at hand: collecting outcomes and asking the judge about them.

In: a team, a node's name and spec. Out: outcomes, items, judgments.
Touches no disk and no ledger; randomness comes in as a generator.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from functools import cached_property
from typing import TypeAlias, cast

import numpy as np
from numpy.random import Generator
from scipy.special import entr, expit

from rrm_tree.contracts import Factorised, Request, Segmented, Split
from rrm_tree.errors import PluginError
from rrm_tree.learning.rollouts import rollout
from rrm_tree.outcomes import Advice, Array, Arrays, Floats, Items, Judged, Kind, Outcomes, join_outcomes
from rrm_tree.spec import NodeSpec
from rrm_tree.team import Advisor, Scorer, Team

Act: TypeAlias = Callable[[Arrays, Arrays, Generator, bool], Array]

UNLIMITED = 1 << 62

POOL = 4
"""Outcomes without parts collected for each that the reward model chooses to have judged."""

LEAST_DOUBT = 1e-3
"""Nats of entropy granted to every item: a reward model may be sure and wrong."""


def seed_from(*parts: object) -> int:
    """A seed that depends on these parts alone, the same on every machine; 63 bits."""
    digest = hashlib.sha256("\n".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class Station:
    """Where one node works: its task, judge, algorithm, network and advisors."""

    def __init__(self, team: Team, entry: str, node: NodeSpec) -> None:
        self.team = team
        self.entry = entry
        self.name = entry.partition("~")[0]
        self.node = node
        self.task = team.task(self.name)
        self.judge = team.judge(node)
        self.algorithm = team.algorithm(node)
        self.network = team.network(node)
        self.kind = cast(Kind, node.judge.kind or self.judge.kinds[0])
        self.questions = tuple(criterion.question for criterion in node.criteria.values())
        self.weights: Floats = np.array([criterion.weight for criterion in node.criteria.values()])

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

    def propose(self, observations: Arrays, subjects: Arrays, rng: Generator, explore: bool) -> Array:
        """How the node acts before anything is trained, in the form of an agent's `act`."""
        return self.task.propose(observations, subjects, rng)

    def scorer(self, reward: Arrays) -> Scorer:
        """The node's reward model, with the helpers whose advice it sees."""
        return self.team.scorer(self.name, self.node, reward)

    def collect(
        self, count: int, act: Act, split: Split, rng: Generator, *, explore: bool = True, pool: bool = False
    ) -> tuple[Outcomes, Items, int]:
        """Outcomes for about `count` items, the items, and the environment steps they took.

        A preference compares two outcomes about the same subject; a label or a rating takes up
        `judge.parts_per_outcome` random parts of each outcome, once for every criterion.

        Args:
            pool: collect more items, for `select` to choose from: all parts of as many outcomes, or
                `POOL` times as many outcomes where they have no parts.
        """
        criteria = len(self.questions)
        wanted = max(1, count // criteria)
        each = min(self.node.judge.parts_per_outcome, self.task.parts)
        subjects = math.ceil(wanted / each)
        if pool:
            subjects, each = (subjects, self.task.parts) if self.task.parts > 1 else (subjects * POOL, 1)
            wanted = subjects * each
        about = self.team.subjects(self.name, subjects, split, rng)
        first = rollout(self.task, act, about, rng, explore=explore)
        outcomes, steps, other = self.cut(first.outcomes, rng), first.steps, None
        rows = np.repeat(np.arange(subjects), each)[:wanted]
        part = rng.random((subjects, self.task.parts)).argsort(axis=1)[:, :each].ravel()[:wanted]
        if self.kind == "preference":
            second = rollout(self.task, act, about, rng, explore=True)
            outcomes = join_outcomes([outcomes, self.cut(second.outcomes, rng)])
            steps += second.steps
            other = np.tile(rows + subjects, criteria)
        items = Items(
            np.tile(rows, criteria),
            other,
            np.tile(part, criteria),
            np.repeat(np.arange(criteria), wanted),
        )
        return outcomes, items, steps

    def select(
        self, outcomes: Outcomes, items: Items, count: int, scorer: Scorer, rng: Generator
    ) -> tuple[Outcomes, Items]:
        """Some of a pool's items, drawn in proportion to how unsure the reward model is of the answer.

        Unsure as the entropy of the answer that it predicts (Settles, "Active learning literature
        survey", 2009, section 3.1); a label is drawn without being put back.
        """
        scores = scorer.part_scores(outcomes)
        part = np.minimum(items.part, scores.shape[1] - 1)
        log_odds = scores[items.first, part]
        if items.second is not None:
            log_odds = log_odds - scores[items.second, part]
        elif isinstance(self.task, Factorised) and self.task.exclusive:
            # Scores of exclusive values are log probabilities.
            log_odds = log_odds - np.log(-np.expm1(np.minimum(log_odds, -1e-9)))
        chance = expit(log_odds)
        doubt = entr(chance) + entr(1 - chance) + LEAST_DOUBT
        drawn = np.argsort(np.log(doubt) + rng.gumbel(size=len(items)))[::-1][:count]
        return _keep(outcomes, items.take(np.sort(drawn)))

    def cut(self, outcomes: Outcomes, rng: Generator) -> Outcomes:
        """What a judge sees of whole episodes: windows where the task has segments."""
        return self.task.segments(outcomes, rng) if isinstance(self.task, Segmented) else outcomes

    def ask(self, outcomes: Outcomes, items: Items, rng: Generator, looks: int = UNLIMITED) -> Judged:
        """The judge's answers, as many as the looks pay for, with the advice that was there.

        Raises:
            PluginError: the judge did not give one answer an item.
        """
        advisor = self.shown if self.shown.helpers else self.seen
        advice = advisor.advise(outcomes)
        shown = advice if self.shown.helpers else Advice()
        request = Request(self.task, self.kind, self.questions, outcomes, shown, items, rng)
        answers = self.judge.answer(request)
        if answers.values.shape != (len(items),) or answers.looks.shape != (len(items),):
            raise PluginError(
                f"judge {self.node.judge.use} of {self.entry}: answers {answers.values.shape} and looks"
                f" {answers.looks.shape} to {len(items)} items; give one of each an item"
            )
        paid = np.flatnonzero(np.cumsum(answers.looks) <= looks)
        return Judged(outcomes, advice, self.kind, items.take(paid), answers.take(paid))


def _keep(outcomes: Outcomes, items: Items) -> tuple[Outcomes, Items]:
    """The items, and of the outcomes only those that they are about."""
    ends = items.first if items.second is None else np.concatenate([items.first, items.second])
    kept, place = np.unique(ends, return_inverse=True)
    first, second = place[: len(items)], None if items.second is None else place[len(items) :]
    return outcomes.take(kept), Items(first, second, items.part, items.criterion)
