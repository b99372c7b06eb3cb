"""The desk on PostgreSQL: the same verbs, one after the other, by the server's clock."""

import threading

import pytest

from rrm_tree.asking import Batch, Question, Said
from rrm_tree.desk import Desk

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("fleet")]

KEY = "leaf@0123"


def test_several_people_at_once_answer_every_question_as_often_as_it_wants(ledger_url):
    first = Desk(ledger_url)
    batch = Batch(KEY, 0, "run", "leaf", "preference", 2, quota=30, gold=0.1)
    assert first.put(batch, [Question(item, -item, 2, 1.0 if item == 3 else None) for item in range(40)])
    assert not first.put(batch, [Question(0, 0)])

    def work(name):
        desk = Desk(ledger_url)
        while held := desk.take(name, [KEY], 3):
            for one in held:
                assert desk.answer(name, one.id, Said(one.turn(1.0), seconds=1.0)) == "given"
        desk.close()

    threads = [threading.Thread(target=work, args=(f"person {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not first.waiting([KEY])
    people = first.people([KEY])
    assert sum(one.given for one in people) >= 80 and all(one.given <= 30 for one in people)
    used = first.use(KEY, 0)
    assert [one.item for one in used] == [item for item in range(40) for _ in range(2)]
    pairs = zip(used[::2], used[1::2], strict=True)
    assert all(one.person != other.person for one, other in pairs)
    assert first.undo("person 0", [KEY]) is None and first.use(KEY, 0) == used
    assert first.answer(used[0].person, used[0].question, Said(0.5)) == "amended"
    first.close()
