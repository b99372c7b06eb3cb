"""Every kind of judgment: its formula worked out by hand, and its simulation against its formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from rrm_tree.learning.kinds import KINDS, Choice, Preference, chosen_and_other, kind_of
from rrm_tree.learning.losses import all_orders, number_orders

COUNT = 20_000
# A share of 20,000 answers strays by more than 0.0155 from its expectation once in 10^5 seeds.
STRAY = 0.0155
THREE = [math.log(1), math.log(2), math.log(5)]
"""Scores of three alternatives that are chosen with chances 1/8, 2/8, 5/8."""


def chance(kind, scores, answer, mistakes=0.0):
    """What the kind says is the probability of an answer."""
    loss = kind.loss(torch.tensor([scores]).double(), torch.tensor([float(answer)]).double(), mistakes)
    return math.exp(-loss.item())


def test_a_choice_among_several_falls_on_each_in_proportion_to_the_exponential_of_its_score():
    for place, expected in enumerate([1 / 8, 2 / 8, 5 / 8]):
        assert chance(KINDS["best"], THREE, place) == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["best", "demonstration", "goal", "correction"])
def test_all_choices_of_the_best_share_one_likelihood(kind):
    assert chance(KINDS[kind], THREE, 2) == pytest.approx(5 / 8)


def test_a_critique_points_at_what_scores_least():
    # Odds of exp(-score): 1 : 1/2 : 1/5, that is 10 : 5 : 2.
    for place, expected in enumerate([10 / 17, 5 / 17, 2 / 17]):
        assert chance(KINDS["critique"], THREE, place) == pytest.approx(expected)


def test_a_choice_between_two_is_a_preference():
    as_choice = chance(KINDS["best"], [0.3, 1.0], 1)
    assert as_choice == pytest.approx(chance(KINDS["preference"], 0.3 - 1.0, 0.0))


def test_a_ranking_is_a_choice_and_then_a_choice_of_what_is_left():
    order = [2, 0, 1]
    code = number_orders(np.array([order]))[0]
    assert chance(KINDS["ranking"], THREE, code) == pytest.approx(5 / 8 * 1 / 3)


def test_the_chances_of_all_rankings_sum_to_one_with_and_without_mistakes():
    for mistakes in (0.0, 0.3):
        chances = [chance(KINDS["ranking"], THREE, code, mistakes) for code in range(6)]
        assert sum(chances) == pytest.approx(1.0)


def test_orders_are_numbered_as_they_are_listed():
    orders = all_orders(4)
    assert number_orders(orders).tolist() == list(range(24))
    assert orders[1].tolist() == [0, 1, 3, 2]


def test_more_alternatives_than_can_be_ranked_are_refused():
    with pytest.raises(ValueError, match="rank 7 at most"):
        all_orders(8)


def test_some_choices_and_rankings_are_given_at_random():
    assert chance(KINDS["best"], THREE, 0, mistakes=0.3) == pytest.approx(0.7 / 8 + 0.1)
    mixed = chance(KINDS["ranking"], THREE, 0, mistakes=0.3)
    assert mixed == pytest.approx(0.7 * chance(KINDS["ranking"], THREE, 0) + 0.3 / 6)
    assert chance(KINDS["critique"], THREE, 0, mistakes=0.3) == pytest.approx(0.7 * 10 / 17 + 0.1)


def test_davidson_gives_ties_their_weight_between_equals_and_keeps_the_odds_of_the_others():
    kind = kind_of("preference", ties=0.5)
    # Between equals 1 : 1/2 : 1.
    assert chance(kind, 0.0, 0.5) == pytest.approx(0.2)
    # Scores apart by log 4: 2 : 1/2 : 1/2, the odds of the first to the second still 4.
    chances = [chance(kind, math.log(4), answer) for answer in (1, 0.5, 0)]
    assert chances == pytest.approx([2 / 3, 1 / 6, 1 / 6])
    assert chance(kind, math.log(4), 1) / chance(kind, math.log(4), 0) == pytest.approx(4.0)


def test_where_ties_weigh_next_to_nothing_davidson_is_a_tie_as_half_of_either_beside_a_constant():
    answers, margins = torch.full((3,), 0.5).double(), torch.tensor([-2.0, 0.0, 1.5]).double()
    half = Preference().loss(margins, answers, 0.0)
    rare = Preference(ties=1e-9).loss(margins, answers, 0.0) + math.log(1e-9)
    assert rare.tolist() == pytest.approx(half.tolist(), abs=1e-6)


def test_a_kind_without_ties_takes_no_notice_of_their_weight():
    assert kind_of("label", ties=0.5) is KINDS["label"]
    assert kind_of("preference") is KINDS["preference"]


CASES = [
    *((kind, THREE, range(3)) for kind in ("best", "critique")),
    ("ranking", THREE, range(6)),
    ("label", 0.7, (0, 1)),
    ("preference", 0.7, (0, 1)),
    ("tied", 0.7, (0, 0.5, 1)),
]


@pytest.mark.parametrize(("name", "scores", "answers"), CASES)
def test_simulated_answers_come_as_often_as_their_likelihood_says(name, scores, answers):
    kind = Preference(ties=0.8) if name == "tied" else KINDS[name]
    drawn = kind.simulate(np.repeat(np.array([scores]), COUNT, axis=0), np.random.default_rng(1))
    for answer in answers:
        assert (drawn == answer).mean() == pytest.approx(chance(kind, scores, answer), abs=STRAY)


def test_simulated_ratings_lie_about_the_score_with_deviation_one():
    drawn = KINDS["rating"].simulate(np.full(COUNT, 4.0), np.random.default_rng(1))
    assert (drawn.mean(), drawn.std()) == pytest.approx((4.0, 1.0), abs=0.036)


@pytest.mark.parametrize("name", KINDS)
def test_the_scores_that_simulated_the_answers_are_where_their_loss_is_least(name):
    kind = KINDS[name]
    several = kind.shown == "several"
    scores = np.repeat(np.array([[0.7, 0.0, 0.0]]) if several else np.array([0.7]), COUNT, axis=0)
    answers = torch.tensor(kind.simulate(scores, np.random.default_rng(2)))
    scales = np.linspace(0, 2, 15)
    losses = [kind.loss(torch.tensor(scores * scale), answers, 0.0).mean().item() for scale in scales]
    # A seventh of 0.7 is how fine the steps are.
    assert scales[int(np.argmin(losses))] == pytest.approx(1.0, abs=0.15)


def test_the_margin_of_a_choice_is_what_was_preferred_above_what_was_not():
    rng = np.random.default_rng(0)
    scores = np.array([[1.0, 4.0]])
    assert chosen_and_other("best", scores, np.array([1.0]), rng).tolist() == [3.0]
    assert chosen_and_other("critique", scores, np.array([1.0]), rng).tolist() == [-3.0]
    second_first = number_orders(np.array([[1, 0]])).astype(float)
    assert chosen_and_other("ranking", scores, second_first, rng).tolist() == [3.0]


def test_every_kind_says_what_it_asks():
    assert all(kind.question[-1] in "?." for kind in KINDS.values())
    assert isinstance(KINDS["critique"], Choice)
