"""Does a task's vector environment keep gymnasium's contract, and ours about subjects?

In: a task and subjects. Out: findings.
Touches nothing but what the environment touches.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rrm_tree.contracts import Task
from rrm_tree.learning.rows import as_arrays
from rrm_tree.outcomes import Array, Arrays, count_rows, take_rows
from rrm_tree.testing.findings import Findings, finite, same

MOST_STEPS = 100_000
"""Steps after which an episode that has not ended is taken to have no end."""


def check_environment(findings: Findings, task: Task, subjects: Arrays, seed: int) -> None:
    """Spaces, shapes, numbers, ends, and the same episode for the same subject and actions."""
    first = _episode(findings, task, subjects, seed)
    second = _episode(findings, task, subjects, seed)
    repeats = all(same(one, other) for one, other in zip(first, second, strict=False))
    findings.expect(
        repeats and len(first) == len(second),
        "make_vec",
        "gives another episode for the same subjects and actions; take all chance from the subject",
    )


def _episode(findings: Findings, task: Task, subjects: Arrays, seed: int) -> list[dict[str, Array]]:
    """What was observed and earned, step by step, until every episode has ended."""
    count, rng = count_rows(subjects), np.random.default_rng(seed)
    env: Any = task.make_vec(count)
    findings.expect(env.num_envs == count, "make_vec", f"made {env.num_envs} environments instead of {count}")
    seen = _check_observation(findings, env, env.reset(options={"subject": dict(subjects)})[0], "reset")
    running, trace = np.ones(count, bool), [seen]
    while running.any() and len(trace) <= MOST_STEPS:
        actions = task.propose(seen, subjects, rng)
        _check_actions(findings, env, actions)
        raw, rewards, ended, cut, _ = env.step(actions)
        _check_step(findings, count, {"terminated": ended, "truncated": cut}, rewards)
        seen = _check_observation(findings, env, raw, "step")
        # What an environment shows of episodes that were over before is padding, and free.
        trace.append(take_rows(seen | {"": np.asarray(rewards)}, running))
        running = running & ~(np.asarray(ended) | np.asarray(cut))
    findings.expect(not running.any(), "step", f"never ended an episode in {MOST_STEPS} steps; set a limit")
    env.close()
    return trace


def _check_actions(findings: Findings, env: Any, actions: Array) -> None:
    rows = env.num_envs
    wanted = env.action_space
    fits = len(actions) == rows and wanted.contains(
        np.asarray(actions).astype(wanted.dtype, casting="same_kind")
    )
    findings.expect(fits, "propose", f"gave actions outside the action space {env.single_action_space}")


def _check_step(findings: Findings, count: int, ends: dict[str, Array], rewards: Array) -> None:
    for name, values in ends.items():
        findings.expect(
            np.shape(values) == (count,) and np.asarray(values).dtype == bool,
            "step",
            f"gave {name} of shape {np.shape(values)} and type {np.asarray(values).dtype}, expected "
            f"[{count}] Booleans",
        )
    findings.expect(
        np.shape(rewards) == (count,) and finite(rewards),
        "step",
        f"gave rewards of shape {np.shape(rewards)}, or not finite; give [{count}] numbers",
    )


def _check_observation(findings: Findings, env: Any, raw: object, where: str) -> dict[str, Array]:
    findings.expect(
        env.observation_space.contains(raw),
        where,
        f"gave an observation outside the observation space {env.single_observation_space}; check the "
        "shape, the dtype and the bounds",
    )
    for name, values in as_arrays(raw).items():
        findings.expect(finite(values), where, f"gave '{name}' with NaN, infinities or no numbers")
    return as_arrays(raw)
