"""What the same agent reaches on the true reward: `python tests/benchmarks/study_true_reward.py SPEC 10`.

Trains the algorithm of a one-node spec on what its truth adds up, step by step, with all environment
steps of the node's budget and nothing spent on judging, for so many seeds: the ceiling that a learned
reward is held against, measured by as many episodes as the spec's agents. Another algorithm:
`--set 'nodes.x.agent={use: ppo, with: {…}}'`. Prints a line a seed, then the mean with its 95%
t-interval over seeds.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import cast

import numpy as np
import torch
from scipy import stats

from rrm_tree import Tree
from rrm_tree.contracts import Problem, Stepwise
from rrm_tree.learning.rollouts import rollout
from rrm_tree.team import Team


def train(spec: str, sets: list[str], seed: int) -> tuple[float, int, float]:
    """Mean true return of one seed's agent, the steps it executed and the CPU seconds they took."""
    tree = Tree.from_yaml(spec, sets=sets)
    name = next(iter(tree.nodes))
    team, node = Team(tree, {}), tree.nodes[name]
    task, algorithm = team.task(name), team.algorithm(node)
    rewards = cast(Stepwise, task).rewards
    problem = Problem(
        task=task,
        starts=lambda count, rng: task.starts(count, "train", rng),
        rewards=rewards,
        table=rewards,
        steps=node.budget.steps,
        optimiser_steps=node.budget.optimiser_steps,
        seed=seed,
        stretches=True,
    )
    started = time.process_time()
    improved = algorithm.improve(problem, None)
    took = time.process_time() - started
    rng = np.random.default_rng(1000 + seed)
    about = task.starts(tree.measure.agent_outcomes, "measure", rng)
    done = rollout(task, algorithm.load(problem, improved.arrays).act, about, rng, explore=False)
    return float(rewards(done.outcomes).sum(axis=1).mean()), improved.steps, took


def main(spec: str, seeds: int, sets: list[str]) -> None:
    """Print every seed and the mean."""
    torch.set_num_threads(1)
    sys.path.insert(0, str(Path(spec).parent))
    returns = []
    for seed in range(seeds):
        value, steps, took = train(spec, sets, seed)
        returns.append(value)
        print(f"seed {seed}: {value:.1f}, {steps:,} steps, {took:.1f} CPU s", flush=True)
    half = stats.t.ppf(0.975, seeds - 1) * np.std(returns, ddof=1) / np.sqrt(seeds)
    print(f"mean true return {np.mean(returns):.1f} ± {half:.1f} over {seeds} seeds")


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--set"]
    main(arguments[0], int(arguments[1]), arguments[2:])
