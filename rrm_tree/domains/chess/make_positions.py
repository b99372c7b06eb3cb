"""Mate-in-one positions from random games, as the arrays that the package ships.

    python -m rrm_tree.domains.chess.make_positions --count 12000 --seed 1

In: a count and a seed. Out: boards and the mating move of each, White to move.
Touches the one file that it writes; every game has its own seed, so workers change nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count as numbers
from pathlib import Path

import chess
import numpy as np

from rrm_tree.domains.chess.positions import FILE
from rrm_tree.outcomes import Array

LONGEST_GAME = 400
"""Plies after which a game without a mate in one is given up."""
GAMES_AT_ONCE = 200


def from_chess(board: chess.Board) -> Array:
    """The pieces of a python-chess board, int8 [64]."""
    squares = np.zeros(64, np.int8)
    for square, piece in board.piece_map().items():
        squares[square] = piece.piece_type if piece.color else -piece.piece_type
    return squares


def to_chess(squares: Array, turn: chess.Color = chess.WHITE) -> chess.Board:
    """A python-chess board with these pieces, no castling rights, no en-passant square."""
    board = chess.Board(None)
    for square in np.flatnonzero(squares):
        piece = int(squares[square])
        board.set_piece_at(int(square), chess.Piece(abs(piece), piece > 0))
    board.turn = turn
    return board


def find_position(seed: int, game: int) -> tuple[Array, Array] | None:
    """The first position of a random game in which the side to move can mate.

    Mirrored so that White is to move. Castling rights and en-passant squares are dropped, and the
    position is passed over where they would decide which moves mate: a board says it all.

    Returns:
        board [64] and move [3], or None if the game offers no mate in one.
    """
    rng = np.random.default_rng([seed, game])
    board = chess.Board()
    for _ in range(LONGEST_GAME):
        moves = list(board.legal_moves)
        if not moves:
            return None
        mates = mating_moves(strip(board))
        if mates:
            position, mate = strip(board), mates[rng.integers(len(mates))]
            if position.turn == chess.BLACK:
                position = position.mirror()
                mate = chess.Move(mate.from_square ^ 56, mate.to_square ^ 56, mate.promotion)
            move = np.array([mate.from_square, mate.to_square, mate.promotion or 0], np.int8)
            return from_chess(position), move
        board.push(moves[rng.integers(len(moves))])
    return None


def strip(board: chess.Board) -> chess.Board:
    """The board without castling rights and en-passant square."""
    bare = board.copy(stack=False)
    bare.castling_rights = chess.BB_EMPTY
    bare.ep_square = None
    return bare


def mating_moves(board: chess.Board) -> list[chess.Move]:
    """Moves that mate; none at all if one would mate but for an en-passant capture."""
    mates = []
    for move in board.legal_moves:
        if not board.gives_check(move):
            continue
        board.push(move)
        mate = board.is_checkmate()
        hangs_on_en_passant = board.ep_square is not None and strip(board).is_checkmate() != mate
        board.pop()
        if hangs_on_en_passant:
            return []
        if mate:
            mates.append(move)
    return mates


def find_positions(seed: int, games: range) -> list[tuple[Array, Array]]:
    """The positions of some games, in order."""
    return [found for found in (find_position(seed, game) for game in games) if found is not None]


def distinct_positions(seed: int, workers: int) -> Iterator[tuple[Array, Array]]:
    """Positions without end, in the order of their games, each board once."""
    seen: set[bytes] = set()
    with ProcessPoolExecutor(workers) as pool:
        for first in numbers(step=GAMES_AT_ONCE * workers):
            starts = range(first, first + GAMES_AT_ONCE * workers, GAMES_AT_ONCE)
            games = [range(start, start + GAMES_AT_ONCE) for start in starts]
            for batch in pool.map(find_positions, [seed] * workers, games):
                for board, move in batch:
                    if board.tobytes() not in seen:
                        seen.add(board.tobytes())
                        yield board, move


def write_positions(path: Path, count: int, seed: int, workers: int) -> None:
    """Write the first `count` distinct positions; compressed arrays without pickles."""
    positions = distinct_positions(seed, workers)
    boards, played = zip(*(next(positions) for _ in range(count)), strict=True)
    np.savez_compressed(path, boards=np.stack(boards), played=np.stack(played))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=FILE)
    options = parser.parse_args()
    write_positions(options.out, options.count, options.seed, options.workers)


if __name__ == "__main__":
    main()
