"""Do a task's optional abilities agree with each other and with its environment?

In: a task and a handful of its outcomes. Out: findings; none about abilities that it has not.
Touches nothing but what the task's own environment touches.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from rrm_tree.contracts import (
    Arrangeable,
    Correctable,
    Factorised,
    Imaginable,
    Listed,
    Measurable,
    Perfect,
    Ruled,
    Segmented,
    Steered,
    Steering,
    Task,
)
from rrm_tree.learning.rows import as_arrays
from rrm_tree.outcomes import Array, Outcomes, take_steps
from rrm_tree.steered import first_actions
from rrm_tree.testing.findings import Findings, finite, same


def blind(outcomes: Outcomes) -> Outcomes:
    """The same outcomes without what is hidden."""
    return Outcomes(
        outcomes.observations, outcomes.actions, outcomes.lengths, outcomes.subjects, {}, outcomes.ended
    )


def check_imagine(findings: Findings, task: Task, outcomes: Outcomes) -> None:
    """What is imagined is what happens when the environment is run."""
    if not isinstance(task, Imaginable):
        return
    count, actions = len(outcomes), outcomes.actions[:, 0]
    env = task.make_vec(count)
    before = as_arrays(env.reset(options={"subject": dict(outcomes.subjects)})[0])
    raw, _, ended, cut, _ = env.step(actions)
    after = as_arrays(raw)
    env.close()
    findings.expect(bool((ended | cut).all()), "imagine", "is for tasks whose episodes last one step")
    real = Outcomes(
        {name: np.stack([before[name], after[name]], axis=1) for name in before},
        actions[:, None],
        np.ones(count, np.int64),
        outcomes.subjects,
    ).arrays()
    thought = blind(task.imagine(before, actions, outcomes.subjects)).arrays()
    wrong = [name for name in real if name not in thought or not same({"": real[name]}, {"": thought[name]})]
    findings.expect(
        not wrong, "imagine", f"differs from running the environment in {', '.join(wrong)}; make them agree"
    )


def check_candidates(findings: Findings, task: Task, outcomes: Outcomes) -> None:
    """Every row's actions, each in the action space."""
    if not isinstance(task, Listed):
        return
    first = {name: values[:, 0] for name, values in outcomes.observations.items()}
    actions, row = task.candidates(first)
    findings.expect(
        len(actions) == len(row)
        and bool((np.diff(row) >= 0).all())
        and set(np.unique(row)) == set(range(len(outcomes))),
        "candidates",
        "must give one row number an action, row by row, and at least one action for every row",
    )
    space = task.make_vec(1).single_action_space
    findings.expect(
        all(space.contains(action) for action in actions),
        "candidates",
        f"lists actions that are not in the action space {space}",
    )


def check_steering(findings: Findings, task: Task, outcomes: Outcomes) -> None:
    """A name for every action; arranging ends in one step, in the space that is observed."""
    named = task.steering() if isinstance(task, Steered) else None
    acts = first_actions(task)
    if isinstance(named, Steering):
        findings.expect(
            acts is not None and acts[1] == len(named.names),
            "steering",
            f"names {len(named.names)} actions, of {acts[1] if acts else 'no'} Discrete ones",
        )
    if isinstance(task, Arrangeable) and acts is not None:
        count = len(outcomes)
        moves = acts[0] + np.arange(2 * count).reshape(count, 2) % acts[1]
        arranged = task.arrange(outcomes.subjects, moves)
        wanted = {name: values.shape[2:] for name, values in outcomes.observations.items()}
        found = {name: values.shape[2:] for name, values in arranged.observations.items()}
        findings.expect(
            arranged.actions.shape[:2] == (count, 1) and wanted == found,
            "arrange",
            f"left {arranged.actions.shape[:2]} steps that observe {found}; give {(count, 1)} and {wanted}",
        )


def check_values(findings: Findings, task: Task, outcomes: Outcomes) -> None:
    """Actions are a value for each part."""
    if not isinstance(task, Factorised):
        return
    actions, parts = outcomes.actions, cast(Task, task).parts
    findings.expect(
        actions.shape[2:] == (parts,) and actions.dtype.kind in "iu",
        "parts",
        f"actions are {actions.dtype} of shape {actions.shape}, expected integers [n, T, {parts}]",
    )
    findings.expect(
        bool((actions >= 0).all() and (actions < task.part_values).all()),
        "part_values",
        f"actions lie outside range({task.part_values})",
    )


def acting(outcomes: Outcomes, value: int) -> Outcomes:
    """The same outcomes as if every part had been given this value."""
    actions = np.full_like(outcomes.actions, value)
    return Outcomes(
        outcomes.observations, actions, outcomes.lengths, outcomes.subjects, outcomes.hidden, outcomes.ended
    )


def check_truth(findings: Findings, task: Task, outcomes: Outcomes) -> None:
    """A utility for each part, row by row; one right value where that is declared."""
    if not isinstance(task, Measurable):
        return
    truth = task.truth(outcomes)
    check_per_part(findings, "truth", task, truth, len(outcomes))
    alone = task.truth(outcomes.take(np.array([0])))
    findings.expect(
        np.array_equal(alone, truth[:1]), "truth", "of one outcome depends on the others; go row by row"
    )
    if isinstance(task, Factorised) and task.exclusive:
        every = np.stack([task.truth(acting(outcomes, value)) for value in range(task.part_values)])
        best = (every == every.max(axis=0)).sum(axis=0)
        findings.expect(
            bool((best == 1).all()),
            "exclusive",
            "is declared, but not exactly one value of each part is right",
        )


def check_per_part(findings: Findings, where: str, task: Task, values: Array, count: int) -> None:
    """Finite numbers [n, parts]."""
    findings.expect(
        np.shape(values) == (count, task.parts),
        where,
        f"has shape {np.shape(values)}, expected [n, parts] = {(count, task.parts)}",
    )
    findings.expect(finite(values), where, "holds NaN or infinities; every outcome needs a number")


def check_rule(findings: Findings, task: Task, outcomes: Outcomes) -> None:
    """The simple rule thinks something of each part."""
    if isinstance(task, Ruled):
        check_per_part(findings, "heuristic", cast(Task, task), task.heuristic(outcomes), len(outcomes))


def check_ideal(findings: Findings, task: Task, outcomes: Outcomes) -> None:
    """No other action is better in the eyes of truth."""
    if not isinstance(task, Perfect):
        return
    ideal = task.ideal(outcomes.subjects)
    if not findings.expect(
        len(ideal) == len(outcomes), "ideal", f"gave {len(ideal)} outcomes about {len(outcomes)} subjects"
    ):
        return
    if isinstance(task, Measurable):
        rivals = [task.truth(outcomes)]
        if isinstance(task, Factorised):
            rivals += [task.truth(acting(outcomes, value)) for value in range(task.part_values)]
        best = np.max(rivals, axis=0)
        findings.expect(
            bool((task.truth(ideal) >= best).all()),
            "ideal",
            "is beaten by another action in the eyes of `truth`",
        )


def check_segments(findings: Findings, task: Task, outcomes: Outcomes) -> None:
    """Windows from the first and the last step allowed, two of each episode."""
    if not isinstance(task, Segmented):
        return
    last = task.last_start(outcomes)
    findings.expect(
        last.shape == (len(outcomes),) and bool((last >= 0).all()),
        "last_start",
        "must give one step for each outcome, at least 0",
    )
    rows = np.repeat(np.arange(len(outcomes)), 2)
    pieces = task.windows(outcomes, rows, np.stack([0 * last, last], axis=1).ravel())
    findings.expect(len(pieces) == len(rows), "windows", "must give one window for each row that is named")
    steps = pieces.actions.shape[1]
    findings.expect(
        task.segment is None or steps == task.segment,
        "windows",
        "must have `segment` steps, padding included",
    )
    fits = all(values.shape[1] == steps + 1 for values in pieces.observations.values())
    findings.expect(
        fits and bool((pieces.lengths <= steps).all()) and bool((pieces.lengths > 0).all()),
        "windows",
        "must have one observation more than actions, and lengths within their steps",
    )


def check_instead(findings: Findings, task: Task, outcomes: Outcomes) -> None:
    """What other actions lead to: as many of each step, from where it began, the action taken among them."""
    if not isinstance(task, Correctable):
        return
    rows = np.arange(len(outcomes))
    acted = take_steps(outcomes, rows, rows % outcomes.lengths)
    others = task.instead(acted)
    several, left = divmod(len(others), len(acted))
    counted = findings.expect(
        not left and several > 1 and bool((others.lengths == 1).all()),
        "instead",
        f"gave {len(others)} outcomes about {len(acted)} steps; give one of a single step for every action",
    )
    if not counted:
        return
    of = np.repeat(rows, several)
    began = all(
        np.array_equal(values[:, 0], acted.observations[name][of, 0])
        for name, values in others.observations.items()
    )
    findings.expect(began, "instead", "must begin where the steps began that are given")
    alike = [others.actions == acted.actions[of]]
    alike += [values == acted.observations[name][of] for name, values in others.observations.items()]
    same_as_acted = np.all([one.reshape(len(of), -1).all(axis=1) for one in alike], axis=0)
    findings.expect(
        bool(same_as_acted.reshape(len(rows), several).any(axis=1).all()),
        "instead",
        "must hold the action that was taken, with what it led to",
    )
