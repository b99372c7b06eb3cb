"""Where pieces could go on an empty board: constant tables.

Squares are a1 = 0 … h8 = 63. `OFF` = 64 stands for "off the board", so that tables are rectangular and
arrays by square carry one more row that is always empty.
Touches nothing.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rrm_tree.outcomes import Ints

Boards: TypeAlias = NDArray[np.int8]
"""[n, 64], see `positions`."""
Bools: TypeAlias = NDArray[np.bool_]

OFF = 64
EMPTY, PAWN, KNIGHT, BISHOP, ROOK, QUEEN, KING = range(7)

STRAIGHT = ((0, 1), (1, 0), (0, -1), (-1, 0))
DIAGONAL = ((1, 1), (1, -1), (-1, -1), (-1, 1))
DIRECTIONS = STRAIGHT + DIAGONAL
OPPOSITE = (2, 3, 0, 1, 6, 7, 4, 5)
"""Position in `DIRECTIONS` of each direction's reverse."""


def _shift(files: int, ranks: int) -> Ints:
    """Each square moved by so many files and ranks, or `OFF`; shape [64]."""
    file, rank = np.arange(64) % 8 + files, np.arange(64) // 8 + ranks
    inside = (file >= 0) & (file < 8) & (rank >= 0) & (rank < 8)
    return np.where(inside, rank * 8 + file, OFF)


def _pairs(*targets: Ints) -> tuple[Ints, Ints]:
    """(sources, targets) of every step that stays on the board."""
    source = np.concatenate([np.arange(64)] * len(targets))
    target = np.concatenate(targets)
    return source[target != OFF], target[target != OFF]


RAYS: Ints = np.stack(
    [np.stack([_shift(files * k, ranks * k) for k in range(1, 8)], axis=1) for files, ranks in DIRECTIONS]
)
"""[8 directions, 64, 7 steps]"""

NEIGHBOURS: Ints = RAYS[:, :, 0].T.copy()
"""[64, 8]"""

KING_STEPS = _pairs(*RAYS[:, :, 0])
KNIGHT_STEPS = _pairs(
    *[_shift(f, r) for f, r in ((1, 2), (2, 1), (2, -1), (1, -2), (-1, -2), (-2, -1), (-2, 1), (-1, 2))]
)
WHITE_PAWN_CAPTURES = _pairs(_shift(-1, 1), _shift(1, 1))
BLACK_PAWN_CAPTURES = _pairs(_shift(-1, -1), _shift(1, -1))
BLACK_PAWN_PUSHES = _pairs(_shift(0, -1))
BLACK_DOUBLE_PUSHES = (np.arange(48, 56), np.arange(32, 40))


def _between() -> Ints:
    table = np.full((64, 64, 6), OFF)
    for ray in RAYS:
        for source in range(64):
            for step, target in enumerate(ray[source][ray[source] != OFF]):
                table[source, target, :step] = ray[source, :step]
    return table


BETWEEN: Ints = _between()
"""Squares strictly between two on a common line, [64, 64, 6], filled up with `OFF`."""


def _empty_reach() -> Bools:
    table = np.zeros((13, 64, 65), bool)
    source = np.arange(64)[:, None]
    for slider, directions in ((BISHOP, RAYS[4:]), (ROOK, RAYS[:4]), (QUEEN, RAYS)):
        for ray in directions:
            table[6 + slider, source, ray] = True
    table[6 + KNIGHT][KNIGHT_STEPS] = True
    table[6 + KING][KING_STEPS] = True
    table[:6] = table[:6:-1]
    table[6 + PAWN][WHITE_PAWN_CAPTURES] = True
    for steps in (BLACK_PAWN_CAPTURES, BLACK_PAWN_PUSHES, BLACK_DOUBLE_PUSHES):
        table[6 - PAWN][steps] = True
    return table[:, :, :64]


EMPTY_REACH: Bools = _empty_reach()
"""[piece + 6, source, target]: what the piece would reach if nothing stood in its way."""

DISTANCE: Ints = np.maximum(
    np.abs(np.arange(64)[:, None] % 8 - np.arange(64)[None, :] % 8),
    np.abs(np.arange(64)[:, None] // 8 - np.arange(64)[None, :] // 8),
)
"""King's steps between two squares, [64, 64]."""
