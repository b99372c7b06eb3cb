"""A round of a node, measured: its record with Shares and means, every pair behind them, pictures.

In: a bench, a reward model, agents. Out: a Measured.
Reads truth; nothing here flows back into training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rrm_tree.contracts import Measurable, Solver
from rrm_tree.measure.bench import Actor, Bench, Pairs, mean_of, scores_of, true_means, truth_of
from rrm_tree.measure.judging import judge_by_truth
from rrm_tree.measure.ordering import Judged, keep_pairs, order_by_arms, sum_up
from rrm_tree.measure.pictures import Scene, set_scenes
from rrm_tree.measured import PROPOSAL, NodeMeasurement, OutcomeResults, PairSettings
from rrm_tree.outcomes import Arrays, Outcomes
from rrm_tree.outcomes import Judged as TrainingJudgments
from rrm_tree.records import RoundRecord, Shares
from rrm_tree.scoring import Scorer


@dataclass(frozen=True)
class Measured:
    """A measured record, what it rests on, and outcomes worth a picture."""

    record: RoundRecord
    pairs: NodeMeasurement | None
    """None where the domain cannot compute truth."""
    scenes: tuple[Scene, ...]


@dataclass(frozen=True)
class Meter:
    """Measures the rounds of one node; what does not depend on what was learned is found out once."""

    bench: Bench

    @cached_property
    def off_judged(self) -> Judged | None:
        """Who orders the pairs off policy how, the reward model left out."""
        return order_by_arms(self.bench, self.bench.off_pairs)

    @cached_property
    def solve_looks(self) -> float | None:
        """Mean looks of doing the task unaided; None where the judge cannot say."""
        bench, station = self.bench, self.bench.station
        if not isinstance(station.line.judge, Solver):
            return None
        return float(station.line.judge.solve_looks(station.task, bench.about, bench.rng(2)).mean())

    @property
    def can_weigh_helpers(self) -> bool:
        """Whether the judge hears helpers and can be asked here, and truth is known."""
        station = self.bench.station
        return self.is_measurable and bool(station.shown.helpers) and not station.line.is_absent

    def weigh_helpers(self) -> Shares:
        """Who orders the pairs off policy how, before there is a reward model."""
        return sum_up(keep_pairs(self.bench, self.bench.off_pairs, self.off_judged, None), self.off_judged)

    @property
    def is_measurable(self) -> bool:
        """Whether the domain can compute truth."""
        return isinstance(self.bench.station.task, Measurable)

    def measure_round(
        self,
        record: RoundRecord,
        reward: Arrays,
        agents: Sequence[Actor],
        every: Sequence[TrainingJudgments] = (),
    ) -> Measured:
        """A round's record with all that can be measured of it, and what there is to show.

        Args:
            record: the round, not yet measured.
            reward: arrays of its reward model.
            agents: earlier snapshots, then the newest agent.
            every: all training judgments so far, one batch of each kind.
        """
        station = self.bench.station
        scorer = station.scorer(reward)
        own = self.own(agents[-1])
        update: dict[str, object] = {"agent_score": mean_of(scores_of(scorer, own))}
        pairs = None
        if self.is_measurable:
            pairs, shares = self.against_truth(scorer, agents, own)
            update |= shares | {"by_judge": judge_by_truth(station.task, every)}
        update["solve_looks"] = self.solve_looks
        return Measured(record.model_copy(update=update), pairs, set_scenes(station, own))

    def own(self, agent: Actor) -> Outcomes:
        """What an agent does at its best."""
        return self.bench.act(agent.act, self.bench.about, self.bench.rng(1), explore=False)

    def against_truth(
        self, scorer: Scorer, agents: Sequence[Actor], own: Outcomes, on_pairs: Pairs | None = None
    ) -> tuple[NodeMeasurement, dict[str, object]]:
        """Everything that needs truth: every pair off and on policy, and what the record says of them.

        Args:
            scorer: the reward model.
            agents: earlier snapshots, then the newest agent.
            own: what the newest one does at its best.
            on_pairs: pairs on policy, if they have been drawn already.
        """
        bench, task = self.bench, self.bench.station.task
        passes_on = bool(bench.station.line.next_in_line)
        off_judged = self.off_judged
        on_pairs = bench.on_pairs(agents) if on_pairs is None else on_pairs
        on_judged = order_by_arms(bench, on_pairs)
        off = keep_pairs(bench, bench.off_pairs, off_judged, scorer)
        on = keep_pairs(bench, on_pairs, on_judged, scorer)
        settings = PairSettings(
            round=agents[-1].by,
            pairs=bench.measure.pairs,
            agent_outcomes=bench.measure.agent_outcomes,
            draw=bench.draw_number,
        )
        said: dict[str, object] = {
            "off": sum_up(off, off_judged, passes_on=passes_on),
            "on": sum_up(on, on_judged, passes_on=passes_on),
            "agent_truth": truth_of(task, own),
            "proposal_truth": truth_of(task, bench.proposed),
            "heuristic_truth": bench.heuristic_truth,
        }
        return NodeMeasurement(settings, off, on, self._outcomes(scorer, agents[-1], own)), said

    def _outcomes(self, scorer: Scorer, newest: Actor, own: Outcomes) -> OutcomeResults:
        """The agent's own outcomes and as many proposals, scored and as they truly are."""
        task, proposed = self.bench.station.task, self.bench.proposed
        return OutcomeResults(
            by=np.repeat([newest.by, PROPOSAL], [len(own), len(proposed)]),
            about=np.concatenate([np.arange(len(own)), np.arange(len(proposed))]),
            truth=np.concatenate([true_means(task, one) for one in (own, proposed)]),
            score=np.concatenate([scores_of(scorer, one) for one in (own, proposed)]),
        )
