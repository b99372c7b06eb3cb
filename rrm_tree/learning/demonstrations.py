"""What somebody who can do a task did in it: recorded, and read again.

A file holds `actions` and one `observations.<name>` for each thing that was seen (`observations.observation`
where that is plain), each [transitions, ...], as safetensors: nothing in it can be executed.

In: a way of acting, outcomes, or a file. Out: a file, or demonstrations.
Touches that file and the task's environments; randomness comes in as a generator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import Space, spaces
from numpy.random import Generator
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from rrm_tree.contracts import Task
from rrm_tree.errors import TrainingError
from rrm_tree.learning.demonstration_files import digest_file
from rrm_tree.learning.rollouts import Act, rollout
from rrm_tree.outcomes import Array, Arrays, Judged, Outcomes, join_outcomes

SEEN = "observations."


@dataclass(frozen=True)
class Demonstrations:
    """What was seen and what was done then."""

    observations: Arrays
    """Each [transitions, ...]."""
    actions: Array
    """As environments take them, [transitions, ...]."""

    def __len__(self) -> int:
        return len(self.actions)


def record_demonstrations(
    file: str | Path, task: Task, act: Act, subjects: Arrays, rng: Generator, *, explore: bool = False
) -> str:
    """Write one episode about each subject to a file.

    Args:
        file: where to write.
        task: what is done, such as `environment(id="Pendulum-v1")` of `rrm_tree.domains.gym`.
        act: whoever shows how: a trained agent's `act`, or any function in its form.
        subjects: what the episodes are about, such as `task.starts(20, "train", rng)`.
        rng: what `act` draws from, and the environments' seeds.
        explore: whether an agent is to explore while it shows.

    Returns:
        The content's digest, to stand in the spec as `demonstrations_sha256`.
    """
    done = rollout(task, act, subjects, rng, explore=explore).outcomes
    shown = _transitions(done)
    arrays = {SEEN + name: values for name, values in shown.observations.items()} | {"actions": shown.actions}
    save_file({name: np.ascontiguousarray(values) for name, values in arrays.items()}, Path(file))
    return digest_file(Path(file))


def _transitions(outcomes: Outcomes) -> Demonstrations:
    """What was seen before every step that was taken, and what was done."""
    live = outcomes.live
    seen = {name: values[:, :-1][live] for name, values in outcomes.observations.items()}
    return Demonstrations(seen, outcomes.actions[live])


def shown_by_judges(every: Iterable[Judged]) -> Outcomes | None:
    """What judges have done themselves, the first alternative of every demonstration; None: nothing."""
    shown = [
        judged.outcomes.take(judged.items.first[told])
        for judged in every
        if judged.kind == "demonstration" and (told := ~np.isnan(judged.answers.values)).any()
    ]
    return join_outcomes(shown) if shown else None


def take_transitions(outcomes: Outcomes, seen: Space[Any]) -> Demonstrations:
    """What these episodes, or windows of episodes, show of what is observed in this space."""
    every = _transitions(outcomes)
    return Demonstrations({name: every.observations[name] for name in _named(seen)}, every.actions)


def _named(seen: Space[Any]) -> Mapping[str, Space[Any]]:
    return seen.spaces if isinstance(seen, spaces.Dict) else {"observation": seen}


def read_demonstrations(file: Path, seen: Space[Any], acts: Space[Any]) -> Demonstrations:
    """The demonstrations in a file, which must be of these spaces.

    Raises:
        TrainingError: it cannot be read, or is of another task.
    """
    try:
        arrays = load_file(file)
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"demonstrations: {file} cannot be read as safetensors: {error}") from error
    named = _named(seen)
    wanted = {"actions": acts, **{SEEN + name: space for name, space in named.items()}}
    missing = sorted(wanted.keys() - arrays.keys())
    if missing:
        raise TrainingError(f"demonstrations: {file} has no {', '.join(missing)}; it has {', '.join(arrays)}")
    count = len(arrays["actions"])
    for name, space in wanted.items():
        values = arrays[name]
        if values.shape != (count, *(space.shape or ())) or not np.isfinite(values).all():
            raise TrainingError(
                f"demonstrations: {file}: {name} has shape {list(values.shape)}; give finite numbers,"
                f" {list(space.shape or ())} for each of {count} transitions"
            )
    if not count:
        raise TrainingError(f"demonstrations: {file} holds none")
    return Demonstrations({name: arrays[SEEN + name] for name in named}, arrays["actions"])
