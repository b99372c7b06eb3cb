"""How much of a machine its attempts may use together, shared by the children of one worker.

In: what a machine offers, what an attempt needs. Out: a place, once there is room.
Touches a folder that the worker makes and its children share.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Needs:
    """What one attempt takes of its machine, or what a machine has."""

    cpu: int
    memory: int
    gpu: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """What an attempt was given."""

    gpus: tuple[str, ...]


@dataclass(frozen=True)
class Room:
    """What one worker's attempts may use together."""

    folder: Path
    cpu: int
    memory: int
    gpus: tuple[str, ...] = ()

    @classmethod
    def make(cls, cpu: int, memory: int | None, gpus: tuple[str, ...]) -> Room:
        """A room in a new folder; all of the machine's memory if no limit is given."""
        folder = Path(tempfile.mkdtemp(prefix="rrm-worker-"))
        return cls(folder, cpu, memory or psutil.virtual_memory().total, gpus)

    @property
    def nursery(self) -> Path:
        """Where the process that is forked for attempts listens."""
        return self.folder / "nursery"

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Ask all attempts to end after their rounds, and let none begin."""
        with contextlib.suppress(OSError):
            (self.folder / "closing").touch()

    @property
    def is_closing(self) -> bool:
        """Whether attempts shall end; also if the folder is gone, and the worker with it."""
        return (self.folder / "closing").exists() or not self.folder.exists()

    def why_never(self, needs: Needs) -> str | None:
        """Why an attempt can never run here; None if it can."""
        if needs.memory > self.memory:
            return f"needs {needs.memory:,} bytes of memory, and this worker has {self.memory:,}"
        if needs.cpu > self.cpu:
            return f"needs {needs.cpu} cores, and this worker has {self.cpu}"
        if needs.gpu > len(self.gpus):
            return f"needs {needs.gpu} GPUs, and this worker has {len(self.gpus)}"
        return None

    @contextmanager
    def place(self, needs: Needs) -> Iterator[Place | None]:
        """Hold what an attempt needs, as soon as there is room; None if the worker closes first."""
        while True:
            if self.is_closing:
                yield None
                return
            place = self._enter(needs)
            if place is not None:
                break
            time.sleep(LOOK_SECONDS)
        try:
            yield place
        finally:
            with contextlib.suppress(OSError), self._guests() as guests:
                guests.pop(str(os.getpid()), None)

    def _enter(self, needs: Needs) -> Place | None:
        with self._guests() as guests:
            taken = {device for guest in guests.values() for device in guest["gpus"]}
            free = tuple(device for device in self.gpus if device not in taken)
            cpu = self.cpu - sum(guest["cpu"] for guest in guests.values())
            memory = self.memory - sum(guest["memory"] for guest in guests.values())
            if needs.cpu > cpu or needs.memory > memory or needs.gpu > len(free):
                return None
            place = Place(free[: needs.gpu])
            guests[str(os.getpid())] = {**asdict(needs), "gpus": place.gpus}
            return place

    @contextmanager
    def _guests(self) -> Iterator[dict[str, dict]]:  # type: ignore[type-arg]
        """Who is inside, by process; changes are kept. Guests who died have left."""
        with (self.folder / "guests").open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            text = file.read()
            guests = {pid: guest for pid, guest in json.loads(text or "{}").items() if _is_alive(int(pid))}
            yield guests
            file.seek(0)
            file.truncate()
            file.write(json.dumps(guests))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
