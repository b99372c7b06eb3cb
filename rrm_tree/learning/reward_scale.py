"""Rewards divided by a running deviation, so that one learning rate serves every reward model.

In: rewards of stretches. Out: the same rewards on a common scale, and its state as arrays.
Touches nothing.
"""

from __future__ import annotations

import numpy as np
from stable_baselines3.common.running_mean_std import RunningMeanStd

from rrm_tree.learning.rows import Bools
from rrm_tree.outcomes import Array, Arrays, Floats


class RewardScale:
    """The running deviation of discounted sums of rewards, by which rewards are divided.

    Their mean is left in: where episodes end early, the sign of a reward matters.
    """

    def __init__(self) -> None:
        self.seen = RunningMeanStd(shape=())
        self.sums: Floats = np.zeros(0)
        """The discounted sum of each row's episode so far, [n]."""

    @property
    def deviation(self) -> float:
        """What rewards are divided by."""
        return float(np.sqrt(self.seen.var + 1e-8))

    def watch(self, rewards: Floats, live: Bools, over: Bools, begins: Bools, gamma: float) -> None:
        """Take in the rewards of a stretch, [n, K].

        Args:
            rewards: 0 where nothing was done.
            live: steps really taken, [n, K].
            over: steps by which an episode was over, [n, K].
            begins: rows whose first step begins an episode, [n]; the others go on with the last stretch.
            gamma: discount per step.
        """
        running = np.where(begins, 0.0, self.sums if len(self.sums) == len(begins) else 0.0)
        sums = np.zeros_like(rewards)
        for step in range(rewards.shape[1]):
            running = gamma * running + rewards[:, step]
            sums[:, step] = running
            running = np.where(over[:, step], 0.0, running)
        self.sums = running
        self.seen.update(sums[live])

    def arrays(self) -> dict[str, Array]:
        """Its state; `from_arrays` is the way back."""
        return {"reward_scale": np.array([self.seen.mean, self.seen.var, self.seen.count], np.float64)}

    @classmethod
    def from_arrays(cls, flat: Arrays) -> RewardScale:
        """The scale that `arrays` took apart; a fresh one where there is none."""
        scale = cls()
        if "reward_scale" in flat:
            mean, variance, count = flat["reward_scale"]
            scale.seen.mean, scale.seen.var, scale.seen.count = mean, variance, float(count)
        return scale
