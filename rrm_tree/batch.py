"""One process for a node of several seeds: attempts side by side, their judgments distilled as one.

In: a store, a ledger, orders of one entry. Out: how each attempt ended, which the ledger knows too.
Touches what attempts touch, where this process's output goes, and torch's generator, which each
attempt finds as it left it.

Each attempt keeps what it has in a process of its own: its claim, its log, its CPU time, its random
numbers; so the bytes are the same. What they share is the time to start, and distilling.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rrm_tree.attempt import Attempt, AttemptSteps, End, Order
from rrm_tree.executors import log_file
from rrm_tree.files import explained
from rrm_tree.ledger import Ledger
from rrm_tree.store import Store

if TYPE_CHECKING:
    from torch import Tensor

    from rrm_tree.learning.distill import Distilled, Distilling


@dataclass
class Seat:
    """One attempt among others that share a process."""

    attempt: Attempt
    log: int
    """Descriptor of the file that its output goes to."""
    random: Tensor
    """State of torch's generator, as the attempt has left it."""
    cpu_seconds: float = 0.0
    """Spent by it so far, up to its turn."""
    end: End | None = None
    wants: Distilling | None = field(default=None, init=False)
    _steps: AttemptSteps | None = field(default=None, init=False)
    _since: float | None = field(default=None, init=False)

    def clock(self) -> float:
        """CPU seconds that are this attempt's."""
        return self.cpu_seconds + (0.0 if self._since is None else time.process_time() - self._since)

    def go_on(self, answer: Distilled | Exception | None) -> None:
        """Take a turn: up to the next distilling, or to the end."""
        with self._turn():
            try:
                if self._steps is None:
                    self._steps = self.attempt.steps()
                    self.wants = next(self._steps)
                elif isinstance(answer, Exception):
                    self.wants = self._steps.throw(answer)
                else:
                    self.wants = self._steps.send(answer)
            except StopIteration as end:
                self.end, self.wants = end.value, None

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """All that is said, drawn and spent until the end of this is this attempt's."""
        import torch  # noqa: PLC0415 - whoever asks for help must not load it

        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(self.log, 1)
        os.dup2(self.log, 2)
        torch.set_rng_state(self.random)
        self._since = time.process_time()
        try:
            yield
        finally:
            self.cpu_seconds, self._since = self.clock(), None
            self.random = torch.get_rng_state()
            sys.stdout.flush()
            sys.stderr.flush()


def train_batch(
    store: Store,
    ledger: Ledger,
    orders: Sequence[Order],
    stop: Callable[[], bool],
    allowed: frozenset[str] | None,
) -> list[End]:
    """Train several keys of one entry; how each attempt ended.

    Raises:
        StoreError: the store or the ledger cannot be read or written.
    """
    import torch  # noqa: PLC0415

    import rrm_tree.node  # noqa: F401, PLC0415 - loaded before the clocks run: starting up is everybody's
    from rrm_tree.learning.distill import distill_together  # noqa: PLC0415

    fresh, started = torch.get_rng_state(), time.process_time() / len(orders)
    with contextlib.ExitStack() as open_files:
        seats = []
        for order in orders:
            attempt = Attempt(store, ledger, order, stop, cpu_before=0.0, allowed=allowed)
            seat = Seat(attempt, _open_log(store, order, open_files), fresh.clone(), started)
            attempt.clock = seat.clock
            seats.append(seat)
        for seat in seats:
            seat.go_on(None)
        while waiting := [seat for seat in seats if seat.wants is not None]:
            before = time.process_time()
            answers = distill_together([seat.wants for seat in waiting if seat.wants is not None])
            each = (time.process_time() - before) / len(waiting)
            for seat, answer in zip(waiting, answers, strict=True):
                seat.cpu_seconds += each
                seat.go_on(answer)
    return [End.FAILED if seat.end is None else seat.end for seat in seats]


def _open_log(store: Store, order: Order, open_files: contextlib.ExitStack) -> int:
    log = log_file(store, order.run, order.entry)
    with explained("write", log):
        log.parent.mkdir(parents=True, exist_ok=True)
        return open_files.enter_context(log.open("ab")).fileno()
