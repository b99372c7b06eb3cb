"""People anywhere in line: after judges who cannot tell, before others, and beside what was recorded."""

import hashlib
import json
from functools import partial

import numpy as np
import pytest
from answering import Person, call, write_spec

from rrm_tree.asking import Said
from rrm_tree.errors import ExitCode, SpecError
from rrm_tree.states import load_pending, load_rounds
from rrm_tree.store import Store

pytestmark = pytest.mark.slow

WAITING = ExitCode.WAITING_FOR_PEOPLE
SHORT = "{use: teacher, with: {beta: null, skip_below: 0}"
"""Somebody who knows what is right, and says nothing of what is wrong."""


def only_key(store):
    one = Store(str(store))
    return one, next(iter(one.referred(one.runs()[-1]).values()))


def last_of(store):
    one, key = only_key(store)
    return load_rounds(one, key)[-1]


def run(spec, store, code):
    return call("run", spec, "--store", store, "--executor", "inline", "--no-wait", code=code)


def doubt(asked, person):
    """Cannot tell every third question; else the truth."""
    return Said(None, reason=2) if asked.item % 3 == 0 else Said(person.right(asked), seconds=2.0)


def test_what_a_simulated_judge_cannot_tell_parks_the_node_for_people_and_then_goes_on_in_line(tmp_path):
    spec, store = (
        write_spec(tmp_path, SHORT + ", kind: label, fallback: [person, truth]}", rounds=2),
        tmp_path / "store",
    )
    for number in (0, 1):
        told = run(spec, store, WAITING)
        one, key = only_key(store)
        shown = load_pending(one, key, number)
        # Only what is left is asked, and nothing of it is answered.
        assert 0 < len(shown.items) < 12 and np.isnan(shown.answers.values).all()
        assert f"{len(shown.items)} of {len(shown.items)} questions are open" in told
        person = Person(store)
        assert person.answer(said=partial(doubt, person=person)) == len(shown.items)
    run(spec, store, ExitCode.DONE)
    record = last_of(store).record
    first, people, last = record.facts.links
    assert [one.judge for one in record.facts.links] == ["teacher", "person", "truth"]
    assert first.answers + people.answers + last.answers == 24 and min(people.answers, last.answers) > 0
    # The cost of who comes later holds the looks of all before: a look a step here.
    assert (first.looks, people.looks) == (first.answers, 2 * people.answers)
    assert record.facts.reasons == {"none of these is good enough to tell": 24 - first.answers}
    coverage = {one.judge: (one.asked, one.told) for one in record.by_judge}
    assert coverage["person"] == (24 - first.answers, people.answers)
    assert coverage["truth"] == (last.answers, last.answers)
    assert record.people.whole.told == people.answers and record.people.whole.right.value == 1.0
    judged = last_of(store).judged
    assert set(judged.answers.who[judged.answers.link == 1]) == {2}
    page = next((store / "runs").iterdir()) / "report.md"
    assert "then `person`" in page.read_text(encoding="utf-8")


def test_where_the_judge_tells_everything_nobody_is_asked(tmp_path):
    judge = "{use: logic.person, kind: label, fallback: [person], with: {looks: 64}}"
    store = tmp_path / "store"
    run(write_spec(tmp_path, judge), store, ExitCode.DONE)
    record = last_of(store).record
    assert [one.answers for one in record.facts.links] == [24, 0] and record.people.whole.answers == 0


def test_what_people_cannot_tell_is_found_in_a_file(tmp_path):
    spec, store, file = write_spec(tmp_path), tmp_path / "store", tmp_path / "said.safetensors"
    run(spec, store, WAITING)
    Person(store).answer()
    run(spec, store, ExitCode.DONE)
    call("labels", "export", "--store", store, "--as", "archive", "--to", file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    recorded = f"{{use: recorded, with: {{file: {file}, sha256: {digest}}}}}"
    second = tmp_path / "second"
    run(write_spec(tmp_path, f"{{use: person, kind: label, fallback: [{recorded}]}}"), second, WAITING)
    # The questions are others, as the node is another; but of six bits many are the same.
    Person(second).answer(said=lambda asked: Said(None))
    run(write_spec(tmp_path, f"{{use: person, kind: label, fallback: [{recorded}]}}"), second, ExitCode.DONE)
    state = last_of(second)
    found = dict(zip(*np.unique(state.judged.answers.link, return_counts=True), strict=True))
    assert set(found) <= {-1, 1} and found[1] > 0
    known = Person(second)
    from rrm_tree.team import Team

    truth = Team(known.store.plan(known.run).tree, {}).task("bit").truth(state.judged.outcomes)
    told = state.judged.answers.link == 1
    right = truth[state.judged.items.first[told], 0]
    assert (state.judged.answers.values[told] == right).all()


def test_what_a_file_cannot_tell_goes_to_people(tmp_path):
    spec, store, file = write_spec(tmp_path), tmp_path / "store", tmp_path / "said.safetensors"
    run(spec, store, WAITING)
    person = Person(store)
    person.answer(said=partial(doubt, person=person))
    run(spec, store, ExitCode.DONE)
    call("labels", "export", "--store", store, "--as", "archive", "--to", file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    judge = f"{{use: recorded, kind: label, fallback: [person], with: {{file: {file}, sha256: {digest}}}}}"
    again, second = write_spec(tmp_path, judge), tmp_path / "second"
    assert "8 of 8 questions" in run(again, second, WAITING)
    assert Person(second, "bob").answer() == 8
    run(again, second, ExitCode.DONE)
    record = last_of(second).record
    assert [one.answers for one in record.facts.links] == [16, 8]
    assert record.people.whole.told == 8 and record.people.people == 1


def answer_both(store):
    """Of every question that both members could not tell two people want to be asked."""
    assert Person(store, "ann").answer() > 0 and Person(store, "bob").answer() > 0


def test_a_panel_and_two_kinds_of_judgment_are_passed_on_to_people_who_are_numbered_after_all(tmp_path):
    short = SHORT + "}"
    judge = (
        "{use: panel, overlap: 2, kinds: {label: 1, preference: 1}, fallback: [person],"
        f" with: {{people: [{short}, {short}]}}}}"
    )
    spec, store = write_spec(tmp_path, judge), tmp_path / "store"
    run(spec, store, WAITING)
    one, key = only_key(store)
    answer_both(store)
    # Numbered as when a round has learned from them.
    lines = call("labels", "export", "--store", store).splitlines()
    assert {json.loads(line)["who"] for line in lines} == {2, 3}
    run(spec, store, WAITING)
    assert {load_pending(one, key, number).kind for number in (0, 1)} == {"label", "preference"}
    answer_both(store)
    run(spec, store, ExitCode.DONE)
    for judged in last_of(store).judgments:
        link, who = judged.answers.link, judged.answers.who
        assert set(who[link == 0]) <= {0, 1} and set(who[link == 1]) == {2, 3}
        assert judged.judges == ("panel", "person")


COMPLAINTS = {
    "people twice": ("person", "[truth, person]", "people stand in line once"),
    "an overlap of what is left": ("teacher", "[{use: person, with: {overlap: 0.5}}]", "as many people"),
    "gold that nobody knows": ("teacher", "[{use: person, with: {gold: 0.1}}]", "nobody knows"),
    "a file that is none": ("person", "[{use: recorded, with: {file: no}}]", "there is no file"),
}


@pytest.mark.parametrize("name", COMPLAINTS)
def test_a_line_in_which_people_cannot_stand_so_is_refused_before_anything_trains(tmp_path, name):
    use, fallback, said = COMPLAINTS[name]
    with pytest.raises(SpecError, match=said):
        call("validate", write_spec(tmp_path, f"{{use: {use}, fallback: {fallback}}}"))
