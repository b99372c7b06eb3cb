from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces

from rrm_tree.domains import gym
from rrm_tree.domains.gym.features import features, random_actions
from rrm_tree.domains.gym.horizon import cut
from rrm_tree.errors import PluginError
from rrm_tree.learning.rollouts import rollout
from rrm_tree.outcomes import Outcomes


@pytest.fixture
def counting(monkeypatch):
    """Tasks of `count_up.py`, which lies beside this file as a user's own module would."""
    monkeypatch.syspath_prepend(Path(__file__).parent)

    def make(segment=None, max_episode_steps=None, horizon="variable", **kwargs):
        return gym.environment(
            id="count_up:Count",
            kwargs=kwargs,
            segment=segment,
            max_episode_steps=max_episode_steps,
            horizon=horizon,
        )

    return make


def play(task, count, seed=0, split="judge"):
    rng = np.random.default_rng(seed)

    def act(observations, subjects, rng, explore):
        return task.propose(observations, subjects, rng)

    return rollout(task, act, task.starts(count, split, rng), rng, explore=True).outcomes


def test_truth_is_the_sum_of_the_environments_own_rewards(counting):
    task = counting(up_to=4)
    outcomes = play(task, 3)
    assert outcomes.lengths.tolist() == [4, 4, 4]
    assert task.truth(outcomes).tolist() == [[10.0], [10.0], [10.0]]
    with pytest.raises(PluginError, match="carry no rewards"):
        task.truth(Outcomes(outcomes.observations, outcomes.actions, outcomes.lengths, outcomes.subjects))


def test_the_same_seed_and_actions_are_the_same_episode():
    task = gym.environment(id="CartPole-v1")
    one, other, third = play(task, 5, seed=1), play(task, 5, seed=1), play(task, 5, seed=2)
    assert np.array_equal(one.observations["observation"], other.observations["observation"])
    assert not np.array_equal(one.observations["observation"][:, 0], third.observations["observation"][:, 0])


def test_seeds_of_different_splits_are_never_equal():
    task = gym.environment(id="CartPole-v1")
    drawn = {}
    for split in ("train", "judge", "gate", "measure"):
        seeds = task.starts(1000, split, np.random.default_rng(0))["seed"]
        drawn[split] = (seeds.min(), seeds.max())
    ranges = sorted(drawn.values())
    assert all(before[1] < after[0] for before, after in pairwise(ranges))


def test_an_environment_without_a_limit_is_cut_where_the_spec_says(counting):
    assert play(counting(up_to=10**9, max_episode_steps=7), 2).lengths.tolist() == [7, 7]


def test_segments_are_consecutive_steps_from_anywhere_in_the_episode(counting):
    task = counting(up_to=9, segment=4)
    outcomes, rng = play(task, 200), np.random.default_rng(0)
    pieces = task.windows(outcomes, np.arange(200), rng.integers(0, task.last_start(outcomes) + 1))
    seen = pieces.observations["observation"][:, :, 0]
    assert seen.shape == (200, 5)
    assert pieces.actions.shape == (200, 4)
    assert (np.diff(seen, axis=1) == 1).all()
    assert set(seen[:, 0]) == set(range(6))
    assert np.array_equal(pieces.hidden["rewards"], seen[:, 1:])


def test_short_episodes_are_padded_and_masked(counting):
    task = counting(up_to=2, segment=5)
    outcomes = play(task, 3)
    pieces = task.windows(outcomes, np.arange(3), task.last_start(outcomes))
    assert pieces.lengths.tolist() == [2, 2, 2]
    assert pieces.actions.shape == (3, 5)
    assert np.array_equal(task.truth(pieces), task.truth(outcomes))


def test_windows_of_episodes_of_different_lengths_stay_within_each():
    steps = np.arange(10)
    lengths = np.array([3, 6, 9])
    outcomes = Outcomes(
        {"observation": np.tile(np.arange(10), (3, 1))}, np.tile(steps[:9], (3, 1)), lengths, {}, {}
    )
    pieces = cut(outcomes, 4, np.array([0, 1, 2, 2]), np.array([0, 2, 0, 5]))
    last = pieces.observations["observation"][np.arange(4), pieces.lengths]
    assert last.tolist() == [3, 6, 4, 9]
    assert pieces.lengths.tolist() == [3, 4, 4, 4]
    assert pieces.ended.tolist() == [True, True, False, True]


def test_episodes_that_are_over_stand_still_until_they_are_reset(counting):
    envs = counting(up_to=2).make_vec(2)
    envs.reset(options={"subject": {"seed": np.array([1, 2])}})
    for _ in range(3):
        seen, rewards, ended, _, _ = envs.step(np.array([5, 5]))
    assert seen[:, 0].tolist() == [2, 2]
    assert rewards.tolist() == [0, 0]
    assert ended.all()
    mask = np.array([True, False])
    seen, _ = envs.reset(options={"subject": {"seed": np.array([3, 4])}, "reset_mask": mask})
    assert seen[:, 0].tolist() == [0, 2]
    assert envs.step(np.array([5, 5]))[0][:, 0].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("space", "value", "expected"),
    [
        (spaces.Discrete(3, start=5), 6, [0, 1, 0]),
        (spaces.MultiDiscrete([2, 3]), [1, 2], [0, 1, 0, 0, 1]),
        (spaces.MultiBinary(3), [1, 0, 1], [1, 0, 1]),
        (spaces.Box(-1, 1, (2, 1)), [[0.5], [-1]], [0.5, -1]),
        (spaces.Box(0, 255, (2,), np.uint8), [255, 51], [1, 0.2]),
    ],
)
def test_every_space_becomes_flat_numbers(space, value, expected):
    values = np.tile(np.array(value, space.dtype), (4, 7) + (1,) * len(space.shape))
    flat = features(space, values)
    assert flat.shape == (4, 7, len(expected))
    assert flat.dtype == np.float32
    assert np.allclose(flat, expected)


@pytest.mark.parametrize(
    "space",
    [
        spaces.Discrete(3, start=-1),
        spaces.MultiDiscrete([2, 5], start=[1, 0]),
        spaces.MultiBinary(4),
        spaces.Box(-2, 3, (2,), np.float32),
        spaces.Box(np.array([-np.inf, 0, -np.inf]), np.array([np.inf, np.inf, 5]), dtype=np.float64),
        spaces.Box(0, 255, (2, 2), np.uint8),
    ],
)
def test_random_actions_lie_in_the_space_and_reach_its_ends(space):
    actions = random_actions(space, 4000, np.random.default_rng(0))
    assert all(space.contains(action) for action in actions)
    if isinstance(space, spaces.Discrete):
        assert set(actions) == {-1, 0, 1}
    if isinstance(space, spaces.Box) and space.is_bounded():
        width = space.high.astype(float) - space.low
        assert (actions.min(axis=0) <= space.low + 0.02 * width).all()
        assert (actions.max(axis=0) >= space.high - 0.02 * width).all()


def test_observations_of_tuples_are_flattened(counting):
    space = spaces.Tuple((spaces.Discrete(9), spaces.Box(0, 9, (2,), np.float32)))
    task = counting(observation=space)
    encoded = task.encode(play(task, 2))
    assert encoded["observation"].shape == (2, 4, 11)
    assert encoded["action"].shape == (2, 4, 3)
    assert np.array_equal(encoded["observation"][:, 1:], encoded["next"][:, :-1])


@pytest.mark.parametrize(
    ("id", "said"),
    [
        ("CartPol-v1", "gym: CartPol-v1 cannot be made: NameNotFound: .* Did you mean: `CartPole`"),
        ("nowhere:Room", "gym: nowhere:Room cannot be made: ModuleNotFoundError"),
        ("count_up:Room", "gym: count_up:Room cannot be made"),
    ],
)
def test_an_environment_that_cannot_be_made_is_named_with_the_reason(counting, id, said):
    with pytest.raises(PluginError, match=said):
        gym.environment(id=id)


def test_what_an_environment_raises_or_returns_in_a_step_is_a_clear_error(counting):
    with pytest.raises(PluginError, match="count_up:Count: step raised ValueError: out of cheese"):
        play(counting(reward="raise"), 2)
    with pytest.raises(
        PluginError, match="count_up:Count: step returned a reward that is not a finite number"
    ):
        play(counting(reward="nan"), 2)


@pytest.mark.parametrize(
    ("reward", "said"),
    [
        ("reset alone", r"reset returned a ndarray; gymnasium's contract wants \(observation, info\)"),
        ("four values", r"step returned 4 values; .* wants \(observation, reward, terminated"),
        ("wide", r"step returned an observation of shape \(3,\); its observation_space has \(1,\)"),
    ],
)
def test_an_environment_that_breaks_gymnasiums_contract_is_told_how(counting, reward, said):
    with pytest.raises(PluginError, match=f"count_up:Count: {said}"):
        play(counting(reward=reward), 2)


def test_spaces_without_a_fixed_size_are_refused_with_the_cure(counting):
    with pytest.raises(PluginError, match=r"observes Sequence.*wrap it so that observations are Box"):
        counting(observation=spaces.Sequence(spaces.Discrete(2)))


def test_truth_measures_by_a_reward_of_the_users_where_one_is_named(counting):
    task = gym.environment(
        id="count_up:Count", kwargs={"up_to": 2}, max_episode_steps=5, reward="count_up:square"
    )
    outcomes = play(task, 2)
    assert task.truth(outcomes).tolist() == [[1 + 4]] * 2
    assert np.array_equal(task.truth(task.whole(outcomes)), task.truth(outcomes))
    assert task.rewards(outcomes).tolist() == [[1, 4]] * 2
