"""A person in the synthetic world: reads claims, or looks at places, with declared errors.

In: a Request about synthetic tasks. Out: labels or preferences, with the looks that they took.
Touches nothing but the request's generator.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from rrm_tree.contracts import Request
from rrm_tree.domains.synthetic.task import CLAIM, Gate
from rrm_tree.outcomes import Answers, Floats, Ints, take_rows


class Person:
    """Works out what the gate says of helpers' claims where there are any, otherwise of what is seen."""

    version = "1"
    kinds = ("label", "preference")
    direct = True
    tasks: tuple[str, ...] | None = ("synthetic.leaf", "synthetic.gate", "synthetic.root")

    def __init__(self, look_error: float, read_error: float) -> None:
        self.look_error, self.read_error = look_error, read_error

    def answer(self, request: Request) -> Answers:
        """Label: whether the claim is what the person finds. Preference: whose claim is.

        A pair is about one place, which is looked at once.
        """
        items = request.items
        found = self._find(request, items.first)
        looks = np.full(len(items), cast(Gate, request.task).fan_in, np.int64)
        first = _agrees(request, items.first, found)
        if items.second is None:
            return Answers(first, looks)
        return Answers(0.5 + 0.5 * (first - _agrees(request, items.second, found)), looks)

    def _find(self, request: Request, rows: Ints) -> Ints:
        """What seems to hold at the outcomes' places, [rows]."""
        task = cast(Gate, request.task)
        claims = request.advice.of(CLAIM)
        if claims:
            real, error = claims[0][rows] != 0, self.read_error
        else:
            real, error = task.below(take_rows(request.outcomes.subjects, rows)), self.look_error
        seen = np.logical_xor(real, request.rng.random(real.shape) < error)
        return task.says(seen).astype(np.int64)


def _agrees(request: Request, rows: Ints, found: Ints) -> Floats:
    return np.asarray(request.outcomes.actions[rows, 0, 0] == found, np.float64)
