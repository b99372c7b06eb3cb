"""What may start now, kept up to date while entries end: `plan.ready` for trees of ten thousand nodes.

In: a Plan, then what has ended. Out: entries, longest remaining path first.
Touches nothing.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator

from rrm_tree.plan import Entry, Plan


class Frontier:
    """Entries whose waits have all ended: those that nobody has looked at yet, and those to start."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._lacks = {entry.name: len(entry.waits) for entry in plan.entries}
        self._above: dict[str, list[str]] = defaultdict(list)
        for entry in plan.entries:
            for below in entry.waits:
                self._above[below].append(entry.name)
        self._ended: set[str] = set()
        self._new = [name for name, lacks in self._lacks.items() if not lacks]
        self._heaps: dict[str, list[tuple[int, str]]] = defaultdict(list)

    def end(self, name: str) -> None:
        """Note that what waits for an entry need not wait for it any more."""
        if name in self._ended:
            return
        self._ended.add(name)
        for above in self._above[name]:
            self._lacks[above] -= 1
            if not self._lacks[above]:
                self._new.append(above)

    def again(self, name: str) -> None:
        """Let an entry that was taken be looked at again."""
        self._new.append(name)

    def take_new(self) -> list[Entry]:
        """Entries that may start and have not been taken yet, longest remaining path first."""
        taken = {name for name in self._new if name not in self._ended and not self._lacks[name]}
        self._new.clear()
        return [self._plan.by_name[name] for name in sorted(taken, key=self._rank)]

    def put(self, entry: Entry, queue: str) -> None:
        """Keep an entry that is to be started when its queue has room."""
        heapq.heappush(self._heaps[queue], self._rank(entry.name))

    def start(self, has_room: Callable[[str], bool]) -> Iterator[Entry]:
        """Entries to start now, longest remaining path first in each queue, while there is room."""
        for queue, heap in self._heaps.items():
            while heap and has_room(queue):
                name = heapq.heappop(heap)[1]
                if name not in self._ended:
                    yield self._plan.by_name[name]

    def _rank(self, name: str) -> tuple[int, str]:
        return -self._plan.remaining[name], name
