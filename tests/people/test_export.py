"""What people have said, for other tools, whether a round has learned from it or not."""

import json

import numpy as np
import pytest
from answering import Person, call, write_spec

from rrm_tree.asking import Said
from rrm_tree.errors import ExitCode
from rrm_tree.exchange import to_trl
from rrm_tree.labels import labels_of
from rrm_tree.outcomes import Advice, Answers, Items, Judged, Outcomes

WAITING = ExitCode.WAITING_FOR_PEOPLE


def run(spec, store, code):
    return call("run", spec, "--store", store, "--executor", "inline", "--no-wait", code=code)


def export(store, form, file):
    said = call("labels", "export", "--store", store, "--as", form, "--to", file)
    return said, file.read_text(encoding="utf-8")


@pytest.mark.slow
def test_answers_that_no_round_has_learned_from_are_exported_with_the_others(tmp_path):
    spec, store, file = write_spec(tmp_path, rounds=2), tmp_path / "store", tmp_path / "tasks.json"
    run(spec, store, WAITING)
    assert "0 judgments written" in export(store, "label-studio", file)[0]
    Person(store).answer(most=5)
    said, text = export(store, "label-studio", file)
    tasks = json.loads(text)
    assert "5 judgments written" in said and sum(len(task["annotations"]) for task in tasks) == 5
    Person(store).answer()
    run(spec, store, WAITING)
    Person(store, "bob").answer(most=3, said=lambda asked: Said(None, reason=2))
    said, text = export(store, "lines", file)
    lines = [json.loads(line) for line in text.splitlines()]
    # Twelve that were learned from, three that were not.
    assert "15 judgments written" in said and [line["answer"] for line in lines[12:]] == [None] * 3
    assert [line["reason"] for line in lines[12:]] == [2] * 3
    archive = tmp_path / "all.safetensors"
    said = call("labels", "export", "--store", store, "--as", "archive", "--to", archive)
    assert "15 judgments written" in said
    Person(store, "bob").answer()
    run(spec, store, ExitCode.DONE)
    assert "24 judgments written" in export(store, "lines", file)[0]


def test_preference_pairs_are_in_trl_s_standard_format_with_explicit_prompts():
    outcomes = Outcomes(
        {"observation": np.arange(8.0).reshape(4, 2, 1)}, np.zeros((4, 1), np.int64), np.ones(4, np.int64), {}
    )
    zeros = np.zeros(4, np.int64)
    items = Items(zeros, np.array([1, 2, 3, 1]), zeros, zeros)
    answers = Answers(np.array([1.0, 0.0, 0.5, np.nan]), zeros + 1)
    judged = Judged(outcomes, Advice(), "preference", items, answers)
    told = list(labels_of(judged, ("Which is tidier?",), Advice()))
    pairs = list(to_trl(judged, told, lambda row: f"outcome {row}"))
    # Ties, and what nobody could tell, are no preferences there.
    assert pairs == [
        {"prompt": "Which is tidier?", "chosen": "outcome 0", "rejected": "outcome 1"},
        {"prompt": "Which is tidier?", "chosen": "outcome 2", "rejected": "outcome 0"},
    ]


@pytest.mark.slow
def test_a_run_s_preferences_are_lines_of_texts_as_trl_loads_them(tmp_path):
    spec, store = write_spec(tmp_path, "{use: person, kind: preference}"), tmp_path / "store"
    run(spec, store, WAITING)
    Person(store).answer(said=lambda asked: Said(1.0 if asked.item % 2 else 0.5))
    _, text = export(store, "trl", tmp_path / "pairs.jsonl")
    pairs = [json.loads(line) for line in text.splitlines()]
    assert len(pairs) == 12
    for pair in pairs:
        assert list(pair) == ["prompt", "chosen", "rejected"]
        assert all(isinstance(words, str) and words for words in pair.values())


@pytest.mark.slow
def test_what_an_edit_would_change_need_not_be_waited_for(tmp_path):
    spec, store = write_spec(tmp_path), tmp_path / "store"
    edit = "nodes.bit.reward_model.epochs=2"
    words = ("whatif", spec, "--set", edit, "--store", store, "--workers", "1", "--no-wait")
    told = call(*words, code=WAITING)
    assert told.count("people are waited for") == 2
    runs = Person(store).store.runs()
    for name in runs:
        person = Person(store)
        person.keys = list(person.store.referred(name).values())
        person.run = name
        person.answer()
    told = call(*words, code=ExitCode.DONE)
    assert "bit" in told and "people are waited for" not in told


ABOVE = """
version: 1
name: two
measure: {pairs: 6, agent_outcomes: 6}
defaults:
  reward_model: {ensemble: 1, epochs: 2}
  budget: {judgments: 12, steps: 2000}
nodes:
  root:
    doc: Do most of three places say yes?
    task: {use: logic.circuit, with: {gates: [majority]}}
    criteria: {right: {question: Is the claim right?, helpers: [bit]}}
    judge: logic.person
  bit:
    doc: Does the rule hold here?
    task: logic.bit
    criteria: {right: {question: Is the claim right?}}
    judge: {use: person, kind: label}
"""


@pytest.mark.slow
def test_nodes_above_one_that_waits_for_people_have_not_failed(tmp_path):
    spec = tmp_path / "two.yaml"
    spec.write_text(ABOVE)
    edit = ("--set", "nodes.root.reward_model.epochs=3", "--workers", "1", "--no-wait")
    told = call("whatif", spec, *edit, "--store", tmp_path / "store", code=WAITING)
    assert told.count("people are waited for") == 2
