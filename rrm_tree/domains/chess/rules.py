"""Which piece reaches which square, what is attacked, pinned and defended, and what is mate.

Boards lie along the bits: an array by square holds a bit for every board of a batch, so that one
NumPy operation moves a piece on eight boards per byte.

In: boards int8 [n, 64] (see `positions`), one king a side. Out: Boolean arrays. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import numpy as np
from numpy.typing import NDArray

from rrm_tree.domains.chess.geometry import (
    BETWEEN,
    BISHOP,
    BLACK_DOUBLE_PUSHES,
    BLACK_PAWN_CAPTURES,
    BLACK_PAWN_PUSHES,
    KING,
    KING_STEPS,
    KNIGHT,
    KNIGHT_STEPS,
    NEIGHBOURS,
    OPPOSITE,
    PAWN,
    QUEEN,
    RAYS,
    ROOK,
    WHITE_PAWN_CAPTURES,
    Boards,
    Bools,
)
from rrm_tree.outcomes import Array, Ints

Bits = NDArray[np.uint8]

CHUNK = 2048
"""Boards handled at once; a chunk's reach takes 1 MB as bits, 8 MB unpacked."""

_SOURCE = np.arange(64)[None, :]
_ALL = np.uint8(255)


class Reach:
    """Who reaches what on a batch of boards.

    White reaches the squares it attacks: pawns diagonally, own pieces too (they are protected), and
    through the black king, who cannot hide behind himself. Black reaches the squares it could
    move to, pins aside: pawns forwards, diagonally only to take; never onto own pieces.
    """

    def __init__(self, boards: Boards) -> None:
        self.count = len(boards)
        squares = np.ascontiguousarray(boards.T)
        self._pieces = {piece: self._pack(squares == piece) for piece in range(-KING, KING + 1) if piece}
        self._white = self._union(range(1, KING + 1))
        self._black = self._union(range(-KING, 0))
        self._seen_by_king = np.zeros((8, 64, self._white.shape[1]), np.uint8)
        self._seen_by_slider = np.zeros_like(self._seen_by_king)
        self._bits = np.zeros((64, 65, self._white.shape[1]), np.uint8)
        self._slide()
        self._leap()
        self._push()

    @staticmethod
    def _pack(masks: Array) -> Bits:
        """Masks [64, n] as bits [65, n / 8]; the last row is the square off the board."""
        bits = np.packbits(masks, axis=1)
        return np.concatenate([bits, np.zeros_like(bits[:1])])

    def _union(self, pieces: range) -> Bits:
        return cast(Bits, np.bitwise_or.reduce([self._pieces[piece] for piece in pieces]))

    def _sliders(self, colour: int) -> Bits:
        """Who slides in each direction, [8, 65, n / 8]."""
        queens = self._pieces[colour * QUEEN]
        straight, diagonal = queens | self._pieces[colour * ROOK], queens | self._pieces[colour * BISHOP]
        return np.stack([straight] * 4 + [diagonal] * 4)

    def _slide(self) -> None:
        black_king, all_white = self._pieces[-KING], self._sliders(1)
        white, black = all_white[:, :64], self._sliders(-1)[:, :64]
        empty = ~(self._white | self._black)
        empty[64] = 0
        see_through = empty | black_king
        open_to_white, open_to_black = np.full_like(white, _ALL), np.full_like(white, _ALL)
        direction = np.arange(8)[:, None]
        for step in range(7):
            target = RAYS[:, :, step]
            self._bits[_SOURCE, target] = (white & open_to_white) | (
                black & open_to_black & ~self._black[target]
            )
            self._seen_by_king |= open_to_black & black_king[target]
            self._seen_by_slider |= open_to_black & all_white[direction, target]
            open_to_white &= see_through[target]
            open_to_black &= empty[target]

    def _add(self, steps: tuple[Ints, Ints], movers: Bits) -> None:
        self._bits[steps] |= movers

    def _leap(self) -> None:
        for piece, steps in ((KNIGHT, KNIGHT_STEPS), (KING, KING_STEPS)):
            source, target = steps
            white, black = self._pieces[piece][source], self._pieces[-piece][source]
            self._add(steps, white | (black & ~self._black[target]))

    def _push(self) -> None:
        self._add(WHITE_PAWN_CAPTURES, self._pieces[PAWN][WHITE_PAWN_CAPTURES[0]])
        pawns, empty = self._pieces[-PAWN], ~(self._white | self._black)
        source, target = BLACK_PAWN_CAPTURES
        self._add(BLACK_PAWN_CAPTURES, pawns[source] & self._white[target])
        source, target = BLACK_PAWN_PUSHES
        self._add(BLACK_PAWN_PUSHES, pawns[source] & empty[target])
        source, target = BLACK_DOUBLE_PUSHES
        self._add(BLACK_DOUBLE_PUSHES, pawns[source] & empty[source - 8] & empty[target])

    def _unpack(self, bits: Bits) -> Bools:
        """Bits [..., n / 8] as [n, ...]."""
        # Bytes are turned over before they are taken apart: an eighth of the memory to shuffle.
        eights = np.ascontiguousarray(np.moveaxis(bits, -1, 0))[:, None]
        single = np.uint8(128) >> np.arange(8, dtype=np.uint8)
        apart = (eights & single.reshape(8, *[1] * (bits.ndim - 1))) != 0
        return cast(Bools, apart.reshape(-1, *bits.shape[:-1])[: self.count])

    def at(self, rows: Array, sources: Array, targets: Array) -> Bools:
        """Whether the piece on `sources` reaches `targets` (64: never) on boards `rows`; broadcast."""
        mask = np.right_shift(np.uint8(128), (rows & 7).astype(np.uint8))
        return cast(Bools, (self._bits[sources, targets, rows >> 3] & mask) != 0)

    def table(self) -> Bools:
        """Everything at once, [n, 64 sources, 64 targets]."""
        return self._unpack(self._bits[:, :64])

    def attacked(self) -> Bools:
        """Squares that a White piece attacks, [n, 64]."""
        by_white = self._bits[:, :64] & self._white[:64, None]
        return self._unpack(np.bitwise_or.reduce(by_white, axis=0))

    def pinned(self) -> Bools:
        """Black pieces that stand between their king and a White slider, [n, 64]."""
        return self._unpack(self._pinned())

    def _pinned(self) -> Bits:
        between = self._seen_by_king & self._seen_by_slider[list(OPPOSITE)]
        return cast(Bits, np.bitwise_or.reduce(between, axis=0) & self._black[:64])

    def defended(self) -> Bools:
        """Squares that an unpinned black piece other than the king reaches, [n, 64]."""
        defenders = self._black[:64] & ~self._pieces[-KING][:64] & ~self._pinned()
        by_black = self._bits[:, :64] & defenders[:, None]
        return self._unpack(np.bitwise_or.reduce(by_black, axis=0))


def _in_chunks(boards: Boards, ask: Callable[[Boards], Bools], *shape: int) -> Bools:
    answers = np.empty((len(boards), *shape), bool)
    for rows in chunks(len(boards)):
        answers[rows] = ask(boards[rows])
    return answers


def chunks(count: int, size: int = CHUNK) -> Iterator[slice]:
    """Slices that cover `count` rows."""
    return (slice(start, start + size) for start in range(0, count, size))


def attacked(boards: Boards) -> Bools:
    """Squares that White attacks, the black king being transparent, [n, 64]."""
    return _in_chunks(boards, lambda some: Reach(some).attacked(), 64)


def pinned(boards: Boards) -> Bools:
    """Black pieces pinned to their king, [n, 64]."""
    return _in_chunks(boards, lambda some: Reach(some).pinned(), 64)


def defended(boards: Boards) -> Bools:
    """Squares that an unpinned black piece other than the king can move to, [n, 64]."""
    return _in_chunks(boards, lambda some: Reach(some).defended(), 64)


def is_mate(boards: Boards) -> Bools:
    """Whether Black, to move, is mated, [n]."""

    def ask(some: Boards) -> Bools:
        known = Reach(some)
        return is_mate_by_maps(some, known.attacked(), known.defended(), known)

    return _in_chunks(boards, ask)


def black_king(boards: Boards) -> Ints:
    """The black king's square, [n]."""
    return cast(Ints, np.argmax(boards == -KING, axis=1))


def is_mate_by_maps(boards: Boards, attack: Array, defence: Array, known: Reach | None = None) -> Bools:
    """Mate as composed from two coloured boards: check, no flight, nobody takes or blocks.

    Args:
        boards: int8 [n, 64].
        attack: squares coloured as attacked by White, [n, 64].
        defence: squares coloured as within reach of an unpinned black piece, [n, 64].
        known: who reaches what, if it is at hand; only the checking piece is read from it.
    """
    known = known or Reach(boards)
    rows = np.arange(len(boards))[:, None]
    king = black_king(boards)
    # The square off the board counts as attacked (no flight there) and undefended (no block there).
    attack = np.pad(attack.astype(bool), [(0, 0), (0, 1)], constant_values=True)
    defence = np.pad(defence.astype(bool), [(0, 0), (0, 1)])
    own = np.pad(boards < 0, [(0, 0), (0, 1)])
    around = NEIGHBOURS[king]
    caught = (attack[rows, around] | own[rows, around]).all(axis=1)
    checks = known.at(rows, np.arange(64)[None], king[:, None]) & (boards > 0)
    checker = checks.argmax(axis=1)
    line = np.concatenate([checker[:, None], BETWEEN[checker, king]], axis=1)
    answered = defence[rows, line].any(axis=1) & (checks.sum(axis=1) == 1)
    return cast(Bools, attack[rows[:, 0], king] & caught & ~answered)
