"""How exactly the errors of five judges are worked out from their answers to the same questions.

`python tests/benchmarks/study_several_judges.py [SEEDS]`: in how many seeds all five are found to within .05
of how often they really erred, and of the rates that were declared; and how many seeds allow the latter.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from rrm_tree.learning.several_judges import fit_judges

ERRORS = np.array([0.02, 0.1, 0.2, 0.3, 0.4])
QUESTIONS = 200
NEAR = 0.05


@dataclass(frozen=True)
class Found:
    """What one seed shows: whether all five are near."""

    to_erred: bool
    to_declared: bool
    erred_to_declared: bool


def study(seed: int) -> Found:
    """Five people answer every question once."""
    rng = np.random.default_rng(seed)
    truth = rng.random(QUESTIONS) < 0.5
    wrong = rng.random((len(ERRORS), QUESTIONS)) < ERRORS[:, None]
    question, who = np.tile(np.arange(QUESTIONS), len(ERRORS)), np.repeat(np.arange(len(ERRORS)), QUESTIONS)
    answers = np.where(wrong, ~truth, truth).astype(float)
    found, erred = fit_judges(question, who, answers.ravel(), len(ERRORS)).error, wrong.mean(axis=1)

    def are_near(first: np.ndarray, second: np.ndarray) -> bool:
        return bool((np.abs(first - second) <= NEAR).all())

    return Found(are_near(found, erred), are_near(found, ERRORS), are_near(erred, ERRORS))


def main(seeds: int) -> None:
    """Print the counts."""
    every = [study(seed) for seed in range(seeds)]
    print(f"of {seeds} seeds, all five within {NEAR}")
    print(f"of how often they really erred: {sum(one.to_erred for one in every)}")
    print(f"of the rates declared:          {sum(one.to_declared for one in every)}")
    print(f"how often they erred, of those: {sum(one.erred_to_declared for one in every)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
