"""Judgments of a run, listed, exported and compared from the command line."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from rrm_tree.cli import rrm
from rrm_tree.errors import UsageError

SPEC = """
version: 1
name: small
measure: {pairs: 4, agent_outcomes: 4}
nodes:
  bit:
    doc: Does the rule hold?
    task: {use: logic.circuit, with: {gates: [], rule: and, width: 6}}
    criteria: {right: {question: Is the claim right?}}
    judge:
      use: panel
      kind: label
      overlap: 2
      with: {people: [logic.person, {use: logic.person, with: {look_error: 0.2}}]}
    reward_model: {network: {use: mlp, with: {hidden: [8]}}, ensemble: 1, epochs: 5}
    budget: {judgments: 80, steps: 2000}
"""


def call(*words):
    return CliRunner().invoke(rrm, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture
def store(tmp_path):
    spec = tmp_path / "small.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    call("run", spec, "--store", tmp_path / "store", "--executor", "inline")
    return tmp_path / "store"


@pytest.mark.slow
def test_judgments_of_a_run_are_listed_compared_and_exported(store, tmp_path):
    listed = json.loads(call("labels", "list", "--store", store, "--format", "json").output)
    assert (listed["node"], listed["kind"], listed["judgments"], listed["told"]) == ("bit", "label", 80, 80)
    agreed = json.loads(call("labels", "agreement", "--store", store, "--format", "json").output)
    assert agreed["questions"] == 40
    assert [judge["answers"] for judge in agreed["judges"]] == [40, 40]
    file = tmp_path / "labels.jsonl"
    assert "80 judgments written" in call("labels", "export", "--store", store, "--to", file).output
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line["who"] for line in lines].count(0) == 40


@pytest.mark.slow
def test_a_node_that_a_run_does_not_have_is_named(store):
    with pytest.raises(UsageError, match="has no node 'bot'; did you mean 'bit'"):
        call("labels", "list", "--store", store, "--node", "bot")
