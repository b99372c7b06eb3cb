"""A trained node on one draw of held-out outcomes: all that can be measured of it without training.

In: a meter, the node's reward model and agents. Out: pairs, causes, transfers, predictions, best of n.
Reads truth, as only this package does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rrm_tree.contracts import Agent
from rrm_tree.measure.bench import Actor, value_of
from rrm_tree.measure.disagreeing import show_disagreements
from rrm_tree.measure.hearing import Hearing
from rrm_tree.measure.intervening import find_causes
from rrm_tree.measure.of_round import Meter
from rrm_tree.measure.pooling import measure_best_of_n
from rrm_tree.measure.predicting import Known, compose_confusion, count_confusion, predict
from rrm_tree.measure.stepping import compare_steps
from rrm_tree.measure.transferring import find_transfers
from rrm_tree.measured import NodeMeasurement
from rrm_tree.propagation.best_of_n import NodeBestOfN
from rrm_tree.propagation.causes import ErrorCauses, NodeCauses
from rrm_tree.propagation.clustered import estimate_clustered
from rrm_tree.propagation.disagreements import NodeDisagreements
from rrm_tree.propagation.intervals import Estimate
from rrm_tree.propagation.prediction import NodePredictions
from rrm_tree.propagation.step_rewards import NodeSteps
from rrm_tree.propagation.sweep_gains import SweepRight
from rrm_tree.propagation.transfer import NodeTransfers
from rrm_tree.scoring import Scorer

ACTING_STREAM = 9


@dataclass(frozen=True)
class Trial:
    """One node on one draw."""

    name: str
    meter: Meter
    scorer: Scorer
    agents: Sequence[Actor]
    """Earlier snapshots, then the newest agent."""
    agent: Agent
    """The newest one."""
    judgments: int = 0
    """What training has asked for so far."""
    looks: int = 0

    @cached_property
    def hearings(self) -> tuple[Hearing, Hearing]:
        """Off and on policy."""
        bench = self.meter.bench
        return Hearing(bench, "off", bench.off_pairs), Hearing(bench, "on", bench.on_pairs(self.agents))

    @cached_property
    def pairs(self) -> NodeMeasurement:
        """Every pair, and who ordered it how."""
        own, drawn = self.meter.own(self.agents[-1]), self.hearings[1].pairs
        return self.meter.against_truth(self.scorer, self.agents, own, drawn)[0]

    def disagreements(self) -> NodeDisagreements:
        """Where reward model, judge and truth differ most, drawn; nothing where no judge can be asked."""
        if self.lacks_judge:
            return NodeDisagreements(node=self.name, off=(), on=())
        kept = self.pairs
        off, on = (show_disagreements(hearing, kept.at(hearing.distribution)) for hearing in self.hearings)
        return NodeDisagreements(node=self.name, off=off, on=on)

    def best_of_n(self) -> NodeBestOfN:
        """What choosing by the reward model is worth, the harder one chooses."""
        return measure_best_of_n(self.meter.bench, self.name, self.scorer, self.agent)

    @property
    def lacks_judge(self) -> bool:
        """Whether the judge cannot be asked for the sake of measuring: people, or a file."""
        return self.meter.bench.station.line.is_absent

    def steps(self) -> NodeSteps:
        """How far the reward model is from truth step by step."""
        found = compare_steps(self.meter.bench, self.scorer)
        return NodeSteps(node=self.name, distances=found)

    def causes(self) -> NodeCauses:
        """What the errors are made of; nothing where no judge can be asked."""
        if self.lacks_judge:
            return NodeCauses(node=self.name, off=None, on=None)
        off, on = (self._causes(hearing) for hearing in self.hearings)
        return NodeCauses(node=self.name, off=off, on=on)

    def transfers(self) -> NodeTransfers:
        """How the judge's error follows its helpers'; nothing where no judge can be asked."""
        if self.lacks_judge:
            return NodeTransfers(node=self.name, transfers=())
        seed = self.meter.bench.seed % (1 << 31)
        found = [transfer for hearing in self.hearings for transfer in find_transfers(hearing, seed)]
        return NodeTransfers(node=self.name, transfers=tuple(found))

    def predictions(self, known: Known) -> NodePredictions:
        """What the judge's accuracy should be, and what its parents' should be foretold from."""
        confusion = count_confusion(self.meter.bench, self.agent)
        if self.lacks_judge:
            return NodePredictions(node=self.name, predictions=(), confusion=confusion, composed=None)
        found = [predict(hearing, known) for hearing in self.hearings]
        return NodePredictions(
            node=self.name,
            predictions=tuple(one for one in found if one is not None),
            confusion=confusion,
            composed=compose_confusion(self.hearings[0], known, confusion),
        )

    def in_sweep(self, hearing: Hearing) -> SweepRight:
        """What this node puts right of pairs that may be those of a later sweep of it."""
        own = Hearing(self.meter.bench, hearing.distribution, hearing.pairs)
        return SweepRight(
            self.judgments,
            self.looks,
            own.assisted if own.helpers and not self.lacks_judge else None,
            own.distilled(self.scorer),
        )

    def _causes(self, hearing: Hearing) -> ErrorCauses | None:
        return find_causes(hearing, self.scorer, self._acting(hearing) if len(hearing.pairs) else None)

    def _acting(self, hearing: Hearing) -> Estimate | None:
        """How much more often the reward model is right than its agent is, about the same parts."""
        bench, pairs = self.meter.bench, hearing.pairs
        if not bench.station.settled_by_one:
            return None
        done = bench.act(self.agent.act, pairs.first.subjects, bench.rng(ACTING_STREAM), explore=False)
        agrees = (value_of(done, pairs.part) == pairs.better_value).astype(np.float64)
        return estimate_clustered(hearing.distilled(self.scorer) - agrees, pairs.root)
