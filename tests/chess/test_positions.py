"""The shipped positions."""

import numpy as np
import pytest

from rrm_tree.domains.chess.make_positions import find_position, to_chess
from rrm_tree.domains.chess.moves import make_moves
from rrm_tree.domains.chess.positions import SHARES, draw_positions, load_positions, split_indices
from rrm_tree.domains.chess.rules import is_mate


def test_every_position_is_distinct_and_its_recorded_move_mates() -> None:
    positions = load_positions()
    assert len(positions["board"]) >= 10_000
    assert len(np.unique(positions["board"], axis=0)) == len(positions["board"])
    assert is_mate(make_moves(positions["board"], positions["played"])).all()


def test_positions_are_ones_that_chess_allows() -> None:
    assert all(to_chess(board).is_valid() for board in load_positions()["board"][::50])


def test_splits_cover_all_positions_and_never_overlap() -> None:
    rows = np.concatenate([split_indices(12_000, split) for split in SHARES])
    assert sorted(rows.tolist()) == list(range(12_000))
    for split, share in SHARES.items():
        assert abs(len(split_indices(12_000, split)) / 12_000 - share) < 0.01


def test_a_split_gives_fewer_positions_when_it_holds_fewer() -> None:
    held = len(split_indices(len(load_positions()["board"]), "gate"))
    drawn = draw_positions(1_000_000, "gate", np.random.default_rng(0))
    assert len(drawn["board"]) == held == len(np.unique(drawn["board"], axis=0))


@pytest.mark.slow
def test_the_script_gives_the_shipped_positions_again() -> None:
    found = [position for position in (find_position(1, game) for game in range(20)) if position]
    shipped = load_positions()
    assert len(found) >= 5
    for row, (board, move) in enumerate(found):
        assert (board == shipped["board"][row]).all()
        assert (move == shipped["played"][row]).all()
