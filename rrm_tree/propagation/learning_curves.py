"""How a reward model's error falls with judgments, learned from parts of those that were asked for.

In: who put each pair right when so many judgments were learned from. Out: a curve, its slope.
Touches nothing. Needs NumPy, as `propagation.pairs` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt

import numpy as np

from rrm_tree.outcomes import Floats, Ints
from rrm_tree.propagation.clustered import estimate_clustered, weigh_slope
from rrm_tree.propagation.intervals import Estimate, student_quantile
from rrm_tree.records import Stored

LEARNING_VERSION = "1"


class LearningPoint(Stored):
    """A reward model that learned from so many of the judgments."""

    judgments: int
    error: Estimate
    """1 − distilled off policy, over pairs and over the draws of which judgments they were."""


class NodeLearning(Stored):
    """How the error of one node's reward model falls with judgments."""

    node: str
    points: tuple[LearningPoint, ...]
    """Judgments ascending; empty where no pairs were found."""
    slope: Estimate | None
    """b of error = a + b / √judgments, by least squares; above 0 where more judgments help."""

    def gain(self, more: int) -> Estimate | None:
        """By how much so many more judgments would lower the error; None without a curve."""
        if self.slope is None or not self.points:
            return None
        now = self.points[-1].judgments
        by = 1 / sqrt(now) - 1 / sqrt(now + more)
        bound = self.slope
        return Estimate(value=bound.value * by, low=bound.low * by, high=bound.high * by, count=bound.count)


@dataclass(frozen=True)
class Learned:
    """What reward models that learned from so many judgments put right."""

    judgments: int
    right: Floats
    """0 to 1, [draws, pairs]."""


def trace_learning(node: str, learned: Sequence[Learned], root: Ints) -> NodeLearning:
    """The curve through several numbers of judgments, all on the same pairs.

    error = a + b / √judgments: what counts is how well it foretells a little beyond its points, for
    which the classical rate will do. The interval joins that over pairs (of one starting state of
    the root, as one cluster) and that over draws (Student's).

    Args:
        node: its name.
        learned: judgments ascending; each of as many draws.
        root: which starting state each pair goes back to, [pairs].
    """
    points = tuple(
        LearningPoint(judgments=one.judgments, error=_over_draws(1 - one.right, root)) for one in learned
    )
    if len(learned) < 2:
        return NodeLearning(node=node, points=points, slope=None)
    weights = weigh_slope(np.array([1 / sqrt(one.judgments) for one in learned]))
    wrong = np.stack([1 - one.right for one in learned])
    # Less the last, which changes no slope: what is equal everywhere then gives exactly 0.
    slopes = np.tensordot(weights, wrong - wrong[-1], axes=1)
    return NodeLearning(node=node, points=points, slope=_over_draws(slopes, root))


def _over_draws(values: Floats, root: Ints) -> Estimate:
    """The mean of [draws, pairs] with an interval over both."""
    over_pairs = estimate_clustered(values.mean(axis=0), root)
    draws = values.mean(axis=1)
    half, mean = over_pairs.high - over_pairs.value, over_pairs.value
    if len(draws) > 1:
        half = hypot(half, student_quantile(len(draws) - 1) * float(draws.std(ddof=1)) / sqrt(len(draws)))
    return Estimate(value=mean, low=mean - half, high=mean + half, count=over_pairs.count)
