"""An agent of the logic world that is wrong about a known share of all places."""

from dataclasses import dataclass

import numpy as np

from rrm_tree.contracts import Improved
from rrm_tree.outcomes import Answers


@dataclass
class SloppyAgent:
    task: object
    error: float

    def act(self, observations, subjects, rng, explore):
        right = self.task.ideal(subjects).actions[:, 0]
        return right ^ (rng.random(right.shape) < self.error)


class Sloppy:
    """Learns nothing; knows the answers, and errs at random."""

    version = "1"

    def __init__(self, error: float):
        self.error = error

    def check(self, task):
        return None

    def improve(self, problem, previous):
        return Improved({"error": np.array([self.error])}, 0, 0)

    def load(self, problem, arrays):
        return SloppyAgent(problem.task, self.error)


class SaysOneThing:
    """Answers one question, however many are asked."""

    version = "1"

    def answer(self, request):
        return Answers(np.ones(1), np.ones(1))
