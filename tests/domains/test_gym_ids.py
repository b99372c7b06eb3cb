"""Environments by id: which are known, before anything is imported or trained."""

import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from rrm_tree.domains.gym.known import _own_ids, refuse_unknown
from rrm_tree.registry import find


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)


SPEC = """
version: 1
name: one
{imports}
nodes:
  only:
    doc: Which is better?
    task: {task}
    criteria: {{better: {{question: Which is better?}}}}
    judge: teacher
    agent: ppo
"""


def validate(folder, task, imports="", *, expect):
    """What `rrm validate` says, and the modules that it has imported."""
    (folder / "spec.yaml").write_text(SPEC.format(task=task, imports=imports))
    code = (
        "import sys; from rrm_tree.cli import main\n"
        "try: main(['validate', sys.argv[1]])\n"
        "except SystemExit as ended: print(ended.code or 0, 'gymnasium' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder / "spec.yaml")], capture_output=True, text=True, check=True
    )
    said = done.stdout + done.stderr
    assert expect in said, said
    return said


def test_gymnasiums_own_ids_are_read_without_importing_it():
    own = {name for name, spec in gymnasium.registry.items() if "gymnasium" in str(spec.entry_point)}
    assert own <= _own_ids()
    assert len(own) > 40


def test_an_id_that_nobody_registered_is_refused_with_the_nearest_one():
    said = refuse_unknown({"id": "CartPol-v1"})
    assert "no environment 'CartPol-v1'; did you mean 'CartPole-v1'?" in said
    assert "`imports:`" in said
    assert [refuse_unknown({"id": one}) for one in ("CartPole-v1", "CartPole", "nobody:Knows-v0")] == [
        None
    ] * 3


def test_validate_finds_an_unknown_environment_and_loads_no_gymnasium_for_it(tmp_path):
    said = validate(tmp_path, "Pendulun-v1", expect="did you mean 'Pendulum-v1'?")
    assert "spec.yaml:8:11: nodes.only.task" in said
    assert "2 False" in said


def test_an_environment_that_the_specs_imports_register_is_known(tmp_path):
    (tmp_path / "rooms.py").write_text(
        "import gymnasium\ngymnasium.register(id='own/Room-v0', entry_point='rooms:Room')\n"
    )
    validate(tmp_path, "own/Room-v0", "imports: [rooms]", expect="0 True")
    validate(tmp_path, "own/Rom-v0", "imports: [rooms]", expect="did you mean 'own/Room-v0'?")


def test_a_class_of_an_environment_is_a_task_by_its_name_alone():
    task = find("task", "count_up:Count").build({"kwargs": {"up_to": 3}, "segment": 2})
    assert task.id == "count_up:Count"
    seen, _ = task.make_vec(2).reset(options={"subject": {"seed": np.array([1, 2])}})
    assert seen.tolist() == [[0], [0]]


def test_an_id_of_a_package_is_made_by_importing_it(tmp_path, monkeypatch):
    (tmp_path / "halls.py").write_text(
        "import gymnasium\ngymnasium.register(id='Hall-v0', entry_point='count_up:Count')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert find("task", "halls:Hall-v0").build({"kwargs": {"up_to": 3}}).action_space.n == 3
    finally:
        gymnasium.registry.pop("Hall-v0", None)
