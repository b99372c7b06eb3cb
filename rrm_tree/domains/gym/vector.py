"""Gymnasium environments side by side, whose episodes start where a subject says.

In: an id and what its constructor takes. Out: a vector environment.
Touches whatever the user's environment touches; what that raises comes out as PluginError.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import Error
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from rrm_tree.domains.gym.making import HINT, make_env
from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Array, Arrays, Floats, Ints


@dataclass(frozen=True)
class Recipe:
    """How an environment is made, and what was promised of it."""

    id: str
    kwargs: Mapping[str, Any]
    max_episode_steps: int | None = None
    must_last: int | None = None
    """Steps that every episode must last, by promise; None for no promise."""

    def check_promise(self, taken: Ints, ended: Array) -> None:
        """Refuse an end of an episode of which it was promised that it would last."""
        if self.must_last is None:
            return
        early = ended & (taken < self.must_last)
        if early.any():
            raise PluginError(
                f"gym: {self.id}: `horizon: fixed` promises episodes of {self.must_last} steps, but one ended"
                f" after {taken[early].min()}; switch early ends off (MuJoCo's take"
                " `kwargs: {terminate_when_unhealthy: false}`), or say `horizon: absorbing`"
            )


class Episodes(VectorEnv[Any, Any, Any]):
    """Environments that start from the subject's seeds, and stand still once they have ended.

    `reset(options={"subject": {"seed": [n]}})` starts all of them; with `reset_mask` [n] in the
    options only the masked ones. Rows that have ended are not stepped until they are reset.
    """

    def __init__(self, recipe: Recipe, num_envs: int) -> None:
        self.recipe = recipe
        self.num_envs = num_envs
        self.envs = [make_env(recipe.id, recipe.kwargs, recipe.max_episode_steps) for _ in range(num_envs)]
        self.metadata = {**self.envs[0].metadata, "autoreset_mode": AutoresetMode.DISABLED}
        seen, acts = self.envs[0].observation_space, self.envs[0].action_space
        self.single_observation_space, self.single_action_space = seen, acts
        self.observation_space, self.action_space = batch_space(seen, num_envs), batch_space(acts, num_envs)
        parts = seen.spaces if isinstance(seen, spaces.Dict) else {"": seen}
        self._seen = {
            name: np.zeros((num_envs, *(part.shape or ())), part.dtype) for name, part in parts.items()
        }
        self._over = np.ones(num_envs, np.bool_)
        self._ended, self._cut = np.zeros(num_envs, np.bool_), np.zeros(num_envs, np.bool_)
        self._taken = np.zeros(num_envs, np.int64)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start episodes; the subject's seeds go before `seed`."""
        options = dict(options or {})
        subject, only = options.pop("subject", None), options.pop("reset_mask", None)
        if subject is not None:
            seed = [int(one) for one in subject["seed"]]
        elif seed is None or isinstance(seed, int):
            seed = [None if seed is None else seed + row for row in range(self.num_envs)]
        rows = np.flatnonzero(np.ones(self.num_envs) if only is None else only).tolist()
        for row in rows:
            try:
                seen, _ = self.envs[row].reset(seed=seed[row], options=options or None)
                self._see(row, seen)
            except Exception as error:
                raise blame(self.recipe.id, "reset", error) from error
        for flags in (self._over, self._ended, self._cut, self._taken):
            flags[rows] = 0
        self._check_numbers("reset")
        return self._shown(), {}

    def step(self, actions: Array) -> tuple[Any, Floats, Array, Array, dict[str, Any]]:
        """One step of every episode that has not ended; the others earn 0 and stay as they are."""
        rewards, live = np.zeros(self.num_envs), np.flatnonzero(~self._over).tolist()
        for row in live:
            try:
                seen, reward, ended, cut, _ = self.envs[row].step(actions[row])
                self._see(row, seen)
                rewards[row] = reward
            except Exception as error:
                raise blame(self.recipe.id, "step", error) from error
            self._ended[row], self._cut[row] = ended, cut
        self._taken[live] += 1
        self._over = self._ended | self._cut
        if not np.isfinite(rewards).all():
            raise PluginError(f"gym: {self.recipe.id}: step returned a reward that is not a finite number")
        self._check_numbers("step")
        self.recipe.check_promise(self._taken, self._ended)
        return self._shown(), rewards, self._ended.copy(), self._cut.copy(), {}

    def close_extras(self, **kwargs: object) -> None:
        """Let the environments go."""
        for env in self.envs:
            env.close()

    def _see(self, row: int, seen: Any) -> None:
        for name, values in self._seen.items():
            value = np.asarray(seen[name] if name else seen)
            # NumPy would stretch a single number over the row.
            if value.shape != values.shape[1:]:
                wanted = f"the observation space has {values.shape[1:]}"
                raise PluginError(f"an observation {name} has shape {value.shape}; {wanted}")
            values[row] = value

    def _shown(self) -> Any:
        seen = {name: values.copy() for name, values in self._seen.items()}
        return seen.get("", seen)

    def _check_numbers(self, when: str) -> None:
        """Refuse what would silently poison training."""
        for values in self._seen.values():
            if not np.isfinite(values).all():
                raise PluginError(f"gym: {self.recipe.id}: {when} returned an observation that is not finite")


class NativeEpisodes(VectorWrapper[Any, Any, Any]):
    """An environment's own vector environment: one computation for all rows, and one seed.

    The seed derives from all subjects' seeds together, and rows go on by themselves. So an episode
    depends on its subject and on those beside it: the same batch of subjects and actions gives
    the same episodes, another batch with some of the same subjects does not.
    """

    def __init__(self, recipe: Recipe, num_envs: int) -> None:
        self.recipe = recipe
        options = dict(recipe.kwargs)
        if recipe.max_episode_steps is not None:
            options["max_episode_steps"] = recipe.max_episode_steps
        try:
            envs = gymnasium.make_vec(recipe.id, num_envs, "vector_entry_point", **options)
        except (Error, TypeError) as error:
            raise PluginError(
                f"gym: {recipe.id} has no vector environment that can be made: {error}; say"
                " `vectorisation: sync`"
            ) from error
        super().__init__(envs)
        self._taken, self._over = np.zeros(num_envs, np.int64), np.zeros(num_envs, np.bool_)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start episodes, from one seed that all subjects' seeds make together."""
        subject = (options or {}).get("subject")
        if subject is not None:
            seed = seed_of_all(subject)
        if isinstance(seed, list):
            raise PluginError(
                f"gym: {self.recipe.id}: a native vector environment takes one seed, not a list"
            )
        self._taken[:], self._over[:] = 0, False
        try:
            return self.env.reset(seed=seed)
        except Exception as error:
            raise blame(self.recipe.id, "reset", error) from error

    def step(self, actions: Array) -> tuple[Any, Floats, Array, Array, dict[str, Any]]:
        """One step of every row."""
        try:
            answer = self.env.step(actions)
        except Exception as error:
            raise blame(self.recipe.id, "step", error) from error
        skips = self.env.metadata.get("autoreset_mode") == AutoresetMode.NEXT_STEP
        self._taken = np.where(self._over, 0 if skips else 1, self._taken + 1)
        self._over = np.asarray(answer[2]) | np.asarray(answer[3])
        self.recipe.check_promise(self._taken, np.asarray(answer[2]))
        return answer


def has_native(id: str) -> bool:
    """Whether an environment is registered with a vector environment of its own."""
    known = gymnasium.registry.get(id.rpartition(":")[2])
    return known is not None and known.vector_entry_point is not None


def seed_of_all(subjects: Arrays) -> int:
    """A seed that depends on every row's seed and on their order."""
    return int(np.random.SeedSequence(subjects["seed"].tolist()).generate_state(1)[0])


def blame(id: str, when: str, error: Exception) -> PluginError:
    """What to say of an environment that raised, its own code or what it was wrapped in."""
    if isinstance(error, PluginError):
        return PluginError(f"gym: {id}: {error}")
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{frame.filename}:{frame.lineno}"
    return PluginError(f"gym: {id}: {when} raised {type(error).__name__}: {error} ({where}); {HINT}")
