"""White's legal moves, and boards after them.

A move is [from, to, promotion] (see `positions`); nobody castles or takes en passant.
In: boards int8 [n, 64]. Out: moves and boards. Touches nothing.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.random import Generator

from rrm_tree.domains.chess.geometry import BISHOP, EMPTY, KNIGHT, PAWN, QUEEN, ROOK, Boards, Bools
from rrm_tree.domains.chess.rules import Reach, black_king, chunks
from rrm_tree.outcomes import Array, Ints

PROMOTIONS = np.array([QUEEN, ROOK, BISHOP, KNIGHT])


def mirror(boards: Boards) -> Array:
    """The same boards from the other side: colours swapped, ranks turned."""
    return -boards.reshape(-1, 8, 8)[:, ::-1].reshape(-1, 64)


def make_moves(boards: Boards, moves: Array) -> Array:
    """Boards after these moves, legal or not, [n, 64]."""
    after, rows = boards.copy(), np.arange(len(boards))
    source, target, promotion = moves.T
    piece = after[rows, source]
    after[rows, source] = EMPTY
    after[rows, target] = np.where(promotion > 0, promotion, piece)
    return after


def _leaves_king_safe(boards: Boards, moves: Array) -> Bools:
    """Whether White's own king is unattacked after each move, [n]."""
    safe = np.empty(len(boards), bool)
    for some in chunks(len(boards)):
        safe[some] = _king_is_safe(make_moves(boards[some], moves[some]))
    return safe


def _king_is_safe(boards: Boards) -> Bools:
    seen_by_black = mirror(boards)
    rows, king = np.arange(len(boards)), black_king(seen_by_black)
    return ~Reach(seen_by_black).attacked()[rows, king]


def legal_moves(boards: Boards) -> tuple[Ints, Ints]:
    """All legal moves of White.

    Returns:
        moves [all, 3], and the row of the board that each belongs to [all], in the rows' order.
    """
    found = [_legal_moves(boards[some], some.start) for some in chunks(len(boards))]
    if not found:
        return np.zeros((0, 3), np.int64), np.zeros(0, np.int64)
    moves, rows = zip(*found, strict=True)
    return np.concatenate(moves), np.concatenate(rows)


def _legal_moves(boards: Boards, first: int) -> tuple[Ints, Ints]:
    other_side = mirror(boards)
    table = Reach(other_side).table() & (other_side < 0)[:, :, None]
    rows, source, target = np.nonzero(table)
    source, target = source ^ 56, target ^ 56
    promotes = (boards[rows, source] == PAWN) & (target >= 56)
    times = np.where(promotes, len(PROMOTIONS), 1)
    rows, source, target = (np.repeat(values, times) for values in (rows, source, target))
    promotion = np.zeros(len(rows), np.int64)
    promotion[np.repeat(promotes, times)] = np.tile(PROMOTIONS, promotes.sum())
    moves = np.stack([source, target, promotion], axis=1)
    legal = _leaves_king_safe(boards[rows], moves)
    return moves[legal], rows[legal] + first


def random_moves(boards: Boards, rng: Generator) -> Ints:
    """Any legal move of each board, all alike likely; [n, 3]."""
    moves, rows = legal_moves(boards)
    first = np.searchsorted(rows, np.arange(len(boards)))
    choices = np.bincount(rows, minlength=len(boards))
    return cast(Ints, moves[first + rng.integers(0, choices)])


def is_legal(boards: Boards, moves: Array) -> Bools:
    """Whether each move is a legal move of White on its board, [n]."""
    legal = np.empty(len(boards), bool)
    for some in chunks(len(boards)):
        legal[some] = _is_legal(boards[some], moves[some])
    return legal


def _is_legal(boards: Boards, moves: Array) -> Bools:
    rows, (source, target, promotion) = np.arange(len(boards)), moves.T
    moved = boards[rows, source]
    reached = Reach(mirror(boards)).at(rows, source ^ 56, target ^ 56) & (moved > 0)
    promotes = (moved == PAWN) & (target >= 56)
    proper = np.where(promotes, np.isin(promotion, PROMOTIONS), promotion == 0)
    return cast(Bools, reached & proper & _leaves_king_safe(boards, moves))
