"""What follows an episode's end: absorbed, promised never to come, or left as it is."""

from pathlib import Path

import numpy as np
import pytest

from rrm_tree.domains import gym
from rrm_tree.domains.gym.horizon import cut
from rrm_tree.errors import PluginError
from rrm_tree.learning.rollouts import rollout
from rrm_tree.outcomes import ABSORBED, join_outcomes


@pytest.fixture
def counting(monkeypatch):
    """Tasks that count up and end there, of `count_up.py`, which lies beside this file."""
    monkeypatch.syspath_prepend(Path(__file__).parent)

    def make(up_to, **options):
        return gym.environment(id="count_up:Count", kwargs={"up_to": up_to}, **options)

    return make


def play(task, count):
    rng = np.random.default_rng(0)

    def act(observations, subjects, rng, explore):
        return task.propose(observations, subjects, rng)

    return rollout(task, act, task.starts(count, "judge", rng), rng, explore=True).outcomes


def test_an_ended_episode_goes_on_to_the_limit_and_earns_nothing_there(counting):
    task = counting(3, max_episode_steps=7)
    whole = task.whole(play(task, 2))
    assert whole.lengths.tolist() == [7, 7]
    assert not whole.ended.any()
    assert whole.hidden["rewards"].tolist() == [[1, 2, 3, 0, 0, 0, 0]] * 2
    assert task.truth(whole).tolist() == [[6], [6]]
    assert whole.observations[ABSORBED].tolist() == [[False] * 3 + [True] * 5] * 2


def test_the_absorbing_state_is_one_state_and_the_last_real_step_is_seen_whole(counting):
    task = counting(3, max_episode_steps=6)
    seen = task.encode(task.whole(play(task, 1)))
    assert seen["absorbed"][0, :, 0].tolist() == [0, 0, 0, 1, 1, 1]
    assert seen["observation"][0, :, 0].tolist() == [0, 1, 2, 0, 0, 0]
    assert seen["next"][0, :, 0].tolist() == [1, 2, 3, 0, 0, 0]
    assert seen["action"][0].sum(axis=1).tolist() == [1, 1, 1, 0, 0, 0]
    step = task.encode(task.absorbing())
    assert all(np.array_equal(step[name][0, 0], seen[name][0, 5]) for name in seen)


@pytest.mark.parametrize("segment", [1, 4, 9])
def test_windows_are_what_whole_episodes_hold_there(counting, segment):
    """Cut lazily or from episodes laid out: the same windows, score and truth."""
    lasting = counting(99, max_episode_steps=8, segment=segment)
    task = counting(3, max_episode_steps=8, segment=segment)
    outcomes = join_outcomes([play(task, 2), play(lasting, 2)])
    rng = np.random.default_rng(1)
    rows = rng.integers(0, 4, 50)
    starts = rng.integers(0, task.last_start(outcomes)[rows] + 1)
    lazy, laid = task.windows(outcomes, rows, starts), task.windows(task.whole(outcomes), rows, starts)
    assert np.array_equal(lazy.lengths, laid.lengths)
    assert np.array_equal(lazy.mask, laid.mask)
    for name, values in task.encode(lazy).items():
        assert np.array_equal(values[lazy.mask], task.encode(laid)[name][laid.mask]), name
    assert np.array_equal(task.truth(lazy), task.truth(laid))
    rewards = np.pad(task.whole(outcomes).hidden["rewards"], [(0, 0), (0, segment)])
    by_hand = [rewards[row, start : start + segment].sum() for row, start in zip(rows, starts, strict=True)]
    assert task.truth(lazy)[:, 0].tolist() == by_hand


def test_every_window_has_a_real_step_and_ends_are_reached(counting):
    task = counting(3, max_episode_steps=10, segment=4)
    outcomes = play(task, 2)
    assert task.last_start(outcomes).tolist() == [2, 2]
    assert task.last_start(task.whole(outcomes)).tolist() == [2, 2]
    windows = task.windows(outcomes, np.array([0, 0]), np.array([0, 2]))
    assert windows.lengths.tolist() == [4, 4]
    assert windows.observations[ABSORBED].tolist() == [[0, 0, 0, 1, 1], [0, 1, 1, 1, 1]]
    near_the_limit = counting(9, max_episode_steps=10, segment=4)
    assert near_the_limit.last_start(play(near_the_limit, 1)).tolist() == [6]


def test_nothing_is_laid_out_but_the_windows(counting):
    task = counting(3, max_episode_steps=10**9, segment=4)
    windows = task.windows(play(task, 2), np.array([0, 1]), np.array([2, 2]))
    assert windows.actions.shape == (2, 4)
    assert windows.lengths.tolist() == [4, 4]


def test_windows_longer_than_any_episode_are_masked_past_the_limit(counting):
    task = counting(3, max_episode_steps=5, segment=8)
    windows = task.windows(play(task, 2), np.array([1]), np.array([0]))
    assert windows.lengths.tolist() == [5]
    assert task.truth(windows).tolist() == [[6]]


def test_an_environment_that_never_ends_early_gains_a_column_of_zeros_at_most(counting):
    absorbing, fixed = (
        counting(99, max_episode_steps=6, segment=4, horizon=one) for one in ("absorbing", "fixed")
    )
    rows, starts = np.arange(2), np.array([0, 2])
    seen = absorbing.encode(absorbing.windows(play(absorbing, 2), rows, starts))
    promised = fixed.encode(fixed.windows(play(fixed, 2), rows, starts))
    assert not seen.pop("absorbed").any()
    assert seen.keys() == promised.keys()
    assert all(np.array_equal(values, promised[name]) for name, values in seen.items())
    assert fixed.absorbing() is None


def test_a_broken_promise_of_a_fixed_length_is_an_error_that_says_what_to_do(counting):
    with pytest.raises(PluginError, match=r"episodes of 7 steps, but one ended after 3; switch .*unhealthy"):
        play(counting(3, max_episode_steps=7, horizon="fixed"), 2)
    assert play(counting(7, max_episode_steps=7, horizon="fixed"), 2).lengths.tolist() == [7, 7]


def test_ends_that_stay_ends_are_noted_where_they_tell_something(counting):
    short, lasting = (counting(one, max_episode_steps=7, horizon="variable") for one in (3, 99))
    mixed = join_outcomes([play(short, 2), play(lasting, 1)])
    assert short.whole(mixed) is mixed
    assert "2 of 3 judged outcomes end early (horizon: variable)" in short.notes(mixed)[0]
    assert short.notes(play(short, 2)) == ()
    absorbing = counting(3, max_episode_steps=7)
    assert absorbing.notes(absorbing.whole(mixed)) == ()


def test_without_a_limit_or_windows_there_is_nowhere_to_go_on_to(counting):
    task = counting(3)
    outcomes = play(task, 2)
    assert task.whole(outcomes) is outcomes
    assert task.absorbing() is None
    assert "absorbed" not in task.encode(outcomes)
    mixed = join_outcomes([outcomes, play(counting(5), 1)])
    assert "there is no limit to go on to" in task.notes(mixed)[0]
    assert counting(3, segment=2).absorbing() is not None


def test_a_limit_is_one_that_somebody_has_named():
    limits = {
        id: (task.has_limit, task.limit)
        for id in ("Blackjack-v1", "CartPole-v1")
        if (task := gym.environment(id=id))
    }
    assert limits == {"Blackjack-v1": (False, 1000), "CartPole-v1": (True, 500)}
    assert gym.environment(id="Blackjack-v1", max_episode_steps=9).limit == 9
    assert gym.environment(id="CartPole-v1", max_episode_steps=9).limit == 9


def test_an_environment_with_a_limit_of_its_own_is_told_to_declare_it():
    task = gym.environment(id="CartPole-v1")
    outcomes = task.whole(play(task, 3))
    outcomes.lengths[0] -= 1
    assert "1 of 3 judged outcomes were cut short by the environment itself" in task.notes(outcomes)[0]


def test_windows_stay_within_episodes_whose_ends_stay_ends(counting):
    task = counting(3, max_episode_steps=7, segment=2, horizon="variable")
    assert task.last_start(play(task, 1)).tolist() == [1]
    pieces = cut(play(task, 1), 2, np.array([0, 0]), np.array([0, 1]))
    assert pieces.ended.tolist() == [False, True]
