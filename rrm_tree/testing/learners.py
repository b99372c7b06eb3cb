"""Do a reward network and an algorithm keep their contracts?

In: a network builder, or an algorithm and a task. Out: nothing, or one PluginError.
Touches torch's global generator only within a fork that puts it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch
from numpy.random import Generator

from rrm_tree.contracts import Algorithm, Factorised, Network, Problem, Shapes, Task
from rrm_tree.learning.ensemble import Ensemble
from rrm_tree.learning.rollouts import rollout
from rrm_tree.learning.rows import Rows
from rrm_tree.outcomes import Array, Arrays, Floats, Outcomes, count_rows, take_rows
from rrm_tree.testing.findings import Findings, copied, finite, same
from rrm_tree.testing.scenes import ROWS, start

SHAPES = Shapes(
    inputs={"board": (3, 8, 8), "flat": (5,), "number": (), "advice.helper": (2, 8, 8)},
    parts=1,
    values=2,
    criteria=2,
)
"""Inputs of several ranks, as tasks and helpers give them."""


def check_network(network: Network, shapes: Shapes = SHAPES) -> None:
    """Build an ensemble of two and put a small batch through it.

    Args:
        network: what is checked.
        shapes: what it is built for; give those of your own task if it takes no others.

    Raises:
        PluginError: with everything that was found.
    """
    findings = Findings(network)
    version = getattr(network, "version", None)
    findings.expect(isinstance(version, str) and version != "", "version", "must be a text such as '1'")
    with findings.during("network"):
        _check_scores(findings, network, shapes)
    findings.close()


def _check_scores(findings: Findings, network: Network, shapes: Shapes) -> None:
    draw = torch.Generator().manual_seed(0)
    inputs = {name: torch.rand((4, *shape), generator=draw) for name, shape in shapes.inputs.items()}
    one, again = Ensemble.build(network, shapes, 2, 0), Ensemble.build(network, shapes, 2, 0)
    findings.expect(
        all(torch.equal(one.weights[name], again.weights[name]) for name in one.weights),
        "network",
        "draws other weights from an equal seed; initialise with torch's generator alone",
    )
    before = {name: values.clone() for name, values in one.buffers.items()}
    scores = one.scores(inputs, shared=True)
    findings.expect(bool(torch.isfinite(scores).all()), "scores", "hold NaN or infinities")
    findings.expect(
        torch.equal(scores, one.scores(inputs, shared=True)),
        "scores",
        "differ when asked twice; leave out dropout and other chance",
    )
    kept = all(torch.equal(before[name], one.buffers[name]) for name in before)
    findings.expect(kept, "network", "changes its buffers in place (batch norm?); keep no state")
    alone = one.scores({name: values[:1] for name, values in inputs.items()}, shared=True)
    findings.expect(
        torch.allclose(alone, scores[:, :1], atol=1e-5),
        "scores",
        "of one outcome depend on the others in the batch; normalise within a row",
    )
    weights = {name: values.clone().requires_grad_() for name, values in one.weights.items()}
    moved = Ensemble(one.module, shapes, weights, one.buffers).scores(inputs, shared=True)
    slopes = torch.autograd.grad(moved.sum(), list(weights.values()), allow_unused=True)
    findings.expect(
        any(slope is not None and bool((slope != 0).any()) for slope in slopes),
        "scores",
        "do not depend on the weights, so that nothing can be learned",
    )


def check_algorithm(
    algorithm: Algorithm, task: Task, *, subjects: Arrays | None = None, steps: int = 2000, rng_seed: int = 0
) -> None:
    """Improve twice with the same seed on a made-up reward, and let the agent act.

    Args:
        algorithm: what is checked.
        task: a task that is for it.
        subjects: what the task's episodes are about; may be left out if it starts by itself.
        steps: environment steps that it may execute.
        rng_seed: seed of everything that is drawn.

    Raises:
        PluginError: with everything that was found.
    """
    findings = Findings(algorithm)
    version = getattr(algorithm, "version", None)
    findings.expect(isinstance(version, str) and version != "", "version", "must be a text such as '1'")
    about = start(task, subjects, np.random.default_rng(rng_seed))
    problem = _made_up(task, about, steps, rng_seed)
    with findings.during("check"):
        reason = algorithm.check(task)
        findings.expect(
            reason is None, "check", f"refuses this task: {reason}; check it on one that it takes"
        )
    if not findings.found:
        with findings.during("improve"):
            _check_improving(findings, algorithm, problem, about)
    findings.close()


def _made_up(task: Task, about: Arrays, steps: int, seed: int) -> Problem:
    """A reward that is any fixed function of what is done: it likes high actions."""

    def rewards(outcomes: Outcomes) -> Floats:
        flat = outcomes.actions.reshape(*outcomes.actions.shape[:2], -1)
        return cast(Floats, flat.astype(np.float64).mean(axis=2))

    def table(outcomes: Outcomes) -> Floats:
        values = cast(Factorised, task).part_values
        return np.broadcast_to(np.arange(values, dtype=np.float64), (len(outcomes), task.parts, values))

    def starts(count: int, rng: Generator) -> Arrays:
        return take_rows(about, rng.integers(0, count_rows(about), size=min(count, ROWS)))

    stretches = not isinstance(task, Factorised)
    return Problem(task, starts, rewards, table, steps, None, seed, stretches)


def _check_improving(findings: Findings, algorithm: Algorithm, problem: Problem, about: Arrays) -> None:
    improved, again = algorithm.improve(problem, None), algorithm.improve(problem, None)
    if not findings.expect(
        isinstance(improved.arrays, Mapping)
        and all(
            isinstance(values, np.ndarray) and values.dtype != object for values in improved.arrays.values()
        ),
        "improve",
        "must return the agent as a mapping of names to arrays of numbers",
    ):
        return
    findings.expect(
        same(improved.arrays, again.arrays),
        "improve",
        "gives other arrays from an equal seed; use `problem.seed`",
    )
    findings.expect(
        0 <= improved.steps <= problem.steps,
        "improve",
        f"executed {improved.steps} environment steps where {problem.steps} were allowed",
    )
    kept = copied(improved.arrays)
    further = algorithm.improve(problem, improved.arrays)
    findings.expect(
        same(kept, improved.arrays), "improve", "changes `previous` in place; it is the last round's agent"
    )
    findings.expect(set(further.arrays) == set(kept), "improve", "names other arrays when it goes on")
    _check_agent(findings, algorithm, problem, improved.arrays, about)


def _check_agent(
    findings: Findings, algorithm: Algorithm, problem: Problem, arrays: Arrays, about: Arrays
) -> None:
    agent, count = algorithm.load(problem, arrays), count_rows(about)
    rows = Rows(problem.task, count)
    env, seen = rows.envs, rows.shown(rows.start(about, 0))
    best = agent.act(seen, about, np.random.default_rng(0), False)
    findings.expect(
        np.array_equal(best, agent.act(seen, about, np.random.default_rng(1), False)),
        "act",
        "differs without exploring; its best action must not depend on chance",
    )
    for explore in (False, True):
        actions: Array = agent.act(seen, about, np.random.default_rng(0), explore)
        inside = len(actions) == count and env.action_space.contains(
            np.asarray(actions).astype(env.action_space.dtype, casting="same_kind")
        )
        findings.expect(inside, "act", f"gave actions outside the action space {env.single_action_space}")
    rows.close()
    outcomes = rollout(problem.task, agent.act, about, np.random.default_rng(0), explore=False).outcomes
    findings.expect(finite(outcomes.actions), "act", "gave actions that are not finite numbers")
