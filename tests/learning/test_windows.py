"""Windows of episodes: where they start, how they are paired, what they score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrm_tree.learning.windows import Windows, pair_up, place_windows, window_sums

last_starts = st.lists(st.integers(0, 60), min_size=1, max_size=8).map(np.array)


@settings(deadline=None)
@given(last_starts, st.integers(1, 20), st.integers(0, 99))
def test_as_many_windows_as_fit_lie_side_by_side_within_their_episode(last, segment, seed):
    windows = place_windows(last, segment, None, np.random.default_rng(seed))
    for row, end in enumerate(last):
        starts = windows.starts[windows.rows == row]
        assert len(starts) == (end + segment) // segment
        assert (np.diff(starts) >= segment).all()
        assert starts.min() >= 0
        assert starts.max() <= end


@settings(deadline=None)
@given(last_starts, st.integers(1, 20), st.integers(1, 9), st.integers(0, 99))
def test_more_windows_than_fit_stay_within_their_episode_too(last, segment, each, seed):
    windows = place_windows(last, segment, each, np.random.default_rng(seed))
    assert (np.bincount(windows.rows) == each).all()
    assert (windows.starts >= 0).all()
    assert (windows.starts <= last[windows.rows]).all()


def test_a_window_may_start_anywhere_in_its_episode():
    starts = place_windows(np.full(4000, 9), 50, None, np.random.default_rng(0)).starts
    # 400 expected at each of ten places, deviation 19.
    assert np.bincount(starts, minlength=10).min() > 300


def test_each_window_stands_in_one_pair_and_never_against_its_double():
    windows = Windows(np.array([0, 0, 0, 1, 1]), np.array([2, 2, 2, 2, 2]))
    for seed in range(30):
        first, second = pair_up(windows, np.random.default_rng(seed))
        ends = np.concatenate([first, second])
        assert len(set(ends)) == len(ends)
        assert (windows.rows[first] != windows.rows[second]).all()


def test_sums_over_windows_are_those_added_up_step_by_step():
    rewards = np.random.default_rng(0).normal(size=(3, 4, 11))
    windows = Windows(np.array([0, 3, 2, 1]), np.array([0, 4, 9, 10]))
    found = window_sums(rewards, windows, 5)
    by_hand = [
        rewards[:, row, start : start + 5].sum(axis=1)
        for row, start in zip(windows.rows, windows.starts, strict=True)
    ]
    assert found == pytest.approx(np.stack(by_hand, axis=1))
