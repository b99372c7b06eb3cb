"""One node with its plug-ins at hand: what can be asked about its task, and asking its judges.

In: a team, a node's name and spec; then outcomes and items. Out: judgments.
Touches no disk and no ledger; randomness comes in as a generator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import cast

import numpy as np
from numpy.random import Generator

from rrm_tree.advising import Advisor
from rrm_tree.contracts import (
    Correctable,
    Deferred,
    Demonstrator,
    Factorised,
    Filmed,
    Request,
    Segmented,
    Taped,
    Task,
)
from rrm_tree.feedback import DEMONSTRATED, Kind
from rrm_tree.judges.function import count_looks
from rrm_tree.learning.kinds import BY_STEP, KINDS, PLAIN
from rrm_tree.learning.queries import STRATEGIES, Strategy, own_query
from rrm_tree.learning.rollouts import UNLIMITED
from rrm_tree.line import Line
from rrm_tree.node_spec import NodeSpec
from rrm_tree.origin import Origin
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
    take_steps,
)
from rrm_tree.scoring import Scorer
from rrm_tree.steered import steering_of
from rrm_tree.sweeps import node_of
from rrm_tree.team import Team

ALTERNATIVES = 4
"""Among how many is chosen where a spec does not say."""


class Station:
    """Where one node works: its task, line of judges, algorithm, network and advisors."""

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
        self.name = node_of(entry)
        self.node = node
        self.task = team.task(self.name)
        judge, next_in_line = team.judge(node.judge), tuple(team.judge(one) for one in node.judge.fallback)
        self.algorithm = team.algorithm(node)
        self.network = team.network(node)
        self.kinds = cast(Mapping[Kind, float], node.judge.shares or {judge.kinds[0]: 1.0})
        self.kind: Kind = next(iter(self.kinds)) if kind is None else kind
        self.line = Line(judge, next_in_line, node.judge, entry, self.kind)
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
        return next((self.asking(kind) for kind in able if kind in self.line.judge.kinds), None)

    @property
    def refusal(self) -> str | None:
        """Why the judge cannot be asked this kind about this task; None where it can."""
        by_step, name = self.kind in BY_STEP and not self.among_parts, type(self.task).__name__
        if by_step and not isinstance(self.task, Segmented):
            return f"a {self.kind} is about steps, and {name} says nothing of them (`windows`)"
        if self.kind == "correction" and not isinstance(self.task, Correctable):
            return f"{name} does not say what other actions lead to (`instead`)"
        if self.kind in DEMONSTRATED and not isinstance(self.line.judge, Demonstrator | Deferred | Taped):
            return f"judge {self.node.judge.use} does not `demonstrate`"
        if self.kind in DEMONSTRATED and self.line.people_at == 0:
            found = steering_of(self.task)
            return found if isinstance(found, str) else None
        if self.kind in DEMONSTRATED and self.ends == 1 and self.node.judge.query != "random":
            return "a single outcome of the agent leaves `query` nothing to compare; raise judge.alternatives"
        return None

    @property
    def among_parts(self) -> bool:
        """Whether the judge points at one of several parts of an outcome."""
        return self.kind == "critique" and self.task.parts > 1

    @property
    def several(self) -> int:
        """Among how many the judge chooses."""
        wanted = self.node.judge.alternatives or ALTERNATIVES
        return min(wanted, self.task.parts) if self.among_parts else wanted

    @property
    def most_each(self) -> int:
        """Items that one outcome gives at most."""
        return self.task.parts // self.several if self.among_parts else self.task.parts

    @property
    def ends(self) -> int:
        """How many outcomes about each subject are collected for an item."""
        if self.kind in DEMONSTRATED:
            return self.several - 1
        if self.kind in BY_STEP:
            return 1
        return {"one": 1, "two": 2, "several": self.several}[KINDS[self.kind].shown]

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

    def cut(self, outcomes: Outcomes, rng: Generator) -> Outcomes:
        """What a judge sees of whole episodes: a window from anywhere in each where the task has segments."""
        if not isinstance(self.task, Segmented):
            return outcomes
        episodes = self.task.whole(outcomes)
        rows, starts = np.arange(len(episodes)), rng.integers(0, self.task.last_start(episodes) + 1)
        return self.located(self.task.windows(episodes, rows, starts), episodes, rows, starts)

    def located(self, pieces: Outcomes, episodes: Outcomes, rows: Ints, starts: Ints) -> Outcomes:
        """Pieces of episodes, with what playing them again takes where people are to see them."""
        if self.line.people is None or not isinstance(self.task, Filmed) or not starts.any():
            return pieces
        return replace(pieces, origin=Origin.of(episodes.actions, rows, starts))

    def ask(self, outcomes: Outcomes, items: Items, rng: Generator, looks: int = UNLIMITED) -> Judged:
        """The judge's answers, as many as the looks pay for, with the advice that was there.

        Of people, whose answers come later: what they are to be asked, none of it answered, and of what is
        left to them by others nothing either. What they look at is not known; the steps that are shown stand
        for it.

        Raises:
            PluginError: the judge did not give one answer an item.
        """
        line, advisor = self.line, self.shown if self.shown.helpers else self.seen
        advice = advisor.advise(outcomes)
        request = self.request(outcomes, advice, items, rng)
        if line.people_at == 0:
            # Who shows an episode looks at none of the others: at his own, about as long as one of them.
            is_shown = self.kind in DEMONSTRATED
            taken = outcomes.lengths[items.first] if is_shown else count_looks(request, outcomes.lengths)
            answers = Answers(np.full(len(items), np.nan), taken)
        elif self.kind in DEMONSTRATED:
            done, taken = line.demonstrate(request)
            outcomes, items = self.add_shown(outcomes, items, self.as_shown(done, rng))
            advice, answers = advisor.advise(outcomes), Answers(np.zeros(len(items)), taken)
        else:
            answers = line.pass_on(request, line.answer(0, request), until=line.people_at)
        paid = np.flatnonzero(np.cumsum(answers.looks) <= looks)
        return Judged(outcomes, advice, self.kind, items.take(paid), answers.take(paid), line.names(answers))

    def request(self, outcomes: Outcomes, advice: Advice, items: Items, rng: Generator) -> Request:
        """What is put to the judge, who sees the advice if its spec says so."""
        shown = advice if self.shown.helpers else Advice()
        return Request(self.task, self.kind, self.questions, outcomes, shown, items, rng)

    def as_shown(self, done: Outcomes, rng: Generator) -> Outcomes:
        """What is learned of what a judge has done: the ends of goals; windows where the task has some."""
        if self.kind != "goal":
            return self.cut(done, rng)
        episodes = cast(Segmented, self.task).whole(done)
        return take_steps(episodes, np.arange(len(done)), episodes.lengths - 1)

    @staticmethod
    def add_shown(outcomes: Outcomes, items: Items, done: Outcomes) -> tuple[Outcomes, Items]:
        """Outcomes with what was shown instead of each item's, which is the first alternative then."""
        alternatives = np.column_stack([len(outcomes) + np.arange(len(items)), items.alternatives])
        return join_outcomes([outcomes, done]), items.about(alternatives)


def is_exclusive(task: Task) -> bool:
    """Whether exactly one value of each part of an outcome is right."""
    return isinstance(task, Factorised) and task.exclusive
