"""A gymnasium environment as a task: what a judge is shown of it and what a network sees.

In: an id. Out: outcomes with the environment's own rewards hidden in them, for truth alone.
Touches what the user's environment touches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rrm_tree.contracts import Split
from rrm_tree.domains.gym.features import features, observation_features, random_actions
from rrm_tree.domains.gym.picture import draw_lines
from rrm_tree.domains.gym.vector import Episodes, make_env
from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Advice, Array, Arrays, Floats, Ints, Outcomes, Questions, take_rows

LONGEST = 1 << 62
# Seeds of one split are never those of another.
FIRST_SEED: Mapping[Split, int] = {
    "train": 0,
    "judge": 2**29,
    "gate": 2 * 2**29,
    "measure": 3 * 2**29,
}


class GymTask:
    """Acts in one gymnasium environment; can be a root, and help nobody."""

    version = "1"
    subject: str | None = None
    advice: str | None = None
    accepts: Mapping[str, str] = {}
    parts = 1

    def __init__(
        self,
        id: str,
        kwargs: Mapping[str, Any] | None = None,
        segment: int | None = None,
        max_episode_steps: int | None = None,
        batch: int = 16,
    ) -> None:
        self.id = id
        self.kwargs = dict(kwargs or {})
        self.segment = segment
        self.max_episode_steps = max_episode_steps
        self.batch = batch
        one = make_env(id, self.kwargs, max_episode_steps)
        self.observation_space, self.action_space = one.observation_space, one.action_space
        one.close()

    def make_vec(self, num_envs: int) -> Episodes:
        """Environments side by side; `subject` gives the seed of each."""
        return Episodes(self.id, self.kwargs, self.max_episode_steps, num_envs)

    def starts(self, count: int, split: Split, rng: np.random.Generator) -> Arrays:
        """Seeds to reset with."""
        return {"seed": FIRST_SEED[split] + rng.integers(0, 2**29, size=count)}

    def propose(self, observations: Arrays, subjects: Arrays, rng: np.random.Generator) -> Array:
        """Actions at random."""
        count = len(next(iter(observations.values())))
        return random_actions(self.action_space, count, rng)

    def whole(self, outcomes: Outcomes) -> Outcomes:
        """The episodes themselves."""
        return outcomes

    def last_start(self, outcomes: Outcomes) -> Ints:
        """The last step at which a window lies within its episode."""
        return np.maximum(outcomes.lengths - (self.segment or LONGEST), 0)

    def windows(self, outcomes: Outcomes, rows: Ints, starts: Ints) -> Outcomes:
        """Windows of `segment` steps; short episodes are padded, their last row repeated."""
        return outcomes.take(rows) if self.segment is None else cut(outcomes, self.segment, rows, starts)

    def encode(self, outcomes: Outcomes) -> Arrays:
        """Observation, action and what was observed next, as flat numbers: each [n, T, features]."""
        seen = observation_features(self.observation_space, dict(outcomes.observations))
        return {
            "observation": seen[:, :-1],
            "action": features(self.action_space, outcomes.actions),
            "next": seen[:, 1:],
        }

    def truth(self, outcomes: Outcomes) -> Floats:
        """Sum of the environment's own rewards over the steps taken, shape [n, 1].

        Raises:
            PluginError: the outcomes carry no rewards.
        """
        if "rewards" not in outcomes.hidden:
            raise PluginError(f"{self.id}: these outcomes carry no rewards, so that truth is unknown")
        return np.asarray((outcomes.hidden["rewards"] * outcomes.mask).sum(axis=1, keepdims=True))

    def picture(self, outcomes: Outcomes, row: int, advice: Advice) -> str:
        """What was observed and done over time, a line for each number."""
        one = outcomes.take(np.array([row]))
        steps = int(one.lengths[0])
        seen = observation_features(self.observation_space, dict(one.observations))[0, : steps + 1]
        done = features(self.action_space, one.actions)[0, :steps]
        return draw_lines({"observation": seen, "action": done})

    def questions(self, outcomes: Outcomes, criterion: str, advice: str) -> Questions:
        """None: a plain environment has nothing to ask helpers."""
        raise PluginError(f"{self.id}: a plain environment takes no helpers; write a task that does")

    def lay_out(self, advice: str, questions: Questions, answers: Outcomes, count: int) -> Array:
        """None: see `questions`."""
        raise PluginError(f"{self.id}: a plain environment takes no helpers; write a task that does")


def cut(outcomes: Outcomes, steps: int, rows: Ints, starts: Ints) -> Outcomes:
    """Windows of that many steps of episodes rows[i] from starts[i], padded where the episode ends."""
    size = outcomes.actions.shape[:2]
    lengths = outcomes.lengths[rows]
    row = rows[:, None]
    # Past the end the last row is repeated: padding must be values that networks can take.
    seen = np.minimum(starts[:, None] + np.arange(steps + 1), lengths[:, None])
    acted = np.minimum(starts[:, None] + np.arange(steps), size[1] - 1)
    return Outcomes(
        {name: values[row, seen] for name, values in outcomes.observations.items()},
        outcomes.actions[row, acted],
        np.minimum(lengths - starts, steps),
        take_rows(outcomes.subjects, rows),
        {
            name: values[row, acted] if values.shape[:2] == size else values[rows]
            for name, values in outcomes.hidden.items()
        },
        outcomes.ended[rows] & (lengths <= starts + steps),
    )
