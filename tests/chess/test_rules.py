"""Rules against python-chess, on shipped positions after every kind of move."""

import chess
import numpy as np
import pytest

from rrm_tree.domains.chess import rules
from rrm_tree.domains.chess.make_positions import from_chess, to_chess
from rrm_tree.domains.chess.moves import is_legal, legal_moves, make_moves, mirror
from rrm_tree.domains.chess.positions import load_positions

POSITIONS = load_positions()["board"][:60]


def boards_after_all_moves(positions: np.ndarray = POSITIONS) -> np.ndarray:
    moves, rows = legal_moves(positions)
    return make_moves(positions[rows], moves)


def test_legal_moves_are_those_of_python_chess() -> None:
    moves, rows = legal_moves(POSITIONS)
    for row, board in enumerate(POSITIONS):
        expected = {(m.from_square, m.to_square, m.promotion or 0) for m in to_chess(board).legal_moves}
        found = moves[rows == row].tolist()
        assert len(found) == len(expected)
        assert set(map(tuple, found)) == expected


def test_moves_that_python_chess_forbids_are_illegal() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(POSITIONS), 4000)
    moves = rng.integers(0, [64, 64, 6], (4000, 3))
    moves[::2, 2] = 0
    expected = [
        chess.Move(int(a), int(b), int(c) or None) in to_chess(POSITIONS[row]).legal_moves
        for row, (a, b, c) in zip(rows, moves, strict=True)
    ]
    assert is_legal(POSITIONS[rows], moves).tolist() == expected
    assert 0 < sum(expected) < 400


def test_attacked_squares_are_those_that_white_attacks_with_the_king_lifted() -> None:
    boards = boards_after_all_moves()[::7]
    for board, found in zip(boards, rules.attacked(boards), strict=True):
        lifted = to_chess(board)
        lifted.remove_piece_at(int(rules.black_king(board[None])[0]))
        assert found.tolist() == [lifted.is_attacked_by(chess.WHITE, square) for square in chess.SQUARES]


def test_defended_squares_are_where_unpinned_black_pieces_can_move() -> None:
    boards = boards_after_all_moves()[::7]
    for row, board in enumerate(boards):
        real, reached = to_chess(board, chess.BLACK), np.zeros(64, bool)
        for move in real.pseudo_legal_moves:
            king = real.piece_type_at(move.from_square) == chess.KING
            reached[move.to_square] |= not king and not real.is_pinned(chess.BLACK, move.from_square)
        assert rules.defended(boards[row : row + 1])[0].tolist() == reached.tolist()


@pytest.mark.slow
def test_mate_composed_from_exact_boards_is_checkmate_every_time() -> None:
    boards = boards_after_all_moves(load_positions()["board"][:400])
    expected = [to_chess(board, chess.BLACK).is_checkmate() for board in boards]
    assert rules.is_mate(boards).tolist() == expected
    assert sum(expected) >= 400


def test_reach_of_each_piece_in_a_position_worked_out_by_hand() -> None:
    # White: Ra1, pawn a2, Kc1; Black: Ke8, Rd8, pawn e7, Ba5 that e1 does not see.
    board = from_chess(chess.Board("3rk3/4p3/8/b7/8/8/P7/R1K5 w - - 0 1"))
    table = rules.Reach(board[None]).table()[0]

    def reached(square: int) -> set[str]:
        return {chess.square_name(int(target)) for target in np.flatnonzero(table[square])}

    assert reached(chess.A1) == {"a2", "b1", "c1"}
    assert reached(chess.A2) == {"b3"}
    assert reached(chess.E7) == {"e6", "e5"}
    assert reached(chess.D8) == {"a8", "b8", "c8", "d7", "d6", "d5", "d4", "d3", "d2", "d1"}


def test_the_black_king_hides_nothing_behind_himself() -> None:
    board = from_chess(chess.Board("8/8/8/R3k3/8/8/8/K7 b - - 0 1"))
    assert rules.attacked(board[None])[0, [chess.F5, chess.H5]].all()


def test_a_pinned_piece_defends_nothing() -> None:
    board = from_chess(chess.Board("4k3/4r3/8/8/8/8/4R3/K7 b - - 0 1"))
    assert np.flatnonzero(rules.pinned(board[None])[0]).tolist() == [chess.E7]
    assert not rules.defended(board[None]).any()


def test_mirroring_twice_changes_nothing() -> None:
    assert (mirror(mirror(POSITIONS)) == POSITIONS).all()


@pytest.mark.parametrize("count", [1, 7, 8, 9])
def test_a_board_has_the_same_answers_whatever_it_is_batched_with(count: int) -> None:
    boards = boards_after_all_moves()
    assert (rules.defended(boards)[:count] == rules.defended(boards[:count])).all()
    assert (rules.Reach(boards[:count]).table() == rules.Reach(boards).table()[:count]).all()
