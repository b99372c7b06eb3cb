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
from rrm_tree.outcomes import Judged
from rrm_tree.records import GateResult
from rrm_tree.spec import GateSpec
from rrm_tree.station import Station
from rrm_tree.team import Scorer

ASKED_AT_ONCE = 64
"""Fresh judgments collected together; those past the test's decision are not counted."""


def try_gate(station: Station, gate: GateSpec, agent: Agent, scorer: Scorer, rng: Generator) -> GateResult:
    """Asks until the sequential test decides or the gate's judgments are spent.

    A judgment counts as right where the judge finds the agent's answer right (labels), or orders
    two of the agent's outcomes as the reward model does (preferences, ratings). "Cannot tell"
    counts neither way and is not part of the test.

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
        judged = station.ask(new.outcomes, new.items, rng)
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
    """1 where a judgment agrees, 0 where not, -1 where the judge cannot tell or ties; [items]."""
    values, items = judged.answers.values, judged.items
    if judged.kind == "label":
        agrees = values > 0.5
        told = ~np.isnan(values)
    else:
        scores = scorer.scores(judged.outcomes)
        other = items.second if items.second is not None else np.roll(items.first, 1)
        given = values - 0.5 if items.second is not None else values - np.roll(values, 1)
        agrees = (scores[items.first] > scores[other]) == (given > 0)
        told = ~np.isnan(given) & (given != 0)
    return np.where(told, agrees, -1).astype(np.int8)
