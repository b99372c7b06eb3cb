"""Means over seeds in the shape of one seed's analysis, for drawings that take no more.

In: a SeedsAnalysis. Out: an Analysis whose estimates are means over seeds. Touches nothing.
"""

from __future__ import annotations

from rrm_tree.propagation import (
    FINISHED,
    Accuracy,
    Analysis,
    Difference,
    Estimate,
    NodeAnalysis,
    OverSeeds,
    SeedsAccuracy,
    SeedsAnalysis,
    SeedsNode,
    SeedsWorth,
    Worth,
)


def analyse_means(analysis: SeedsAnalysis) -> Analysis:
    """The nodes with their means over seeds; neither arms nor levels."""
    return Analysis(
        nodes=tuple(_mean_node(node) for node in analysis.nodes),
        arms=(),
        levels=(),
        weakest=None,
        effort=analysis.effort,
        arms_effort=analysis.arms_effort,
    )


def _mean_node(node: SeedsNode) -> NodeAnalysis:
    return NodeAnalysis(
        name=node.name,
        node=node.name,
        arm=None,
        level=node.level,
        state=FINISHED[0] if not node.unfinished else node.unfinished[0].state,
        helped=node.helped,
        rounds=0,
        off=_mean_accuracy(node.off),
        on=_mean_accuracy(node.on),
        shift=None,
        solve_looks=None,
        agent_truth=_mean(node.agent_truth),
        proposal_truth=None,
        heuristic_truth=None,
        gate=None,
        effort=node.effort,
        warnings=(),
    )


def _mean_accuracy(accuracy: SeedsAccuracy | None) -> Accuracy | None:
    if accuracy is None:
        return None
    return Accuracy(
        alone=_mean(accuracy.alone),
        heuristic=_mean(accuracy.heuristic),
        assisted=_mean(accuracy.assisted),
        ideal=_mean(accuracy.ideal),
        distilled=_mean(accuracy.distilled),
        split=accuracy.shown,
        shown=accuracy.shown,
        worth=_mean_worth(accuracy.worth),
        truth_ties=0,
        looks_alone=None,
        looks_assisted=None,
        looks_ideal=None,
        abstained=None,
    )


def _mean(over: OverSeeds | None) -> Estimate | None:
    return None if over is None else over.estimate


def _mean_worth(worth: SeedsWorth | None) -> Worth | None:
    if worth is None:
        return None
    before, after = _mean(worth.before), _mean(worth.after)
    assert before is not None
    assert after is not None
    value = after.value - before.value
    gain = worth.gain.difference if worth.gain else Difference(value=value, low=value, high=value)
    return Worth(base=worth.base, before=before, after=after, gain=gain, verdict=worth.verdict)
