"""Truth as a judge: what judging itself costs is what this one does better.

In: a Request whose task can compute truth. Out: answers without errors and without looks.
Touches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rrm_tree.contracts import Request
from rrm_tree.judges import CHOICES
from rrm_tree.judges.simulated import Teacher, true_utility
from rrm_tree.learning.losses import number_orders
from rrm_tree.outcomes import Answers, Floats, Ints, Outcomes


@dataclass(frozen=True, slots=True)
class Truth:
    """Labels what is above the bar, prefers what is better (0.5 for a tie), rates by utility."""

    version: ClassVar[str] = "1"
    kinds: ClassVar[tuple[str, ...]] = ("label", "preference", "rating", *CHOICES)
    direct: ClassVar[bool] = True
    tasks: ClassVar[tuple[str, ...] | None] = None

    right_above: float = 0.5

    def answer(self, request: Request) -> Answers:
        """One answer an item, for no looks."""
        items, utility, nothing = request.items, true_utility(request), np.zeros(len(request.items), np.int64)
        if request.kind in CHOICES:
            among = utility[items.places]
            return Answers(_choose(request.kind, among), nothing)
        values = utility[items.first, items.part]
        if items.second is not None:
            values = 0.5 + 0.5 * np.sign(values - utility[items.second, items.part])
        elif request.kind == "label":
            values = (values > self.right_above).astype(np.float64)
        return Answers(values.astype(np.float64), nothing)

    def demonstrate(self, request: Request) -> tuple[Outcomes, Ints]:
        """Ideal episodes, or the best that agents have shown, for no looks."""
        done, looks = Teacher(beta=None).demonstrate(request)
        return done, np.zeros_like(looks)


def _choose(kind: str, utility: Floats) -> Floats:
    """The first of the best among alternatives, or of the worst, or their order, [items]."""
    if kind == "ranking":
        return number_orders(np.argsort(-utility, axis=1, kind="stable")).astype(np.float64)
    chosen = utility.argmin(axis=1) if kind == "critique" else utility.argmax(axis=1)
    return np.asarray(chosen, np.float64)
