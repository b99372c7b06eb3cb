"""What learning costs on one thread: `python tests/benchmarks/bench_learning.py`."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from rrm_tree.contracts import Shapes
from rrm_tree.learning import board, mlp
from rrm_tree.learning.cases import make_cases, minibatches, predict
from rrm_tree.learning.ensemble import Ensemble
from rrm_tree.learning.fit import DistillOptions, batch_loss
from rrm_tree.learning.reward_model import RewardModel
from rrm_tree.outcomes import Advice, Answers, Items, Judged, Outcomes

COUNT, BATCH = 1024, 128


def timed(call: Callable[[], object], repeats: int = 5) -> float:
    """The fastest of some runs, in microseconds of processor time per outcome."""
    call()
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return min(taken) / COUNT * 1e6


def problem(dims: tuple[int, ...], parts: int) -> tuple[Judged, dict[str, np.ndarray], Shapes]:
    """One label about each of some random outcomes."""
    rng = np.random.default_rng(0)
    rows = np.arange(COUNT)
    outcomes = Outcomes(
        {"observation": np.zeros((COUNT, 2, 1))},
        rng.integers(0, 2, (COUNT, 1, parts)),
        np.ones(COUNT, np.int64),
        {},
    )
    items = Items(rows, None, rng.integers(0, parts, COUNT), np.zeros_like(rows))
    answers = Answers(rng.integers(0, 2, COUNT).astype(float), np.ones(COUNT, np.int64))
    inputs = {"x": rng.random((COUNT, 1, *dims)).astype(np.float32)}
    return Judged(outcomes, Advice(), "label", items, answers), inputs, Shapes({"x": dims}, parts, 2, 1)


def main() -> None:
    """Print a line for each network and size of ensemble."""
    torch.set_num_threads(1)
    print(f"{'network':<22}{'members':>8}{'epoch':>10}{'one by one':>12}{'inference':>11}   (µs an outcome)")
    for name, network, dims, parts in (
        ("mlp 128,128", mlp(), (32,), 1),
        ("board 24 × 7", board(), (13, 8, 8), 64),
        ("board 24 × 7, pooled", board(), (13, 8, 8), 1),
    ):
        judged, inputs, shapes = problem(dims, parts)
        cases = make_cases(judged, inputs, judged.outcomes.actions, True)
        for members in (1, 3):
            ensembles = [Ensemble.build(network, shapes, members, 0)]
            alone = [Ensemble.build(network, shapes, 1, seed) for seed in range(members)]

            def epoch(some: list[Ensemble], cases=cases) -> None:
                for fresh in some:
                    ensemble = fresh.map(lambda w: w.detach().requires_grad_())
                    for chosen in minibatches([np.arange(COUNT)] * ensemble.members, BATCH):
                        batch_loss(cases, predict(ensemble, cases, chosen), DistillOptions()).backward()

            model = RewardModel(
                ensembles[0].map(lambda w: w.detach()),
                True,
                np.zeros(shapes.criteria),
                np.ones(shapes.criteria),
            )
            figures = (
                timed(lambda e=ensembles: epoch(e)),
                timed(lambda a=alone: epoch(a)),
                timed(lambda m=model, i=inputs: m.table(i)),
            )
            print(f"{name:<22}{members:>8}{figures[0]:>10.0f}{figures[1]:>12.0f}{figures[2]:>11.1f}")


if __name__ == "__main__":
    main()
