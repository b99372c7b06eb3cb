"""Whether a node is accurate enough for its parents to start.

In: a station, its newest agent and scorer. Out: a GateResult, from fresh judgments alone.
Knows no truth: the judge says what is right, and the sequential test says when to stop asking.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from rrm_tree.collecting import Collector
from rrm_tree.contracts import Agent
from rrm_tree.gates import Verdict, count_tries, holm, sprt
from rrm_tree.learning.several_judges import copies_of
from rrm_tree.node_spec import GateSpec
from rrm_tree.outcomes import Floats, Ints, Judged
from rrm_tree.records import GateResult
from rrm_tree.scoring import Scorer
from rrm_tree.station import Station

ASKED_AT_ONCE = 64
"""Fresh judgments collected together; those past the test's decision are not counted."""


def try_gate(station: Station, gate: GateSpec, agent: Agent, scorer: Scorer, rng: Generator) -> GateResult:
    """Asks until the sequential test decides or the gate's judgments are spent.

    A judgment counts as right where the judge finds the agent's answer right (labels), or orders
    two of the agent's outcomes as the reward model does (preferences; of ratings every second one,
    with the one before it). "Cannot tell" counts neither way and is not part of the test. Nobody is
    asked what another judge was asked: both answers would be the same evidence.

    Every gate is tested at the tree's alpha divided by its gates, the first and strictest step of
    Holm's procedure: a later step would need to know which other gates have passed already, and a
    node's result would then depend on the order in which the nodes happened to train. A gate that
    may be tried after every round shares its part among the rounds.
    """
    tree = station.team.tree
    # Each sweep has its gates again.
    gates = sum(node.gate is not None for node in tree.nodes.values()) * tree.sweeps
    alpha = holm(gate.alpha, gates, passed=0) / count_tries(gate, station.node.budget)

    def test(right: int, told: int) -> Verdict:
        return sprt(right, told - right, gate.reject, gate.accept, alpha, gate.beta)

    collector = Collector(station, agent.act, rng)
    right = told = asked = looks = steps = 0
    result = test(0, 0)
    while result.accepted is None and asked < gate.judgments:
        count = min(ASKED_AT_ONCE, gate.judgments - asked)
        explore = station.kind != "label"
        new = collector.collect(count, "gate", explore=explore)
        steps += new.steps
        items = new.items.take(np.flatnonzero(copies_of(new.items)[1] == 0))
        judged = station.ask(new.outcomes, items, rng)
        for agrees, cost in zip(_agreements(judged, scorer), judged.answers.looks, strict=True):
            asked, looks = asked + 1, looks + int(cost)
            if agrees >= 0:
                told, right = told + 1, right + int(agrees)
                result = test(right, told)
            if result.accepted is not None or asked == gate.judgments:
                break
    return GateResult(
        accepted=result.accepted,
        right=right,
        judgments=asked,
        looks=looks,
        steps=steps,
        log_ratio=result.log_ratio,
        upper=result.upper,
        lower=result.lower,
    )


def _agreements(judged: Judged, scorer: Scorer) -> NDArray[np.int8]:
    """1 where a judgment agrees, 0 where not, -1 where it says nothing; [items]."""
    values, items = judged.answers.values, judged.items
    if judged.kind == "label":
        return np.where(np.isnan(values), -1, values > 0.5).astype(np.int8)
    by_part = scorer.by_criterion(judged.outcomes)
    part = np.minimum(items.part, by_part.shape[1] - 1)
    scores = by_part[items.first, part, items.criterion]
    if items.second is not None:
        expected, given = scores - by_part[items.second, part, items.criterion], values - 0.5
    else:
        expected, given = _differences(scores, items.criterion), _differences(values, items.criterion)
    told = ~np.isnan(given) & (given != 0)
    return np.where(told, (expected > 0) == (given > 0), -1).astype(np.int8)


def _differences(values: Floats, criterion: Ints) -> Floats:
    """Every second value of each criterion less the one before it, NaN at all others; [items]."""
    differences = np.full(len(values), np.nan)
    for one in np.unique(criterion):
        rows = np.flatnonzero(criterion == one)
        second = rows[1::2]
        differences[second] = values[second] - values[rows[: 2 * len(second) : 2]]
    return differences
