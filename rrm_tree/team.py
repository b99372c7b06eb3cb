"""The plug-ins of a tree put to work: tasks, helpers that answer, subjects to be asked about.

In: a resolved tree and the trained nodes' artifacts. Out: plug-ins, advisors, scorers, subjects.
Touches no disk and no ledger; randomness comes in as a generator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
from numpy.random import Generator

from rrm_tree.advising import NOBODY, Advisor, Helper, PerfectHelper
from rrm_tree.contracts import (
    Agent,
    Algorithm,
    Judge,
    Network,
    Perfect,
    Problem,
    Segmented,
    Split,
    Task,
)
from rrm_tree.corrupting import Answers, CorruptHelper
from rrm_tree.errors import PluginError, TrainingError
from rrm_tree.learning.reward_model import RewardModel
from rrm_tree.learning.rollouts import Act, rollout
from rrm_tree.node_spec import NodeSpec, PluginSpec
from rrm_tree.outcomes import (
    Array,
    Arrays,
    Ints,
    Outcomes,
    count_rows,
    join_rows,
    take_rows,
)
from rrm_tree.registry import find
from rrm_tree.rounds import Artifacts
from rrm_tree.scoring import Scorer
from rrm_tree.spec import TreeSpec

MOST_DRAWS = 50
"""Proposals drawn again and again until there are enough subjects."""


NOTHING: Mapping[str, Artifacts] = {}


class Team:
    """Builds, once each, the plug-ins that a tree names, and the helpers from their artifacts."""

    def __init__(
        self, tree: TreeSpec, artifacts: Mapping[str, Artifacts], before: Mapping[str, Artifacts] = NOTHING
    ) -> None:
        """A team of one sweep.

        Args:
            tree: resolved.
            artifacts: of the nodes that are asked, by name.
            before: of the sweep before: the agents above a node, and whoever they ask.
        """
        self.tree = tree
        self.artifacts = artifacts
        self._tasks: dict[str, Task] = {}
        self._helpers: dict[str, Answers] = {}
        self._agents: dict[str, Agent] = {}
        self.before: Team | None = None
        if before:
            self.before = Team(tree, before)
            self.before._tasks = self._tasks

    @cached_property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """Of every node, the nodes that it helps, by name: a spec's order must not change subjects."""
        nodes = sorted(self.tree.nodes.items())
        return {name: tuple(parent for parent, spec in nodes if name in spec.helpers) for name, _ in nodes}

    def task(self, name: str) -> Task:
        """The task of a node."""
        if name not in self._tasks:
            spec = self.tree.nodes[name].task
            self._tasks[name] = cast(Task, find("task", spec.use).build(spec.options))
        return self._tasks[name]

    def judge(self, spec: PluginSpec) -> Judge:
        """The judge that a spec names."""
        return cast(Judge, find("judge", spec.use).build(spec.options))

    def network(self, node: NodeSpec) -> Network:
        """The builder of a node's reward networks."""
        spec = node.reward_model.network
        return cast(Network, find("network", spec.use).build(spec.options))

    def algorithm(self, node: NodeSpec) -> Algorithm:
        """The algorithm by which a node improves."""
        found = find("algorithm", node.agent.use)
        return cast(Algorithm, found.build(node.agent.options))

    def helper(self, name: str) -> Answers:
        """A node as its parents hear it: trained, unless its spec says that it answers otherwise."""
        if name not in self._helpers:
            heard, answers = self._heard(name), self.tree.nodes[name].answers
            if answers is not None and answers.wrong:
                heard = CorruptHelper(heard, answers.wrong, _slips_of(name, self.tree.seed))
            self._helpers[name] = heard
        return self._helpers[name]

    def _heard(self, name: str) -> Answers:
        """A node ready to answer."""
        node, task = self.tree.nodes[name], self.task(name)
        if node.answers_ideally:
            if not isinstance(task, Perfect):
                raise TrainingError(
                    f"{name}: `answers: {{ideal: true}}` needs a task that knows the ideal answer;"
                    f" give {node.task.use} an `ideal` method"
                )
            return PerfectHelper(task)
        return Helper(task, self.agent(name))

    def agent(self, name: str) -> Agent:
        """A node's agent as it was trained; its own helpers work behind it where it sees advice."""
        if name not in self._agents:
            node, artifacts = self.tree.nodes[name], self.artifacts[name]
            scorer = self.scorer(name, node, artifacts.reward)
            self._agents[name] = self.algorithm(node).load(self.problem(name, scorer), artifacts.agent)
        return self._agents[name]

    def advisor(self, name: str, node: NodeSpec, sees: tuple[str, ...]) -> Advisor:
        """Who advises on a node's outcomes: its helpers if advice is seen, otherwise nobody."""
        if "advice" not in sees or not node.helpers:
            return self.nobody(name)
        if node.help == "ideal":
            perfect = self.perfect_advisor(name, node)
            if perfect is None:
                raise TrainingError(
                    f"{name}: `help: ideal` needs every helper's task to know the ideal answer;"
                    f" give the tasks of {', '.join(node.helpers)} an `ideal` method"
                )
            return perfect
        helpers = {helper: self.helper(helper) for helper in node.helpers}
        return Advisor(self.task(name), node.criteria, helpers)

    def perfect_advisor(self, name: str, node: NodeSpec) -> Advisor | None:
        """Perfect helpers; None where some helper's domain cannot compute what they would say."""
        tasks = {helper: self.task(helper) for helper in node.helpers}
        if not all(isinstance(task, Perfect) for task in tasks.values()):
            return None
        helpers: dict[str, Answers] = {helper: PerfectHelper(task) for helper, task in tasks.items()}
        return Advisor(self.task(name), node.criteria, helpers)

    def nobody(self, name: str) -> Advisor:
        """No advice at all."""
        return Advisor(self.task(name), {}, NOBODY)

    def scorer(self, name: str, node: NodeSpec, reward: Arrays) -> Scorer:
        """A node's reward model, with the helpers whose advice it sees."""
        model = RewardModel.from_arrays(self.network(node), reward)
        weights = np.array([criterion.weight for criterion in node.criteria.values()])
        advisor = self.advisor(name, node, node.reward_model.sees)
        return Scorer(self.task(name), model, advisor, weights, node.reward_model.caution)

    def problem(
        self,
        name: str,
        scorer: Scorer,
        *,
        steps: int = 0,
        optimiser_steps: int | None = None,
        seed: int = 0,
        demonstrations: Outcomes | None = None,
    ) -> Problem:
        """What a node's algorithm improves on; without steps, enough to load an agent and act."""
        return Problem(
            task=self.task(name),
            starts=lambda count, rng: self.subjects(name, count, "train", rng),
            rewards=scorer.cautious_rewards,
            table=scorer.cautious_table,
            steps=steps,
            optimiser_steps=optimiser_steps,
            seed=seed,
            # Windows are scored by themselves; other tasks may look at whole episodes when they encode.
            stretches=not scorer.advisor.helpers and isinstance(self.task(name), Segmented),
            beyond=scorer.beyond(),
            demonstrations=demonstrations,
        )

    def subjects(self, name: str, count: int, split: Split, rng: Generator) -> dict[str, Array]:
        """What a node's episodes are about, as `draw` finds it."""
        return self.draw(name, count, split, rng).subjects

    def draw(self, name: str, count: int, split: Split, rng: Generator, *, proposed: bool = False) -> Drawn:
        """What a node's episodes are about: questions about its parents' proposals.

        A root has starting states instead. Parents are asked for equal shares; no parent's agent
        is needed, so helpers can train first. From the second sweep on there are such agents: the
        questions are about what they do, unless proposals are asked for.

        Raises:
            PluginError: the parents' proposals raise no questions at all.
        """
        parents = self.parents[name]
        if not parents:
            return _gather(lambda need: _starting(self.task(name).starts(need, split, rng)), count, name)
        shares = np.full(len(parents), count // len(parents))
        shares[: count % len(parents)] += 1

        def asked_by(parent: str) -> Callable[[int], Drawn]:
            return lambda need: self._asked(name, parent, need, split, rng, proposed=proposed)

        drawn = [
            _gather(asked_by(parent), int(share), name)
            for parent, share in zip(parents, shares, strict=True)
            if share
        ]
        return _join_drawn(drawn)

    def _asked(
        self, name: str, parent: str, count: int, split: Split, rng: Generator, *, proposed: bool
    ) -> Drawn:
        """At most `count` questions to a helper about fresh outcomes of one parent."""
        task = self.task(parent)
        about = self.draw(parent, count, split, rng, proposed=proposed)
        if self.before is None or proposed:
            act: Act = lambda seen, subjects, rng, explore: task.propose(seen, subjects, rng)  # noqa: E731
        else:
            act = self.before.agent(parent).act
        outcomes = rollout(task, act, about.subjects, rng, explore=True).outcomes
        kind = self.task(name).advice or ""
        asked = [
            task.questions(outcomes, criterion, kind)
            for criterion, spec in self.tree.nodes[parent].criteria.items()
            if name in spec.helpers
        ]
        questions = join_rows([one.subjects for one in asked])
        chosen = rng.permutation(count_rows(questions))[:count]
        root = about.root[np.concatenate([one.owner for one in asked])]
        return Drawn(take_rows(questions, chosen), root[chosen])


@dataclass(frozen=True)
class Drawn:
    """Subjects, and where they come from."""

    subjects: dict[str, Array]
    root: Ints
    """Which of the root's starting states each goes back to, [n]: one gives no independent evidence."""


def _starting(states: Arrays) -> Drawn:
    return Drawn(dict(states), np.arange(count_rows(states)))


def _join_drawn(batches: Sequence[Drawn]) -> Drawn:
    """Batches one after the other; each goes back to starting states of its own."""
    ends = np.cumsum([batch.root.max(initial=-1) + 1 for batch in batches])
    roots = [batch.root + end for batch, end in zip(batches, (0, *ends[:-1]), strict=True)]
    return Drawn(join_rows([batch.subjects for batch in batches]), np.concatenate(roots))


def _slips_of(name: str, seed: int) -> int:
    """From what the slips of a helper follow: those of two helpers have nothing to do with each other."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=4).digest())


def _gather(draw: Callable[[int], Drawn], count: int, name: str) -> Drawn:
    """Exactly `count` rows, from as many draws as that takes."""
    batches: list[Drawn] = []
    have = 0
    for _ in range(MOST_DRAWS):
        if have >= count:
            break
        batches.append(draw(count - have))
        have += count_rows(batches[-1].subjects)
    if have < count:
        raise PluginError(
            f"{name}: only {have} of {count} subjects could be drawn; its parents' proposals (or the"
            " root's `starts`) yield too few questions"
        )
    return _join_drawn(batches)
