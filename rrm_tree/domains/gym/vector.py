"""Gymnasium environments side by side, whose episodes start where a subject says.

In: an id and what its constructor takes. Out: a vector environment.
Touches whatever the user's environment touches; what that raises comes out as PluginError.
"""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Mapping
from copy import deepcopy
from functools import partial
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium import Env, Space, Wrapper, spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.vector.utils import concatenate, iterate
from gymnasium.wrappers import FlattenObservation, TimeLimit

from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Array, Floats

LIMIT = 1000
"""Steps after which an episode is cut where neither the environment nor the spec has a limit."""

HINT = "gymnasium.utils.env_checker.check_env says what gymnasium's contract wants"

PLAIN = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)


def make_env(id: str, kwargs: Mapping[str, Any], max_episode_steps: int | None) -> Env[Any, Any]:
    """One environment with a time limit, observing a plain space or a Dict of plain ones.

    Raises:
        PluginError: there is no such environment, it cannot be made, or its spaces do not serve.
    """
    try:
        env = _construct(id, kwargs, max_episode_steps)
    except Exception as error:
        raise PluginError(f"gym: {id} cannot be made: {type(error).__name__}: {error}") from error
    if not isinstance(env.action_space, PLAIN):
        raise PluginError(
            f"gym: {id} has actions of type {type(env.action_space).__name__}; wrap it so that they are "
            "Box, Discrete, MultiDiscrete or MultiBinary"
        )
    if _is_flat(env.observation_space):
        return env
    if not env.observation_space.is_np_flattenable:
        raise PluginError(
            f"gym: {id} observes {env.observation_space}, which has no fixed size; wrap it so that "
            "observations are Box, Discrete, MultiDiscrete, MultiBinary, or a Dict of these"
        )
    return FlattenObservation(env)


def _construct(id: str, kwargs: Mapping[str, Any], limit: int | None) -> Env[Any, Any]:
    module, _, name = id.rpartition(":")
    own = getattr(importlib.import_module(module), name, None) if module else None
    if own is not None:
        env: Env[Any, Any] = Contract(own(**kwargs))
    else:
        # check_task looks at an environment once; gymnasium's checker would do so at every step.
        env = gymnasium.make(id, max_episode_steps=limit, disable_env_checker=True, **kwargs)
    has_limit = env.spec is not None and env.spec.max_episode_steps is not None
    return env if has_limit else TimeLimit(env, limit or LIMIT)


class Contract(Wrapper[Any, Any, Any, Any]):
    """An environment whose answers have the form that gymnasium's contract wants."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Observation and info."""
        answer: Any = self.env.reset(seed=seed, options=options)
        _check_length("reset", answer, "(observation, info)", 2)
        self._check_observation("reset", answer[0])
        return answer

    def step(self, action: Any) -> Any:
        """Observation, reward, terminated, truncated, info."""
        answer: Any = self.env.step(action)
        _check_length("step", answer, "(observation, reward, terminated, truncated, info)", 5)
        self._check_observation("step", answer[0])
        return answer

    def _check_observation(self, when: str, seen: object) -> None:
        wanted = self.observation_space.shape
        if wanted is not None and np.shape(cast(Any, seen)) != wanted:
            raise PluginError(
                f"{when} returned an observation of shape {np.shape(cast(Any, seen))}; its observation_space"
                f" has {wanted}"
            )


def _check_length(when: str, answer: object, wanted: str, length: int) -> None:
    if not isinstance(answer, tuple) or len(answer) != length:
        gave = f"{len(answer)} values" if isinstance(answer, tuple) else f"a {type(answer).__name__}"
        raise PluginError(f"{when} returned {gave}; gymnasium's contract wants {wanted}")


def _is_flat(space: Space[Any]) -> bool:
    if isinstance(space, spaces.Dict):
        return all(isinstance(part, PLAIN) for part in space.spaces.values())
    return isinstance(space, PLAIN)


class Episodes(SyncVectorEnv[Any, Any]):
    """Environments that start from the subject's seeds, and stand still once they have ended.

    `reset(options={"subject": {"seed": [n]}})` starts all of them; with `reset_mask` [n] in the
    options only the masked ones. Rows that have ended are not stepped until they are reset.
    """

    def __init__(
        self,
        id: str,
        kwargs: Mapping[str, Any],
        max_episode_steps: int | None,
        num_envs: int,
        must_last: int | None = None,
    ) -> None:
        self.id = id
        self.must_last = must_last
        """Steps that every episode must last, by promise; None for no promise."""
        self._taken = np.zeros(num_envs, np.int64)
        make = partial(make_env, id, kwargs, max_episode_steps)
        super().__init__([make] * num_envs, autoreset_mode=AutoresetMode.DISABLED)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start episodes; the subject's seeds go before `seed`."""
        options = dict(options or {})
        subject = options.pop("subject", None)
        if subject is not None:
            seed = [int(one) for one in subject["seed"]]
        self._taken[options.get("reset_mask", slice(None))] = 0
        try:
            return super().reset(seed=seed, options=options)
        except PluginError as error:
            raise PluginError(f"gym: {self.id}: {error}") from error
        except Exception as error:
            raise PluginError(self._blame("reset", error)) from error

    def step(self, actions: Array) -> tuple[Any, Floats, Array, Array, dict[str, Any]]:
        """One step of every episode that has not ended; the others earn 0 and stay as they are."""
        self._rewards[:] = 0.0
        infos: dict[str, Any] = {}
        live = np.flatnonzero(~self._autoreset_envs)
        chosen = list(iterate(self.action_space, actions))
        for row in live:
            try:
                seen, reward, ended, cut, info = self.envs[row].step(chosen[row])
            except PluginError as error:
                raise PluginError(f"gym: {self.id}: {error}") from error
            except Exception as error:
                raise PluginError(self._blame("step", error)) from error
            self._env_obs[row], self._rewards[row] = seen, reward
            self._terminations[row], self._truncations[row] = ended, cut
            infos = self._add_info(infos, info, int(row))
        try:
            self._observations = concatenate(self.single_observation_space, self._env_obs, self._observations)
        except Exception as error:
            raise PluginError(self._blame("step", error)) from error
        self._autoreset_envs = self._terminations | self._truncations
        self._taken[live] += 1
        self._check_numbers()
        self._check_promise()
        return (
            deepcopy(self._observations),
            self._rewards.copy(),
            self._terminations.copy(),
            self._truncations.copy(),
            infos,
        )

    def _blame(self, when: str, error: Exception) -> str:
        """What to say of an environment that raised, its own code or what it was wrapped in."""
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return (
            f"gym: {self.id}: {when} raised {type(error).__name__}: {error}"
            f" ({frame.filename}:{frame.lineno}); {HINT}"
        )

    def _check_numbers(self) -> None:
        """Refuse what would silently poison training."""
        if not np.isfinite(self._rewards).all():
            raise PluginError(f"gym: {self.id}: step returned a reward that is not a finite number")
        seen = self._observations
        for values in seen.values() if isinstance(seen, dict) else (seen,):
            if not np.isfinite(values).all():
                raise PluginError(f"gym: {self.id}: step returned an observation that is not finite")

    def _check_promise(self) -> None:
        """Refuse an end of an episode of which it was promised that it would last."""
        if self.must_last is None:
            return
        early = self._terminations & (self._taken < self.must_last)
        if early.any():
            raise PluginError(
                f"gym: {self.id}: `horizon: fixed` promises episodes of {self.must_last} steps, but one ended"
                f" after {self._taken[early].min()}; switch early ends off (MuJoCo's take"
                " `kwargs: {terminate_when_unhealthy: false}`), or say `horizon: absorbing`"
            )
