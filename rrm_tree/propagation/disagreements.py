"""The pairs on which reward model, judge and truth differ most, and what there is to see of them.

In: the pairs of one distribution. Out: those that a reader should look at.
Touches nothing. Needs NumPy, as `propagation.pairs` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from rrm_tree.measured import PairResults
from rrm_tree.records import Distribution, Stored

DISAGREEMENTS_VERSION = "1"

MOST_DISAGREEMENTS: Final = 8


class Disagreement(Stored):
    """A pair on which reward model, judge and truth differ most."""

    pair: int
    """Its place among the kept pairs."""
    subject: int
    part: int
    first_truth: float
    second_truth: float
    first_by: int
    """Round whose agent made it; -1 for a proposal."""
    second_by: int
    judge: float
    """The assisted judge's margin: above 0 it prefers the first."""
    reward: float
    """The reward model's margin."""
    chance: float | None
    """The reward model's chance that the first is better."""


class AdviceErrors(Stored):
    """How much of what a helper said about two outcomes differs from perfect advice; shares of its parts."""

    helper: str
    first: float
    second: float


class ShownPair(Stored):
    """A disagreement with what the judge was shown."""

    disagreement: Disagreement
    first: str
    """An SVG of the first outcome, the helpers' advice drawn on it."""
    second: str
    advice: tuple[AdviceErrors, ...]
    """Of each helper whose domain can compute perfect advice."""


class NodeDisagreements(Stored):
    """The disagreements of one node that are shown."""

    node: str
    off: tuple[ShownPair, ...]
    on: tuple[ShownPair, ...]

    def at(self, distribution: Distribution) -> tuple[ShownPair, ...]:
        """Off or on policy."""
        return self.off if distribution == "off" else self.on


def rank_disagreement(one: Disagreement) -> tuple[bool, float, int]:
    """What to see first sorts first: where the judge was right and the reward model wrong, the surest."""
    truth, judge, reward = np.sign([one.first_truth - one.second_truth, one.judge, one.reward])
    sure = abs(one.reward) if one.chance is None else abs(one.chance - 0.5)
    return not (reward == -truth and reward != judge), -sure, one.pair


def find_disagreements(pairs: PairResults) -> Iterator[Disagreement]:
    """Pairs that the reward model puts wrong and is surest of; where the judge was right come first."""
    if "distilled" not in pairs.margins or "assisted" not in pairs.margins:
        return
    reward, judge = pairs.margins["distilled"], pairs.margins["assisted"]
    apart = (np.sign(reward) != np.sign(judge)) | (pairs.right("distilled") < 0.5)
    found = (_disagreement(pairs, int(row)) for row in np.flatnonzero(apart))
    yield from sorted(found, key=rank_disagreement)[:MOST_DISAGREEMENTS]


def _disagreement(pairs: PairResults, row: int) -> Disagreement:
    return Disagreement(
        pair=row,
        subject=int(pairs.subject[row]),
        part=int(pairs.part[row]),
        first_truth=float(pairs.first_truth[row]),
        second_truth=float(pairs.second_truth[row]),
        first_by=int(pairs.first_by[row]),
        second_by=int(pairs.second_by[row]),
        judge=float(pairs.margins["assisted"][row]),
        reward=float(pairs.margins["distilled"][row]),
        chance=None if pairs.chance is None else float(pairs.chance[row]),
    )
