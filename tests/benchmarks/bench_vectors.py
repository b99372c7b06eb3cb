"""Real steps of CartPole a CPU second, by how its environments are run side by side.

`python tests/benchmarks/bench_vectors.py [STEPS]`, on one thread. The policy costs nothing and keeps the pole
up, so that episodes are equally long; steps after an episode's end would be paid for and not counted.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from rrm_tree.domains.gym.task import GymTask, Vectorisation
from rrm_tree.learning.rollouts import rollout
from rrm_tree.outcomes import Array, Arrays

SIDE_BY_SIDE = (8, 16, 64)
WAYS: tuple[Vectorisation, ...] = ("sync", "native")
FASTEST_OF = 3


def balance(observations: Arrays, subjects: Arrays, rng: np.random.Generator, explore: bool) -> Array:
    """Pushes towards where the pole leans or falls."""
    return (observations["observation"][:, 2:].sum(axis=1) > 0).astype(np.int64)


def steps_per_second(vectorisation: Vectorisation, batch: int, steps: int) -> float:
    """Of the fastest of some runs."""
    task = GymTask("CartPole-v1", vectorisation=vectorisation, batch=batch)
    found = []
    for seed in range(FASTEST_OF):
        rng, done = np.random.default_rng(seed), 0
        start = time.process_time()
        while done < steps:
            about = task.starts(batch, "train", rng)
            done += int(rollout(task, balance, about, rng, explore=True).outcomes.lengths.sum())
        found.append(done / (time.process_time() - start))
    return max(found)


def main(steps: int) -> None:
    """Print the table."""
    print("| side by side | `sync` | `native` |\n|---|---|---|")
    for batch in SIDE_BY_SIDE:
        sync, native = (steps_per_second(one, batch, steps) for one in WAYS)
        print(f"| {batch} | {sync:,.0f} | {native:,.0f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
