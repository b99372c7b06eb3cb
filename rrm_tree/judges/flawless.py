"""Truth as a judge: what judging itself costs is what this one does better.

In: a Request whose task can compute truth. Out: answers without errors and without looks.
Touches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rrm_tree.contracts import Request
from rrm_tree.judges.simulated import true_utility
from rrm_tree.outcomes import Answers


@dataclass(frozen=True, slots=True)
class Truth:
    """Labels what is above the bar, prefers what is better (0.5 for a tie), rates by utility."""

    version: ClassVar[str] = "1"
    kinds: ClassVar[tuple[str, ...]] = ("label", "preference", "rating")
    direct: ClassVar[bool] = True
    tasks: ClassVar[tuple[str, ...] | None] = None

    right_above: float = 0.5

    def answer(self, request: Request) -> Answers:
        """One answer an item, for no looks."""
        items, utility = request.items, true_utility(request)
        values = utility[items.first, items.part]
        if items.second is not None:
            values = 0.5 + 0.5 * np.sign(values - utility[items.second, items.part])
        elif request.kind == "label":
            values = (values > self.right_above).astype(np.float64)
        return Answers(values.astype(np.float64), np.zeros(len(items), np.int64))
