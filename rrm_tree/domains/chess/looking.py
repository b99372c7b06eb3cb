"""How a person who knows the rules finds out what is attacked, defended and mate.

A bounded procedure, piece by piece and square by square. It stops as a person would: a search for
an attacker at the first one found, a search for a way out of mate at the first way out.

In: boards, advice where there is any, and attention. Out: beliefs.
Touches nothing but the attention it spends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from rrm_tree.domains.chess import facts
from rrm_tree.domains.chess.attention import NOTHING, Attention
from rrm_tree.domains.chess.geometry import BETWEEN, DISTANCE, KING, NEIGHBOURS, OFF, Boards, Bools
from rrm_tree.domains.chess.rules import Reach, black_king
from rrm_tree.outcomes import Advice, Array, Ints


@dataclass(frozen=True)
class Shown:
    """What helpers say, where they say it; the first helper of each kind is read."""

    rows: Ints
    """Which row of the advice is about each board, [boards]; the rest is by row."""
    reach: Array | None = None
    """[n, 64, 64]"""
    attack: Array | None = None
    """[n, 64]"""
    defence: Array | None = None
    """[n, 64]"""
    verdict: Array | None = None
    """[n, 64], alike on every square."""

    @classmethod
    def of(cls, advice: Advice, rows: Ints) -> Shown:
        """The advice that this person can read."""

        def first(kind: str, *shape: int) -> Array | None:
            found = advice.of(kind)
            return found[0].reshape(-1, *shape) if found else None

        return cls(
            rows,
            first(facts.REACH, 64, 64),
            first(facts.ATTACKED, 64),
            first(facts.DEFENDED, 64),
            first(facts.VERDICT, 64),
        )

    def take(self, some: slice) -> Shown:
        """What is said about the chosen boards."""
        return replace(self, rows=self.rows[some])


def list_squares(mask: Bools) -> Ints:
    """Squares where the mask holds, a1 first, filled up with `OFF`; [n, most]."""
    counts = mask.sum(axis=1)
    width = max(int(counts.max(initial=0)), 1)
    listed = np.argsort(~mask, axis=1, kind="stable")[:, :width]
    return np.where(np.arange(width) < counts[:, None], listed, OFF)


def nearest_first(pieces: Ints, squares: Ints) -> Ints:
    """Each row of pieces by their distance from the row's square; `OFF` stays last."""
    away = np.where(pieces == OFF, OFF, DISTANCE[np.minimum(pieces, 63), squares[:, None]])
    return np.take_along_axis(pieces, np.argsort(away, axis=1, kind="stable"), axis=1)


class Looking:
    """A person before a batch of boards."""

    def __init__(
        self, boards: Boards, shown: Shown, attention: Attention, look_error: float, read_error: float
    ) -> None:
        self.attention = attention
        self._boards, self._shown = boards, shown
        self._look_error, self._read_error = look_error, read_error
        self._rules = Reach(boards)
        self._pinned = self._rules.pinned()
        self._white = list_squares(boards > 0)
        self._black = list_squares((boards < 0) & (boards != -KING))

    def _reaches(self, who: Ints, pieces: Ints, squares: Ints) -> Bools:
        """Whether pieces seem to reach the row's square: read from advice, or looked at; [k, pieces]."""
        on_board, squares = np.minimum(pieces, 63), squares[:, None]
        if self._shown.reach is not None:
            advised = self._shown.reach[self._shown.rows[who][:, None], on_board, squares] != 0
            return self.attention.perceive(advised, self._read_error)
        return self.attention.perceive(self._rules.at(who[:, None], on_board, squares), self._look_error)

    def _read(self, advice: Array, who: Ints, squares: Ints) -> Bools:
        """One square of the advice each, as it is read; [k]."""
        return self.attention.ask(who, advice[self._shown.rows[who], squares] != 0, self._read_error)

    def reaches(self, who: Ints, pieces: Ints, squares: Ints) -> Bools:
        """Whether one piece reaches one square, at one look; [k]."""
        seen = self._reaches(who, pieces[:, None], squares)
        return cast(Bools, self.attention.search(who, seen, np.ones_like(seen, np.int64)) != NOTHING)

    def find_attacker(self, who: Ints, squares: Ints) -> Ints:
        """The first White piece, nearest first, that seems to attack the square, or `OFF`; [k]."""
        pieces = nearest_first(self._white[who], squares)
        seen = self._reaches(who, pieces, squares)
        first = self.attention.search(who, seen, pieces != OFF)
        return np.where(first == NOTHING, OFF, pieces[np.arange(len(who)), first])

    def attacked(self, who: Ints, squares: Ints) -> Bools:
        """Whether White attacks the squares: read where they are coloured, or looked for; [k]."""
        if self._shown.attack is not None:
            return self._read(self._shown.attack, who, squares)
        return cast(Bools, self.find_attacker(who, squares) != OFF)

    def defended(self, who: Ints, squares: Ints) -> Bools:
        """Whether an unpinned black piece, not the king, reaches the squares; [k].

        A piece that seems to reach the square takes a second look: is it pinned?
        """
        if self._shown.defence is not None:
            return self._read(self._shown.defence, who, squares)
        pieces = nearest_first(self._black[who], squares)
        seen = self._reaches(who, pieces, squares)
        pinned = self._pinned[who[:, None], np.minimum(pieces, 63)]
        free = ~self.attention.perceive(pinned, self._look_error)
        looks = (pieces != OFF) * (1 + seen.astype(np.int64))
        return cast(Bools, self.attention.search(who, seen & free, looks) != NOTHING)

    def mated(self) -> Bools:
        """Whether each black king seems mated, [n].

        A verdict with nothing beside it is read and believed. Beside coloured boards it is what one
        falls back on: the last look is kept for it.
        """
        verdict, everyone = self._shown.verdict, np.arange(len(self._boards))
        nowhere = np.zeros_like(everyone)
        if verdict is None:
            return self._work_out_mate()
        if self._shown.attack is None and self._shown.defence is None:
            return self._read(verdict, everyone, nowhere)
        kept = np.minimum(self.attention.left, 1)
        self.attention.left -= kept
        mated = self._work_out_mate()
        self.attention.left += kept
        lost = everyone[self.attention.ran_out]
        self.attention.ran_out[lost] = False
        mated[lost] = self._read(verdict, lost, nowhere[lost])
        return mated

    def _work_out_mate(self) -> Bools:
        """Whether each king seems mated: check, no flight, nobody takes or blocks; [n].

        The first checking piece found is taken for the only one. Where the check was read from a
        coloured board the checking piece is then looked for, and if none is seen it is no check.
        """
        count = len(self._boards)
        king = black_king(self._boards)
        checker = np.full(count, OFF)
        who = np.arange(count)
        if self._shown.attack is None:
            checker = self.find_attacker(who, king)
            who = who[checker != OFF]
        else:
            who = who[self.attacked(who, king)]
        for squares in NEIGHBOURS[king].T:
            who = self._keep(who, squares, flight=True)
        if self._shown.attack is not None:
            checker[who] = self.find_attacker(who, king[who])
            who = who[checker[who] != OFF]
        line = np.concatenate([checker[:, None], BETWEEN[np.minimum(checker, 63), king]], axis=1)
        for squares in line.T:
            who = self._keep(who, squares, flight=False)
        mated = np.zeros(count, bool)
        mated[who] = True
        return mated

    def _keep(self, who: Ints, squares: Ints, *, flight: bool) -> Ints:
        """Those for whom the square is no way out of mate; who runs out of looks drops out too."""
        asked = who[squares[who] != OFF]
        if flight:
            asked = asked[self._boards[asked, squares[asked]] >= 0]
            out = ~self.attacked(asked, squares[asked])
        else:
            out = self.defended(asked, squares[asked])
        gone = np.zeros(len(self._boards), bool)
        gone[asked] = out | self.attention.ran_out[asked]
        return who[~gone[who]]
