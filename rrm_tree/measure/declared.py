"""Trees whose agents are declared, not trained: each says what its judge would find, but for a share.

In: a tree, a share of wrong answers for each node. Out: a team whose helpers answer so.
It is what distilling without loss would leave behind, so that studies of how errors travel need no
training and are blurred by none. Two-valued tasks whose agents are shown their subjects only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

from rrm_tree.advising import Advisor
from rrm_tree.contracts import Factorised, Request, Task
from rrm_tree.corrupting import Answers, corrupt
from rrm_tree.errors import TrainingError
from rrm_tree.node_spec import NodeSpec
from rrm_tree.outcomes import Arrays, Floats, Items, Outcomes, count_rows, take_rows, unique_rows
from rrm_tree.seeding import seed_from
from rrm_tree.spec import TreeSpec
from rrm_tree.station import Station
from rrm_tree.team import Team


@dataclass(frozen=True)
class DeclaredHelper:
    """Says what the judge of its node finds with its helpers' advice; a share of it is turned round."""

    station: Station
    wrong: float
    """Share of the parts that are turned round."""
    seed: int

    @property
    def task(self) -> Task:
        """What it answers questions about."""
        return self.station.task

    def answer(self, subjects: Arrays) -> Outcomes:
        """One outcome a subject; the same question gets the same answer within a batch."""
        kept, place = unique_rows(subjects)
        found = self._find(take_rows(subjects, kept))
        return corrupt(self.task, found, self.wrong, self.seed).take(place)

    def part_scores(self, outcomes: Outcomes) -> Floats:
        """1 where a part is as it would answer: a reward model that is as right as its agent; [n, parts]."""
        said = self.answer(outcomes.subjects).actions[:, 0]
        return np.asarray((said == outcomes.actions[:, 0]).reshape(len(outcomes), -1).astype(np.float64))

    def _find(self, subjects: Arrays) -> Outcomes:
        station, count, parts = self.station, count_rows(subjects), self.task.parts
        claims = np.ones((count, parts), np.int64)
        claimed = cast(Factorised, self.task).imagine(subjects, claims, subjects)
        rows, part = np.repeat(np.arange(count), parts), np.tile(np.arange(parts), count)
        items = Items(rows, None, part, np.zeros_like(rows))
        rng = np.random.default_rng(self.seed)
        advice = station.shown.advise(claimed)
        request = Request(self.task, "label", station.questions, claimed, advice, items, rng)
        agrees = np.nan_to_num(station.line.judge.answer(request).values, nan=0.5)
        said = (agrees >= 0.5).astype(np.int64).reshape(count, parts)
        return cast(Factorised, self.task).imagine(subjects, said, subjects)


class DeclaredTeam(Team):
    """A team none of whose helpers is trained."""

    def __init__(self, tree: TreeSpec, wrong: Mapping[str, float], seed: int = 0) -> None:
        """A tree whose nodes err so often.

        Raises:
            TrainingError: a node's task is not one of two values, exactly one of which is right.
        """
        super().__init__(tree, {})
        self.wrong, self.seed = wrong, seed
        self._stations: dict[str, Station] = {}

    def station(self, name: str) -> Station:
        """Where a node of the tree works."""
        if name not in self._stations:
            self._stations[name] = Station(self, name, self.tree.nodes[name])
            if not self._stations[name].settled_by_one:
                raise TrainingError(
                    f"{name}: only agents of tasks with two values, one of them right, can be declared"
                )
        return self._stations[name]

    def declared(self, name: str) -> DeclaredHelper:
        """The agent of a node."""
        return DeclaredHelper(self.station(name), self.wrong.get(name, 0.0), seed_from(self.seed, name) >> 32)

    def advisor(self, name: str, node: NodeSpec, sees: tuple[str, ...]) -> Advisor:
        """Who advises on a node's outcomes: declared helpers."""
        if "advice" not in sees or not node.helpers:
            return self.nobody(name)
        helpers: dict[str, Answers] = {helper: self.declared(helper) for helper in node.helpers}
        return Advisor(self.task(name), node.criteria, helpers)
