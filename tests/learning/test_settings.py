"""The settings of stable-baselines3 and sb3-contrib, under their own names."""

from __future__ import annotations

from inspect import signature

import pytest
from sb3_contrib import MaskablePPO
from stable_baselines3 import DQN, PPO, SAC, TD3

from rrm_tree.domains.gym.task import GymTask
from rrm_tree.learning import agents

LEARNERS = {"ppo": PPO, "maskable_ppo": MaskablePPO, "sac": SAC, "td3": TD3, "dqn": DQN}
OTHERWISE = {
    # What it acts in, and where what it says goes.
    *("self", "policy", "env", "device", "verbose", "tensorboard_log", "stats_window_size", "seed"),
    *("_init_setup_model", "policy_kwargs", "observation_space", "action_space", "lr_schedule"),
    # Its own buffers have no part in this: rewards are asked for by stretches, and asked for anew.
    *("rollout_buffer_class", "rollout_buffer_kwargs", "replay_buffer_class", "replay_buffer_kwargs"),
    "optimize_memory_usage",
    # The optimiser without torch's compiler; `normalize_observations` is a features extractor.
    *("optimizer_class", "optimizer_kwargs", "features_extractor_class", "features_extractor_kwargs"),
    "share_features_extractor",
    # `activation` is a name; pictures are always scaled.
    *("activation_fn", "normalize_images"),
}
LEFT_OUT = {
    # Actions of such a policy would have to be scaled back where stretches are collected.
    "ppo": {"squash_output"},
    # SAC samples its actions.
    "sac": {"action_noise"},
}


@pytest.mark.parametrize("name", LEARNERS)
def test_every_setting_of_an_algorithm_can_be_given_in_a_spec(name):
    learner, ours = LEARNERS[name], set(signature(getattr(agents, name)).parameters)
    theirs = {*signature(learner).parameters, *signature(learner.policy_aliases["MlpPolicy"]).parameters}
    assert theirs - OTHERWISE - LEFT_OUT.get(name, set()) <= ours


@pytest.mark.parametrize(
    ("name", "options"),
    [("ppo", {"full_std": False, "use_expln": True}), ("sac", {"use_expln": True, "clip_mean": 1.0})],
)
def test_settings_of_state_dependent_exploration_reach_the_policy(name, options):
    algorithm = getattr(agents, name)(use_sde=True, **options)
    given = algorithm._build(GymTask("Pendulum-v1")).policy_kwargs
    assert {option: given[option] for option in options} == options
