"""The command that checks a machine and a fleet's settings: doctor.

In: settings from the environment and rrm.toml. Out: one line a check, an exit code.
Touches the store, where it writes and removes a file, the ledger, and the broker.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING, Final, Literal

import click

from rrm_tree.cli.opening import open_store, store_option
from rrm_tree.errors import ExitCode, RrmError, StoreError

if TYPE_CHECKING:
    from rrm_tree.store import Store

Level = Literal["ok", "warn", "fail"]

SKEW_SECONDS: Final = 5.0
"""Clocks that differ more make times in logs and reports misleading; leases go by the ledger's clock."""

OF_EXTRA: Final = re.compile(r"""(?P<package>[\w.-]+).*\bextra == ["'](?P<extra>[\w-]+)["']""")
"""What rrm-tree's own metadata say of a package that an extra installs."""

COLOURS: Final = {"ok": "green", "warn": "yellow", "fail": "red"}


@dataclass(frozen=True, slots=True)
class Check:
    """What was found of one thing."""

    level: Level
    about: str
    found: str
    cure: str = ""


@click.command()
@store_option
def doctor(address: str) -> int:
    """Check this machine, and the fleet's broker, ledger and store: ok, warn or fail, with the cure."""
    checks = []
    for check in _examine(address):
        checks.append(check)
        mark = click.style(f"{check.level:4}", fg=COLOURS[check.level])
        click.echo(f"{mark}  {check.about}: {check.found}" + (f"; {check.cure}" if check.cure else ""))
    failed = [check for check in checks if check.level == "fail"]
    return ExitCode.UNREACHABLE if failed else ExitCode.DONE


def _examine(address: str) -> Iterator[Check]:
    yield _check_python()
    yield _check_threads()
    yield _check_extras()
    yield from _guarded("store", lambda: _check_store(open_store(address)))
    url = os.environ.get("RRM_LEDGER")
    if url is None:
        yield Check("ok", "ledger", "beside the store", "set RRM_LEDGER to train on a fleet")
    else:
        yield from _guarded("ledger", lambda: _check_ledger(url))
    try:
        from workers.doctor import check_broker
        from workers.settings import read_settings
    except ImportError as error:
        yield Check(
            "ok", "fleet", f"not installed ({error})", "pip install 'rrm-tree[fleet]' to train on one"
        )
        return
    try:
        settings = read_settings({})
    except RrmError as error:
        yield Check("fail", "settings", str(error))
        return
    for level, about, found, cure in check_broker(settings):
        # Without a ledger that can be shared there is no fleet, and no broker is needed.
        harmless = url is None and level == "fail"
        yield Check("warn" if harmless else level, about, found, cure)


def _guarded(about: str, examine: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        yield from examine()
    except RrmError as error:
        yield Check("fail", about, str(error))


def _check_python() -> Check:
    found = f"Python {sys.version.split()[0]}, rrm-tree {version('rrm-tree')}"
    try:
        return Check("ok", "program", f"{found}, torch {version('torch')}")
    except PackageNotFoundError:
        return Check("fail", "program", f"{found}, no torch", "pip install rrm-tree again")


def _check_threads() -> Check:
    from rrm_tree.machine import ONE_THREAD

    command = [sys.executable, "-P", "-c", "import torch; print(torch.get_num_threads())"]
    found = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **ONE_THREAD}
    )
    if found.returncode:
        said = (found.stderr.strip().splitlines() or ["no word"])[-1]
        return Check("fail", "torch", f"cannot be imported: {said}", "install it again")
    threads = found.stdout.strip()
    if threads != "1":
        return Check(
            "warn", "torch", f"{threads} threads an attempt", "bytes will differ from those of one thread"
        )
    return Check("ok", "torch", "one thread an attempt")


def _check_extras() -> Check:
    extras: dict[str, list[str]] = {}
    for requirement in requires("rrm-tree") or ():
        if found := OF_EXTRA.match(requirement):
            extras.setdefault(found["extra"], []).append(found["package"])
    extras.pop("dev", None)
    there = {name for name, packages in extras.items() if all(map(_is_installed, packages))}
    told = ", ".join(sorted(there)) or "none"
    if not (missing := ", ".join(sorted(extras.keys() - there))):
        return Check("ok", "extras", told)
    return Check("ok", "extras", f"{told}; not installed: {missing}", "pip install 'rrm-tree[NAME]' adds one")


def _is_installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


def _check_store(store: Store) -> Iterator[Check]:
    # A folder of its own: on a cluster many machines ask at once.
    folder, data = f"doctor-{uuid.uuid4().hex}", os.urandom(1000)
    name = f"{folder}/file"
    began = time.time()
    try:
        written = store.files.create(name, data) and not store.files.create(name, b"other")
        same = store.files.read(name) == data
        skew = store.files.modified(name) - (began + time.time()) / 2
        store.files.set_aside(name)
        moved = not store.files.exists(name)
        seconds = time.time() - began
    finally:
        store.files.remove(folder)
    if not (written and same and moved):
        raise StoreError(f"{store.address} does not keep what is written; choose another place")
    yield Check("ok", "store", f"{store.address}: written, read back and renamed in {seconds:.2f} s")
    if abs(skew) > SKEW_SECONDS:
        yield Check("warn", "clock", f"the store's is {skew:+.0f} s from this machine's", "set both by NTP")


def _check_ledger(url: str) -> Iterator[Check]:
    from rrm_tree.ledger import Ledger
    from rrm_tree.tables import hide_password

    ledger = Ledger(url)
    began = time.time()
    now = ledger.now()
    seconds = time.time() - began
    if ledger.embedded:
        yield Check("warn", "ledger", f"{url} serves this machine alone", "a fleet needs PostgreSQL")
        return
    yield Check("ok", "ledger", f"{hide_password(url)}: answers in {1000 * seconds:.0f} ms")
    skew = now - (began + seconds / 2)
    if abs(skew) > SKEW_SECONDS:
        found = f"the ledger's is {skew:+.0f} s from this machine's"
        yield Check("warn", "clock", found, "set both by NTP; leases go by the ledger's alone")
    yield _check_workers(url)


def _check_workers(url: str) -> Check:
    from rrm_tree.fleet_ledger import FleetLedger

    workers = FleetLedger(url).fleet()
    slots: dict[str, int] = {}
    for worker in workers:
        for queue in worker.queues:
            slots[queue] = slots.get(queue, 0) + worker.slots
    if not workers:
        return Check("warn", "workers", "none", "start one with `rrm worker`")
    told = ", ".join(f"{queue}: {count} at a time" for queue, count in sorted(slots.items()))
    return Check("ok", "workers", f"{len(workers)} ({told})")
