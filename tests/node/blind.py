"""The tasks of the logic world with all that only measurement may know taken away."""

from rrm_tree.domains.logic.task import LogicTask, RootTask
from rrm_tree.domains.logic.world import Circuit

KNOWN = {"truth", "heuristic", "ideal"}


def without_truth(task):
    kept = {
        name: value
        for name, value in vars(LogicTask).items()
        if name not in {*KNOWN, "__dict__", "__weakref__"}
    }
    return type(f"Blind{task.__name__}", (), {**kept, "subject": task.subject, "advice": task.advice})


def build_bit():
    return without_truth(LogicTask)(Circuit(12, 2, "parity", (), 3))


def build_root():
    return without_truth(RootTask)(Circuit(12, 2, "parity", ("majority",), 3))


build_bit.version = build_root.version = "1"
build_bit.subject, build_bit.advice, build_bit.accepts = "logic.position", "logic.claim", {}
build_root.subject, build_root.advice = None, None
build_root.accepts = {"logic.claim": "logic.position"}
