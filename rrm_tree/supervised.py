"""A process that trains one key, or several of one entry, under a supervisor, and ends when that does.

In: a store, a ledger and orders, from the command line; words from the supervisor on standard
input. Out: an exit code.
Touches its process group, and what an attempt touches.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from rrm_tree.allowed import allowed_packages
from rrm_tree.attempt import Attempt, End, Order
from rrm_tree.batch import train_batch
from rrm_tree.errors import StoreError
from rrm_tree.executors import FROM_ENVIRONMENT
from rrm_tree.ledger import PATIENCE_SECONDS, Ledger
from rrm_tree.store import Store

HEARD_AT_ONCE = 64


def train_supervised(store: str, ledger: str, order: Order, *others: Order) -> End:
    """Train one key, or several of one entry; the supervisor may ask to stop, and must stay alive.

    Returns:
        How the attempt ended; of several, that all of them have ended in one way or another.
    """
    stop = threading.Event()
    threading.Thread(target=_listen, args=(stop,), daemon=True).start()
    try:
        url = os.environ["RRM_LEDGER"] if ledger == FROM_ENVIRONMENT else ledger
        opened = Store(store), Ledger(url, patience_seconds=PATIENCE_SECONDS)
        if others:
            train_batch(*opened, (order, *others), stop.is_set, allowed_packages())
            return End.DONE
        # Starting up is part of what a node costs.
        return Attempt(*opened, order, stop.is_set, allowed=allowed_packages(), cpu_before=0.0).run()
    except StoreError as error:
        # The ledger may be what cannot be reached: the supervisor reads the log.
        sys.stderr.write(f"{error}\n")
        return End.UNREACHABLE


def _listen(stop: threading.Event) -> None:
    """Note a wish to stop; end the whole group when the supervisor is gone."""
    # Not sys.stdin: its lock would be held when the interpreter shuts down.
    while os.read(0, HEARD_AT_ONCE):
        stop.set()
    # An orphan would go on for ever, and so would the processes that its environments started.
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(End.STOPPED)
