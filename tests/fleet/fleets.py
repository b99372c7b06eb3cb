"""A fleet that a test starts, hurts and ends: workers and schedulers as people start them."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
from small_trees import open_store

RUN_TESTS = Path(__file__).parent.parent / "run"


class Fleet:
    """Processes around one store, one database and one broker."""

    def __init__(self, folder, broker_url, ledger_url, lease_seconds=30.0):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = open_store(self.folder / "store")
        self.ledger_url = ledger_url
        self.environment = {
            **os.environ,
            "RRM_BROKER": broker_url,
            "RRM_LEDGER": ledger_url,
            "RRM_STORE": self.store.address,
            "RRM_LEASE_SECONDS": str(lease_seconds),
            "PYTHONPATH": str(RUN_TESTS),
        }
        self.processes = []

    def rrm(self, *arguments, machine=None, **more):
        environment = {**self.environment, **({"RRM_MACHINE": machine} if machine else {}), **more}
        log = (self.folder / f"{arguments[0]}-{len(self.processes)}.log").open("ab")
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

    def write(self, plan):
        self.store.write_run(plan.run, plan, "", "rrm run small.yaml")
        return plan

    def schedule(self, plan, machine=None):
        return self.rrm("schedule", self.write(plan).run, machine=machine)

    def end(self):
        for process in self.processes:
            kill_family(process.pid)
        for process in self.processes:
            process.wait(30)

    def logs(self):
        return "\n".join(f"--- {log.name}\n{log.read_text()}" for log in sorted(self.folder.glob("*.log")))


def kill_family(pid):
    """`kill -9` of a process and of all it has started, as when a machine is switched off."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for one in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGKILL)
