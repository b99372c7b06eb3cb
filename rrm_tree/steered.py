"""How people act in a task: which actions there are, in words, or why there is no list of them.

In: a task. Out: a Steering, or a reason.
Touches nothing but an environment of the task, which is made and closed. Loads no gymnasium by itself.
"""

from __future__ import annotations

from rrm_tree.contracts import Steered, Steering, Task

MOST_ACTIONS = 64
"""That people can choose among."""

INSTEAD = "ask for another kind of judgment, such as `preference`, or let a simulated judge show it"


def steering_of(task: Task) -> Steering | str:
    """How people act in a task; or why they cannot, and what to do instead."""
    if isinstance(task, Steered):
        found = task.steering()
        if isinstance(found, str):
            return found
        return _too_many(len(found.names), task) or found
    acts = first_actions(task)
    if acts is None:
        name = type(task).__name__
        return f"people cannot steer {name}: its actions are not one of a few (Discrete); {INSTEAD}"
    names = tuple(f"action {one}" for one in range(acts[1]))
    return _too_many(len(names), task) or Steering(names)


def first_actions(task: Task) -> tuple[int, int] | None:
    """The first of a task's actions and how many there are; None where they are not one of a few."""
    envs = task.make_vec(1)
    try:
        acts = envs.single_action_space
        count, shape = getattr(acts, "n", None), getattr(acts, "shape", None)
        if shape != () or not str(count).isdigit():
            return None
        return int(getattr(acts, "start", 0)), int(str(count))
    finally:
        envs.close()


def _too_many(count: int, task: Task) -> str | None:
    if count <= MOST_ACTIONS:
        return None
    return (
        f"people cannot steer {type(task).__name__}: there are {count} actions, and nobody chooses among more"
        f" than {MOST_ACTIONS}; {INSTEAD}"
    )
