"""A domain of one's own, in one file: how many of these lamps are lit?

The agent sees a row of lamps and says how many are lit; a person who now and then overlooks one
says whether that is right. Run `check_task(Lamps())` and `check_judge(Counter(), Lamps())` on it.
"""

from __future__ import annotations

import numpy as np
from gymnasium import spaces
from numpy.random import Generator

from rrm_tree.contracts import Request, Split
from rrm_tree.domains.one_step import OneStep
from rrm_tree.outcomes import Advice, Answers, Array, Arrays, Floats, Outcomes, Questions

SPLITS: dict[Split, int] = {"train": 0, "judge": 1, "gate": 2, "measure": 3}


class Lamps:
    """How many of these lamps are lit?"""

    version = "1"
    subject = None  # it starts by itself
    advice = None  # it helps nobody
    accepts: dict[str, str] = {}  # noqa: RUF012 - and nobody helps it
    parts = 1  # an answer is judged whole
    batch = 1024

    def __init__(self, *, lamps: int = 6) -> None:
        self.lamps = lamps
        self.part_values = lamps + 1  # the answers 0 to `lamps`,
        self.exclusive = True  # of which exactly one is right

    def make_vec(self, num_envs: int) -> OneStep:
        seen = spaces.Dict({"lamps": spaces.MultiBinary(self.lamps)})
        return OneStep(num_envs, seen, spaces.MultiDiscrete([self.part_values]))

    def starts(self, count: int, split: Split, rng: Generator) -> Arrays:
        """Rows of lamps; a row's number modulo 4 says which split it is in, so that none is in two."""
        numbers = 4 * rng.integers(0, 2 ** (self.lamps - 2), count) + SPLITS[split]
        return {"lamps": ((numbers[:, None] >> np.arange(self.lamps)) & 1).astype(np.int8)}

    def propose(self, observations: Arrays, subjects: Arrays, rng: Generator) -> Array:
        return rng.integers(0, self.part_values, (len(observations["lamps"]), 1))

    def imagine(self, observations: Arrays, actions: Array, subjects: Arrays) -> Outcomes:
        stays = {name: np.stack([values, values], axis=1) for name, values in observations.items()}
        return Outcomes(stays, actions[:, None], np.ones(len(actions), np.int64), subjects)

    def encode(self, outcomes: Outcomes) -> Arrays:
        return {"lamps": outcomes.observations["lamps"][:, :-1].astype(np.float32)}

    def picture(self, outcomes: Outcomes, row: int, advice: Advice) -> str:
        circles = "".join(
            f'<circle cx="{20 + 30 * place}" cy="20" r="12" fill="{"gold" if lit else "gray"}"/>'
            for place, lit in enumerate(outcomes.subjects["lamps"][row])
        )
        said = f'<text x="8" y="55">{outcomes.actions[row, 0, 0]}</text>'
        return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 60">{circles}{said}</svg>'

    def questions(self, outcomes: Outcomes, criterion: str, advice: str) -> Questions:
        raise NotImplementedError("lamps take no helpers")

    def lay_out(self, advice: str, questions: Questions, answers: Outcomes, count: int) -> Array:
        raise NotImplementedError("lamps take no helpers")

    # Measurement alone reads what follows; training never does.

    def truth(self, outcomes: Outcomes) -> Floats:
        right = outcomes.subjects["lamps"].sum(axis=1)
        return (outcomes.actions[:, 0] == right[:, None]).astype(np.float64)

    def heuristic(self, outcomes: Outcomes) -> Floats:
        """The strongest simple rule: half of them are lit."""
        return (outcomes.actions[:, 0] == self.lamps // 2).astype(np.float64)


class Counter:
    """Somebody who looks at each lamp once, and sees a lit one as dark now and then."""

    version = "1"
    kinds = ("label",)
    direct = True
    tasks = None

    def __init__(self, *, overlooks: float = 0.02) -> None:
        self.overlooks = overlooks

    def answer(self, request: Request) -> Answers:
        rows = request.items.first
        lit = request.outcomes.subjects["lamps"][rows] == 1
        seen = lit & (request.rng.random(lit.shape) >= self.overlooks)
        said = request.outcomes.actions[rows, 0, 0]
        return Answers((said == seen.sum(axis=1)).astype(np.float64), np.full(len(rows), lit.shape[1]))
