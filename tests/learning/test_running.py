"""What a policy sees, at mean 0 and deviation 1."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TransformObservation

from rrm_tree.contracts import Problem
from rrm_tree.learning import ppo
from rrm_tree.learning.running import Running

LINE = spaces.Box(-np.inf, np.inf, (3,), np.float64)


def normal(seen, batches):
    running = Running(LINE)
    for batch in batches:
        running.watch(torch.from_numpy(batch))
    return running(torch.from_numpy(seen)).numpy()


def test_figures_over_batches_of_any_size_are_those_over_all_of_it():
    seen = np.random.default_rng(0).normal([5, -300, 0.02], [2, 40, 0.001], (600, 3))
    by_hand = (seen - seen.mean(axis=0)) / np.sqrt(seen.var(axis=0) + 1e-8)
    np.testing.assert_allclose(normal(seen, np.split(seen, [1, 7, 300])), by_hand, rtol=1e-6)


def test_nothing_is_shifted_before_anything_was_seen():
    seen = np.array([[1.0, -2.0, 0.5]])
    np.testing.assert_allclose(normal(seen, []), seen, rtol=1e-6)


def test_what_lies_far_off_is_cut_and_what_never_changes_stays_finite():
    seen = np.array([[1.0, 0.0, 7.0], [1.0, 1.0, 7.0]])
    far = normal(np.array([[1.0, 1e6, 7.0]]), [seen])
    np.testing.assert_allclose(far, [[0.0, 10.0, 0.0]])


def test_numbers_and_choices_of_a_dictionary_are_laid_out_flat():
    space = spaces.Dict({"place": spaces.Box(-1, 1, (2,)), "kind": spaces.Discrete(3)})
    running = Running(space)
    seen = {"place": torch.zeros(4, 2), "kind": torch.eye(3)[[0, 1, 2, 2]]}
    running.watch(seen)
    assert running(seen).shape == (4, 5)


class FarPole:
    """A pole whose numbers are a thousand times too large, and a hundred thousand off."""

    batch = 8

    def make_vec(self, num_envs):
        space = spaces.Box(-np.inf, np.inf, (4,), np.float64)

        def make():
            return TransformObservation(
                gymnasium.make("CartPole-v1"), lambda seen: 1e5 + 1e3 * seen.astype(np.float64), space
            )

        return SyncVectorEnv([make] * num_envs, autoreset_mode=AutoresetMode.NEXT_STEP)


def pole(steps=20_000):
    def starts(count, rng):
        return {"seed": rng.integers(0, 2**31, size=count)}

    def upright(outcomes):
        tilt = (outcomes.observations["observation"][:, 1:, 2] - 1e5) / 1e3
        return (np.abs(tilt) < 0.05).astype(float)

    return Problem(FarPole(), starts, upright, upright, steps, None, 0, stretches=True)


def test_the_figures_are_stored_with_the_policy_and_loaded_with_it():
    algorithm, problem = ppo(normalize_observations=True, n_steps=256, n_epochs=2), pole(1_000)
    arrays = algorithm.improve(problem, None).arrays
    agent = algorithm.load(problem, arrays)
    # A step that begins an episode anew is no transition.
    assert 900 < arrays["policy.features_extractor.running_count"] <= 1_000
    assert agent.policy.features_extractor.running_mean.numpy() == pytest.approx([1e5] * 4, rel=0.02)


@pytest.mark.slow
def test_a_pole_on_another_scale_is_balanced_only_with_it():
    def share_upright(**options):
        problem = pole()
        algorithm = ppo(n_steps=512, learning_rate=1e-3, **options)
        agent = algorithm.load(problem, algorithm.improve(problem, None).arrays)
        envs = problem.task.make_vec(16)
        seen, lasted = envs.reset(seed=1)[0], np.full(16, 200)
        for step in range(200):
            acts = agent.act({"observation": seen}, {}, np.random.default_rng(step), False)
            seen, _, ended, _, _ = envs.step(acts)
            lasted[ended] = np.minimum(lasted[ended], step)
        return lasted.mean()

    assert share_upright(normalize_observations=True) > 150
    assert share_upright() < 100
