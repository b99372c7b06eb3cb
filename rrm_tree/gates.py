"""Wald's sequential test of a node's accuracy, and its alpha shared out over a tree's gates.

In: counts and error rates. Out: a decision, or none yet.
Touches nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rrm_tree.node_spec import BudgetSpec, GateSpec

GATE_VERSION = "2"
"""Version of how gates are tried; raise it when the same judgments would count otherwise."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a sequential test stands."""

    log_ratio: float
    """Log likelihood ratio of H1 (accuracy ≥ accept) against H0 (accuracy ≤ reject), in nats."""
    upper: float
    """At or above it the gate is passed."""
    lower: float
    """At or below it the gate is missed."""

    @property
    def accepted(self) -> bool | None:
        """True: passed. False: missed. None: more judgments are needed."""
        if self.log_ratio >= self.upper:
            return True
        return False if self.log_ratio <= self.lower else None


def sprt(right: int, wrong: int, reject: float, accept: float, alpha: float, beta: float) -> Verdict:
    """Where the test stands after these judgments, with bounds log((1-β)/α) and log(β/(1-α)).

    Wald, "Sequential tests of statistical hypotheses" (1945). Passing a gate at accuracy `reject`
    has probability at most α/(1-β), missing it at `accept` at most β/(1-α).

    Args:
        right: judgments that the node got right.
        wrong: judgments that it got wrong.
        reject: H0, accuracy at most this.
        accept: H1, accuracy at least this; greater than `reject`.
        alpha: wanted probability of passing at `reject`.
        beta: wanted probability of missing at `accept`.
    """
    gain, loss = math.log(accept / reject), math.log((1 - accept) / (1 - reject))
    return Verdict(right * gain + wrong * loss, math.log((1 - beta) / alpha), math.log(beta / (1 - alpha)))


def least_judgments(reject: float, accept: float, alpha: float, beta: float) -> int:
    """The fewest judgments, all of them right, that can pass such a gate."""
    # A hair less, so that an exact multiple is not pushed up by rounding.
    return math.ceil(math.log((1 - beta) / alpha) / math.log(accept / reject) - 1e-9)


def count_tries(gate: GateSpec, budget: BudgetSpec) -> int:
    """How often a gate may be tested: after every round where a miss asks for more, otherwise once.

    Each try is tested at its share of the gate's alpha (Bonferroni): trying until it passes would
    otherwise pass in the end.
    """
    return budget.rounds if gate.on_miss == "more" else 1


def holm(alpha: float, gates: int, passed: int) -> float:
    """The alpha of the next gate to be tested, so that all gates together keep to `alpha`.

    Holm, "A simple sequentially rejective multiple test procedure" (1979): with `passed` of
    `gates` hypotheses rejected, the next is tested at alpha / (gates - passed). A smaller count of
    passed gates than the true one only makes the test stricter.

    Args:
        alpha: probability that any gate of the tree is passed wrongly.
        gates: gates of the whole tree.
        passed: gates known to have been passed before; less than `gates`.
    """
    return alpha / (gates - passed)
