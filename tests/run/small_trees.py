"""Small trees, and runs of them with a trainer that learns nothing."""

from pathlib import Path

from rrm_tree.executors import InlineExecutor, LocalExecutor
from rrm_tree.graph import shape_tree
from rrm_tree.ledger import Ledger
from rrm_tree.loop import train_together
from rrm_tree.machine import numerics
from rrm_tree.planner import build_plan
from rrm_tree.run import Run, Stop
from rrm_tree.spec import TreeSpec
from rrm_tree.store import Store

DIAMOND = {"root": ["left", "right"], "left": ["leaf"], "right": ["leaf"], "leaf": []}


def make_tree(shape=DIAMOND, edits=(), **settings):
    """A tree by its helpers, with edits {node: {part: value}} merged into the nodes."""
    nodes = {name: make_node(helpers, **dict(edits).get(name, {})) for name, helpers in shape.items()}
    return TreeSpec.model_validate({"version": 1, "name": "small", "nodes": nodes, **settings})


def make_node(helpers, **parts):
    criterion = {"question": "is it right?", "helpers": list(helpers)}
    node = {
        "doc": "a node",
        "task": {"use": "fake"},
        "criteria": {"right": criterion},
        "judge": {"use": "person"},
    }
    return {**node, "budget": {"judgments": 10, "rounds": 3}, **parts}


def make_plan(tree, only=None, version="1"):
    plan = build_plan(shape_tree(tree), lambda kind, plugin: version, numerics(), only=only)
    here = str(Path(__file__).parent)
    return plan.model_copy(update={"trainer": "fake_trainer:train", "folder": here})


def open_store(folder):
    store = Store(str(folder))
    store.prepare()
    return store


def ledger_of(store):
    return Ledger(f"sqlite:///{store.workplace / 'ledger.sqlite'}")


def train(folder, plan, workers=0, stop=None):
    """What became of every entry; inline for no workers."""
    store = open_store(folder)
    ledger, stop = ledger_of(store), stop or Stop()
    store.write_run(plan.run, plan, "", "rrm run small.yaml")
    executor = (
        LocalExecutor(store, ledger, workers)
        if workers
        else InlineExecutor(store, ledger, stop, lambda: None)
    )
    return train_together([Run(plan, plan.run, store, ledger, executor, stop)])[0]


def learned(folder):
    """Everything that must be equal, by name: objects, inputs, manifests, Done; no costs."""
    kept = [path for part in ("objects", "keys") for path in Path(folder, part).rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in kept
        if not path.name.startswith("cost-") and not path.name.endswith((".tmp", ".corrupt"))
    }


def states(fates):
    return {name: fate.state for name, fate in fates.items()}
