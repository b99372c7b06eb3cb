"""The person's errors and looks are those that arithmetic says."""

import numpy as np
import pytest
from chess_worlds import MAPS, judge, moves_made, perfect_advice, proposals, right

from rrm_tree.contracts import Request
from rrm_tree.domains import chess
from rrm_tree.domains.chess.attention import NOTHING, Attention
from rrm_tree.outcomes import Advice, Items, join_outcomes

HALVES = np.random.default_rng(5).integers(0, 64, 4000)


def test_one_look_at_a_ray_errs_at_the_declared_rate() -> None:
    answers, truth = judge("ray", proposals("ray"), part=HALVES, look_error=0.1)
    assert (answers.looks == 1).all()
    # 4,000 judgments: four standard deviations are 0.019.
    assert abs(1 - right(answers, truth) - 0.1) < 0.02


@pytest.mark.parametrize("name", ["ray", "attacked", "defended", "verdict", "player"])
def test_a_person_who_never_errs_is_right_but_for_double_checks(name: str) -> None:
    outcomes = moves_made(1000) if name == "player" else proposals(name, 1000)
    part = HALVES[:1000] % getattr(chess, name)().parts
    answers, truth = judge(name, outcomes, part=part, look_error=0.0, read_error=0.0)
    assert right(answers, truth) >= (0.99 if name in ("verdict", "player") else 1.0)


def test_an_unattacked_square_takes_a_look_at_every_white_piece() -> None:
    outcomes = proposals("attacked")
    answers, _ = judge("attacked", outcomes, part=HALVES, look_error=0.0)
    clear = ~chess.attacked().answers(outcomes.subjects)[np.arange(4000), HALVES]
    pieces = (outcomes.subjects["board"] > 0).sum(axis=1)
    assert (answers.looks[clear] == pieces[clear]).all()
    assert (answers.looks[~clear] <= pieces[~clear]).all()


def test_seeing_an_attacker_that_is_not_there_takes_one_wrong_look_of_many() -> None:
    outcomes = proposals("attacked")
    answers, truth = judge("attacked", outcomes, part=HALVES)
    clear = ~chess.attacked().answers(outcomes.subjects)[np.arange(4000), HALVES]
    pieces = (outcomes.subjects["board"] > 0).sum(axis=1)[clear]
    expected = (1 - 0.98**pieces).mean()
    assert abs((answers.values != truth)[clear].mean() - expected) < 0.04


def test_reading_what_each_piece_reaches_errs_less_than_looking() -> None:
    outcomes = proposals("attacked")
    advice = perfect_advice("attacked", outcomes, ["chess.reach"])
    alone, assisted = (right(*judge("attacked", outcomes, shown, HALVES)) for shown in (None, advice))
    assert assisted > alone + 0.03


def test_no_judgment_takes_more_looks_than_there_are() -> None:
    outcomes = moves_made(2000)
    for shown in (None, perfect_advice("player", outcomes, [*MAPS, "chess.verdict"])):
        answers, _ = judge("player", outcomes, shown, looks=5)
        assert answers.looks.max() == 5 and answers.looks.min() >= 1


def test_out_of_looks_a_person_guesses_or_cannot_tell_as_declared() -> None:
    outcomes = proposals("verdict")
    guesses, truth = judge("verdict", outcomes, looks=1, look_error=0.0)
    silent, _ = judge("verdict", outcomes, looks=1, look_error=0.0, out_of_looks="cannot_tell")
    unsure = np.isnan(silent.values)
    assert unsure.mean() > 0.95 and not np.isnan(guesses.values).any()
    assert abs((guesses.values == truth)[unsure].mean() - 0.5) < 0.035


def test_a_verdict_is_read_in_one_look_and_is_what_one_falls_back_on() -> None:
    outcomes = moves_made()
    alone = judge("player", outcomes, perfect_advice("player", outcomes, ["chess.verdict"]))
    assert (alone[0].looks == 1).all() and abs(1 - right(*alone) - 0.005) < 0.005
    boards = right(*judge("player", outcomes, perfect_advice("player", outcomes, MAPS), looks=4))
    everything = perfect_advice("player", outcomes, [*MAPS, "chess.verdict"])
    assert right(*judge("player", outcomes, everything, looks=4)) > boards + 0.1


def test_the_same_request_gets_the_same_answers() -> None:
    outcomes = moves_made(3000)
    (one, _), (other, _) = judge("player", outcomes, seed=4), judge("player", outcomes, seed=4)
    assert (one.values == other.values).all() and (one.looks == other.looks).all()


def test_a_preference_is_between_two_labels_of_what_was_found_out_once() -> None:
    first, task = proposals("attacked", 500), chess.attacked()
    rows = np.arange(500)
    second = task.imagine(first.subjects, 1 - first.actions[:, 0], first.subjects)
    items = Items(rows, rows + 500, HALVES[:500], np.zeros(500, np.int64))
    both = join_outcomes([first, second])
    request = Request(task, "preference", ("?",), both, Advice(), items, np.random.default_rng(0))
    answers = chess.person().answer(request)
    assert set(answers.values) == {0.0, 1.0}
    better = task.truth(first)[rows, HALVES[:500]]
    assert (answers.values == better).mean() > 0.85
    assert answers.looks.max() <= 2 * 16


def test_colouring_a_board_takes_hundreds_of_looks_and_a_ray_sixty_four() -> None:
    rng, person = np.random.default_rng(0), chess.person()
    boards = chess.attacked().starts(50, "train", rng)
    assert 200 < person.solve_looks(chess.attacked(), boards, rng).mean() < 600
    rays = chess.ray().starts(50, "train", rng)
    assert (person.solve_looks(chess.ray(), rays, rng) == 64).all()
    moves = chess.player().starts(50, "train", rng)
    assert 100 < person.solve_looks(chess.player(), moves, rng).mean() < 600


def test_a_search_stops_at_the_first_hit_it_can_afford() -> None:
    attention = Attention(np.array([9, 2, 2]), np.random.default_rng(0))
    hits = np.array([[0, 0, 1, 1], [0, 0, 1, 0], [0, 1, 0, 0]], bool)
    costs = np.array([[1, 0, 1, 1], [1, 0, 2, 1], [1, 1, 1, 1]])
    assert attention.search(np.arange(3), hits, costs).tolist() == [2, NOTHING, 1]
    assert attention.left.tolist() == [7, 0, 0]
    assert attention.ran_out.tolist() == [False, True, False]
