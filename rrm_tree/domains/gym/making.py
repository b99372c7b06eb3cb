"""One gymnasium environment, by its id: made, limited, and observing what arrays can hold.

In: an id and what its constructor takes. Out: an environment.
Touches whatever the user's environment touches; what that raises comes out as PluginError.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium import Env, Space, Wrapper, spaces
from gymnasium.error import UnregisteredEnv
from gymnasium.wrappers import FilterObservation, FlattenObservation, TimeLimit, TransformObservation

from rrm_tree.errors import PluginError
from rrm_tree.outcomes import ABSORBED

LIMIT = 1000
"""Steps after which an episode is cut where neither the environment nor the spec has a limit."""

SMALLEST_PICTURE = 36
"""Pixels that the convolutions of stable-baselines3 need in width and height."""

HINT = "gymnasium.utils.env_checker.check_env says what gymnasium's contract wants"

PLAIN = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)


def make_env(
    id: str, kwargs: Mapping[str, Any], max_episode_steps: int | None, render_mode: str | None = None
) -> Env[Any, Any]:
    """One environment with a time limit, observing a plain space or a Dict of plain ones.

    Raises:
        PluginError: there is no such environment, it cannot be made, or its spaces do not serve.
    """
    try:
        env = _construct(id, dict(kwargs), max_episode_steps, render_mode)
    except UnregisteredEnv as error:
        raise PluginError(
            f"gym: {id} cannot be made: {type(error).__name__}: {error}; if a package brings it, name the"
            " module that registers it under `imports:`"
        ) from error
    except Exception as error:
        raise PluginError(f"gym: {id} cannot be made: {type(error).__name__}: {error}") from error
    if not isinstance(env.action_space, PLAIN):
        raise PluginError(
            f"gym: {id} has actions of type {type(env.action_space).__name__}; wrap it so that they are "
            "Box, Discrete, MultiDiscrete or MultiBinary"
        )
    seen = env.observation_space
    if isinstance(seen, spaces.Dict) and ABSORBED in seen.spaces:
        raise PluginError(f"gym: {id} observes '{ABSORBED}', a name that is taken; give it another one")
    if unreadable := left_out(seen):
        kept = [name for name in cast(spaces.Dict, seen).spaces if name not in unreadable]
        env = FilterObservation(env, kept)
    if _is_flat(env.observation_space):
        return _lay_small_pictures_flat(env)
    if not _has_size(env.observation_space):
        raise PluginError(
            f"gym: {id} observes {env.observation_space}, which has no fixed size; wrap it so that "
            "observations are Box, Discrete, MultiDiscrete, MultiBinary, or a Dict of these"
        )
    return FlattenObservation(env)


def _lay_small_pictures_flat(env: Env[Any, Any]) -> Env[Any, Any]:
    """Pictures too small for the convolutions that agents look at pictures with become rows of numbers."""
    seen = env.observation_space
    if isinstance(seen, spaces.Dict):
        flat = {name: _as_row(part) for name, part in seen.spaces.items() if _is_small_picture(part)}
        if not flat:
            return env

        def lay(observation: dict[str, Any]) -> dict[str, Any]:
            return observation | {name: np.ravel(observation[name]) for name in flat}

        return TransformObservation(env, lay, spaces.Dict({**seen.spaces, **flat}))
    return TransformObservation(env, np.ravel, _as_row(seen)) if _is_small_picture(seen) else env


def _is_small_picture(space: Space[Any]) -> bool:
    if not isinstance(space, spaces.Box) or len(space.shape) != 3 or space.dtype != np.uint8:
        return False
    return sorted(space.shape)[1] < SMALLEST_PICTURE


def _as_row(space: Space[Any]) -> spaces.Box:
    box = cast(spaces.Box, space)
    return spaces.Box(box.low.ravel(), box.high.ravel(), dtype=np.uint8)


def left_out(space: Space[Any]) -> dict[str, str]:
    """Parts of a Dict that no array can hold, words for example, by name, with their type.

    None where that would leave nothing.
    """
    if not isinstance(space, spaces.Dict):
        return {}
    unreadable = {name: type(part).__name__ for name, part in space.spaces.items() if not _has_size(part)}
    return unreadable if len(unreadable) < len(space.spaces) else {}


def _has_size(space: Space[Any]) -> bool:
    """Whether its values are always equally many numbers."""
    try:
        return space.is_np_flattenable
    # A package's own kind of space need not know how.
    except NotImplementedError:
        return False


def _construct(id: str, kwargs: dict[str, Any], limit: int | None, render_mode: str | None) -> Env[Any, Any]:
    module, _, name = id.rpartition(":")
    own = getattr(importlib.import_module(module), name, None) if module else None
    if render_mode is not None:
        kwargs["render_mode"] = render_mode
    if own is not None:
        env: Env[Any, Any] = Contract(own(**kwargs))
    else:
        # check_task looks at an environment once; gymnasium's checker would do so at every step.
        env = gymnasium.make(id, max_episode_steps=limit, disable_env_checker=True, **kwargs)
    has_limit = env.spec is not None and env.spec.max_episode_steps is not None
    if has_limit:
        return env
    return TimeLimit(env, limit) if limit is not None else StandIn(env, LIMIT)


class StandIn(TimeLimit[Any, Any]):
    """A limit that nobody has named, for an environment that has none."""


def limit_of(env: Env[Any, Any]) -> int | None:
    """After how many steps its episodes are cut; None where no limit was named."""
    while isinstance(env, Wrapper):
        if isinstance(env, StandIn):
            return None
        if isinstance(env, TimeLimit):
            return int(env._max_episode_steps)
        env = env.env
    return None


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
