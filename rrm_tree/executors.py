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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rrm_tree.attempt import Attempt, End, Order
from rrm_tree.files import explained
from rrm_tree.ledger import Claim, Ledger
from rrm_tree.machine import ONE_THREAD
from rrm_tree.node_spec import ResourcesSpec
from rrm_tree.store import Store

STOP = b"stop\n"
"""What a supervisor writes to an attempt that shall end after its round."""

LOST = 1
"""Exit code of an attempt that did not say how it ended."""

FROM_ENVIRONMENT = "-"
"""Stands on an attempt's command line for a ledger whose address is in RRM_LEDGER."""


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

    remote: bool
    """Whether those who train claim the keys, keep their leases and tell how it goes."""

    def slots(self, queue: str) -> int:
        """How many more orders of a queue it would start at once."""

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
    remote: bool = field(default=False, init=False)
    _ended: list[Answer] = field(default_factory=list)

    def slots(self, queue: str = "") -> int:
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
    remote: bool = field(default=False, init=False)
    _running: dict[Order, AttemptProcess] = field(default_factory=dict)
    _batches: list[BatchProcess] = field(default_factory=list)

    def slots(self, queue: str = "") -> int:
        """Workers that have nothing to do."""
        return self.workers - len(self._running) - len(self._batches)

    def submit(self, order: Order) -> None:
        """Start a process in a group of its own; its output goes to the entry's log."""
        self._running[order] = AttemptProcess(self.store, self.ledger, order)

    def submit_together(self, orders: Sequence[Order]) -> None:
        """Start one process for several keys of one entry."""
        self._batches.append(BatchProcess(self.store, self.ledger, orders))

    def poll(self) -> list[Answer]:
        """Attempts that have ended since the last call."""
        ended = [order for order, process in self._running.items() if process.has_ended()]
        over = [batch for batch in self._batches if batch.has_ended()]
        self._batches = [batch for batch in self._batches if batch not in over]
        alone = [self._running.pop(order).answer() for order in ended]
        return [*alone, *(answer for batch in over for answer in batch.answers())]

    def cancel(self, *, now: bool) -> None:
        """End all attempts: after their rounds, or now."""
        for process in (*self._running.values(), *self._batches):
            if now:
                process.kill()
            else:
                process.ask_to_stop()


class AttemptProcess:
    """One attempt as a fresh process of this program, in a group of its own."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        order: Order,
        environment: Mapping[str, str] | None = None,
        others: Sequence[Order] = (),
    ) -> None:
        """Start it; its output goes to the entry's log.

        Args:
            store: where it finds its inputs and leaves what it has learned.
            ledger: where its claim is.
            order: what it trains.
            environment: variables that it gets beside this process's own.
            others: what it trains beside that, of the same entry in other runs.
        """
        self.order = order
        self.log = log_file(store, order.run, order.entry)
        given = dict(environment or {})
        ledger_url = ledger.url
        if not ledger.embedded:
            # Not on the command line: everybody on this machine could read the password there.
            given["RRM_LEDGER"], ledger_url = ledger.url, FROM_ENVIRONMENT
        # -P: what lies in the working directory must not hide installed packages from an attempt.
        command = [sys.executable, "-P", "-m", "rrm_tree", "attempt", store.address, ledger_url]
        path = os.pathsep.join(part for part in sys.path if part)
        with explained("write", self.log):
            self.log.parent.mkdir(parents=True, exist_ok=True)
            output = self.log.open("ab")
        with output:
            self.process = subprocess.Popen(
                [*command, *(word for one in (order, *others) for word in one.words)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": path, **given},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The number of the process, and of its group."""
        return self.process.pid

    def has_ended(self) -> bool:
        """Whether the process is over."""
        return self.process.poll() is not None

    def wait(self, seconds: float) -> bool:
        """Wait for its end, no longer than this; whether it is over."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return self.has_ended()

    def ask_to_stop(self) -> None:
        """Ask it to end after its round."""
        # It may have ended by itself in the meantime.
        with contextlib.suppress(OSError):
            if self.process.stdin is not None:
                self.process.stdin.write(STOP)
                self.process.stdin.flush()

    def kill(self) -> None:
        """End it now, with all processes that it has started."""
        # macOS says "not permitted" of a group whose last process has ended and was not waited for.
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def answer(self) -> Answer:
        """How it ended; waits for it."""
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        return say_end(self.order, self.log, self.process.wait())


class BatchProcess(AttemptProcess):
    """Attempts at one entry in several runs, as one process."""

    def __init__(self, store: Store, ledger: Ledger, orders: Sequence[Order]) -> None:
        """Start it; each attempt's output goes to its own log as soon as it has begun."""
        super().__init__(store, ledger, orders[0], others=orders[1:])
        self.orders, self._ledger = orders, ledger
        self._logs = [log_file(store, order.run, order.entry) for order in orders]

    def answers(self) -> list[Answer]:
        """How each attempt ended: the ledger knows, for there is but one exit code."""
        self.answer()
        code = self.process.wait()
        claims = self._ledger.claims_of([order.key for order in self.orders])
        return [
            say_end(order, log, _code_of(claims.get(order.key), order, code))
            for order, log in zip(self.orders, self._logs, strict=True)
        ]


def _code_of(claim: Claim | None, order: Order, code: int) -> int:
    """The exit code that one of several attempts would have had, from what became of its claim."""
    if claim is None or claim.fence != order.fence:
        return End.REPLACED
    ends = {"done": End.DONE, "failed": End.FAILED, "free": End.STOPPED, "parked": End.PARKED}
    # What is still claimed went down with the process.
    return ends.get(claim.state, LOST if code == End.DONE else code)


def say_end(order: Order, log: Path, code: int) -> Answer:
    """How an attempt ended whose process ended with this code."""
    text = _last_line(log)
    if code in {end.value for end in End}:
        return Answer(order, End(code), text)
    killed = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return Answer(order, None, f"its process was lost ({killed}); last words: {text or 'none'}")


def queue_of(resources: ResourcesSpec) -> str:
    """The queue of the workers that a node is for: the one it names, or that of its kind of machine."""
    return resources.queue or ("train.gpu" if resources.gpu else "train.cpu")


def log_file(store: Store, run: str, entry: str) -> Path:
    """Where the attempts at an entry write what they have to say."""
    return store.workplace / "runs" / run / "logs" / f"{entry}.log"


def _last_line(log: Path) -> str:
    if not log.exists():
        return ""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
