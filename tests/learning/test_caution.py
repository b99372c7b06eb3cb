"""Cautious rewards: what all members are sure of, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from rrm_tree.contracts import Shapes
from rrm_tree.learning.ensemble import Ensemble
from rrm_tree.learning.reward_model import RewardModel

ONCE = np.ones(1)


class Linear(nn.Module):
    """score = slope · x + level."""

    def __init__(self):
        super().__init__()
        self.slope, self.level = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))

    def forward(self, inputs):
        return (inputs["x"] * self.slope + self.level)[:, None, None]


class TwoLines:
    version = "1"

    def __call__(self, shapes):
        return Linear()


def two_lines(slopes, levels):
    """Two members, neither shifted nor scaled."""
    shapes = Shapes({"x": (1,)}, 1, 1, 1)
    weights = {"slope": torch.tensor(slopes)[:, None], "level": torch.tensor(levels)[:, None]}
    return RewardModel(Ensemble(Linear(), shapes, weights, {}), False, np.zeros(1), np.ones(1))


STEPS = {"x": np.array([[[1.0], [2.0]], [[3.0], [2.0]]])}
ALL = np.ones((2, 2), bool)


def test_a_cautious_reward_is_the_mean_less_deviations_of_the_members():
    model = two_lines([1.0, 3.0], [0.0, 0.0])
    found = model.cautious_rewards(STEPS, None, ALL, ONCE, caution=0.5)
    # Members say x and 3x: mean 2x, deviation x.
    assert found == pytest.approx(1.5 * STEPS["x"][..., 0])
    assert model.cautious_rewards(STEPS, None, ALL, ONCE, 0.0) == pytest.approx(
        model.rewards(STEPS, None, ALL, ONCE)
    )


def test_a_table_is_as_cautious_as_the_rewards_are():
    model = two_lines([1.0, 3.0], [0.0, 0.0])
    assert model.cautious_table(STEPS, ONCE, 0.5)[..., 0, 0] == pytest.approx(1.5 * STEPS["x"][..., 0])


def test_steps_not_taken_earn_nothing():
    model = two_lines([1.0, 3.0], [5.0, -1.0])
    mask = np.array([[True, False], [True, True]])
    assert model.cautious_rewards(STEPS, None, mask, ONCE, 1.0)[0, 1] == 0


def test_what_members_differ_by_everywhere_alike_is_no_doubt_about_any_step():
    model = two_lines([1.0, 1.0], [7.0, -3.0])
    doubted = model.cautious_rewards(STEPS, None, ALL, ONCE, 1.0)
    assert doubted == pytest.approx(STEPS["x"][..., 0] + 2 - 5)
    levelled = model.levelled(STEPS, None, ALL)
    assert levelled.cautious_rewards(STEPS, None, ALL, ONCE, 1.0) == pytest.approx(STEPS["x"][..., 0] + 2)
    back = RewardModel.from_arrays(TwoLines(), levelled.arrays())
    assert back.cautious_rewards(STEPS, None, ALL, ONCE, 1.0) == pytest.approx(STEPS["x"][..., 0] + 2)


def test_where_outcomes_differ_in_length_levels_do_tell_which_is_better():
    mask = np.array([[True, False], [True, True]])
    assert two_lines([1.0, 1.0], [7.0, -3.0]).levelled(STEPS, None, mask).offsets is None


def test_members_steps_are_what_the_likelihood_takes_whatever_the_scale():
    model = two_lines([1.0, 3.0], [0.0, 0.0]).normalised(STEPS, None, ALL)
    assert model.scale != 1
    steps = model.member_steps(STEPS, None, ALL)
    assert steps[:, :, :, 0, 0] == pytest.approx(np.stack([STEPS["x"][..., 0], 3 * STEPS["x"][..., 0]]))
