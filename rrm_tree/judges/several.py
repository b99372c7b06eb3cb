"""Several judges as one: each question goes to some of them, and every answer keeps whose it is.

In: a Request, some of whose items may stand there several times, one after the other. Out: answers.
Touches what its members touch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rrm_tree.contracts import Judge, Request
from rrm_tree.errors import PluginError
from rrm_tree.learning.several_judges import copies_of
from rrm_tree.outcomes import Answers


@dataclass(frozen=True)
class Panel:
    """Nobody is asked the same twice in a row: copies of an item go to different members."""

    members: Sequence[Judge]
    version: str
    kinds: tuple[str, ...]
    direct: bool = True
    tasks: tuple[str, ...] | None = None

    def answer(self, request: Request) -> Answers:
        """One answer an item, each by one member.

        Raises:
            PluginError: an item stands there oftener than there are members.
        """
        items, count = request.items, len(self.members)
        which, copy = copies_of(items)
        if len(copy) and copy.max() >= count:
            raise PluginError(
                f"judge panel: {copy.max() + 1} judges shall answer each question, and there are {count};"
                " lower judge.overlap, or name more `people`"
            )
        starts = request.rng.integers(0, count, int(which.max(initial=-1)) + 1)
        who = (starts[which] + copy) % count
        values, looks, reason = np.full(len(items), np.nan), *np.zeros((2, len(items)), np.int64)
        gives_reasons = False
        for place, member in enumerate(self.members):
            rows = np.flatnonzero(who == place)
            if not len(rows):
                continue
            said = member.answer(replace(request, items=items.take(rows)))
            values[rows], looks[rows] = said.values, said.looks
            if said.reason is not None:
                reason[rows], gives_reasons = said.reason, True
        return Answers(values, looks, who=who, reason=reason if gives_reasons else None)
