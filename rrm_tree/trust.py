"""How far people can trust a helper, in the words that they are told.

In: the records of a node. Out: words.
Touches nothing.
"""

from __future__ import annotations

from rrm_tree.propagation import Estimate, analyse_node
from rrm_tree.records import NodeResult

UNKNOWN = "not measured yet"


def say_trust(node: NodeResult | None, parts: int = 1) -> str:
    """How right a node was where that was measured, in words.

    Args:
        node: its records; None where it has none.
        parts: into how many parts its outcomes are taken; each is an answer.
    """
    if node is None or not node.rounds:
        return UNKNOWN
    analysis, last = analyse_node(node), node.rounds[-1]
    truth = last.agent_truth
    if truth is not None and analysis.agent_truth is not None and (truth.binary or parts > 1):
        return f"right in {_say(analysis.agent_truth)} of its answers"
    known = analysis.best_known.distilled if analysis.best_known else None
    if known is not None:
        return f"orders {_say(known)} of pairs right"
    held = last.facts.held_out_accuracy
    return UNKNOWN if held is None else f"agrees with its own judge on {held:.0%} of judgments"


def _say(estimate: Estimate) -> str:
    return f"{estimate.value:.0%} ({max(estimate.low, 0):.0%} to {min(estimate.high, 1):.0%})"
