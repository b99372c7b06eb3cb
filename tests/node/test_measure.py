"""Measured shares of judges and helpers whose errors are known."""

from itertools import product
from math import sqrt

import pytest
from small_nodes import logic_tree, train_both

LOOK, READ, HELPER = 0.08, 0.03, 0.12
PAIRS = 3000


def flip(first, second):
    """Error of an answer that is turned round twice, at these rates."""
    return first * (1 - second) + second * (1 - first)


def majority_right(error):
    """How often a majority of three claims is right, each of them wrong at this rate."""
    share = 0.0
    for truth, wrong in product(product((0, 1), repeat=3), repeat=2):
        seen = [one ^ other for one, other in zip(truth, wrong, strict=True)]
        chance = 1.0
        for one in wrong:
            chance *= error if one else 1 - error
        share += chance * ((sum(seen) > 1) == (sum(truth) > 1)) / 8
    return share


@pytest.mark.slow
def test_shares_are_those_that_arithmetic_gives_for_known_errors_of_judge_and_helper():
    judge = {
        "use": "logic.person",
        "with": {"look_error": LOOK, "read_error": READ, "looks": 8},
    }
    agent = {"use": "sloppy:Sloppy", "with": {"error": HELPER}}
    tree = logic_tree({"judge": judge, "agent": agent}, {"judge": judge}, pairs=PAIRS)
    bit, root = (rounds[-1].record for rounds in train_both(tree))
    # A place is right if the two bits that decide it are both read rightly, or both wrongly.
    leaf = flip(LOOK, LOOK)
    expected = {
        "alone": majority_right(leaf),
        "assisted": majority_right(flip(HELPER, READ)),
        "ideal": majority_right(READ),
    }
    for name, share in expected.items():
        measured = getattr(root.off, name)
        # Four standard errors; the strings are fewer than the pairs, whence a factor for repeats.
        spread = 4 * sqrt(share * (1 - share) / measured.pairs)
        assert measured.value == pytest.approx(share, abs=1.5 * spread), name
    assert bit.off.assisted.value == pytest.approx(1 - leaf, abs=0.04)
    assert bit.off.assisted == bit.off.alone == bit.off.ideal
    assert bit.agent_truth.mean == pytest.approx(1 - HELPER, abs=0.1)
