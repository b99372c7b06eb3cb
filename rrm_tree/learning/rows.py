"""Environments side by side, one row each: starting them, stepping them, what each saw last.

In: a task and a number of rows. Out: observations, rewards, ends, row by row.
Touches the task's environments alone; what their code raises comes out as a PluginError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from gymnasium import Space
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from rrm_tree.contracts import Task
from rrm_tree.errors import PluginError, RrmError
from rrm_tree.outcomes import Array, Arrays, Floats, count_rows

Envs: TypeAlias = VectorEnv[Any, Any, Any]
Bools: TypeAlias = NDArray[np.bool_]

MASKS: Final = "action_masks()"
"""Name under which `act` finds which actions are allowed, [n, actions], where the environments say so.
No observation has such a name, and outcomes do not keep it."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of every row led to."""

    after: dict[str, Array]
    """What was seen at its end; of an episode that is over the last that it showed."""
    seen: dict[str, Array]
    """What the next action is chosen by: the first of the next episode where one has begun by itself."""
    rewards: Floats
    """The environments' own, [n]."""
    ended: Bools
    """Whether the episode came to its own end, [n]."""
    over: Bools
    """Whether it ended or was cut short by its time limit, [n]."""


class Rows:
    """A vector environment of a task, checked at every step."""

    def __init__(self, task: Task, count: int) -> None:
        self.name = type(task).__name__
        self.count = count
        self.envs: Envs = guarded(f"{self.name}.make_vec", lambda: task.make_vec(count))
        self.mode = self.envs.metadata.get("autoreset_mode")
        self.steps = 0
        self._masks = _mask_reader(self.envs)

    @property
    def stand_still(self) -> bool:
        """Whether rows whose episode is over wait until they are started again."""
        return bool(self.mode == AutoresetMode.DISABLED)

    @property
    def skip_a_step(self) -> bool:
        """Whether the step after an episode is over begins the next one, and is no step of either."""
        return bool(self.mode == AutoresetMode.NEXT_STEP)

    @property
    def go_on(self) -> bool:
        """Whether rows can go on over an episode's end, by themselves or started again."""
        return isinstance(self.mode, AutoresetMode)

    def start(self, subjects: Arrays, seed: int, only: Bools | None = None) -> dict[str, Array]:
        """First observations of episodes about these subjects, of all rows or of some `only`."""
        options: dict[str, Any] = {"subject": dict(subjects)}
        if only is not None:
            options["reset_mask"] = only
        first = guarded(f"{self.name}: reset", lambda: self.envs.reset(seed=seed, options=options))[0]
        return self._see(as_arrays(first))

    def step(self, actions: Array, watched: Bools) -> Step:
        """One step of every row; of those not watched nobody asks what they saw last."""
        self.steps += 1
        what = f"{self.name}: step {self.steps}"
        observation, reward, terminated, truncated, info = guarded(what, lambda: self.envs.step(actions))
        rewards = np.asarray(reward, np.float64)
        check_rows(f"{what}: reward", rewards, self.count)
        ended = np.asarray(terminated, bool)
        over = ended | np.asarray(truncated, bool)
        seen = as_arrays(observation)
        after = self._see(_last_seen(seen, info, over & watched))
        begun = "final_obs" in info and bool(over.any())
        return Step(after, self._see(seen) if begun else after, rewards, ended, over)

    def shown(self, seen: dict[str, Array]) -> dict[str, Array]:
        """What an agent is shown: what was seen, and which actions are allowed where that is said."""
        if self._masks is None:
            return seen
        masks = np.asarray(guarded(f"{self.name}: action_masks", self._masks), bool)
        check_rows(f"{self.name}: action_masks", masks, self.count)
        return {**seen, MASKS: masks.reshape(self.count, -1)}

    @property
    def masked(self) -> bool:
        """Whether the environments say which actions are allowed."""
        return self._masks is not None

    def close(self) -> None:
        """Let the environments go."""
        self.envs.close()

    def _see(self, observation: Arrays) -> dict[str, Array]:
        """A copy of an observation; it must be finite and hold one row an episode."""
        seen = {name: np.array(values) for name, values in observation.items()}
        for name, values in seen.items():
            check_rows(f"{self.name}: observation '{name}' after {self.steps} steps", values, self.count)
        return seen


def spaces_of(task: Task) -> tuple[Space[Any], Space[Any]]:
    """What one episode observes, and the actions it can take."""
    with closing(Rows(task, 1)) as rows:
        return rows.envs.single_observation_space, rows.envs.single_action_space


def is_masked(task: Task) -> bool:
    """Whether a task's environments say at times that an action is not allowed."""
    with closing(Rows(task, 1)) as rows:
        return rows.masked


def _mask_reader(envs: Envs) -> Callable[[], object] | None:
    """What says which actions are allowed: `action_masks()` of the vector or of each environment."""
    whole: Callable[[], object] | None = getattr(envs, "action_masks", None)
    if whole is not None:
        return whole
    each = getattr(envs.unwrapped, "envs", ())
    if not len(each) or not all(env.has_wrapper_attr("action_masks") for env in each):
        return None
    # A MultiDiscrete space's masks may come as one array for each of its parts.
    return lambda: [np.concatenate(_parts(env.get_wrapper_attr("action_masks")())) for env in each]


def _parts(masks: Any) -> list[Array]:
    return [np.ravel(part) for part in (masks if isinstance(masks, list | tuple) else [masks])]


def _last_seen(seen: dict[str, Array], info: Mapping[str, Any], over: Bools) -> Arrays:
    """What was seen, with the last of an ended episode where the environment has begun the next one."""
    if "final_obs" not in info or not over.any():
        return seen
    last = {name: values.copy() for name, values in seen.items()}
    for row in np.flatnonzero(over & np.asarray(info.get("_final_obs", over), bool)):
        for name, value in as_arrays(info["final_obs"][row]).items():
            last[name][row] = value
    return last


def guarded(what: str, call: Callable[[], Any]) -> Any:
    """What a user's code returns; what it raises becomes a PluginError that says where."""
    try:
        return call()
    except RrmError:
        raise
    except Exception as error:
        raise PluginError(f"{what} raised {type(error).__name__}: {error}") from error


def as_arrays(observation: object) -> dict[str, Array]:
    """A plain observation under the name `observation`, a dictionary's under its keys (nested: a.b)."""
    if isinstance(observation, Mapping):
        flat: dict[str, Array] = {}
        for name, value in observation.items():
            if isinstance(value, Mapping | tuple):
                flat |= {f"{name}.{inner}": values for inner, values in as_arrays(value).items()}
            else:
                flat[name] = np.asarray(value)
        return flat
    if isinstance(observation, tuple):
        return as_arrays({str(place): value for place, value in enumerate(observation)})
    return {"observation": np.asarray(observation)}


def check_rows(what: str, values: Array, count: int) -> None:
    """Refuse what has not one row an episode, or is no finite number.

    Raises:
        PluginError: saying what it was.
    """
    if values.shape[:1] != (count,):
        raise PluginError(f"{what} has shape {list(values.shape)}; give one row for each of {count} episodes")
    if values.dtype == object:
        raise PluginError(f"{what} is no array of numbers")
    if np.issubdtype(values.dtype, np.inexact) and not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0, 0])
        raise PluginError(f"{what} is not finite in episode {row}; gymnasium's contract wants numbers")


def choose(rows: Rows, act: Callable[[], object]) -> Array:
    """What an agent does, one action a row."""
    actions = np.asarray(guarded(f"{rows.name}: acting", act))
    check_rows(f"{rows.name}: actions", actions, rows.count)
    return actions


def count_subjects(subjects: Arrays, name: str) -> int:
    """How many subjects there are; at least one.

    Raises:
        PluginError: there are none.
    """
    count = count_rows(subjects)
    if not count:
        raise PluginError(f"{name}: there is nothing to act on, no subject at all")
    return count
