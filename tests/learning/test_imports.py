"""An attempt starts often and should start fast: what a node does not need is not imported."""

import subprocess
import sys

import pytest

CODE = """
import sys
from rrm_tree.node import train_node
from rrm_tree.rounds import Setup
from rrm_tree.spec import TreeSpec

bit = {
    "doc": "the smallest node",
    "task": "logic.bit",
    "criteria": {"right": {"question": "is it right?"}},
    "judge": "logic.person",
    "reward_model": {"epochs": 1, "ensemble": 1},
    "budget": {"judgments": 40},
}
root = {**bit, "task": {"use": "logic.gate", "with": {"gates": ["majority"]}}}
root["criteria"] = {"right": {"question": "is it right?", "helpers": ["bit"]}}
tree = TreeSpec.model_validate({"version": 1, "name": "tiny", "nodes": {"root": root, "bit": bit}})
list(train_node(Setup(tree, "bit", tree.nodes["bit"], "bit@0", "0", {})))
print(" ".join(sys.modules))
"""
# torch's compiler takes 2 s of CPU to import, scipy.stats half a second, the others about one.
DEAR = {"torch._dynamo", "sympy", "scipy.stats", "stable_baselines3", "pandas", "matplotlib"}


@pytest.mark.slow
def test_training_a_greedy_node_imports_nothing_dear_that_it_does_not_use():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "torch" in loaded
    assert loaded.isdisjoint(DEAR), loaded & DEAR
