"""Where attempts run: in this process, or each in a process of its own.

In: orders. Out: how their attempts ended. Every answer is only a hint: the store says what is done.
Touches processes, their logs, and through them the store.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rrm_tree.attempt import Attempt, End, Order
from rrm_tree.files import explained
from rrm_tree.ledger import Ledger
from rrm_tree.machine import ONE_THREAD
from rrm_tree.store import Store

STOP = b"stop\n"
"""What a supervisor writes to an attempt that shall end after its round."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How one attempt ended."""

    order: Order
    end: End | None
    """None: it was lost, killed from outside or broken."""
    text: str
    """Its last words, for people."""


class Executor(Protocol):
    """Runs attempts somewhere."""

    def slots(self) -> int:
        """How many more orders it would start at once."""

    def submit(self, order: Order) -> None:
        """Start an attempt, now or soon."""

    def poll(self) -> list[Answer]:
        """Attempts that have ended since the last call."""

    def cancel(self, *, now: bool) -> None:
        """End all attempts: after their rounds, or now."""


@dataclass
class InlineExecutor:
    """Runs each attempt at once in this process, for debugging."""

    store: Store
    ledger: Ledger
    stop: Callable[[], bool]
    heard: Callable[[], None]
    _ended: list[Answer] = field(default_factory=list)

    def slots(self) -> int:
        """One, since an order has ended when `submit` returns."""
        return 0 if self._ended else 1

    def submit(self, order: Order) -> None:
        """Train the key; comes back when the attempt has ended."""
        import torch  # noqa: PLC0415 - a run with nothing to train must not load it

        torch.set_num_threads(1)
        end = Attempt(self.store, self.ledger, order, self.stop, self.heard).run()
        self._ended.append(Answer(order, end, ""))

    def poll(self) -> list[Answer]:
        """Attempts that have ended since the last call."""
        ended, self._ended = self._ended, []
        return ended

    def cancel(self, *, now: bool) -> None:
        """Nothing is running when this can be called; `stop` ends the rounds."""


@dataclass
class LocalExecutor:
    """Runs each attempt as a fresh process of the same program, with one thread."""

    store: Store
    ledger: Ledger
    workers: int
    _running: dict[Order, subprocess.Popen[bytes]] = field(default_factory=dict)

    def slots(self) -> int:
        """Workers that have nothing to do."""
        return self.workers - len(self._running)

    def submit(self, order: Order) -> None:
        """Start a process in a group of its own; its output goes to the entry's log."""
        # -P: what lies in the working directory must not hide installed packages from an attempt.
        command = [sys.executable, "-P", "-m", "rrm_tree", "attempt", self.store.address, self.ledger.url]
        path = os.pathsep.join(part for part in sys.path if part)
        log = log_file(self.store, order.run, order.entry)
        with explained("write", log):
            log.parent.mkdir(parents=True, exist_ok=True)
            output = log.open("ab")
        with output:
            self._running[order] = subprocess.Popen(
                [*command, order.run, order.key, str(order.fence)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": path},
                start_new_session=True,
            )

    def poll(self) -> list[Answer]:
        """Attempts that have ended since the last call."""
        ended = [order for order, process in self._running.items() if process.poll() is not None]
        return [self._answer(order, self._running.pop(order)) for order in ended]

    def cancel(self, *, now: bool) -> None:
        """End all attempts: after their rounds, or now."""
        for process in self._running.values():
            # It may have ended by itself in the meantime.
            with contextlib.suppress(OSError):
                if now:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                elif process.stdin is not None:
                    process.stdin.write(STOP)
                    process.stdin.flush()

    def _answer(self, order: Order, process: subprocess.Popen[bytes]) -> Answer:
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        code = process.wait()
        text = _last_line(log_file(self.store, order.run, order.entry))
        if code in {end.value for end in End}:
            return Answer(order, End(code), text)
        killed = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return Answer(order, None, f"its process was lost ({killed}); last words: {text or 'none'}")


def log_file(store: Store, run: str, entry: str) -> Path:
    """Where the attempts at an entry write what they have to say."""
    return store.workplace / "runs" / run / "logs" / f"{entry}.log"


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
