"""What somebody outside the package writes: a task, a judge, an environment, and a spec."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rrm_tree.registry import find, import_modules
from rrm_tree.testing import check_judge, check_task

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """The modules beside this file, as `imports:` makes those beside a spec."""
    monkeypatch.syspath_prepend(HERE)


def test_a_task_and_a_judge_by_their_address_pass_the_kit():
    import_modules(["lamps"], HERE)
    task = find("task", "lamps:Lamps").build({"lamps": 5})
    check_task(task)
    check_judge(find("judge", "lamps:Counter").build({}), task)


def test_the_options_of_ones_own_class_are_checked_by_their_annotations():
    complaints = find("judge", "lamps:Counter").check({"overlooks": "often", "mood": 1})
    assert {".".join(map(str, one.path)) for one in complaints} == {"overlooks", "mood"}


def test_an_environment_of_ones_own_needs_nothing_but_its_address():
    task = find("task", "gym").build({"id": "room:Room", "kwargs": {"hours": 12}, "segment": 6})
    check_task(task)
    check_judge(find("judge", "teacher").build({}), task)
    encoded = task.encode(task_outcomes(task))
    assert {name: values.shape[2:] for name, values in encoded.items()} == {
        "observation": (25,),
        "action": (2,),
        "next": (25,),
        "absorbed": (1,),
    }


def task_outcomes(task):
    from rrm_tree.learning.rollouts import rollout

    rng = np.random.default_rng(0)
    starts = task.starts(3, "train", rng)
    return rollout(task, lambda *seen: task.propose(*seen[:3]), starts, rng, explore=True).outcomes


@pytest.mark.slow
def test_a_tree_of_ones_own_trains_from_the_command_line(tmp_path):
    for name in ("own.yaml", "lamps.py"):
        shutil.copy(HERE / name, tmp_path)
    command = [sys.executable, "-m", "rrm_tree", "run", "own.yaml", "--store", "store"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "count: done" in done.stdout
    assert list(tmp_path.glob("store/runs/*/report.html"))
