"""Looks: what a person sees when searching, how often wrongly, and when attention runs out.

In: what is really there, in the order in which it is looked at. Out: what was found, looks spent.
Touches nothing but the generator that it is given.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.random import Generator

from rrm_tree.domains.chess.geometry import Bools
from rrm_tree.outcomes import Array, Ints

NOTHING = -1


class Attention:
    """The attention of many judgments at once, each with its own looks left."""

    def __init__(self, looks: Ints, rng: Generator) -> None:
        self.left = looks.copy()
        self.ran_out = np.zeros(len(looks), bool)
        self._rng = rng

    def perceive(self, real: Array, error: float) -> Bools:
        """What is seen of these facts, each wrong with the chance `error`."""
        return np.not_equal(real, self._rng.random(real.shape, np.float32) < error)

    def search(self, who: Ints, hits: Bools, costs: Array) -> Ints:
        """Look from left to right until the first hit, or until attention runs out.

        Args:
            who: whose attention it takes, each at most once, [k].
            hits: places that would end the search when looked at, [k, places].
            costs: looks that each place takes; 0 for places not looked at, [k, places].

        Returns:
            Place of the first hit, or `NOTHING`, [k].
        """
        reached = np.cumsum(costs, axis=1)
        left, rows = self.left[who], np.arange(len(who))
        met = hits & (costs > 0) & (reached <= left[:, None])
        first = met.argmax(axis=1)
        found = met[rows, first]
        wanted = np.where(found, reached[rows, first], reached[:, -1])
        self.ran_out[who] |= wanted > left
        self.left[who] -= np.minimum(wanted, left)
        return np.where(found, first, NOTHING)

    def ask(self, who: Ints, real: Array, error: float) -> Bools:
        """One look each: is it so? False, and out of looks, where none is left."""
        seen = self.perceive(real, error)[:, None]
        return cast(Bools, self.search(who, seen, np.ones(seen.shape, np.int64)) != NOTHING)
