"""What this machine computes with, and which of its processes are alive.

In: nothing, or an owner. Out: numerics, owners, whether an owner is gone.
Touches the process table and the installed packages' metadata.
"""

from __future__ import annotations

import os
import socket
from importlib.metadata import version
from pathlib import Path
from typing import Any

FIRST_SPACE = "pid:[4026531836]"
"""Linux's own name for the processes outside all containers."""

ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
}
"""Environment of every attempt: another number of threads gives other bits, and runs slower."""


def numerics() -> dict[str, Any]:
    """What the bits of a result depend on beside the code and its inputs."""
    return {"torch": version("torch"), "device": "cpu", "dtype": "float32", "threads": 1}


def this_machine() -> str:
    """Where numbers of processes mean the same: a host, or a container of its own."""
    host = os.environ.get("RRM_MACHINE") or socket.gethostname()
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return host
    return host if space == FIRST_SPACE else f"{host}.{space.strip('pid:[]')}"


def this_owner() -> str:
    """This process: machine, number and start time, since numbers are used again."""
    import psutil  # noqa: PLC0415 - plans need no processes

    return f"{this_machine()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def say_worker(owner: str) -> str:
    """An owner as people see it: machine and number of the process."""
    return ":".join(owner.rsplit("/", 2)[:2])


def is_gone(owner: str) -> bool:
    """Whether an owner is known to have ended; False for processes of other machines."""
    import psutil  # noqa: PLC0415

    machine, number, started = owner.rsplit("/", 2)
    if machine != this_machine():
        return False
    try:
        process = psutil.Process(int(number))
        ended = process.status() == psutil.STATUS_ZOMBIE
        # A clock that was set anew moves the start times of all processes a little.
        return bool(ended or abs(process.create_time() - float(started)) > 2)
    except psutil.NoSuchProcess:
        return True
