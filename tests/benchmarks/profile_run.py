"""Where the CPU seconds of a one-node run go: `python tests/benchmarks/profile_run.py SPEC [PATH=VALUE …]`.

Trains the spec's only node in this process with a clock of CPU seconds on its main functions. Then
executes as many environment steps with random actions and nothing else: the floor that no
implementation on the same environments can go below.
"""

from __future__ import annotations

import functools
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from stable_baselines3 import PPO, SAC

from rrm_tree import Tree
from rrm_tree.learning.distill import Distilling
from rrm_tree.learning.rollouts import rollout
from rrm_tree.learning.rows import Rows
from rrm_tree.node import NodeAtWork, train_node
from rrm_tree.records import RoundRecord
from rrm_tree.rounds import Setup
from rrm_tree.scoring import Scorer
from rrm_tree.spec import TreeSpec
from rrm_tree.team import Team

PARTS: Sequence[tuple[str, type, str]] = (
    ("collecting and judging", NodeAtWork, "judge"),
    ("distilling", Distilling, "alone"),
    ("improving", NodeAtWork, "improve"),
    ("… updates of policy and critics", PPO, "train"),
    ("… updates of policy and critics", SAC, "train"),
    ("… rewards from the reward model", Scorer, "cautious_rewards"),
    ("measuring", NodeAtWork, "measure"),
    ("environment steps, in all of these", Rows, "step"),
)
"""What is timed, as a line of the table; lines with dots are parts of the one above them."""


class Clock:
    """CPU seconds within functions of classes, while it is open; within the outermost call only."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self.within: set[str] = set()

    def time(self, words: str, owner: type, name: str) -> None:
        """Time a function of a class from now on."""
        plain: Callable[..., object] = getattr(owner, name)

        @functools.wraps(plain)
        def timed(*args: object, **kwargs: object) -> object:
            if words in self.within:
                return plain(*args, **kwargs)
            self.within.add(words)
            started = time.process_time()
            try:
                return plain(*args, **kwargs)
            finally:
                self.spent[words] = self.spent.get(words, 0.0) + time.process_time() - started
                self.within.discard(words)

        setattr(owner, name, timed)


def train(tree: TreeSpec) -> tuple[list[RoundRecord], Clock, float]:
    """The node's records, what was timed, and CPU seconds in all."""
    name = next(iter(tree.nodes))
    clock = Clock()
    for words, owner, function in PARTS:
        clock.time(words, owner, function)
    started = time.process_time()
    setup = Setup(tree, name, tree.nodes[name], f"{name}@0", "profile", {})
    records = [state.record for state in train_node(setup)]
    return records, clock, time.process_time() - started


def floor(tree: TreeSpec, steps: int) -> float:
    """CPU seconds of so many environment steps with random actions, stepped as in training."""
    name = next(iter(tree.nodes))
    task = Team(tree, {}).task(name)
    rng = np.random.default_rng(0)

    def act(seen: object, subjects: object, rng: object, explore: bool) -> object:
        return task.propose(seen, subjects, rng)  # type: ignore[arg-type]

    started, left = time.process_time(), steps
    while left > 0:
        done = rollout(task, act, task.starts(task.batch, "train", rng), rng, explore=True, limit=left)  # type: ignore[arg-type]
        left -= max(1, done.steps)
    return time.process_time() - started


def main(spec: str, sets: list[str]) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    sys.path.insert(0, str(Path(spec).parent))
    tree = Tree.from_yaml(spec, sets=sets)
    loaded = time.process_time()
    records, clock, total = train(tree)
    steps = sum(record.steps for record in records)
    print(
        f"{steps:,} environment steps, {total:.1f} CPU s, after {loaded:.1f} for starting Python and torch\n"
    )
    print("| | CPU s | share |\n|---|---|---|")
    for words in dict.fromkeys(words for words, _, _ in PARTS):
        spent = clock.spent.get(words, 0.0)
        print(f"| {words} | {spent:.1f} | {spent / total:.0%} |")
    least = floor(tree, steps)
    print(f"| floor: {steps:,} environment steps and nothing else | {least:.1f} | |")
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
