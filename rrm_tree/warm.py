"""Attempts as forks of a process that has imported everything and computed nothing.

In: orders over a socket. Out: a process for each, and how it ended.
Touches processes. Importing torch takes an attempt longer than a small node takes to train; a fork
of a process that has imported it starts at once, in the state of a fresh one: no thread was
started, no number drawn.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from rrm_tree.attempt import End, Order
from rrm_tree.errors import RrmError
from rrm_tree.executors import STOP, Answer, log_file, say_end
from rrm_tree.files import explained
from rrm_tree.ledger import Ledger
from rrm_tree.machine import ONE_THREAD
from rrm_tree.store import Store
from rrm_tree.supervised import train_supervised

PRELOADED = ("torch", "gymnasium", "rrm_tree.node", "rrm_tree.learning", "rrm_tree.domains.one_step")
"""What attempts import; of packages all their modules. A user's own modules are imported by the attempt."""

START_SECONDS = 120.0
MOST_BYTES = 65536


class ColdError(RrmError):
    """The process that is to be forked is gone, or cannot be forked."""


class Nursery:
    """A line to the process that is forked; one attempt at a time."""

    def __init__(self, place: Path) -> None:
        """A line to the process that listens at a place, opened with the first attempt."""
        self.place = place
        self._line: socket.socket | None = None

    def start(
        self, store: Store, ledger: Ledger, order: Order, environment: Mapping[str, str]
    ) -> WarmProcess:
        """An attempt's process.

        Raises:
            ColdError: there is nothing to be forked.
        """
        log = log_file(store, order.run, order.entry)
        with explained("write", log):
            log.parent.mkdir(parents=True, exist_ok=True)
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        hears, speaks = os.pipe()
        request = {
            "store": store.address,
            "ledger": ledger.url,
            "order": [order.run, order.key, order.fence],
            "environment": dict(environment),
        }
        try:
            line = self.open()
            socket.send_fds(line, [json.dumps(request).encode()], [hears, output])
            return WarmProcess(order, log, _receive(line, START_SECONDS)["pid"], line, speaks)
        except (OSError, ColdError) as error:
            os.close(speaks)
            self.close()
            raise ColdError(f"nothing is there to be forked ({error})") from None
        finally:
            os.close(hears)
            os.close(output)

    def close(self) -> None:
        """Hang up; an attempt that runs is not ended."""
        if self._line is not None:
            self._line.close()
        self._line = None

    def open(self) -> socket.socket:
        """The line, once whoever is at its other end has imported everything; takes seconds at first.

        Raises:
            ColdError: there is nothing to be forked.
        """
        if self._line is None:
            line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                line.connect(str(self.place))
                _receive(line, START_SECONDS)
            except (OSError, ColdError) as error:
                line.close()
                raise ColdError(f"nothing is there to be forked ({error})") from None
            self._line = line
        return self._line


class WarmProcess:
    """One attempt as a fork, with what a supervisor uses of an `AttemptProcess`."""

    def __init__(self, order: Order, log: Path, pid: int, line: socket.socket, speaks: int) -> None:
        self.order, self.log, self.pid = order, log, pid
        self._line, self._speaks = line, speaks
        self._code: int | None = None

    def has_ended(self) -> bool:
        """Whether the process is over."""
        return self.wait(0.0)

    def wait(self, seconds: float) -> bool:
        """Wait for its end, no longer than this; whether it is over."""
        if self._code is None:
            try:
                if select.select([self._line], [], [], seconds)[0]:
                    self._code = _receive(self._line, seconds)["code"]
            except (OSError, ColdError):
                # Who could have said how it ended is gone.
                self._kill_group()
                self._code = -signal.SIGKILL
        return self._code is not None

    def ask_to_stop(self) -> None:
        """Ask it to end after its round."""
        with contextlib.suppress(OSError):
            os.write(self._speaks, STOP)

    def kill(self) -> None:
        """End it now, with all processes that it has started."""
        if self._code is None:
            self._kill_group()
            self.wait(START_SECONDS)
        with contextlib.suppress(OSError):
            os.close(self._speaks)
        self._speaks = -1

    def answer(self) -> Answer:
        """How it ended; waits for it."""
        while not self.wait(1.0):
            pass
        return say_end(self.order, self.log, self._code or 0)

    def _kill_group(self) -> None:
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)


def _receive(line: socket.socket, seconds: float) -> dict[str, int]:
    if not select.select([line], [], [], seconds)[0]:
        raise ColdError("no answer")
    data = line.recv(MOST_BYTES)
    if not data:
        raise ColdError("gone")
    found: dict[str, int] = json.loads(data)
    return found


def open_nursery(place: Path) -> subprocess.Popen[bytes]:
    """Start the process that is forked; it ends when its standard input does."""
    path = os.pathsep.join(part for part in sys.path if part)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "rrm_tree", "nursery", str(place)],
        stdin=subprocess.PIPE,
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": path},
        start_new_session=True,
    )


def serve(place: Path) -> None:
    """Import all that attempts need, then be forked for each, until standard input ends."""
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        # On macOS its own libraries start threads, and there are no such sockets.
        sys.stderr.write("this system cannot fork what it has imported: attempts are started afresh\n")
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        # Listened to at once: who comes early waits, and starts nothing of its own.
        door.bind(str(place))
        door.listen()
        _preload()
        if len(list(tasks.iterdir())) > 1:
            # A fork would hang on what another thread held: supervisors start fresh processes then.
            sys.stderr.write("something that was imported started a thread: attempts are started afresh\n")
            return
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while 0 not in select.select([door.fileno(), 0], [], [])[0]:
            line = door.accept()[0]
            if os.fork() == 0:
                door.close()
                _serve_one(line)
                os._exit(0)
            line.close()


def _serve_one(line: socket.socket) -> None:
    """Fork for each order of one supervisor, one at a time."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with contextlib.suppress(OSError):
        line.send(json.dumps({"ready": 1}).encode())
    while True:
        data, descriptors, _, _ = socket.recv_fds(line, MOST_BYTES, 2)
        if not data:
            return
        request = json.loads(data)
        _read_plan(request)
        pid = os.fork()
        if pid == 0:
            line.close()
            _become(request, *descriptors)
        for one in descriptors:
            os.close(one)
        # The supervisor may be gone: the attempt hears that by itself, and ends.
        with contextlib.suppress(OSError):
            line.send(json.dumps({"pid": pid}).encode())
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with contextlib.suppress(OSError):
            line.send(json.dumps({"code": code}).encode())


def _preload() -> None:
    for name in PRELOADED:
        module = importlib.import_module(name)
        if name.startswith("rrm_tree.") and hasattr(module, "__path__"):
            for inner in pkgutil.iter_modules(module.__path__, f"{name}."):
                # What belongs to an extra that is not installed is not needed either.
                with contextlib.suppress(ImportError):
                    importlib.import_module(inner.name)


def _read_plan(request: dict) -> None:  # type: ignore[type-arg]
    """Read the run's plan before the fork: every attempt of this line finds it read."""
    # What is wrong with it the attempt will say.
    with contextlib.suppress(RrmError, OSError):
        store = Store(request["store"])
        # A store elsewhere is read by threads, on which a fork would hang.
        if store.files.folder is not None:
            store.plan(request["order"][0])


def _become(request: dict, hears: int, output: int) -> None:  # type: ignore[type-arg]
    """Be the attempt; does not come back."""
    end: int = End.UNREACHABLE
    try:
        os.setsid()
        os.dup2(hears, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ.update(request["environment"])
        end = train_supervised(request["store"], request["ledger"], Order(*request["order"]))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(end)
