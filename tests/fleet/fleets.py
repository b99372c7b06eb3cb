"""A fleet that a test starts, hurts and ends: workers and schedulers as people start them."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
from servers import wait_for
from small_trees import make_plan, make_tree, open_store

from rrm_tree.cli.watching import read_fates
from rrm_tree.fleet_ledger import FleetLedger
from rrm_tree.run import Stop
from workers.scheduler import schedule
from workers.settings import FleetSettings

RUN_TESTS = Path(__file__).parent.parent / "run"
DIAMOND = {"root": ["left", "right"], "left": ["leaf"], "right": ["leaf"], "leaf": []}


class Fleet:
    """Processes around one store, one database and one broker, with a queue of their own."""

    def __init__(self, folder, broker_url, ledger_url, queue="train.cpu", lease_seconds=30.0, store=None):
        self.folder, self.queue = Path(folder), queue
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = open_store(store or self.folder / "store")
        self.ledger = FleetLedger(ledger_url, patience_seconds=30.0)
        self.environment = {
            **os.environ,
            "RRM_BROKER": broker_url,
            "RRM_LEDGER": ledger_url,
            "RRM_STORE": self.store.address,
            "RRM_QUEUES": queue,
            "RRM_LEASE_SECONDS": str(lease_seconds),
            # This checkout, whichever is installed.
            "PYTHONPATH": f"{RUN_TESTS}{os.pathsep}{RUN_TESTS.parents[1]}",
        }
        self.processes = []

    def plan(self, shape=DIAMOND, edits=(), **settings):
        """A plan whose nodes are for this fleet's queue; of a name of its own, keys included."""
        edits = {name: dict(dict(edits).get(name, {})) for name in shape}
        for parts in edits.values():
            parts["resources"] = {"queue": self.queue, **parts.get("resources", {})}
        plan = make_plan(make_tree(shape, edits, **settings))
        self.store.write_run(plan.run, plan, "", "rrm run small.yaml --fleet")
        return plan

    def rrm(self, *arguments, machine=None, **more):
        environment = {**self.environment, **({"RRM_MACHINE": machine} if machine else {}), **more}
        log = (self.folder / f"{len(self.processes)}-{arguments[0]}.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", "rrm_tree", *arguments],
            env=environment,
            cwd=self.folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.close()
        self.processes.append(process)
        return process

    def worker(self, *arguments, machine=None, **more):
        return self.rrm("worker", "--verbose", *arguments, machine=machine, **more)

    def schedule(self, plan, machine=None):
        return self.rrm("schedule", plan.run, machine=machine)

    def train(self, plan):
        """What became of every entry, with a scheduler in this process."""
        settings = FleetSettings(
            broker=self.environment["RRM_BROKER"], ledger=self.ledger.url, store=self.store.address
        )
        return schedule({plan.run: plan}, self.store, settings, Stop())[plan.run]

    def fates(self, plan):
        """What its last scheduler, in a process of its own, said of every entry."""
        return read_fates(self.ledger.events_after(plan.run, 0, kinds=["ended"])[-1])[plan.run]

    def events(self, plan, *kinds):
        return self.ledger.events_after(plan.run, 0, kinds=kinds)

    def wait_for_event(self, plan, kind, entry=None, seconds=60):
        wait_for(
            f"'{kind}' of {entry}",
            seconds,
            lambda: any(entry in {None, event.entry} for event in self.events(plan, kind)),
        )

    def end(self):
        for process in self.processes:
            kill_family(process.pid)
        for process in self.processes:
            process.wait(30)
        self.ledger.close()

    def logs(self):
        return "\n".join(f"--- {log.name}\n{log.read_text()}" for log in sorted(self.folder.glob("*.log")))


def family_of(worker):
    """The parts of a worker: supervisors, and attempts with whatever they are forked from."""
    children = [child for child in psutil.Process(worker.pid).children() if child.is_running()]
    nurseries = [child for child in children if "nursery" in _words(child)]
    supervisors = [child for child in children if child not in nurseries]
    attempts = [child for one in supervisors for child in one.children() if "attempt" in _words(child)]
    lines = [line for nursery in nurseries for line in nursery.children()]
    return supervisors, attempts + [attempt for line in lines for attempt in line.children()]


def _words(process):
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


def kill_family(pid):
    """`kill -9` of a process and of all it has started, as when a machine is switched off."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for one in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGKILL)
