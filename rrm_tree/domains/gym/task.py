"""A gymnasium environment as a task: what a judge is shown of it and what a network sees.

In: an id. Out: outcomes with the environment's own rewards hidden in them, for truth alone.
Touches what the user's environment touches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from gymnasium import spaces

from rrm_tree.contracts import Clip, Split, Steering
from rrm_tree.domains.gym.features import features, observation_features, random_actions
from rrm_tree.domains.gym.film import Undrawable, film, film_end
from rrm_tree.domains.gym.horizon import (
    Horizon,
    blank,
    continued,
    cut,
    last_starts,
    one_absorbed,
)
from rrm_tree.domains.gym.making import LIMIT, left_out, limit_of, make_env
from rrm_tree.domains.gym.picture import draw_lines
from rrm_tree.domains.gym.steering import steer
from rrm_tree.domains.gym.vector import Episodes, NativeEpisodes, Recipe, has_native
from rrm_tree.domains.scripted import ScriptedReward
from rrm_tree.errors import PluginError
from rrm_tree.outcomes import ABSORBED, Advice, Array, Arrays, Floats, Ints, Outcomes, Questions

Vectorisation: TypeAlias = Literal["sync", "native", "auto"]

# Seeds of one split are never those of another.
FIRST_SEED: Mapping[Split, int] = {
    "train": 0,
    "judge": 2**29,
    "gate": 2 * 2**29,
    "measure": 3 * 2**29,
}


class GymTask:
    """Acts in one gymnasium environment; can be a root, and help nobody."""

    version = "2"
    subject: str | None = None
    advice: str | None = None
    accepts: Mapping[str, str] = {}
    parts = 1

    def __init__(  # noqa: PLR0913, PLR0917 - the options of the door
        self,
        id: str,
        kwargs: Mapping[str, Any] | None = None,
        segment: int | None = None,
        max_episode_steps: int | None = None,
        horizon: Horizon = "absorbing",
        vectorisation: Vectorisation = "sync",
        reward: str | None = None,
        filmed: bool = True,
        batch: int = 16,
    ) -> None:
        self.id = id
        self.kwargs = dict(kwargs or {})
        self.segment = segment
        self.max_episode_steps = max_episode_steps
        self.horizon = horizon
        self.reward = None if reward is None else ScriptedReward.load(reward)
        self.filmed = filmed
        self._undrawable = ""
        self.native = vectorisation == "native" or (vectorisation == "auto" and has_native(id))
        self.batch = batch
        one = make_env(id, self.kwargs, max_episode_steps)
        self.observation_space, self.action_space = one.observation_space, one.action_space
        self.left_out = left_out(one.unwrapped.observation_space)
        limit = limit_of(one)
        one.close()
        self.has_limit = limit is not None
        self.limit = limit or LIMIT
        """Steps after which an episode is cut."""

    @property
    def go_on_to(self) -> int | None:
        """Up to which step ended episodes go on, absorbed; None where ends stay ends.

        Whole episodes of an environment without a limit would have to go on for ever.
        """
        endless = self.segment is None and not self.has_limit
        return None if self.horizon != "absorbing" or endless else self.limit

    @property
    def recipe(self) -> Recipe:
        """How its environments are made."""
        must_last = self.limit if self.horizon == "fixed" else None
        return Recipe(self.id, self.kwargs, self.max_episode_steps, must_last)

    def make_vec(self, num_envs: int) -> Episodes | NativeEpisodes:
        """Environments side by side; `subject` gives the seed of each."""
        return NativeEpisodes(self.recipe, num_envs) if self.native else Episodes(self.recipe, num_envs)

    def starts(self, count: int, split: Split, rng: np.random.Generator) -> Arrays:
        """Seeds to reset with."""
        return {"seed": FIRST_SEED[split] + rng.integers(0, 2**29, size=count)}

    def propose(self, observations: Arrays, subjects: Arrays, rng: np.random.Generator) -> Array:
        """Actions at random."""
        count = len(next(iter(observations.values())))
        return random_actions(self.action_space, count, rng)

    def whole(self, outcomes: Outcomes) -> Outcomes:
        """The episodes; those that ended go on in the absorbing state where the horizon says so."""
        return outcomes if self.go_on_to is None else continued(outcomes, self.go_on_to)

    def last_start(self, outcomes: Outcomes) -> Ints:
        """The last step at which a window lies within its episode, and has a real step."""
        if self.segment is None:
            return np.zeros(len(outcomes), np.int64)
        return last_starts(outcomes, self.segment, self.go_on_to)

    def windows(self, outcomes: Outcomes, rows: Ints, starts: Ints) -> Outcomes:
        """Windows of `segment` steps; short episodes go on absorbed, or are padded with their last row."""
        if self.segment is None:
            return self.whole(outcomes.take(rows))
        return cut(outcomes, self.segment, rows, starts, self.go_on_to)

    def absorbing(self) -> Outcomes | None:
        """One step in the absorbing state, where ended episodes go on."""
        if self.go_on_to is None:
            return None
        space = self.observation_space
        parts = space.spaces if isinstance(space, spaces.Dict) else {"observation": space}
        seen = {name: np.zeros(part.shape or (), part.dtype) for name, part in parts.items()}
        return one_absorbed(seen, np.zeros(self.action_space.shape or (), self.action_space.dtype))

    def encode(self, outcomes: Outcomes) -> Arrays:
        """Observation, action and what was observed next, as flat numbers: each [n, T, features].

        Where ended episodes go on, also whether they do: `absorbed` [n, T, 1], all else 0.
        """
        seen = observation_features(self.observation_space, dict(outcomes.observations))
        inputs = {
            "observation": seen[:, :-1],
            "action": features(self.action_space, outcomes.actions),
            "next": seen[:, 1:],
        }
        if self.go_on_to is None:
            return inputs
        lives = np.zeros(seen.shape[:2], np.bool_)
        return blank(inputs, outcomes.observations.get(ABSORBED, lives)[:, :-1])

    def notes(self, outcomes: Outcomes) -> tuple[str, ...]:
        """What agent and reward model do not see, and what ends tell that they should not."""
        return (*self._say_left_out(), *self._say_ends(outcomes))

    def _say_left_out(self) -> Iterator[str]:
        for name, kind in self.left_out.items():
            yield (
                f"gym {self.id}: '{name}' is left out of what is observed: a {kind} has no fixed size in"
                " numbers; wrap the environment if it matters"
            )

    def _say_ends(self, outcomes: Outcomes) -> Iterator[str]:
        count, short = len(outcomes), outcomes.lengths < outcomes.lengths.max(initial=0)
        early, cut_off = int((short & outcomes.ended).sum()), int((short & ~outcomes.ended).sum())
        if early and self.go_on_to is None:
            why = "horizon: variable" if self.horizon == "variable" else "there is no limit to go on to"
            yield (
                f"gym {self.id}: {early} of {count} judged outcomes end early ({why}): their lengths alone"
                " tell judge and reward model something; `horizon: absorbing`, with max_episode_steps or"
                " segment, makes all last as long"
            )
        if cut_off and self.go_on_to is not None:
            yield (
                f"gym {self.id}: {cut_off} of {count} judged outcomes were cut short by the environment"
                f" itself, before step {self.limit}; set max_episode_steps to the limit that it has"
            )

    def truth(self, outcomes: Outcomes) -> Floats:
        """Sum of the rewards of the steps taken, shape [n, 1].

        Raises:
            PluginError: the outcomes carry no rewards.
        """
        return np.asarray(self.rewards(outcomes).sum(axis=1, keepdims=True))

    def rewards(self, outcomes: Outcomes) -> Floats:
        """The environment's own rewards, or those of the option `reward`, shape [n, T].

        Raises:
            PluginError: the outcomes carry no rewards.
        """
        if self.reward is not None:
            return self.reward(outcomes)
        if "rewards" not in outcomes.hidden:
            raise PluginError(f"{self.id}: these outcomes carry no rewards, so that truth is unknown")
        return np.asarray(np.where(outcomes.mask, outcomes.hidden["rewards"], 0.0))

    def picture(self, outcomes: Outcomes, row: int, advice: Advice) -> str:
        """What was observed and done over time, a line for each number."""
        one = outcomes.take(np.array([row]))
        steps = int(one.lengths[0])
        seen = observation_features(self.observation_space, dict(one.observations))[0, : steps + 1]
        done = features(self.action_space, one.actions)[0, :steps]
        return draw_lines({"observation": seen, "action": done})

    def film(self, outcomes: Outcomes, row: int) -> Clip | str:
        """The episode or window played again from its seed, where the environment renders `rgb_array`."""
        if not self.filmed:
            return ""
        if self.native:
            return "episodes of a native vector environment cannot be played again one by one"
        # A graphics driver that failed once may take the whole process with it the second time.
        if not self._undrawable:
            try:
                return film(self.recipe, outcomes, row)
            except Undrawable as error:
                self._undrawable = str(error)
        return self._undrawable

    def still(self, outcomes: Outcomes, row: int) -> bytes | str:
        """The last frame of an episode played again, where the environment renders `rgb_array`."""
        if self.native or self._undrawable:
            return self._undrawable
        try:
            return film_end(self.recipe, outcomes, row)
        except Undrawable as error:
            self._undrawable = str(error)
        return self._undrawable

    def steering(self) -> Steering | str:
        """The environment's actions by the names that it has for them, or by their numbers."""
        if self.native:
            return f"people cannot steer {self.id}: its episodes run all at once; say `vectorisation: sync`"
        env = make_env(self.id, self.kwargs, self.max_episode_steps)
        try:
            return steer(self.id, env, longest=min(self.limit, self.segment or self.limit))
        finally:
            env.close()

    def questions(self, outcomes: Outcomes, criterion: str, advice: str) -> Questions:
        """None: a plain environment has nothing to ask helpers."""
        raise PluginError(f"{self.id}: a plain environment takes no helpers; write a task that does")

    def lay_out(self, advice: str, questions: Questions, answers: Outcomes, count: int) -> Array:
        """None: see `questions`."""
        raise PluginError(f"{self.id}: a plain environment takes no helpers; write a task that does")
