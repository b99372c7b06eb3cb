"""Claims: one winner, leases that end, fences that refuse."""

import subprocess
import sys

import pytest

from rrm_tree.errors import StoreError
from rrm_tree.ledger import LEASE_SECONDS, Ledger, News
from rrm_tree.machine import is_gone, this_owner

KEY = "leaf@0123"


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(tmp_path, clock):
    return Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", clock=clock)


def claim(ledger, owner="elsewhere/1/0.0"):
    return ledger.claim(KEY, "run", "leaf", owner)


CLAIMANT = """
import sys
from rrm_tree.ledger import Ledger
from rrm_tree.machine import this_owner
sys.stdin.readline()
ledger = Ledger(sys.argv[1])
won = [key for key in range(30) if ledger.claim(f"n@{key}", "run", "n", this_owner())]
print(*won)
sys.stdout.flush()
sys.stdin.readline()
"""


@pytest.mark.slow
def test_of_several_processes_exactly_one_wins_each_key(tmp_path):
    command = [sys.executable, "-c", CLAIMANT, f"sqlite:///{tmp_path / 'ledger.sqlite'}"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(4)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    won = [key for process in processes for key in process.stdout.readline().split()]
    for process in processes:
        process.communicate("end\n")
    assert sorted(won, key=int) == [str(key) for key in range(30)]


def test_a_live_lease_keeps_others_out_until_it_ends(ledger, clock):
    first = claim(ledger)
    clock.now = LEASE_SECONDS - 1
    assert claim(ledger) is None
    clock.now = LEASE_SECONDS + 1
    second = claim(ledger)
    assert first.fence < second.fence


def test_a_renewed_lease_lasts(ledger, clock):
    held = claim(ledger)
    clock.now = 20.0
    ledger.renew(held.owner)
    clock.now = LEASE_SECONDS + 1
    assert claim(ledger) is None


def test_a_dead_owner_on_this_machine_loses_its_lease_at_once(ledger):
    child = subprocess.run(
        [sys.executable, "-c", "from rrm_tree.machine import *; print(this_owner())"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert is_gone(child.stdout.strip())
    assert not is_gone(this_owner())
    lost = claim(ledger, owner=child.stdout.strip())
    assert claim(ledger).fence > lost.fence


def test_an_old_fence_holds_and_releases_nothing(ledger, clock):
    old = claim(ledger)
    clock.now = LEASE_SECONDS + 1
    new = claim(ledger)
    assert not ledger.holds(KEY, old.fence)
    assert not ledger.release(KEY, old.fence, "done")
    assert ledger.holds(KEY, new.fence)


def test_news_of_a_change_is_told_if_the_change_happens(ledger, clock):
    old = claim(ledger)
    clock.now = LEASE_SECONDS + 1
    new = claim(ledger)
    assert not ledger.release(KEY, old.fence, "done", news=News("done", {"by": "old"}))
    ledger.confirm(KEY, old.fence, News("round", {"by": "old"}))
    assert ledger.events_after("run", 0) == []
    ledger.confirm(KEY, new.fence, News("round", {"by": "new"}))
    assert ledger.release(KEY, new.fence, "done", news=News("done", {"by": "new"}))
    told = [(one.entry, one.kind, one.data) for one in ledger.events_after("run", 0)]
    assert told == [("leaf", "round", {"by": "new"}), ("leaf", "done", {"by": "new"})]


def test_losses_in_a_row_are_counted_until_a_round_is_stored(ledger):
    first = claim(ledger)
    assert ledger.lose(KEY, first.fence) == 1
    second = claim(ledger)
    assert ledger.lose(KEY, second.fence) == 2
    third = claim(ledger)
    ledger.confirm(KEY, third.fence)
    assert ledger.lose(KEY, third.fence) == 1


def test_events_come_in_order_and_only_those_of_the_run(ledger, clock):
    for number in range(3):
        clock.now = float(number)
        ledger.tell("run", "leaf", "phase", {"text": f"{number}"})
    ledger.tell("other", "leaf", "phase", {})
    first, *rest = ledger.events_after("run", 0)
    assert [event.data["text"] for event in ledger.events_after("run", first.id)] == ["1", "2"]
    assert [event.at for event in rest] == [1.0, 2.0]


def test_who_schedules_a_run_is_known_while_alive(ledger):
    assert ledger.begin_run("run", "elsewhere/1/0.0") is None
    assert ledger.begin_run("run", "elsewhere/2/0.0") == "elsewhere/1/0.0"
    assert ledger.live_runs() == ["run"]
    ledger.end_run("run", "elsewhere/1/0.0")
    assert ledger.live_runs() == []


def test_a_ledger_that_is_no_database_says_so(tmp_path):
    (tmp_path / "ledger.sqlite").write_text("a shopping list, long enough not to be empty" * 20)
    with pytest.raises(StoreError, match="may also be deleted"):
        Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
