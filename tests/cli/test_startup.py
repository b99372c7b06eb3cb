"""`rrm --help`, `validate` and `plan` load nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
CHESS = "task_specs/chess.yaml"
HEAVY = (
    "torch",
    "gymnasium",
    "stable_baselines3",
    "celery",
    "sqlalchemy",
    "scipy",
    "networkx",
    "numpy",
    "rich",
)
CODE = """
import sys
from rrm_tree.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    assert not ended.code, ended.code
finally:
    print(" ".join(sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["validate", CHESS], ["show", CHESS, "ray"], ["schema"], ["list"]]
)
def test_light_commands_import_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    loaded = set(done.stderr.split())
    assert "rrm_tree.cli" in loaded
    assert loaded.isdisjoint(HEAVY), loaded & set(HEAVY)
