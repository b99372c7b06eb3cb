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
    information,
    own_query,
    spread_out,
)

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
