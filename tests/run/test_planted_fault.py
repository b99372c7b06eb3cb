"""A fault planted in one node of a trained tree is named: train, measure what errors are made of, report."""

import shutil
from pathlib import Path

import pytest
from test_commands import rrm

HERE = Path(__file__).parent

SPEC = """
version: 1
name: fault
imports: [sloppy]
measure: {pairs: 300, agent_outcomes: 40}
defaults:
  judge: {use: logic.person, with: {look_error: 0.01, read_error: 0.01, looks: 64}}
  reward_model: {epochs: 30, ensemble: 1, learning_rate: 0.01, batch: 64}
  budget: {judgments: 400, steps: 4_000}
nodes:
  root:
    doc: four gates above a bit
    task: {use: logic.circuit, with: {width: 32, gates: [and, or, and, or], fan_in: 2}}
    criteria: {right: {question: Is the claim right?, helpers: [third]}}
  third:
    doc: three gates above a bit
    task: {use: logic.gate, with: {width: 32, gates: [or, and, or], fan_in: 2}}
    criteria: {right: {question: Is the claim right?, helpers: [second]}}
  second:
    doc: two gates above a bit
    task: {use: logic.gate, with: {width: 32, gates: [and, or], fan_in: 2}}
    criteria: {right: {question: Is the claim right?, helpers: [first]}}
  first:
    doc: a gate above a bit
    task: {use: logic.gate, with: {width: 32, gates: [or], fan_in: 2}}
    criteria: {right: {question: Is the claim right?, helpers: [bit]}}
  bit:
    doc: a bit
    task: {use: logic.bit, with: {width: 32}}
    criteria: {right: {question: Is the claim right?}}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """One store for all: what the fault does not touch is trained once."""
    folder = tmp_path_factory.mktemp("fault")
    (folder / "fault.yaml").write_text(SPEC)
    shutil.copy(HERE.parent / "node" / "sloppy.py", folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("node", ["second", "third"])
def test_the_node_whose_agent_was_corrupted_is_named(place, node):
    fault = f"nodes.{node}.agent={{use: 'sloppy:Sloppy', with: {{error: 0.2}}}}"
    trained = rrm(place, "run", "fault.yaml", "--set", fault)
    assert trained.returncode == 0, trained.stderr
    measured = rrm(place, "measure", "--what", "causes")
    assert measured.stdout.count("measured causes") + measured.stdout.count("nothing new") == 5
    said = " ".join(rrm(place, "report").stdout.split())
    assert f"mend `{node}`" in said
    assert "most to its agent" in said
