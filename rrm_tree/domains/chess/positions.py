"""The positions that the package ships, and the parts that never overlap.

A board is int8 [64]: a1 = 0 … h8 = 63; White's pawn, knight, bishop, rook, queen, king are 1 … 6,
Black's are negative, empty squares 0. White is to move, nobody may castle or take en passant.
A move is [from, to, promotion], promotion 2 … 5 or 0.

In: the data file beside this module. Out: arrays. Touches that file, once.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from rrm_tree.contracts import Split
from rrm_tree.outcomes import Array, Arrays, Ints

FILE = Path(__file__).parent / "data" / "positions.npz"

SHARES: dict[Split, float] = {"train": 0.4, "judge": 0.35, "gate": 0.1, "measure": 0.15}
"""Share of the positions in each part."""


@cache
def load_positions() -> dict[str, Array]:
    """All positions: `board` int8 [n, 64] and `played`, the recorded mating move, int64 [n, 3]."""
    with np.load(FILE, allow_pickle=False) as stored:
        return {"board": stored["boards"], "played": stored["played"].astype(np.int64)}


def split_indices(count: int, split: Split) -> Ints:
    """Which of `count` positions belong to the part; a position's part never depends on `count`."""
    # Multiplicative hashing (Knuth): neighbours fall far apart, and no generator is involved.
    place = (np.arange(count, dtype=np.uint64) * np.uint64(2_654_435_761) % np.uint64(2**32)) / 2**32
    edges = np.cumsum(list(SHARES.values()))
    edges[-1] = 1.0
    part = np.searchsorted(edges, place, side="right")
    return np.flatnonzero(part == list(SHARES).index(split)).astype(np.int64)


def draw_positions(count: int, split: Split, rng: np.random.Generator) -> Arrays:
    """At most `count` different positions of the part, in random order."""
    positions = load_positions()
    rows = split_indices(len(positions["board"]), split)
    chosen = rng.permutation(rows)[:count]
    return {name: values[chosen] for name, values in positions.items()}
