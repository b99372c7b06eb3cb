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
from rrm_tree.outcomes import Answers, Ints, Items


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
        which, copy = _copies(items)
        if len(copy) and copy.max() >= count:
            raise PluginError(
                f"judge panel: {copy.max() + 1} judges shall answer each question, and there are {count};"
                " lower judge.overlap, or name more `people`"
            )
        starts = request.rng.integers(0, count, int(which.max(initial=-1)) + 1)
        who = (starts[which] + copy) % count
        values, looks = np.full(len(items), np.nan), np.zeros(len(items), np.int64)
        for place, member in enumerate(self.members):
            rows = np.flatnonzero(who == place)
            said = member.answer(replace(request, items=items.take(rows)))
            values[rows], looks[rows] = said.values, said.looks
        return Answers(values, looks, who=who)


def _copies(items: Items) -> tuple[Ints, Ints]:
    """Which run of equal items each one is in, and how many stand before it there, both [items]."""
    asked = np.column_stack([items.alternatives, items.part, items.criterion])
    fresh = np.ones(len(items), bool)
    fresh[1:] = (asked[1:] != asked[:-1]).any(axis=1)
    which = np.cumsum(fresh) - 1
    return which, np.arange(len(items)) - np.flatnonzero(fresh)[which]
