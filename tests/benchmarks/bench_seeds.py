"""What several seeds cost apart and together: `python tests/benchmarks/bench_seeds.py [SEEDS] [SPEC…]`.

CPU time of one run after the other on the same machine: trust the ratios. First distilling alone, by
network and judgments; then whole runs of specs with one worker, start-up and report included.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from rrm_tree.contracts import Shapes
from rrm_tree.learning import mlp
from rrm_tree.learning.distill import Distilling, DistillOptions, distill_together
from rrm_tree.outcomes import Advice, Answers, Items, Judged, Outcomes

SMALL = """
version: 1
name: small
measure: {pairs: 60, agent_outcomes: 40}
nodes:
  claim:
    doc: Does the rule hold at most of three places?
    task: {use: logic.circuit, with: {gates: [majority]}}
    judge: {use: logic.person, with: {looks: 8}}
    reward_model: {epochs: 10}
    budget: {judgments: 300, steps: 2_000, rounds: 2}
    criteria: {right: {question: Is the claim right?}}
"""


def job(count: int, hidden: tuple[int, ...], seed: int) -> Distilling:
    """Preferences between one-step outcomes by a linear score."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(2 * count, 1, 4))
    scores = inputs[:, 0] @ np.array([1.0, -2.0, 0.0, 0.5])
    first, second = np.arange(count), np.arange(count, 2 * count)
    outcomes = Outcomes(
        {"observation": np.zeros((2 * count, 2, 1))},
        np.zeros((2 * count, 1)),
        np.ones(2 * count, np.int64),
        {},
    )
    part = np.zeros(count, np.int64)
    answers = Answers((scores[first] > scores[second]).astype(float), np.ones(count, np.int64))
    judged = Judged(outcomes, Advice(), "preference", Items(first, second, part, part), answers)
    shapes = Shapes({"x": (4,)}, parts=1, values=1, criteria=1)
    options = DistillOptions(epochs=10, patience=10)
    return Distilling(judged, {"x": inputs}, mlp(hidden=hidden), shapes, options, False, seed)


def timed(call: Callable[[], object], repeats: int = 3) -> float:
    """The fastest of some runs, in seconds of processor time."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return min(taken)


def compare_distilling(seeds: int) -> None:
    """A line for each network and number of judgments."""
    print(f"distilling {seeds} seeds: judgments, hidden layers, CPU s apart, together, ratio", flush=True)
    for count, hidden in ((200, (32, 32)), (200, (128, 128)), (2000, (32, 32)), (2000, (128, 128))):
        jobs = [job(count, hidden, seed) for seed in range(seeds)]
        apart = timed(lambda jobs=jobs: [one.alone() for one in jobs])
        together = timed(lambda jobs=jobs: distill_together(jobs))
        print(f"{count:>6} {hidden!s:>12} {apart:8.2f} {together:8.2f} {apart / together:6.2f}", flush=True)


def run(folder: Path, spec: Path, seeds: int, together: int) -> float:
    """CPU seconds of a whole run, its processes included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "rrm_tree", "run", str(spec), "--seeds", str(seeds), "--workers", "1"]
    command += ["--together", str(together), "--store", str(folder / f"by-{together}"), "--format", "json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Print both tables."""
    torch.set_num_threads(1)
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    compare_distilling(seeds)
    with tempfile.TemporaryDirectory() as name:
        small = Path(name) / "small.yaml"
        small.write_text(SMALL)
        print(f"whole runs of {seeds} seeds: spec, CPU s apart, together, ratio", flush=True)
        for place, spec in enumerate([small, *map(Path, sys.argv[2:])]):
            folder = Path(name) / str(place)
            apart, together = run(folder, spec, seeds, 1), run(folder, spec, seeds, seeds)
            print(f"{spec.name:>20} {apart:8.1f} {together:8.1f} {apart / together:6.2f}", flush=True)


if __name__ == "__main__":
    main()
