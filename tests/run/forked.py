"""Runs of a spec that start at once: their processes are forks of some that have imported everything.

Importing takes an attempt longer than training a tiny node does. The scheduler is a fork of this
process, its attempts are forks of a nursery, as those of a fleet's workers are; where a system
cannot fork what it has imported, all are fresh. Reads orders from standard input, one JSON object a
line, and answers each with the number of the run's process and, when that has ended, its exit code.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from small_trees import ledger_of, open_store

from rrm_tree.cli.opening import make_plan
from rrm_tree.executors import AttemptProcess, InlineExecutor, LocalExecutor
from rrm_tree.loop import train_together
from rrm_tree.report import write_reports
from rrm_tree.results import collect_result
from rrm_tree.run import Run, Stop
from rrm_tree.studies import study_run
from rrm_tree.warm import ColdError, Nursery


class WarmExecutor(LocalExecutor):
    """The local executor; each of its processes is a fork."""

    def submit(self, order):
        try:
            self._running[order] = Nursery(Path("nursery")).start(self.store, self.ledger, order, {})
        except ColdError:
            self._running[order] = AttemptProcess(self.store, self.ledger, order)


def run(spec, folder, workers):
    """Train a spec's tree, inline for no workers, and write its report; whether all of it is trained."""
    store, plan, stop = open_store(folder), make_plan(spec, (), None), Stop()
    ledger = ledger_of(store)
    store.write_run(plan.run, plan, Path(spec).read_text(), "rrm run")
    executor = (
        WarmExecutor(store, ledger, workers) if workers else InlineExecutor(store, ledger, stop, lambda: None)
    )
    (fates,) = train_together([Run(plan, plan.run, store, ledger, executor, stop)])
    result = collect_result(store, plan.run, plan, {})
    write_reports(result, Path(result.run), study_run(store, result))
    return {fate.state for fate in fates.values()} <= {"trained", "reused"}


def serve():
    """One run after another, each in a process of its own."""
    for line in sys.stdin:
        if sys.platform == "linux":
            pid = os.fork()
            if not pid:
                be_one(line)
        else:
            pid = subprocess.Popen([sys.executable, __file__, line]).pid
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def be_one(line):
    os.dup2(2, 1)
    os._exit(0 if run(**json.loads(line)) else 1)


if __name__ == "__main__":
    be_one(sys.argv[1]) if sys.argv[1:] else serve()
