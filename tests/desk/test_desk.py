"""The desk: questions leased to people, their answers, and nothing lost or doubled by anything."""

import json
import math
import signal
import subprocess
import sys
import time

import pytest

from rrm_tree.asking import Batch, Question, Said
from rrm_tree.desk import QUESTION_SECONDS, Desk
from rrm_tree.desk_rows import LONGEST_SECONDS
from rrm_tree.errors import UsageError

KEY = "leaf@0123"


class Clock:
    def __init__(self):
        self.now = 1e9

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def desk(tmp_path, clock):
    one = Desk(f"sqlite:///{tmp_path / 'ledger.sqlite'}", clock=clock)
    yield one
    one.close()


def batch(number=0, **given):
    settings = {"kind": "preference", "alternatives": 2, **given}
    return Batch(KEY, number, "run", "leaf", **settings)


def put(desk, count, wanted=1, **given):
    desk.put(batch(**given), [Question(item, item, wanted) for item in range(count)])


def answer_all(desk, person, value=1.0, count=100):
    while held := desk.take(person, [KEY], count):
        for one in held:
            desk.answer(person, one.id, Said(value))


def test_nobody_gets_what_another_holds_or_has_answered(desk):
    put(desk, 4)
    ann = desk.take("ann", [KEY], 3)
    bob = desk.take("bob", [KEY], 3)
    assert [one.item for one in ann] == [0, 1, 2] and [one.item for one in bob] == [3]
    desk.answer("ann", ann[0].id, Said(1.0))
    assert desk.take("eve", [KEY]) == []


def test_a_page_that_is_loaded_again_shows_the_same_questions_on_the_same_sides(desk):
    put(desk, 5)
    before = desk.take("ann", [KEY], 3)
    assert desk.take("ann", [KEY], 3) == before
    assert desk.take("ann", [KEY], 5)[:3] == before


def test_a_lease_that_ran_out_gives_the_question_to_others_and_a_late_answer_still_counts(desk, clock):
    put(desk, 1)
    (held,) = desk.take("ann", [KEY])
    clock.now += QUESTION_SECONDS - 1
    assert desk.hold("ann", [held.id]) == [held.id]
    clock.now += QUESTION_SECONDS + 1
    assert desk.take("bob", [KEY])[0].id == held.id
    assert desk.hold("ann", [held.id]) == []
    assert desk.answer("ann", held.id, Said(0.0)) == "given"
    assert desk.answer("bob", held.id, Said(1.0)) == "given"
    assert [one.person for one in desk.use(KEY, 0)] == ["ann"]
    assert len(desk.answers_for(KEY, 0)) == 2


def test_what_was_let_go_comes_again_after_everything_else(desk, clock):
    put(desk, 6)
    seen = []
    for _ in range(9):
        clock.now += 1
        first, _ = desk.take("ann", [KEY], 2)
        seen.append(first.item)
        desk.give_back("ann", [first.id])
    assert seen == [0, 1, 2, 3, 4, 5, 0, 1, 2]
    assert [one.item for one in desk.take("bob", [KEY], 2)] == [0, 1]


def test_what_several_shall_answer_goes_to_that_many_and_never_twice_to_one(desk):
    put(desk, 2, wanted=2)
    for person in ("ann", "bob", "eve"):
        answer_all(desk, person)
    assert [one.person for one in desk.use(KEY, 0)] == ["ann", "bob"] * 2


def test_a_quota_ends_what_one_person_answers(desk):
    put(desk, 6, quota=4)
    assert len(desk.take("ann", [KEY], 10)) == 4
    answer_all(desk, "ann")
    assert [one.given for one in desk.people([KEY])] == [4]
    assert len(desk.take("bob", [KEY], 10)) == 2


def test_who_comes_late_meets_some_of_what_is_known_and_not_only_that(desk):
    asked = [Question(item, item, gold=1.0 if item % 4 == 0 else None) for item in range(24)]
    desk.put(batch(gold=0.25), asked)
    for one in desk.take("ann", [KEY], 16):
        desk.answer("ann", one.id, Said(1.0))
    bob = desk.take("bob", [KEY], 12)
    for one in bob:
        desk.answer("bob", one.id, Said(0.0))
    (ann, late) = desk.people([KEY])
    assert (ann.gold, ann.gold_right) == (4, 4)
    assert 2 <= late.gold <= 4 and late.gold_right == 0
    assert late.compared == late.gold - 2 and late.agreed == 0


def test_who_has_shown_something_agrees_with_nobody(desk):
    put(desk, 1, wanted=2, kind="demonstration", alternatives=4)
    for person, moves in (("ann", (0, 1)), ("bob", (2,))):
        (one,) = desk.take(person, [KEY])
        desk.answer(person, one.id, Said(0.0, moves=moves))
    assert [(one.told, one.compared) for one in desk.people([KEY])] == [(1, 0), (1, 0)]


def test_the_same_answer_again_changes_nothing_and_another_takes_its_place(desk):
    put(desk, 2)
    one, _ = desk.take("ann", [KEY], 2)
    for value in (1.0, 1.0, 0.0):
        assert desk.answer("ann", one.id, Said(value, seconds=2.0)) == "given"
    (given,) = desk.answers_for(KEY, 0)
    assert given.value == 0.0 and desk.progress([KEY])[0].given == 1


def test_the_pace_is_that_of_answers_that_stand_and_a_page_left_open_counts_for_minutes(desk):
    put(desk, 4)
    held = desk.take("ann", [KEY], 4)
    for one, seconds in zip(held, (2.0, 4.0, 3600.0, None), strict=True):
        desk.answer("ann", one.id, Said(1.0, seconds=seconds))
    (pace,) = desk.paces([KEY])
    assert (pace.entry, pace.kind, pace.answers) == ("leaf", "preference", 3)
    assert pace.seconds == (2.0 + 4.0 + LONGEST_SECONDS) / 3
    assert desk.demand([KEY]).all_seconds_left is None


def test_undo_goes_back_as_far_as_one_likes_until_the_answers_were_used(desk, clock):
    put(desk, 3)
    for _ in range(3):
        clock.now += 1
        (one,) = desk.take("ann", [KEY])
        desk.answer("ann", one.id, Said(1.0))
    undone = [desk.undo("ann", [KEY]) for _ in range(3)]
    assert [one.item for one in undone] == [2, 1, 0] and undone[0].value == 1.0
    assert desk.undo("ann", [KEY]) is None and desk.use(KEY, 0) is None
    assert [one.item for one in desk.take("ann", [KEY], 3)] == [0, 1, 2]
    for one in undone:
        desk.answer("ann", one.id, Said(0.0))
    assert len(desk.use(KEY, 0)) == 3 and desk.undo("ann", [KEY]) is None


def test_an_answer_after_its_use_is_an_amendment_and_the_answers_stay(desk):
    put(desk, 1)
    (one,) = desk.take("ann", [KEY])
    desk.answer("ann", one.id, Said(1.0))
    used = desk.use(KEY, 0)
    assert desk.answer("ann", one.id, Said(1.0)) == "given"
    assert desk.answer("ann", one.id, Said(None, reason=2)) == "amended"
    (again,) = desk.use(KEY, 0)
    assert again.value == used[0].value == 1.0 and again.amended == Said(None, reason=2)


def test_a_batch_is_put_once_and_goes_on_when_patience_ends(desk, clock):
    assert desk.put(batch(patience=60.0), [Question(0, 0), Question(1, 1)])
    assert not desk.put(batch(), [Question(0, 0)])
    (one,) = desk.take("ann", [KEY])
    desk.answer("ann", one.id, Said(0.5))
    assert desk.use(KEY, 0) is None and desk.waiting([KEY])[KEY].open == 1
    clock.now += 61
    assert not desk.waiting([KEY])
    assert [given.value for given in desk.use(KEY, 0)] == [0.5]


@pytest.mark.parametrize(
    ("kind", "alternatives", "said"),
    [
        ("preference", 2, Said(0.3)),
        ("label", 1, Said(0.5)),
        ("rating", 1, Said(math.inf)),
        ("best", 3, Said(3.0)),
        ("ranking", 3, Said(6.0)),
        ("label", 1, Said(1.0, confidence=4)),
        ("label", 1, Said(1.0, reason=1)),
        ("label", 1, Said(1.0, seconds=-1.0)),
    ],
)
def test_what_is_no_answer_is_refused_and_nothing_kept(desk, kind, alternatives, said):
    put(desk, 1, kind=kind, alternatives=alternatives)
    (one,) = desk.take("ann", [KEY])
    with pytest.raises(UsageError):
        desk.answer("ann", one.id, said)
    assert not desk.answers_for(KEY, 0)


def test_only_who_was_asked_may_answer_and_ids_cannot_be_guessed(desk):
    put(desk, 2)
    one, two = desk.take("ann", [KEY], 2)
    assert len(one.id) >= 22 and one.id != two.id
    for person, question in (("bob", one.id), ("ann", "0"), ("ann", one.id + "'--")):
        with pytest.raises(UsageError, match="not asked"):
            desk.answer(person, question, Said(1.0))
    for name in ("", " ", "x" * 65, "a\nb", "a\u202eb"):
        with pytest.raises(UsageError, match="letters"):
            desk.take(name, [KEY])


PERSON = """
import sys
from rrm_tree.asking import Said
from rrm_tree.desk import Desk
desk, person = Desk(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
while held := desk.take(person, ["leaf@0123"], 2):
    for one in held:
        desk.answer(person, one.id, Said(float(one.item % 2)))
        print(one.item, flush=True)
"""


def start_person(url, name):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    one = subprocess.Popen([sys.executable, "-c", PERSON, url, name], **pipes)
    assert one.stdout.readline() == "ready\n"
    return one


def go(process):
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.mark.slow
def test_two_processes_answer_every_question_once_between_them(tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    put(Desk(url), 60)
    people = [start_person(url, name) for name in ("ann", "bob")]
    for process in people:
        go(process)
    said = [process.communicate()[0].split() for process in people]
    assert sorted(map(int, said[0] + said[1])) == list(range(60))
    given = Desk(url).use(KEY, 0)
    assert [one.item for one in given] == list(range(60))
    assert all(one.value == one.item % 2 for one in given)


@pytest.mark.slow
def test_a_process_killed_between_answers_loses_none_that_it_heard_were_kept(tmp_path):
    url, told = f"sqlite:///{tmp_path / 'ledger.sqlite'}", []
    clock = Clock()
    clock.now = time.time()
    put(Desk(url), 80)
    for stop_after in (3, 11, 20):
        process = start_person(url, "ann")
        go(process)
        told += [int(process.stdout.readline()) for _ in range(stop_after)]
        process.send_signal(signal.SIGKILL)
        told += [int(line) for line in process.communicate()[0].split("\n")[:-1] if line]
    kept = Desk(url).answers_for(KEY, 0)
    items = [one.item for one in kept]
    # One answer may have been kept whose line was not written any more; none is there twice.
    assert set(told) <= set(items) and len(items) == len(set(items)) and len(items) <= len(told) + 3
    process = start_person(url, "ann")
    go(process)
    process.communicate()
    assert [one.item for one in Desk(url).use(KEY, 0)] == list(range(80))


def test_what_is_kept_is_plain_numbers_and_short_text(desk):
    put(desk, 1)
    (one,) = desk.take("ann", [KEY])
    desk.answer("ann", one.id, Said(None, 1, 3, 4.5))
    (given,) = desk.answers_for(KEY, 0)
    assert json.loads(
        json.dumps([given.person, given.value, given.reason, given.confidence, given.seconds])
    ) == [
        "ann",
        None,
        3,
        1,
        4.5,
    ]
