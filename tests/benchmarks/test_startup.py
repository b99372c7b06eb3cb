"""What starting costs: CPU seconds of light commands (the fastest of ten; aim 0.2) and of the least run."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
CHESS = "task_specs/chess.yaml"


def cpu_seconds(arguments: list[str]) -> float:
    """Of one process and its children, user and system."""
    before = os.times()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=False, cwd=REPOSITORY)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


@pytest.mark.benchmark
def test_startup(tmp_path: Path) -> None:
    rrm = ["-m", "rrm_tree"]
    commands = {
        "python -c pass": ["-c", "pass"],
        "rrm --help": [*rrm, "--help"],
        "rrm validate chess.yaml": [*rrm, "validate", CHESS],
        "rrm show chess.yaml": [*rrm, "show", CHESS],
        "rrm list": [*rrm, "list"],
        "rrm plan chess.yaml": [*rrm, "plan", CHESS, "--store", str(tmp_path / "store")],
    }
    for name, arguments in commands.items():
        print(f"{name:<26}{min(cpu_seconds(arguments) for _ in range(10)):.3f} s CPU")


LEAST = [
    "--set",
    "nodes.swing_up.budget={judgments: 50, steps: 2000, rounds: 1}",
    "--set",
    "measure={pairs: 20, agent_outcomes: 10}",
]


@pytest.mark.benchmark
def test_a_run_of_one_node(tmp_path: Path) -> None:
    """One small round of one node, what it imports by itself, and the same command again."""
    run = ["-m", "rrm_tree", "run", "task_specs/pendulum.yaml", "--store", str(tmp_path / "store"), *LEAST]
    commands = {
        "import torch": ["-c", "import torch"],
        "import torch, gymnasium, stable_baselines3": ["-c", "import torch, gymnasium, stable_baselines3"],
        "rrm run, 50 judgments and 2,000 steps": run,
        "rrm run again: all of it is there": run,
    }
    for name, arguments in commands.items():
        seconds = cpu_seconds(arguments)
        # Of all children so far, which is this one's as long as each takes more than the last.
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{name:<45}{seconds:.2f} s CPU  {peak:.0f} MB at most so far")
