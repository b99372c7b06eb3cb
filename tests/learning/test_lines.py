"""The network that scans along lines, and likelihoods that allow for slips."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rrm_tree.contracts import Shapes
from rrm_tree.errors import PluginError
from rrm_tree.learning.lines import DIRECTIONS, Lines, Scan
from rrm_tree.learning.losses import label_loss, mix_mistakes

FAR = 30.0


def rook_scan() -> Scan:
    """One lane that plane 0 sends everywhere, and that plane 1 stops."""
    scan = Scan(planes=2, lanes=1, reach=7)
    with torch.no_grad():
        for layer in (scan.send, scan.sends, scan.open):
            layer.weight.zero_()
            layer.bias.zero_()
        scan.send.weight[:, 0] = 1
        scan.sends.bias += FAR
        scan.open.bias += FAR
        scan.open.weight[:, 1] = -2 * FAR
    return scan


def test_a_scan_goes_along_a_line_until_something_stands_in_the_way() -> None:
    planes = torch.zeros(1, 2, 8, 8)
    planes[0, 0, 4, 1] = 1
    planes[0, 1, 4, 5] = 1
    arrived = rook_scan()(planes)[0, len(DIRECTIONS) :]
    right = arrived[DIRECTIONS.index((0, 1))]
    # The blocked square itself is reached, those behind it are not, and nothing wraps around.
    expected = torch.zeros(8, 8)
    expected[4, 2:6] = 1
    torch.testing.assert_close(right, expected)


def test_scores_have_a_place_for_every_part_value_and_criterion() -> None:
    for parts in (1, 64):
        module = Lines()(Shapes({"board": (3, 8, 8), "advice.x": (2,)}, parts, 2, 3))
        scores = module({"board": torch.rand(5, 3, 8, 8), "advice.x": torch.rand(5, 2)})
        assert scores.shape == (5, parts, 2, 3)


def test_inputs_without_a_board_are_refused_with_their_shapes() -> None:
    with pytest.raises(PluginError, match=r"features \[7\]"):
        Lines()(Shapes({"features": (7,)}, 1, 1, 1))


def test_slips_keep_every_answer_possible_by_the_formula() -> None:
    log_odds = torch.tensor([-2.0, 0.0, 3.0], dtype=torch.float64)
    mixed = torch.sigmoid(mix_mistakes(log_odds, 0.1))
    torch.testing.assert_close(mixed, 0.9 * torch.sigmoid(log_odds) + 0.05)
    certain = label_loss(mix_mistakes(torch.tensor(1e4), 0.1), torch.tensor(0.0))
    assert certain.item() == pytest.approx(-np.log(0.05))


def test_without_slips_log_odds_are_as_they_were() -> None:
    log_odds = torch.tensor([-50.0, 0.3])
    assert mix_mistakes(log_odds, 0.0) is log_odds
