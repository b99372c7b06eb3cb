"""Runs of a spec whose processes are forks of one that has everything loaded already.

Importing takes an attempt longer than training a tiny node does. All else is as it is in a real
run: the scheduler, the attempts in processes of their own with their supervisor's pipe, the
trainer, the store and the ledger. Reads orders from standard input, one JSON object a line, and
answers each with the number of the run's process and, when that has ended, its exit code.
"""

import json
import os
import sys
import threading
from pathlib import Path

from small_trees import open_store

from rrm_tree.cli.opening import make_plan
from rrm_tree.executors import InlineExecutor, LocalExecutor, log_file
from rrm_tree.ledger import Ledger
from rrm_tree.report import write_reports
from rrm_tree.results import collect_result
from rrm_tree.run import Run, Stop
from rrm_tree.supervised import train_supervised


class QuietLedger(Ledger):
    """Does not renew leases while a process is forked, which would inherit a lock."""

    lock = threading.Lock()

    def renew(self, owner):
        with self.lock:
            super().renew(owner)


class ForkedAttempt:
    """An attempt's process, with what the executor uses of `subprocess.Popen`."""

    def __init__(self, order, log, store, ledger):
        listens, speaks = os.pipe()
        with QuietLedger.lock:
            self.pid = os.fork()
        if not self.pid:
            os.setsid()
            os.dup2(listens, 0)
            for output in (1, 2):
                os.dup2(log.fileno(), output)
            # The pipes of its siblings above all: they must break when the command is gone.
            os.closerange(3, 1024)
            os._exit(train_supervised(store, ledger, order))
        os.close(listens)
        self.stdin, self.code = os.fdopen(speaks, "wb"), None

    def poll(self):
        return self.wait(os.WNOHANG)

    def wait(self, how=0):
        if self.code is None:
            pid, status = os.waitpid(self.pid, how)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code


class ForkingExecutor(LocalExecutor):
    """The local executor; each of its processes is a fork."""

    def submit(self, order):
        path = log_file(self.store, order.run, order.entry)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as log:
            self._running[order] = ForkedAttempt(order, log, self.store.address, self.ledger.url)


def run(spec, folder, workers):
    """Train a spec's tree, inline for no workers, and write its report; whether all of it is trained."""
    store, plan, stop = open_store(folder), make_plan(spec, (), None), Stop()
    ledger = QuietLedger(f"sqlite:///{store.workplace / 'ledger.sqlite'}")
    store.write_run(plan.run, plan, Path(spec).read_text(), "rrm run")
    executor = (
        ForkingExecutor(store, ledger, workers)
        if workers
        else InlineExecutor(store, ledger, stop, lambda: None)
    )
    fates = Run(plan, plan.run, store, ledger, executor, stop).go()
    result = collect_result(store, plan.run, plan, {})
    write_reports(result, Path(result.run))
    return {fate.state for fate in fates.values()} <= {"trained", "reused"}


def load():
    """Everything that training logic trees needs."""
    import rrm_tree.domains.logic.judging
    import rrm_tree.domains.logic.task
    import rrm_tree.learning.best_action
    import rrm_tree.node  # noqa: F401


def serve():
    """One run after another, each in a fork."""
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            os.dup2(2, 1)
            os._exit(0 if run(**order) else 1)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    load()
    serve()
