"""Runs to their end: what may start is started, what has ended is taken in, over and over.

In: runs of plans, one for each seed. Out: what became of every entry of each.
Touches the clock, and through the runs their ledger and store.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from rrm_tree.errors import StoreError
from rrm_tree.executors import LocalExecutor, queue_of
from rrm_tree.ledger import RENEW_SECONDS
from rrm_tree.plan import Entry
from rrm_tree.results import Fate
from rrm_tree.run import Run
from rrm_tree.sizes import share_out

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
LOOK_ELSEWHERE_SECONDS = 1.0


def train_together(runs: Sequence[Run]) -> list[dict[str, Fate]]:
    """Train all that can be trained in several runs; what became of the entries of each.

    The runs share a store, a ledger, an executor, a wish to stop and an owner. Earlier ones start
    what they can before later ones do.

    Raises:
        StoreError: the store or the ledger cannot be used; what was stored stays.
    """
    first = runs[0]
    first.store.trouble = lambda kind, text: first.tell(None, kind, text=text)
    for run in runs:
        run.heard_until = run.ledger.last_event(run.name)
    wishes = _each(LOOK_ELSEWHERE_SECONDS)
    with _alive(runs):
        while _begin(runs) or any([run.going_on() for run in runs]):
            _settle(runs, wishes)
    for run in runs:
        if run.trouble is not None:
            first.heard()
            raise StoreError(run.trouble)
        run.settle_done()
    first.heard()
    return [run.fates_of_all for run in runs]


def _begin(runs: Sequence[Run]) -> bool:
    """Start what may start, alone or together; whether anything was found done."""
    # A list: every run begins what it can, whatever the others have found.
    found = any([run.begin() for run in runs])
    able: dict[str, list[tuple[Run, Entry]]] = {}
    for run in runs:
        for entry in run.sharing.values():
            if not run.stop.level and run.trouble is None and entry.name not in run.closed:
                able.setdefault(entry.name, []).append((run, entry))
    for place, ones in enumerate(able.values()):
        _start_together(ones, others=len(able) - place - 1)
    return found


def _start_together(ones: Sequence[tuple[Run, Entry]], others: int) -> None:
    """Start one entry of several runs in as few processes as keep all busy.

    Args:
        ones: the entry in each run that has it to train.
        others: how many more entries want processes.
    """
    (run, entry), executor = ones[0], ones[0][0].executor
    free = executor.slots(queue_of(entry.spec.resources))
    if free <= 0 or run.sizes is None or not isinstance(executor, LocalExecutor):
        return
    left = list(ones)
    for size in share_out(len(ones), run.sizes.most(entry), max(1, free // (others + 1))):
        lot, left = left[:size], left[size:]
        orders = [order for one, its in lot if (order := one.claim(its)) is not None]
        claims = run.ledger.claims_of([order.key for order in orders])
        # What was killed before may have killed its process: it must not take others with it again.
        lost = [order for order in orders if order.key in claims and claims[order.key].attempts]
        rest = [order for order in orders if order not in lost]
        if len(rest) == 1:
            executor.submit(rest[0])
        elif rest:
            executor.submit_together(rest)
        for order in lost:
            executor.submit(order)


def _settle(runs: Sequence[Run], wishes: Callable[[], bool]) -> None:
    """Wait a little, and let each run take in what has ended of it, and what is wished."""
    answers = runs[0].executor.poll()
    started = any(run.started for run in runs)
    if not answers and (started or any(run.elsewhere or run.parking for run in runs)):
        time.sleep(POLL_SECONDS if started else LOOK_ELSEWHERE_SECONDS)
    for run in runs:
        run.settle([answer for answer in answers if answer.order.run == run.name])
    if wishes():
        for run in runs:
            run.hear_wishes()
            run.look_for_answers()
    trouble = next((run.trouble for run in runs if run.trouble is not None), None)
    for run in runs:
        run.trouble = run.trouble or trouble
    runs[0].heard()


def _each(seconds: float) -> Callable[[], bool]:
    """Whether it is time again, asked often."""
    next_time = time.monotonic() + seconds

    def is_time() -> bool:
        nonlocal next_time
        now = time.monotonic()
        if now < next_time:
            return False
        next_time = now + seconds
        return True

    return is_time


@contextlib.contextmanager
def _alive(runs: Sequence[Run]) -> Iterator[None]:
    """Keep the leases of this process alive, and give them back in the end."""
    over, first = threading.Event(), runs[0]

    def beat() -> None:
        while not over.wait(RENEW_SECONDS):
            try:
                first.ledger.renew(first.owner)
            except StoreError as error:
                log.warning("%s", error)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        first.executor.cancel(now=True)
        for run in runs:
            run.give_back()
