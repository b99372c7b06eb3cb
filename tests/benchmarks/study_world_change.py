"""Does a reward model serve in another world? `python tests/benchmarks/study_world_change.py 8`.

Trains `task_specs/pendulum_search.yaml` for each of so many seeds, then changes gravity from 10 to
14. No judgment is asked for in the changed world. Prints a line a seed, then means with intervals.
"""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from rrm_tree import Tree
from rrm_tree.contracts import Algorithm, Problem
from rrm_tree.learning.rollouts import rollout
from rrm_tree.node import NodeAtWork  # the loop of `train_node` without its measuring
from rrm_tree.outcomes import Arrays, Outcomes, join_judged
from rrm_tree.purse import Spent
from rrm_tree.rounds import RoundState, Setup
from rrm_tree.team import Team

SPEC = Path(__file__).parents[2] / "task_specs" / "pendulum_search.yaml"
NODE = "swing"
HEAVIER = f"nodes.{NODE}.task.with.kwargs={{g: 14.0}}"
EPISODES = 10
STEPS = 1600
"""Executed in the changed world: two fits of four episodes each."""


def elsewhere(reward: Arrays, sets: list[str], seed: int) -> tuple[Problem, Algorithm]:
    """The problem of a spec with edits, posed by a reward model that was trained without them."""
    there = Tree.from_yaml(SPEC, sets=sets)
    node, team = there.nodes[NODE], Team(there, {})
    problem = team.problem(NODE, team.scorer(NODE, node, reward), steps=STEPS, seed=seed)
    return problem, team.algorithm(node)


def truth(problem: Problem, algorithm: Algorithm, arrays: Arrays) -> float:
    """Mean return of an agent over held-out episodes."""
    rng = np.random.default_rng(1)
    about = problem.task.starts(EPISODES, "measure", rng)
    agent = algorithm.load(problem, arrays)
    done = rollout(problem.task, agent.act, about, rng, explore=False)
    return float(problem.task.truth(done.outcomes).mean())  # type: ignore[attr-defined]


def pendulum(outcomes: Outcomes) -> np.ndarray:
    """Pendulum-v1's own reward of every step."""
    cos, sin, speed = np.moveaxis(outcomes.observations["observation"][:, :-1], -1, 0)
    torque = outcomes.actions[..., 0]
    return -(np.arctan2(sin, cos) ** 2 + 0.1 * speed**2 + 0.001 * torque**2)


@dataclass(frozen=True)
class Result:
    """Of one seed: mean true returns, and what they cost."""

    at_home: float
    unchanged: float
    refitted: float
    on_truth: float
    judgments: int
    steps: int
    seconds: float
    refit_seconds: float


def train(seed: int) -> tuple[RoundState, int, int]:
    """The last round of the node, its judgments and its steps; nothing is measured on the way."""
    tree = Tree.from_yaml(SPEC, sets=[f"seed={seed}"])
    node = tree.nodes[NODE]
    work = NodeAtWork(Setup(tree, NODE, node, f"{NODE}@{seed:016}", f"{seed:064}", {}))
    done: list[RoundState] = []
    for _ in range(node.budget.rounds):
        spent = Spent.over(done)
        new = work.judge(done, [work.agent_of(state) for state in done], spent)
        distilled = work.distill(join_judged([*(state.judged for state in done), new.judged]), done, spent)
        done.append(work.improve(done, new, distilled, spent))
    return done[-1], sum(len(state.judged.items) for state in done), sum(state.record.steps for state in done)


def study(seed: int) -> Result:
    """One seed: at home, moved without and with a new model of the world, and the ceiling there."""
    start = time.process_time()
    state, judgments, steps = train(seed)
    seconds = time.process_time() - start
    home, search = elsewhere(state.reward, [], seed)
    there, _ = elsewhere(state.reward, [HEAVIER], seed)
    at_home, unchanged = truth(home, search, state.agent), truth(there, search, state.agent)
    start = time.process_time()
    refitted = search.improve(there, None)
    refit_seconds = time.process_time() - start
    true = replace(there, rewards=pendulum)
    ceiling = truth(true, search, search.improve(true, None).arrays)
    return Result(
        at_home,
        unchanged,
        truth(there, search, refitted.arrays),
        ceiling,
        judgments,
        steps,
        seconds,
        refit_seconds,
    )


def main(seeds: int) -> None:
    """All seeds, then means with 95% intervals (Student's t)."""
    torch.set_num_threads(1)
    results = []
    for seed in range(seeds):
        results.append(asdict(study(seed)))
        print(seed, {name: round(value) for name, value in results[-1].items()}, flush=True)
    for name in results[0]:
        values = np.array([result[name] for result in results])
        half = stats.sem(values) * stats.t.ppf(0.975, len(values) - 1) if len(values) > 1 else np.nan
        print(f"{name:14} {values.mean():8.0f} ± {half:.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
