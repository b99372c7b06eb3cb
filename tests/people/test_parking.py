"""A node that waits for people frees its process, and goes on by itself when they have answered."""

import json
import shutil
import subprocess
import sys
import time

import pytest
from answering import Person, call, write_spec

from rrm_tree.asking import Said
from rrm_tree.errors import ExitCode, SpecError
from rrm_tree.ledger import Ledger
from rrm_tree.states import load_rounds
from rrm_tree.store import Store

pytestmark = pytest.mark.slow

WAITING = ExitCode.WAITING_FOR_PEOPLE


def only_key(store):
    one = Store(str(store))
    return one, next(iter(one.referred(one.runs()[-1]).values()))


def test_a_parked_node_is_told_of_and_ends_the_run_with_4_and_goes_on_when_answered(tmp_path):
    spec, store = write_spec(tmp_path, rounds=2), tmp_path / "store"
    run = ("run", spec, "--store", store, "--executor", "inline", "--no-wait")
    told = call(*run, code=WAITING)
    assert "waits for people: 12 of 12 questions are open" in told and "rrm label asked-" in told
    assert "bit  parked" in call("status", "--store", store)
    one, key = only_key(store)
    ledger = Ledger(f"sqlite:///{one.workplace / 'ledger.sqlite'}")
    assert ledger.look(key).state == "parked"
    # Still unanswered: nothing is collected a second time.
    stored = sorted(one.files.names(f"keys/{key}"))
    assert "12 of 12" in call(*run, code=WAITING)
    assert sorted(one.files.names(f"keys/{key}")) == stored
    for round_number in (1, 2):
        assert Person(store).answer() == 12
        told = call(*run, code=WAITING if round_number == 1 else ExitCode.DONE)
    states = load_rounds(one, key)
    assert len(states) == 2 and states[-1].record.facts.judgments == 24
    assert (states[0].judged.answers.seconds == 2.0).all() and (states[0].judged.answers.at > 1e9).all()
    record = states[-1].record
    assert record.people.whole.right.value == 1.0 and record.people.whole.told == 24
    assert record.off.assisted is None and record.off.distilled is not None


def test_a_run_that_waits_goes_on_by_itself_in_other_processes(tmp_path):
    spec, store = write_spec(tmp_path), tmp_path / "store"
    command = [sys.executable, "-m", "rrm_tree", "run", str(spec), "--store", str(store), "--format", "json"]
    with subprocess.Popen([*command, "--workers", "1"], stdout=subprocess.PIPE, text=True) as process:
        events = (json.loads(line) for line in process.stdout)
        assert next(event for event in events if event["kind"] == "parked")["text"].startswith("24 of 24")
        assert Person(store).answer() == 24
        kinds = [event["kind"] for event in events]
        assert "done" in kinds and process.wait(60) == 0
    assert (next((store / "runs").iterdir()) / "report.html").exists()


def test_answers_once_used_give_the_same_bytes_however_often_the_round_is_done(tmp_path):
    judge = "{use: person, kind: label, overlap: 2, fallback: [truth], with: {overlap: 0.5, gold: 0.2}}"
    spec, first, second = write_spec(tmp_path, judge), tmp_path / "one", tmp_path / "two"
    run = ("run", spec, "--executor", "inline", "--no-wait", "--store")
    call(*run, first, code=WAITING)
    Person(first, "ann").answer(said=lambda one: Said(None if one.item % 5 == 0 else 1.0, reason=None))
    Person(first, "bob").answer()
    shutil.copytree(first, second)
    ends = []
    for store in (first, second):
        call(*run, store, code=ExitCode.DONE)
        one, key = only_key(store)
        ends.append(one.manifests(key))
    assert ends[0] == ends[1]
    judged = load_rounds(one, key)[0].judged
    assert {0} < set(judged.answers.who.tolist()) and (judged.answers.link >= 0).all()
    assert judged.judges == ("person", "truth")


def test_what_nobody_answers_in_time_is_passed_on(tmp_path):
    judge = "{use: person, kind: label, fallback: [truth], with: {patience: 1s}}"
    spec, store = write_spec(tmp_path, judge), tmp_path / "store"
    run = ("run", spec, "--store", store, "--executor", "inline", "--no-wait")
    call(*run, code=WAITING)
    Person(store).answer(most=5)
    time.sleep(1.1)
    call(*run, code=ExitCode.DONE)
    one, key = only_key(store)
    (state,) = load_rounds(one, key)
    links = {link.judge: link.answers for link in state.record.facts.links}
    assert links == {"person": 5, "truth": 19}
    assert state.record.people.whole.answers == 5


def test_truth_taken_away_changes_no_byte_of_what_people_are_asked(tmp_path, monkeypatch):
    spec, shown = write_spec(tmp_path), []
    for name in ("with", "without"):
        if name == "without":
            from rrm_tree.domains.logic.task import LogicTask

            monkeypatch.delattr(LogicTask, "truth")
        call("run", spec, "--store", tmp_path / name, "--executor", "inline", "--no-wait", code=WAITING)
        one, key = only_key(tmp_path / name)
        shown.append(one.pending(key, 0))
    assert shown[0] == shown[1]


COMPLAINTS = {
    "a gate": ("{use: person, kind: label}", "gate: {}", "hundreds of judgments that a gate takes"),
    "gold that nobody knows": ("{use: person, with: {gold: 0.1}}", "", "nobody knows the answers"),
    "no advice to hide": ("{use: person, with: {hidden: 0.5}}", "", "no advice to hide"),
    "an overlap of one": ("{use: person, with: {overlap: 0.5}}", "", "judge.overlap"),
    "people on a panel": ("{use: panel, with: {people: [teacher, person]}}", "", "cannot sit on a panel"),
    "a file that is not there": ("{use: recorded, with: {file: nowhere}}", "", "there is no file nowhere"),
}


@pytest.mark.parametrize("name", COMPLAINTS)
def test_what_cannot_be_asked_of_people_is_said_before_anything_trains(tmp_path, name):
    judge, more, said = COMPLAINTS[name]
    spec = write_spec(tmp_path, judge)
    if more:
        spec.write_text(spec.read_text(encoding="utf-8") + f"    {more}\n", encoding="utf-8")
    with pytest.raises(SpecError, match=said):
        call("validate", spec)
