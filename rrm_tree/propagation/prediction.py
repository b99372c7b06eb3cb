"""What a judge's accuracy should be, given how often its helpers err, and what that leaves unexplained.

In: what was measured, and what was foretold from the helpers' confusions. Out: values in the store.
Touches nothing.
"""

from __future__ import annotations

from math import asin, pi

from rrm_tree.propagation.intervals import Estimate
from rrm_tree.records import Distribution, Stored

PREDICTION_VERSION = "2"


class Confusion(Stored):
    """How often each value is said where each is true, over all parts of a node's answers."""

    counts: tuple[tuple[float, ...], ...]
    """[true value][said value]; shares of these are what counts."""

    @property
    def rates(self) -> tuple[tuple[float, ...], ...]:
        """Chance of saying each value where each is true; what never was true is taken to be said rightly."""
        return tuple(
            tuple(count / sum(row) for count in row)
            if sum(row)
            else tuple(float(said == true) for said in range(len(row)))
            for true, row in enumerate(self.counts)
        )

    @property
    def error(self) -> float:
        """Share of all parts that are said wrongly."""
        total = sum(map(sum, self.counts))
        return 1 - sum(row[true] for true, row in enumerate(self.counts)) / total if total else 0.0


class Prediction(Stored):
    """A judge's share of pairs put right: as it is, and as its helpers' confusions foretell it."""

    distribution: Distribution
    measured: Estimate
    predicted: float
    """From the confusions measured at its helpers, every part erring by itself."""
    unexplained: Estimate
    """predicted − measured, pair by pair."""
    composed: float | None
    """From confusions that were themselves predicted, all the way up; None where one is not known."""

    @property
    def alarm(self) -> bool:
        """Whether what is unexplained is more than noise: errors are not independent, or have moved."""
        return not self.unexplained.low <= 0 <= self.unexplained.high


class NodePredictions(Stored):
    """What is foretold of one node, and what its parents' judges are foretold from."""

    node: str
    predictions: tuple[Prediction, ...]
    """None for a judge whom nobody helps, or whose helpers' answers are not made of values."""
    confusion: Confusion | None
    """Of its agent's answers off policy; None where the domain knows no ideal ones."""
    composed: Confusion | None
    """The same with what is foretold of its judge in place of what was measured."""


def order_chance(correlation: float) -> float:
    """Chance that a judge puts a pair right whose impression has this correlation with truth.

    Sheppard (1899): 1/2 + asin(ρ)/π for two jointly normal values of independent outcomes.
    """
    return 0.5 + asin(max(-1.0, min(1.0, correlation))) / pi
