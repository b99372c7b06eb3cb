"""Splitting errors and valuing helpers, worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrm_tree.propagation import pool_shares, split_error, value_helpers
from rrm_tree.records import Share, Shares

PAIRS = 400
COUNTS = st.integers(0, 2 * PAIRS).map(lambda halves: Share(right=halves / 2, pairs=PAIRS))


def of(**values: float) -> Shares:
    return Shares(**{name: Share(right=value * PAIRS, pairs=PAIRS) for name, value in values.items()})


def test_each_part_is_the_difference_that_the_definitions_name():
    split = split_error(of(ideal=0.95, assisted=0.90, distilled=0.82), helped=True)
    assert split.error == pytest.approx(0.18)
    assert (split.own, split.inherited, split.distilling) == pytest.approx((0.05, 0.05, 0.08))


@given(COUNTS, COUNTS, COUNTS)
def test_the_parts_sum_to_the_error(ideal, assisted, distilled):
    split = split_error(Shares(ideal=ideal, assisted=assisted, distilled=distilled), helped=True)
    assert split.own + split.inherited + split.distilling == pytest.approx(split.error, abs=1e-15)
    assert split.own + split.inherited == pytest.approx(split.judging, abs=1e-15)


@given(COUNTS, COUNTS, COUNTS)
def test_the_printed_parts_sum_to_the_printed_error_exactly(ideal, assisted, distilled):
    split = split_error(Shares(ideal=ideal, assisted=assisted, distilled=distilled), helped=True, digits=3)
    printed = [round(part * 1000) for part in (split.own, split.inherited, split.distilling)]
    assert sum(printed) == round(split.error * 1000)


def test_a_reward_model_better_than_its_judge_has_a_negative_part():
    split = split_error(of(ideal=0.9, assisted=0.95, distilled=0.97), helped=True)
    assert (split.inherited, split.distilling) == pytest.approx((-0.05, -0.02))


def test_a_judge_without_helpers_inherits_nothing_whatever_is_called_ideal():
    split = split_error(of(alone=0.9, ideal=0.99, distilled=0.8), helped=False)
    assert (split.own, split.inherited, split.distilling) == pytest.approx((0.1, 0.0, 0.1))


def test_without_ideal_advice_own_and_inherited_stay_together():
    split = split_error(of(assisted=0.9, distilled=0.8), helped=True)
    assert split.own is None
    assert split.inherited is None
    assert split.judging + split.distilling == pytest.approx(split.error)


@pytest.mark.parametrize("shares", [None, Shares(), of(assisted=0.9), of(distilled=0.9)])
def test_nothing_is_split_that_was_not_measured(shares):
    assert split_error(shares, helped=True) is None


@pytest.mark.parametrize(
    ("alone", "heuristic", "assisted", "verdict", "base"),
    [
        (0.80, 0.67, 0.95, "helps", "alone"),
        (0.80, 0.67, 0.68, "hurts", "alone"),
        (0.68, 0.82, 0.74, "hurts", "heuristic"),
        (0.80, 0.67, 0.82, "unclear", "alone"),
        (0.68, 0.92, 0.94, "unclear", "heuristic"),
    ],
)
def test_helpers_must_beat_the_judge_alone_and_the_simple_rule(alone, heuristic, assisted, verdict, base):
    worth = value_helpers(of(alone=alone, heuristic=heuristic, assisted=assisted))
    assert (worth.verdict, worth.base) == (verdict, base)
    assert worth.gain.value == pytest.approx(assisted - max(alone, heuristic))


def test_one_base_is_enough_and_none_is_not():
    assert value_helpers(of(heuristic=0.5, assisted=0.9)).base == "heuristic"
    assert value_helpers(of(alone=0.5, assisted=0.9)).base == "alone"
    assert value_helpers(of(assisted=0.9)) is None
    assert value_helpers(of(alone=0.9)) is None


@given(COUNTS, COUNTS, COUNTS)
def test_the_interval_of_the_worth_holds_the_worth(alone, heuristic, assisted):
    worth = value_helpers(Shares(alone=alone, heuristic=heuristic, assisted=assisted))
    assert worth.gain.low <= worth.gain.value <= worth.gain.high


def test_equal_judges_rarely_look_like_helped_ones():
    # Of 400 binomial draws at the same true share few may claim a difference: 5% each way at most.
    import numpy as np

    rng = np.random.default_rng(5)
    draws = rng.binomial(PAIRS, [0.85, 0.80, 0.85], size=(400, 3)) / PAIRS
    verdicts = [value_helpers(of(alone=a, heuristic=h, assisted=s)).verdict for a, h, s in draws]
    # A binomial of 400 at .05 exceeds 38 with probability 1e-4.
    assert 400 - verdicts.count("unclear") <= 38


def test_a_level_counts_every_pair_alike():
    pooled = pool_shares([Share(right=9, pairs=10), None, Share(right=15, pairs=30)])
    assert (pooled.right, pooled.pairs) == (24, 40)
    assert pool_shares([None]) is None
