"""Episodes of a task, run side by side: subjects and a way of acting → outcomes.

In: a task, `act`, subjects. Out: one outcome a subject, and the environment steps executed.
Touches the task's environments alone; randomness comes in as a generator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.random import Generator
from numpy.typing import NDArray

from rrm_tree.contracts import Imaginable, Task
from rrm_tree.errors import PluginError, RrmError
from rrm_tree.outcomes import Array, Arrays, Outcomes, count_rows, join_outcomes, take_rows

Act: TypeAlias = Callable[[Arrays, Arrays, Generator, bool], Array]
Envs: TypeAlias = VectorEnv[Any, Any, Any]

UNLIMITED = 1 << 62
LONGEST_EPISODE = 1_000_000
"""Steps after which an episode that never ends is taken for a broken environment."""


@dataclass(frozen=True)
class Rollout:
    """Outcomes, and what they cost."""

    outcomes: Outcomes
    steps: int
    """Environment steps executed; those that a vector environment takes in episodes which have
    ended, while others go on, are counted too."""
    whole: NDArray[np.bool_]
    """Whether the episode ran as long as its environment lets it, [n]. False for all that ran side
    by side with one that the limit of steps cut short: only the short ones would be left."""


def rollout(
    task: Task, act: Act, subjects: Arrays, rng: Generator, *, explore: bool, limit: int | None = None
) -> Rollout:
    """One episode about each subject.

    One-step tasks that can be imagined are not stepped through: by their contract that is the
    same, and an imagined step counts as an executed one.

    Args:
        task: what is done.
        act: an agent's `act`, or a proposal in its form.
        subjects: each [n, ...].
        rng: what `act` draws from, and the environments' seeds.
        explore: passed on to `act`.
        limit: environment steps that may be executed, at least 1. Episodes are cut short there, and
            subjects that are not reached have no outcome.

    Raises:
        PluginError: there are no subjects; the environment or `act` raised or broke its contract.
    """
    count = count_rows(subjects)
    if not count:
        raise PluginError(f"{type(task).__name__}: there is nothing to act on, no subject at all")
    run = _imagine if isinstance(task, Imaginable) else _run
    episodes: list[Rollout] = []
    for start in range(0, count, task.batch):
        left = UNLIMITED if limit is None else limit - sum(episode.steps for episode in episodes)
        rows = np.arange(start, min(start + task.batch, count))[:left]
        if len(rows):
            episodes.append(run(task, act, take_rows(subjects, rows), _Way(rng, explore, left)))
    return Rollout(
        join_outcomes([episode.outcomes for episode in episodes]),
        sum(episode.steps for episode in episodes),
        np.concatenate([episode.whole for episode in episodes]),
    )


@dataclass(frozen=True)
class _Way:
    """How one chunk of episodes is run."""

    rng: Generator
    explore: bool
    limit: int


@dataclass
class _Trace:
    """What one chunk of episodes leaves behind, step by step."""

    name: str
    observations: list[dict[str, Array]] = field(default_factory=list)
    actions: list[Array] = field(default_factory=list)
    rewards: list[Array] = field(default_factory=list)

    def see(self, observation: object, count: int) -> dict[str, Array]:
        """Keep an observation; it must be finite and hold one row an episode."""
        seen = {name: np.array(values) for name, values in as_arrays(observation).items()}
        for name, values in seen.items():
            _check_rows(f"{self.name}: observation '{name}' after {len(self.actions)} steps", values, count)
        self.observations.append(seen)
        return seen

    def finish(self, lengths: Array, ended: NDArray[np.bool_], subjects: Arrays) -> Outcomes:
        """The episodes as outcomes; padding repeats nothing, it is 0."""
        steps = int(lengths.max())
        past = np.arange(steps + 1)[None, :] > lengths[:, None]
        observations = {
            name: _blank(np.stack([seen[name] for seen in self.observations], axis=1), past)
            for name in self.observations[0]
        }
        return Outcomes(
            observations,
            _blank(np.stack(self.actions, axis=1), past[:, 1:]),
            lengths,
            subjects,
            {"rewards": _blank(np.stack(self.rewards, axis=1), past[:, 1:])},
            ended,
        )


def _run(task: Task, act: Act, subjects: Arrays, way: _Way) -> Rollout:
    """One chunk of episodes, stepped through until the last one has ended."""
    count, name = count_rows(subjects), type(task).__name__
    envs = guarded(f"{name}.make_vec", lambda: task.make_vec(count))
    stand_still = envs.metadata.get("autoreset_mode") == AutoresetMode.DISABLED
    trace, steps = _Trace(name), 0
    running, terminated, lengths = np.ones(count, bool), np.zeros(count, bool), np.zeros(count, np.int64)
    try:
        seen = _reset(envs, trace, subjects, way.rng)
        while running.any():
            cost = int(running.sum()) if stand_still else count
            if steps + cost > way.limit:
                break
            if len(trace.actions) >= LONGEST_EPISODE:
                raise PluginError(f"{name}: an episode has not ended after {LONGEST_EPISODE:,} steps")
            actions = _act(name, act, seen, subjects, way)
            seen, ended, over = _step(envs, trace, actions, running)
            lengths += running
            terminated |= ended & running
            running &= ~over
            steps += cost
    finally:
        envs.close()
    whole = np.full(count, not running.any())
    return Rollout(trace.finish(lengths, terminated, subjects), steps, whole)


def _reset(envs: Envs, trace: _Trace, subjects: Arrays, rng: Generator) -> dict[str, Array]:
    """The first observations."""
    seed = int(rng.integers(2**31))
    about = {"subject": dict(subjects)}
    first = guarded(f"{trace.name}: reset", lambda: envs.reset(seed=seed, options=about))[0]
    return trace.see(first, count_rows(subjects))


def _step(
    envs: Envs, trace: _Trace, actions: Array, running: NDArray[np.bool_]
) -> tuple[dict[str, Array], NDArray[np.bool_], NDArray[np.bool_]]:
    """One step of all episodes: what is seen now, which have come to their end, and which are over.

    Episodes that were over before go on as the vector environment wishes; nobody looks at them.
    """
    what = f"{trace.name}: step {len(trace.actions) + 1}"
    observation, reward, terminated, truncated, info = guarded(what, lambda: envs.step(actions))
    trace.actions.append(actions)
    rewards = np.asarray(reward, np.float64)
    _check_rows(f"{what}: reward", rewards, len(running))
    trace.rewards.append(rewards)
    ended = np.asarray(terminated, bool)
    over = ended | np.asarray(truncated, bool)
    seen = trace.see(_last_seen(observation, info, over & running), len(running))
    return seen, ended, over


def _last_seen(observation: object, info: Mapping[str, Any], over: NDArray[np.bool_]) -> object:
    """What was seen, with the last of an ended episode where the environment has begun the next one."""
    if "final_obs" not in info or not over.any():
        return observation
    seen = {name: values.copy() for name, values in as_arrays(observation).items()}
    for row in np.flatnonzero(over & np.asarray(info.get("_final_obs", over), bool)):
        for name, value in as_arrays(info["final_obs"][row]).items():
            seen[name][row] = value
    return seen


def _imagine(task: Task, act: Act, subjects: Arrays, way: _Way) -> Rollout:
    """One chunk of one-step episodes that are not run."""
    name, count = type(task).__name__, count_rows(subjects)
    envs = guarded(f"{name}.make_vec", lambda: task.make_vec(count))
    try:
        seen = _reset(envs, _Trace(name), subjects, way.rng)
    finally:
        envs.close()
    actions = _act(name, act, seen, subjects, way)
    task_of = cast(Imaginable, task)
    imagined: Outcomes = guarded(f"{name}.imagine", lambda: task_of.imagine(seen, actions, subjects))
    if len(imagined) != count:
        raise PluginError(f"{name}.imagine made {len(imagined)} outcomes of {count} actions")
    return Rollout(imagined, count, np.ones(count, bool))


def _act(name: str, act: Act, seen: Arrays, subjects: Arrays, way: _Way) -> Array:
    actions = np.asarray(guarded(f"{name}: acting", lambda: act(seen, subjects, way.rng, way.explore)))
    _check_rows(f"{name}: actions", actions, count_rows(seen))
    return actions


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


def _check_rows(what: str, values: Array, count: int) -> None:
    if values.shape[:1] != (count,):
        raise PluginError(f"{what} has shape {list(values.shape)}; give one row for each of {count} episodes")
    if values.dtype == object:
        raise PluginError(f"{what} is no array of numbers")
    if np.issubdtype(values.dtype, np.inexact) and not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0, 0])
        raise PluginError(f"{what} is not finite in episode {row}; gymnasium's contract wants numbers")


def _blank(values: Array, past: NDArray[np.bool_]) -> Array:
    """The values with 0 where an episode is over, [n, T, ...]."""
    values[past] = 0
    return values
