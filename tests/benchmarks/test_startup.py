"""CPU seconds that the light commands take, the fastest of ten; aim 0.2."""

from __future__ import annotations

import os
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
