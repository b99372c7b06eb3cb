"""What a node's attempts say, as it is said.

In: a store, a run, a node. Out: text.
Touches logs, which it reads.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rrm_tree.ledger import Ledger
    from rrm_tree.store import Store

LOOK_SECONDS = 0.5


def read_log(store: Store, run: str, node: str) -> str:
    """All that a node's attempts have said so far."""
    from rrm_tree.executors import log_file

    if store.files.folder is None:
        # Workers leave it in the store when an attempt has ended.
        data = store.files.read(f"runs/{run}/logs/{node}.log") or b""
        return data.decode("utf-8", errors="replace")
    file = log_file(store, run, node)
    return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""


def follow_log(store: Store, ledger: Ledger, run: str, node: str) -> None:
    """Show what a node's attempts say until it is done or has failed, or until Ctrl-C."""
    shown = 0
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            has_ended = _has_ended(store, ledger, run, node)
            said = read_log(store, run, node)
            click.echo(said[shown:], nl=False)
            shown = len(said)
            if has_ended:
                return
            time.sleep(LOOK_SECONDS)


def _has_ended(store: Store, ledger: Ledger, run: str, node: str) -> bool:
    key = store.referred(run).get(node)
    claim = None if key is None else ledger.look(key)
    return claim is not None and claim.state in {"done", "failed"}
