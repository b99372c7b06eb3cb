"""Environments side by side: each from its own seed, or one computation for all."""

from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from rrm_tree.domains import gym
from rrm_tree.errors import PluginError
from rrm_tree.learning.rollouts import rollout
from rrm_tree.outcomes import take_rows


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)


def lean_left(observations, subjects, rng, explore):
    return (observations["observation"][:, 2] > 0).astype(np.int64)


def play(task, subjects, act=None):
    def propose(observations, about, rng, explore):
        return task.propose(observations, about, rng)

    return rollout(task, act or propose, subjects, np.random.default_rng(0), explore=True).outcomes


def test_an_episode_does_not_depend_on_those_beside_it():
    task = gym.environment(id="CartPole-v1")
    about = task.starts(6, "train", np.random.default_rng(0))
    all_six, two = play(task, about, lean_left), play(task, take_rows(about, np.array([4, 1])), lean_left)
    assert two.lengths.tolist() == all_six.lengths[[4, 1]].tolist()
    steps = two.actions.shape[1]
    seen, expected = two.observations["observation"], all_six.observations["observation"][[4, 1]]
    assert np.array_equal(seen[two.mask.nonzero()], expected[:, :steps][two.mask])


def test_a_native_vector_environment_repeats_a_batch_of_subjects_and_keeps_the_limit():
    task = gym.environment(id="CartPole-v1", vectorisation="native", max_episode_steps=15)
    about = task.starts(9, "train", np.random.default_rng(0))
    one, other = play(task, about), play(task, about)
    assert one.lengths.max() == 15
    assert np.array_equal(one.observations["observation"], other.observations["observation"])
    first = one.observations["observation"][:, 0]
    assert len(np.unique(first, axis=0)) == 9
    moved = play(task, take_rows(about, np.arange(9)[::-1])).observations["observation"][:, 0]
    assert not np.array_equal(first, moved)


def test_native_and_one_by_one_are_the_same_physics():
    native, sync = (gym.environment(id="CartPole-v1", vectorisation=one) for one in ("native", "sync"))
    outcome = play(native, native.starts(4, "train", np.random.default_rng(0)), lean_left)
    env = sync.make_vec(1).envs[0]
    env.reset(seed=0)
    env.unwrapped.state = outcome.observations["observation"][0, 0]
    for step in range(outcome.lengths[0]):
        seen, _, ended, _, _ = env.step(outcome.actions[0, step])
        assert np.allclose(seen, outcome.observations["observation"][0, step + 1], atol=1e-5)
    assert ended
    assert outcome.ended[0]


def test_auto_takes_the_native_one_where_there_is_one():
    modes = {
        id: gym.environment(id=id, vectorisation="auto").make_vec(2).metadata["autoreset_mode"]
        for id in ("CartPole-v1", "Acrobot-v1")
    }
    assert modes == {"CartPole-v1": AutoresetMode.NEXT_STEP, "Acrobot-v1": AutoresetMode.DISABLED}
    with pytest.raises(PluginError, match=r"Acrobot-v1 has no vector environment .* `vectorisation: sync`"):
        gym.environment(id="Acrobot-v1", vectorisation="native").make_vec(2)


def test_a_native_vector_environment_keeps_a_promise_of_fixed_length_or_says_so():
    task = gym.environment(id="CartPole-v1", vectorisation="native", horizon="fixed")
    with pytest.raises(PluginError, match="promises episodes of 500 steps, but one ended after"):
        play(task, task.starts(4, "train", np.random.default_rng(0)))


def test_observations_in_a_dictionary_keep_their_names_and_types():
    space = spaces.Dict({"where": spaces.Box(0, 9, (2,), np.float32), "door": spaces.Discrete(3, start=1)})
    task = gym.environment(id="count_up:Count", kwargs={"observation": space, "up_to": 3})
    outcomes = play(task, task.starts(2, "train", np.random.default_rng(0)))
    assert outcomes.observations["where"].shape == (2, 4, 2)
    assert outcomes.observations["door"].dtype == np.int64
    assert outcomes.observations["door"][0].tolist() == [1, 2, 3, 3]
    assert task.encode(outcomes)["observation"].shape == (2, 3, 5)


def test_dictionaries_within_dictionaries_are_flattened():
    inner = spaces.Dict({"a": spaces.Box(0, 9, (2,), np.float32)})
    space = spaces.Dict({"where": inner, "both": spaces.Tuple((spaces.Discrete(2), spaces.MultiBinary(2)))})
    task = gym.environment(id="count_up:Count", kwargs={"observation": space, "up_to": 3})
    outcomes = play(task, task.starts(2, "train", np.random.default_rng(0)))
    assert outcomes.observations["observation"].shape == (2, 4, 6)


def test_a_name_that_is_taken_is_refused():
    space = spaces.Dict({"absorbed": spaces.Discrete(2)})
    with pytest.raises(PluginError, match="observes 'absorbed', a name that is taken"):
        gym.environment(id="count_up:Count", kwargs={"observation": space})


class Words(spaces.Space):
    """A space of a package's own, which does not know how to be numbers."""

    def sample(self, mask=None, probability=None):
        return "go"

    def contains(self, x):
        return True


def test_parts_that_are_no_numbers_are_left_out_and_it_is_said():
    space = spaces.Dict(
        {"mission": Words(), "many": spaces.Sequence(spaces.Discrete(2)), "n": spaces.Discrete(9)}
    )
    task = gym.environment(id="count_up:Count", kwargs={"observation": space, "up_to": 3})
    outcomes = play(task, task.starts(2, "train", np.random.default_rng(0)))
    assert outcomes.observations.keys() == {"n"}
    said = " ".join(task.notes(outcomes))
    assert "'mission' is left out of what is observed: a Words has no fixed size" in said
    assert "'many' is left out" in said
    nothing_left = spaces.Dict({"mission": Words()})
    with pytest.raises(PluginError, match="has no fixed size; wrap it"):
        gym.environment(id="count_up:Count", kwargs={"observation": nothing_left})


def test_pictures_too_small_for_convolutions_are_rows_of_numbers():
    small, large = (spaces.Box(0, 255, (size, size, 3), np.uint8) for size in (7, 36))
    in_a_dictionary = spaces.Dict({"image": small, "large": large, "n": spaces.Discrete(9)})
    shapes = {}
    for name, space in (("small", small), ("large", large), ("both", in_a_dictionary)):
        task = gym.environment(id="count_up:Count", kwargs={"observation": space, "up_to": 2})
        outcomes = play(task, task.starts(2, "train", np.random.default_rng(0)))
        assert all(np.max(values) == 2 for values in outcomes.observations.values())
        shapes[name] = {key: values.shape[2:] for key, values in outcomes.observations.items()}
    assert shapes == {
        "small": {"observation": (147,)},
        "large": {"observation": (36, 36, 3)},
        "both": {"image": (147,), "large": (36, 36, 3), "n": ()},
    }
