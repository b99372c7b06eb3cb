"""What is asked next, worked out by hand from what members expect."""

from __future__ import annotations

import numpy as np
import pytest

from rrm_tree.errors import PluginError
from rrm_tree.learning.queries import (
    STRATEGIES,
    Expected,
    disagreement,
    draw,
    entropy,
    expect,
    information,
    own_query,
    spread_out,
)
from rrm_tree.outcomes import Items

SURE = np.log(9.0)
"""Log-odds of 0.9."""

# Candidates: both members sure of 1; each sure of the opposite; neither knows.
HAND_MADE = Expected("preference", np.array([[SURE, SURE, 0.0], [SURE, -SURE, 0.0]]))


def h(p):
    """Entropy of a coin, in nats."""
    return -p * np.log(p) - (1 - p) * np.log(1 - p)


def test_entropy_asks_about_what_nobody_knows_and_what_members_dispute_alike():
    assert entropy(HAND_MADE) == pytest.approx([h(0.9) + 1e-3, h(0.5) + 1e-3, h(0.5) + 1e-3])


def test_disagreement_is_the_variance_of_the_predicted_answer():
    assert disagreement(HAND_MADE) == pytest.approx([0, 0.4**2, 0])


def test_information_leaves_alone_what_no_member_can_tell():
    assert information(HAND_MADE) == pytest.approx([0, h(0.5) - h(0.9), 0])


def test_slips_of_the_judge_lower_what_an_answer_can_tell():
    slips = Expected("preference", HAND_MADE.scores, mistakes=0.2)
    # 0.1 + 0.8 · 0.9 = 0.82
    assert information(slips)[1] == pytest.approx(h(0.5) - h(0.82))
    assert disagreement(slips)[1] == pytest.approx(0.32**2)


def test_ratings_are_asked_about_where_members_predict_different_numbers():
    ratings = Expected("rating", np.array([[1.0, 5.0], [1.0, 1.0]]))
    assert disagreement(ratings) == pytest.approx([0, 4])
    assert information(ratings) == pytest.approx([0, 0.5 * np.log(5)])


def test_centres_cover_what_lies_apart_and_a_pair_turned_round_is_the_same():
    scores = np.array([[0.1, 3.0, 3.1, -3.05, 0.0], [0.1, 0.0, 0.0, 0.0, 2.0]])
    # First the one nearest to nothing, then the farthest from all that are chosen.
    assert list(spread_out(Expected("preference", scores), 3)) == [0, 2, 4]
    # A label of log-odds -3 is another case than one of 3.
    assert list(spread_out(Expected("label", scores), 3)) == [0, 2, 3]


def test_centres_are_never_chosen_twice_even_where_all_lie_in_one_place():
    assert list(spread_out(Expected("label", np.ones((2, 4))), 4)) == [0, 1, 2, 3]
    assert len(spread_out(Expected("label", np.ones((2, 4))), 9)) == 4


def test_candidates_are_drawn_in_proportion_and_none_twice():
    rng = np.random.default_rng(0)
    drawn = np.array([draw(np.array([3.0, 1.0, 0.0]), 1, rng)[0] for _ in range(4000)])
    # 3000 expected, deviation 27.
    assert (drawn == 0).sum() == pytest.approx(3000, abs=140)
    assert not (drawn == 2).any()
    assert list(draw(np.array([1.0, 0.0, 5.0]), 3, rng)) == [0, 1, 2]


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_chooses_as_many_as_asked_for_in_rising_order(name):
    rng = np.random.default_rng(0)
    expected = Expected("preference", rng.normal(size=(3, 50)))
    chosen = STRATEGIES[name](expected, 20, rng)
    assert len(np.unique(chosen)) == 20
    assert (np.diff(chosen) > 0).all()


def longest_margin(expected):
    """A score of one's own."""
    return np.abs(expected.scores).max(axis=0)


def broken(expected):
    return np.full(len(expected), np.nan)


def test_ones_own_score_is_a_strategy_and_its_mistakes_are_named(monkeypatch):
    import sys
    import types

    module = types.ModuleType("own_scores")
    module.longest_margin, module.broken = longest_margin, broken
    monkeypatch.setitem(sys.modules, "own_scores", module)
    expected = Expected("preference", np.array([[0.0, 1.0, -2.0]]))
    chosen = own_query("own_scores:longest_margin")(expected, 2, np.random.default_rng(0))
    assert list(chosen) == [1, 2]
    with pytest.raises(PluginError, match=r"own_scores:broken.*one finite number, at least 0, for each of 3"):
        own_query("own_scores:broken")(expected, 2, np.random.default_rng(0))


# Choices among three: all members sure of the first; each of another; nobody knows.
LOG = np.log([[8.0, 1.0, 1.0], [8.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
CHOICES = Expected("best", np.stack([LOG, np.log([[8.0, 1.0, 1.0], [1.0, 8.0, 1.0], [1.0, 1.0, 1.0]])]))
SURE_OF_ONE = -(0.8 * np.log(0.8) + 0.2 * np.log(0.1))
"""Entropy of chances .8, .1, .1."""


def test_choices_are_asked_about_where_members_choose_otherwise():
    assert disagreement(CHOICES) == pytest.approx([0, 2 * 0.35**2, 0])
    mean = np.array([0.45, 0.45, 0.1])
    told = -(mean * np.log(mean)).sum() - SURE_OF_ONE
    assert information(CHOICES) == pytest.approx([0, told, 0])


def test_entropy_of_a_choice_is_that_of_all_its_answers():
    # The two members' mean scores of the second: log √8, log √8, 0.
    chances = np.array([np.sqrt(8), np.sqrt(8), 1]) / (2 * np.sqrt(8) + 1)
    expected = [SURE_OF_ONE, -(chances * np.log(chances)).sum(), np.log(3)]
    assert entropy(CHOICES) == pytest.approx(np.array(expected) + 1e-3)


def test_the_worst_is_chosen_as_the_best_of_what_is_turned_round():
    turned = Expected("critique", -CHOICES.scores)
    for score in (entropy, disagreement, information):
        assert score(turned) == pytest.approx(score(CHOICES))


def test_a_ranking_tells_by_its_whole_order_and_a_pick_by_what_comes_first():
    # Both members put the same first, and differ in what comes second.
    scores = np.array([[[9.0, 3.0, 0.0]], [[9.0, 0.0, 3.0]]])
    assert information(Expected("ranking", scores))[0] > 0.3
    assert information(Expected("best", scores))[0] < 0.01


def test_orders_of_seven_are_worked_through_some_candidates_at_a_time(monkeypatch):
    scores = np.random.default_rng(0).normal(size=(2, 5, 7))
    whole = information(Expected("ranking", scores))
    monkeypatch.setattr("rrm_tree.learning.queries.MOST_CHANCES", 1)
    assert information(Expected("ranking", scores)) == pytest.approx(whole)


def test_slips_lower_what_a_choice_can_tell():
    slips = Expected("best", CHOICES.scores, mistakes=0.3)
    # 0.7 · 0.8 + 0.1 against 0.7 · 0.1 + 0.1
    assert disagreement(slips)[1] == pytest.approx(2 * (0.7 * 0.35) ** 2)
    assert information(slips)[1] < information(CHOICES)[1]


def test_centres_take_the_same_alternatives_in_another_order_for_one_place():
    one, other = [3.0, 0.0, 0.0], [1.0, 0.0, -1.0]
    scores = np.array([[[0.1, 0.0, 0.0], one, one[::-1], other]])
    assert list(spread_out(Expected("best", scores), 3)) == [0, 1, 3]


def test_expectations_of_choices_are_the_scores_of_what_is_chosen_among():
    scores = np.arange(24.0).reshape(1, 3, 4, 2)
    zeros = np.zeros(1, np.int64)
    among = Items.among(np.array([[2, 0, 1]]), zeros + 3, zeros + 1)
    assert expect("best", scores, among).scores.tolist() == [[[23.0, 7.0, 15.0]]]
    parts = Items(zeros + 1, None, zeros, zeros, parts=np.array([[0, 3]]))
    assert expect("critique", scores, parts).scores.tolist() == [[[8.0, 14.0]]]
    chances = np.log(np.array([0.25, 0.5, 0.75, 0.8])).reshape(1, 1, 4, 1)
    about = Items(zeros, None, zeros, zeros, parts=np.array([[0, 2]]))
    odds = expect("critique", chances, about, exclusive=True).scores
    assert np.exp(odds[0, 0]) == pytest.approx([1 / 3, 3])
