"""How often coin flips are found out: `python tests/benchmarks/study_information.py`.

Sets of preferences by a linear score over four numbers, of which a share is turned round: a half makes
coin flips of them. Each set is distilled with the settings that a spec has by default.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch

from rrm_tree.contracts import Shapes
from rrm_tree.learning import mlp
from rrm_tree.learning.distill import Distilled, DistillOptions, distill
from rrm_tree.outcomes import Advice, Answers, Items, Judged, Outcomes

WEIGHTS = np.array([1.0, -2.0, 0.0, 0.5])
SETS = {0.5: 40, 0.0: 10, 0.15: 10, 0.3: 10, 0.4: 10}
"""How many sets by the share of preferences turned round."""


def prefer(count: int, turned: float, rng: np.random.Generator) -> tuple[Judged, dict[str, np.ndarray]]:
    """Preferences between fresh outcomes of one step."""
    seen = rng.normal(size=(2 * count, 1, 4))
    scores, rows, zeros = seen[:, 0] @ WEIGHTS, np.arange(count), np.zeros(count, np.int64)
    first = (scores[:count] > scores[count:]) ^ (rng.random(count) < turned)
    nothing = np.zeros((2 * count, 1))
    outcomes = Outcomes({"observation": np.zeros((2 * count, 2, 1))}, nothing, np.ones(2 * count, int), {})
    answers = Answers(first.astype(float), zeros)
    items = Items(rows, rows + count, zeros, zeros)
    return Judged(outcomes, Advice(), "preference", items, answers), {"x": seen}


def verdict(found: Distilled) -> str:
    """What a run would say of these judgments."""
    if found.model is None:
        return "refused"
    return "doubted" if found.warnings else "used"


def main() -> None:
    """A line for each size and share, as the sets are done."""
    torch.set_num_threads(1)
    print(f"{'judgments':>9}{'turned':>8}{'sets':>6}{'refused':>9}{'doubted':>9}{'used':>6}")
    for count in (100, 200):
        for turned, sets in SETS.items():
            said: Counter[str] = Counter()
            for seed in range(sets):
                judged, inputs = prefer(
                    count, turned, np.random.default_rng([count, round(100 * turned), seed])
                )
                shapes, options = Shapes({"x": (4,)}, 1, 1, 1), DistillOptions()
                network = mlp(hidden=(32,))
                found = distill(
                    judged,
                    inputs,
                    network=network,
                    shapes=shapes,
                    options=options,
                    exclusive=False,
                    seed=seed,
                )
                said[verdict(found)] += 1
            figures = "".join(
                f"{said[word]:>{width}}" for word, width in (("refused", 9), ("doubted", 9), ("used", 6))
            )
            print(f"{count:>9}{turned:>8}{sets:>6}{figures}", flush=True)


if __name__ == "__main__":
    main()
