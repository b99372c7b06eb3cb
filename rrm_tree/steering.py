"""What people do in a task, played from its beginning: the same moves lead to the same outcome everywhere.

In: a task, what an episode is about, moves. Out: how far these lead.
Touches the task's environments alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from rrm_tree.contracts import Arrangeable, Segmented, Steering, Task
from rrm_tree.errors import UsageError
from rrm_tree.feedback import Kind
from rrm_tree.learning.rollouts import rollout
from rrm_tree.learning.rows import MASKS, Rows
from rrm_tree.outcomes import Array, Arrays, Outcomes, digest_rows
from rrm_tree.steered import first_actions, steering_of


@dataclass(frozen=True)
class Way:
    """How far some moves have led."""

    done: Outcomes
    """One outcome; before the first move it has no steps."""
    over: bool
    """Whether there is no further move."""
    enough: bool
    """Whether it can be shown as it is."""


def follow(task: Task, kind: Kind, subjects: Arrays, moves: Sequence[int]) -> Way:
    """An episode about one subject in which these actions are taken, as far as they go.

    A goal is arranged where the task lets it be, and otherwise is where the episode stands.

    Args:
        task: one that people can steer (`steering_of`).
        kind: of judgment, a demonstration or a goal.
        subjects: of one row.
        moves: places of actions in their list.

    Raises:
        UsageError: a move cannot be made.
    """
    first, count = first_actions(task) or (0, 0)
    if wrong := next((one for one in moves if not 0 <= one < count), None):
        raise UsageError(f"there is no action {wrong}; there are {count}")
    if not moves:
        return Way(_begin(task, subjects), over=False, enough=False)
    if kind == "goal" and isinstance(task, Arrangeable):
        arranged = task.arrange(subjects, np.array([moves], np.int64) + first)
        return Way(arranged, over=False, enough=True)
    done, over = _play(task, subjects, moves, first)
    in_windows = isinstance(task, Segmented) and task.segment is not None and len(moves) >= task.segment
    return Way(done, over, enough=over or in_windows or kind == "goal")


def _play(task: Task, subjects: Arrays, moves: Sequence[int], first: int) -> tuple[Outcomes, bool]:
    """The episode so far, and whether it is over."""
    left = list(moves)

    def act(seen: Arrays, about: Arrays, rng: Generator, explore: bool) -> Array:
        move = left.pop(0)
        if MASKS in seen and not seen[MASKS][0, move]:
            known = steering_of(task)
            name = known.names[move] if isinstance(known, Steering) else f"action {first + move}"
            raise UsageError(f"'{name}' is not allowed now")
        return np.array([first + move])

    rolled = rollout(task, act, subjects, _chance(subjects), explore=False, limit=len(moves))
    if left:
        raise UsageError(f"the episode is over after {len(moves) - len(left)} steps")
    return rolled.outcomes, bool(rolled.whole[0])


def allowed_after(task: Task, kind: Kind, subjects: Arrays, moves: Sequence[int]) -> tuple[bool, ...] | None:
    """Which actions may be taken after these moves; None where all may.

    Args:
        task: one that people can steer (`steering_of`).
        kind: of judgment, a demonstration or a goal.
        subjects: of one row.
        moves: places of actions in their list, which can be made and do not end the episode.
    """
    if kind == "goal" and isinstance(task, Arrangeable):
        return None
    first, _ = first_actions(task) or (0, 0)
    rows = Rows(task, 1)
    try:
        if not rows.masked:
            return None
        seen = rows.start(subjects, _seed(subjects))
        for move in moves:
            seen = rows.step(np.array([first + move]), np.ones(1, np.bool_)).seen
        return tuple(rows.shown(seen)[MASKS][0].tolist())
    finally:
        rows.close()


def _begin(task: Task, subjects: Arrays) -> Outcomes:
    """Where an episode begins, as an outcome without steps."""
    rows = Rows(task, 1)
    try:
        seen = rows.start(subjects, _seed(subjects))
        space = rows.envs.single_action_space
    finally:
        rows.close()
    nothing = np.zeros((1, 0, *(space.shape or ())), space.dtype)
    zeros = np.zeros((1, 0))
    return Outcomes(
        {name: values[:, None] for name, values in seen.items()},
        nothing,
        np.zeros(1, np.int64),
        subjects,
        {"rewards": zeros},
        np.zeros(1, np.bool_),
    )


def _seed(subjects: Arrays) -> int:
    """What `rollout` starts the environments with."""
    return int(_chance(subjects).integers(2**31))


def _chance(subjects: Arrays) -> Generator:
    """What the environments draw from: of each subject its own, and the same whenever it is played."""
    return np.random.default_rng(int.from_bytes(digest_rows(subjects)[:8], "big"))
