"""The page about `search` does what it says: its Python is run on a trained store."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from rrm_tree.cli import rrm

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "search.md"
SWING = """
version: 1
name: swing
measure: {pairs: 4, agent_outcomes: 4}
nodes:
  swing:
    doc: Does this swing up?
    task: {use: Pendulum-v1, with: {segment: 5, max_episode_steps: 20}}
    criteria: {better: {question: Which?}}
    judge: {use: teacher, kind: preference}
    reward_model: {epochs: 2}
    agent: {use: search, with: {horizon: 3, candidates: 5, elites: 2, iterations: 1, fits: 2, updates: 4}}
    budget: {judgments: 20, steps: 1_000}
"""


@pytest.mark.slow
def test_the_reward_of_a_run_serves_in_an_edited_world(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("swing.yaml").write_text(SWING, encoding="utf-8")
    ran = CliRunner().invoke(rrm, ["run", "swing.yaml"])
    assert ran.exit_code == 0, ran.output
    (python,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    names: dict[str, object] = {}
    exec(compile(python, str(PAGE), "exec"), names)
    said = re.fullmatch(r"as it was: (-[\d.]+) refitted: (-[\d.]+)\n", capsys.readouterr().out)
    assert said
    assert float(said[1]) != float(said[2])
    assert 0 < names["refitted"].steps <= 2400
    assert names["problem"].task.kwargs == {"g": 14}
