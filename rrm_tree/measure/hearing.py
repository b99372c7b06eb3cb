"""Pairs put before a node's judge again, with helpers exchanged or without slips.

In: a bench, pairs, whoever answers in the helpers' place. Out: what is then put right, pair by pair.
Reads truth; every hearing draws from the same stream, so that luck is no cause of anything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rrm_tree.advising import Advisor, PerfectHelper
from rrm_tree.contracts import Judge, Perfect, Ruled
from rrm_tree.corrupting import Answers
from rrm_tree.measure.bench import Bench, Pairs
from rrm_tree.measure.ordering import margins_of, order_by_judge
from rrm_tree.outcomes import Advice, Floats, Outcomes, join_outcomes
from rrm_tree.records import Distribution
from rrm_tree.registry import find
from rrm_tree.scoring import Scorer


@dataclass(frozen=True)
class Hearing:
    """One distribution's pairs before the judge of a node."""

    bench: Bench
    distribution: Distribution
    pairs: Pairs

    @cached_property
    def outcomes(self) -> Outcomes:
        """The first outcomes, then the second ones."""
        return join_outcomes([self.pairs.first, self.pairs.second])

    @property
    def helpers(self) -> Mapping[str, Answers]:
        """Who helps the judge; nobody where it sees no advice."""
        return self.bench.station.shown.helpers

    @cached_property
    def perfect(self) -> Mapping[str, Answers]:
        """Perfect helpers in the place of those whose domain can compute that."""
        tasks = {name: helper.task for name, helper in self.helpers.items()}
        return {name: PerfectHelper(task) for name, task in tasks.items() if isinstance(task, Perfect)}

    def advise(self, instead: Mapping[str, Answers]) -> Advice:
        """What is said about the outcomes with these in place of some helpers.

        Those that stay are not asked again: with many helpers that would take most of the time.
        """
        if not instead or set(instead) >= set(self.helpers):
            return self._ask({**self.helpers, **instead})
        told, trained = self._ask(instead), self.trained
        return Advice({**trained.values, **told.values}, trained.kinds)

    def _ask(self, whom: Mapping[str, Answers]) -> Advice:
        """What these say, and nobody else."""
        station = self.bench.station
        criteria = station.node.criteria if self.helpers else {}
        theirs = {
            name: spec.model_copy(update={"helpers": tuple(one for one in spec.helpers if one in whom)})
            for name, spec in criteria.items()
        }
        return Advisor(station.task, theirs, whom).advise(self.outcomes)

    @cached_property
    def trained(self) -> Advice:
        """What the helpers say."""
        return self.advise({})

    @cached_property
    def ideal(self) -> Advice:
        """What perfect helpers would say, where there can be such."""
        return self.advise(self.perfect)

    def mix(self, perfect: Collection[str]) -> Advice:
        """What is said when these helpers are perfect and the others as they are."""
        names = {place: place.partition("@")[0] in perfect for place in self.trained.values}
        values = {
            place: (self.ideal if is_perfect else self.trained).values[place]
            for place, is_perfect in names.items()
        }
        return Advice(values, self.trained.kinds)

    def right(self, advice: Advice, judge: Judge | None = None) -> Floats:
        """What a judge with this advice puts right, 0 to 1 a pair; the node's own judge unless named."""
        ordering = order_by_judge(self.bench, self.pairs, advice, judge or self.bench.station.line.judge)
        return self.score(ordering.margins)

    def score(self, margins: Floats) -> Floats:
        """1 where a pair is put right, 0 where not, 0.5 for a tie; [pairs]."""
        return np.where(margins == 0, 0.5, (margins > 0) == self.pairs.first_better)

    @cached_property
    def assisted(self) -> Floats:
        """What the judge puts right with this run's helpers."""
        return self.right(self.trained)

    @cached_property
    def alone(self) -> Floats:
        """What the judge puts right by itself."""
        return self.right(Advice())

    @cached_property
    def heuristic(self) -> Floats | None:
        """What the domain's simple rule puts right; None where it has none."""
        task = self.bench.station.task
        return self.score(margins_of(task.heuristic, self.pairs)) if isinstance(task, Ruled) else None

    def distilled(self, scorer: Scorer) -> Floats:
        """What the reward model puts right."""
        return self.score(margins_of(scorer.part_scores, self.pairs))

    @cached_property
    def careful_judge(self) -> Judge | None:
        """The judge without slips, just as patient; None where it does not say how it would be that."""
        spec = self.bench.station.node.judge
        plugin = find("judge", spec.use)
        if plugin.facts.noiseless is None:
            return None
        judge: Judge = plugin.build({**spec.options, **plugin.facts.noiseless})
        return judge
