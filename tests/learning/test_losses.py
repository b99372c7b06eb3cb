"""Losses against answers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from rrm_tree.learning.losses import (
    exclusive_log_odds,
    label_loss,
    preference_loss,
    rating_loss,
    simulate_choices,
    simulate_ratings,
)


def test_a_preference_costs_minus_log_of_the_bradley_terry_probability():
    margins = torch.tensor([math.log(3), math.log(3)])
    nats = preference_loss(margins, torch.tensor([1.0, 0.0]))
    assert nats.tolist() == pytest.approx([-math.log(3 / 4), -math.log(1 / 4)])


def test_a_tie_costs_half_of_either_answer_and_least_at_equal_scores():
    nats = preference_loss(torch.tensor([math.log(3), 0.0]), torch.tensor([0.5, 0.5]))
    assert nats.tolist() == pytest.approx([-0.5 * math.log(3 / 16), math.log(2)])


def test_a_hopeless_margin_costs_its_own_size_and_never_infinity():
    nats = preference_loss(torch.tensor([-1e4, 1e4]), torch.tensor([1.0, 0.0]))
    assert nats.tolist() == pytest.approx([1e4, 1e4])


def test_a_label_costs_minus_log_of_its_bernoulli_probability():
    nats = label_loss(torch.tensor([math.log(9), math.log(9)]), torch.tensor([1.0, 0.0]))
    assert nats.tolist() == pytest.approx([-math.log(0.9), -math.log(0.1)])


def test_a_rating_costs_half_its_squared_distance_beside_a_constant():
    nats = rating_loss(torch.tensor([1.0, 1.0]), torch.tensor([1.0, 3.0]))
    assert (nats - 0.5 * math.log(2 * math.pi)).tolist() == pytest.approx([0.0, 2.0])


def test_of_two_exclusive_values_the_log_odds_are_the_difference_of_their_scores():
    scores = torch.tensor([[2.0, 5.0], [2.0, 5.0]])
    assert exclusive_log_odds(scores, torch.tensor([0, 1])).tolist() == [-3.0, 3.0]


def test_of_three_exclusive_values_the_log_odds_are_those_of_the_softmax():
    scores = torch.log(torch.tensor([[0.2, 0.3, 0.5]])).expand(3, 3) + 7
    odds = exclusive_log_odds(scores, torch.arange(3)).exp()
    assert odds.tolist() == pytest.approx([0.25, 3 / 7, 1.0])


def test_exclusive_log_odds_are_finite_with_finite_gradients_where_one_value_is_certain():
    scores = torch.tensor([[200.0, -200.0]], requires_grad=True)
    loss = label_loss(exclusive_log_odds(scores, torch.tensor([0])), torch.zeros(1)).sum()
    loss.backward()
    assert loss.item() == 400
    assert scores.grad.tolist() == [[1.0, -1.0]]


def test_simulated_choices_come_as_often_as_their_likelihood_says():
    # Deviation of the mean is 0.0031: 5 of them are exceeded once in two million seeds.
    drawn = simulate_choices(np.full(20_000, math.log(3)), np.random.default_rng(1))
    assert drawn.mean() == pytest.approx(0.75, abs=0.0155)


def test_simulated_ratings_have_the_mean_and_deviation_of_their_likelihood():
    drawn = simulate_ratings(np.full(20_000, 4.0), np.random.default_rng(1))
    assert drawn.mean() == pytest.approx(4.0, abs=0.036)
    assert drawn.std() == pytest.approx(1.0, abs=0.026)
