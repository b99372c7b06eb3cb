"""What each kind teaches: `python tests/benchmarks/study_protocols.py [SEEDS [BUDGET …]]`.

The node of `task_specs/blocks.yaml` is taught by every kind, with several budgets and seeds, in one
round. Regret is what the agent's outcomes lack of ideal ones, in cells that lie wrong a step; random
actions, and an agent trained on truth with the same steps, stand beside it. Intervals are 95% of
Student's t over the seeds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import torch
from scipy.stats import t

from rrm_tree.errors import TrainingError
from rrm_tree.node import NodeAtWork, train_node
from rrm_tree.rounds import Setup
from rrm_tree.spec import NodeSpec, TreeSpec, edit_node, load_tree

BUDGETS = (30, 100, 300)
STEPS = 40_000
LITTLE = {"pairs": 20, "agent_outcomes": 200}


def taught(tree: TreeSpec, node: NodeSpec, judgments: int, seed: int) -> tuple[float, float]:
    """Regret of a node's agent and looks that its judgments took."""
    budget = {"budget": {"judgments": judgments, "steps": STEPS, "rounds": 1}}
    node = edit_node(node.model_copy(update={"arms": {}}), budget)
    tree = tree.model_copy(update={"seed": seed, "nodes": {"build": node}, "measure": tree.measure})
    setup = Setup(tree, "build", node, "build@study", f"{node.judge.kind}{judgments}{seed}", {})
    record = [*train_node(setup)][-1].record
    assert record.agent_truth is not None
    return best(setup) - record.agent_truth.mean, record.facts.looks


def best(setup: Setup) -> float:
    """Mean truth of ideal outcomes from where the agent's own start."""
    work = NodeAtWork(setup)
    task = work.station.task
    return float(task.truth(task.ideal(work.bench.about)).mean())


def kinds(node: NodeSpec) -> Iterator[tuple[str, NodeSpec]]:
    """The node taught by preferences, and its arms."""
    yield "preferences", node
    for arm, edits in node.arms.items():
        yield arm, edit_node(node, edits)


def main() -> None:
    """A line for each kind and budget, as its seeds are done."""
    torch.set_num_threads(1)
    seeds, *budgets = [int(word) for word in sys.argv[1:]] or [10]
    tree = load_tree("task_specs/blocks.yaml", [f"measure.{key}={value}" for key, value in LITTLE.items()])
    steps = tree.nodes["build"].task.options.get("steps", 6)
    print(f"{'kind':<16}{'judgments':>10}{'looks':>8}{'regret':>8}{'low':>7}{'high':>7}{'seeds':>7}")
    for name, node in kinds(tree.nodes["build"]):
        for judgments in budgets or BUDGETS:
            found = [attempt(tree, node, judgments, seed) for seed in range(seeds)]
            told = [one for one in found if one is not None]
            if not told:
                print(f"{name:<16}{judgments:>10}  nothing could be learned in any seed", flush=True)
                continue
            regrets, looks = np.array(told).T
            mean, wide = regrets.mean() / steps, half_width(regrets / steps)
            figures = f"{looks.mean():>8.0f}{mean:>8.2f}{mean - wide:>7.2f}{mean + wide:>7.2f}"
            print(f"{name:<16}{judgments:>10}{figures}{len(told):>5}/{seeds}", flush=True)


def half_width(values: np.ndarray) -> float:
    """Of the interval of a mean; not a number for a single value."""
    if len(values) < 2:
        return float("nan")
    return float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5)


def attempt(tree: TreeSpec, node: NodeSpec, judgments: int, seed: int) -> tuple[float, float] | None:
    """What `taught` gives; None where the judgments carried no information."""
    try:
        return taught(tree, node, judgments, seed)
    except TrainingError:
        return None


if __name__ == "__main__":
    main()
