"""One question with the outcomes that it is about, as one person sees it.

In: a question, its node, the batch in which it stands. Out: which outcomes, in which order, with what advice.
Touches nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from rrm_tree.asking import Asked
from rrm_tree.contracts import Task
from rrm_tree.outcomes import Advice, Judged, Outcomes
from rrm_tree.plan import Entry
from rrm_tree.web.sights import Sight, see

SHUFFLED = ("best", "ranking")
"""Kinds whose alternatives stand in no order of their own."""


@dataclass(frozen=True)
class Scene:
    """One question with the outcomes that it is about."""

    asked: Asked
    entry: Entry
    task: Task
    judged: Judged

    @property
    def rows(self) -> list[int]:
        """Outcomes in the order in which the item names them; one outcome again for each of its parts."""
        return [int(row) for row in self.judged.items.places[0][self.asked.item]]

    @property
    def parts(self) -> list[int]:
        """The part that each of these is looked at in."""
        return [int(part) for part in self.judged.items.places[1][self.asked.item]]

    @property
    def points_at_parts(self) -> bool:
        """Whether parts of one outcome are chosen among."""
        return self.judged.items.parts is not None

    @property
    def part(self) -> int:
        """The part that is asked about."""
        return int(self.judged.items.part[self.asked.item])

    @property
    def advice(self) -> Advice:
        """What this person is shown of it."""
        return self.judged.advice if self.entry.spec.shows_advice and not self.asked.hidden else Advice()

    def order(self, person: str) -> list[int]:
        """The alternatives from left to right, as places in `rows`."""
        count = len(self.rows)
        if self.asked.kind == "preference":
            return [1, 0] if self.asked.swapped else [0, 1]
        if self.asked.kind not in SHUFFLED:
            return list(range(count))
        # The same for whoever loads the page again, and no help to who compares notes.
        seed = hashlib.sha256(f"{self.asked.id}\n{person}".encode()).digest()[:8]
        return [int(one) for one in np.random.default_rng(int.from_bytes(seed)).permutation(count)]

    def mark(self, person: str) -> str:
        """Stands in addresses of pictures: a browser that two people use keeps those of each apart."""
        return hashlib.sha256(f"{person}\n{self.asked.id}".encode()).hexdigest()[:8]

    def look(self, place: int) -> Sight:
        """One outcome as this person sees it."""
        return see(self.task, self.judged.outcomes, self.rows[place], self.advice, self.parts[place])

    def outcome(self, place: int) -> Outcomes:
        """One outcome, as a batch of one."""
        return self.judged.outcomes.take(np.array([self.rows[place]]))
