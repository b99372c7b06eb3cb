"""How many seeds of a node one process trains together.

In: what the user wishes, and what the first seeds took. Out: a number for each entry.
Touches the store, which it reads, and asks the machine for its free memory.

Together, seeds share the time that a process takes to start, and distill their judgments as one.
That is much for small nodes and nothing for large ones, which had better be stored seed by seed. So
a node shows with its first seeds what it takes, unless the user says how many.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import psutil

from rrm_tree.plan import Entry
from rrm_tree.records import Cost, Done
from rrm_tree.store import Store

SMALL_CPU_SECONDS = 30.0
"""A seed that took more gains less than a tenth by being trained with others."""
MOST_TOGETHER = 20


@dataclass
class Sizes:
    """What is known of the entries' sizes."""

    store: Store
    workers: int
    """Processes side by side."""
    given: int | None = None
    """What the user wishes; None leaves it to what the first seeds took."""
    _found: dict[str, int] = field(default_factory=dict, init=False)

    def learn(self, entry: Entry, done: Done) -> None:
        """Take in what one seed of an entry took."""
        if self.given is None and entry.name not in self._found:
            self._found[entry.name] = self._fit_in(self.store.costs(done.key, done.rounds))

    def most(self, entry: Entry) -> int:
        """How many seeds of an entry may be trained by one process; 1: each by itself."""
        if entry.spec.budget.cpu_seconds is not None:
            # Its own CPU time stops such a node, and is not to be told apart to that degree.
            return 1
        return self._found.get(entry.name, 1) if self.given is None else self.given

    def _fit_in(self, costs: tuple[Cost, ...]) -> int:
        if not costs or sum(cost.cpu_seconds for cost in costs) > SMALL_CPU_SECONDS:
            return 1
        room = psutil.virtual_memory().available / self.workers
        return max(1, min(MOST_TOGETHER, int(room / max(cost.peak_bytes for cost in costs))))


def share_out(items: int, most: int, processes: int) -> list[int]:
    """Into lots of which sizes to cut items for so many processes; what is left over waits.

    As equal as they can be, since all of a lot end together.
    """
    lots = min(processes, items)
    sizes = [items // lots + (place < items % lots) for place in range(lots)] if lots else []
    return [min(most, size) for size in sizes]
