"""An environment that counts its steps, and can be told to misbehave."""

import gymnasium
import numpy as np
from gymnasium import spaces


class Count(gymnasium.Env):
    """Counts steps up to the number it was given; earns what it counts."""

    observation_space = spaces.Box(0, 100, (1,), np.float64)
    action_space = spaces.Discrete(3, start=5)

    def __init__(self, up_to=4, observation=None, reward=None):
        self.up_to, self.reward = up_to, reward
        if observation is not None:
            self.observation_space = observation

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.counted = 0
        return self.see() if self.reward == "reset alone" else (self.see(), {})

    def step(self, action):
        self.counted += 1
        if self.reward == "raise":
            raise ValueError("out of cheese")
        if self.reward == "four values":
            return self.see(), 0.0, False, {}
        if self.reward == "wide":
            return np.zeros(3), 0.0, False, False, {}
        earned = float("nan") if self.reward == "nan" else float(self.counted)
        return self.see(), earned, self.counted >= self.up_to, False, {}

    def see(self):
        if isinstance(self.observation_space, spaces.Dict):
            return {name: self.look(part) for name, part in self.observation_space.items()}
        if isinstance(self.observation_space, spaces.Tuple):
            return (self.counted, np.full(2, self.counted, np.float32))
        if self.observation_space.dtype == np.uint8:
            return self.look(self.observation_space)
        return np.array([float(self.counted)])

    def look(self, space):
        if isinstance(space, spaces.Dict):
            return {name: self.look(part) for name, part in space.items()}
        if type(space).__name__ in {"Words", "Sequence"}:
            return "go"
        if isinstance(space, spaces.Tuple):
            return tuple(self.look(part) for part in space)
        if isinstance(space, spaces.Discrete):
            return min(space.start + self.counted, space.start + int(space.n) - 1)
        return np.full(
            space.shape, min(self.counted, space.high.max() if isinstance(space, spaces.Box) else 1)
        ).astype(space.dtype)


def square(observations, actions):
    """Rewards that grow with the square of what was counted."""
    return observations[:, 1:, 0] ** 2
