"""The algorithm `maskable_ppo`: sb3-contrib's PPO, which never does what the environment forbids.

Huang & Ontañón, "A closer look at invalid action masking in policy gradient algorithms" (2022).

In: a task whose environments say by `action_masks()` what is allowed. Out: a policy as arrays.
Touches what `ppo` touches.
"""

from __future__ import annotations

from gymnasium import spaces
from sb3_contrib import MaskablePPO

from rrm_tree.contracts import Task
from rrm_tree.learning.proximal import Ppo
from rrm_tree.learning.rows import is_masked


class MaskedPpo(Ppo):
    """PPO over the allowed actions alone."""

    version = "1"
    name = "maskable_ppo"
    learner = MaskablePPO
    acts_in = (spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
    passed_on = tuple(name for name in Ppo.passed_on if "sde" not in name)
    network_options = ("ortho_init",)

    def check(self, task: Task) -> str | None:
        """Why this task is not for this algorithm; None if it is."""
        if not is_masked(task):
            return (
                "maskable_ppo needs environments with a method `action_masks()`, which says of every action"
                " whether it is allowed (sb3-contrib's ActionMasker adds one); use `ppo` for this one"
            )
        return super().check(task)
