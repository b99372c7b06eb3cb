"""Claims on PostgreSQL: one winner, the server's clock, events in order."""

import subprocess
import sys
import threading
import time

import psycopg
import pytest
from servers import a_database

from rrm_tree.errors import StoreError
from rrm_tree.fleet_ledger import FleetLedger, Worker
from rrm_tree.ledger import LEASE_SECONDS, Ledger, News

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("fleet")]

KEY, ALIVE = "leaf@0123", "elsewhere/1/0.0"

CLAIMANT = """
import sys
from rrm_tree.ledger import Ledger
sys.stdin.readline()
ledger = Ledger(sys.argv[1])
won = [key for key in range(30) if ledger.claim(f"n@{key}", "run", "n", f"host{sys.argv[2]}/1/0.0")]
print(*won)
"""


@pytest.fixture
def ledger(ledger_url):
    one = FleetLedger(ledger_url)
    yield one
    one.close()


def test_of_several_processes_exactly_one_makes_the_tables_and_wins_each_key(ledger_url):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", CLAIMANT, ledger_url]
    processes = [subprocess.Popen([*command, str(number)], **pipes) for number in range(3)]
    said = [process.communicate("go\n")[0] for process in processes]
    won = [key for line in said for key in line.split()]
    assert sorted(won, key=int) == [str(key) for key in range(30)]


def test_the_servers_clock_decides_whatever_machines_believe(ledger, ledger_url):
    assert ledger.claim(KEY, "run", "leaf", ALIVE) is not None
    for clock in (lambda: 0.0, lambda: 9e12):
        other = Ledger(ledger_url, clock=clock)
        assert other.claim(KEY, "run", "leaf", "other/1/0.0") is None
        assert LEASE_SECONDS - 5 < other.look(KEY).seconds_left <= LEASE_SECONDS
        other.close()


def test_a_ticket_that_nobody_queued_is_not_taken(ledger):
    assert ledger.take(KEY, "run", ALIVE) is None
    assert ledger.queue("run", {KEY: "leaf"}, "scheduler/1/0.0") == [KEY]
    taken = ledger.take(KEY, "run", ALIVE)
    assert taken.state == "claimed"
    assert ledger.take(KEY, "run", "other/1/0.0") is None


def test_what_is_queued_or_worked_on_is_not_queued_again(ledger):
    assert ledger.queue("run", {KEY: "leaf"}, "scheduler/1/0.0") == [KEY]
    assert ledger.queue("run", {KEY: "leaf"}, "scheduler/2/0.0") == []
    claim = ledger.take(KEY, "run", ALIVE)
    assert ledger.queue("run", {KEY: "leaf"}, "scheduler/2/0.0") == []
    ledger.release(KEY, claim.fence, "failed", "it said no")
    assert ledger.queue("run", {KEY: "leaf"}, "scheduler/2/0.0") == [KEY]


def test_what_a_run_has_settled_outlives_a_crash_of_the_server():
    with a_database() as database:
        # Nothing reaches the disk by itself while this lasts.
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
            connection.execute("ALTER SYSTEM SET wal_writer_flush_after = '1GB'")
        database.stop()
        database.start()
        ledger = FleetLedger(database.url, patience_seconds=30)
        for key, entry in ((KEY, "leaf"), ("other@0123", "other")):
            claim = ledger.claim(key, "run", entry, ALIVE)
            ledger.release(key, claim.fence, "done", news=News("done", {}))
            if entry == "leaf":
                ledger.settle("run", [key], {entry: News("done", {})})
        database.stop("immediate")
        database.start()
        found = ledger.claims_of([KEY, "other@0123"])
        assert {key: claim.state for key, claim in found.items()} == {KEY: "done"}
        assert [event.entry for event in ledger.events_after("run", 0)] == ["leaf"]
        ledger.close()


def test_news_of_a_change_is_told_if_the_change_happens(ledger):
    ledger.queue("run", {KEY: "leaf"}, ALIVE)
    claim = ledger.take(KEY, "run", ALIVE, News("started", {"stored": 0}))
    assert ledger.take(KEY, "run", "other/1/0.0", News("started", {"stored": 1})) is None
    ledger.confirm(KEY, claim.fence - 1, News("round", {"by": "old"}))
    assert not ledger.release(KEY, claim.fence - 1, "done", news=News("done", {"by": "old"}))
    assert ledger.release(KEY, claim.fence, "done", news=News("done", {}))
    told = [(one.entry, one.kind, one.data) for one in ledger.events_after("run", 0)]
    assert told == [("leaf", "started", {"stored": 0}), ("leaf", "done", {})]


def test_losses_are_counted_once_whoever_finds_them(ledger):
    ledger.queue("run", {KEY: "leaf"}, ALIVE)
    first = ledger.take(KEY, "run", ALIVE)
    assert ledger.lose(KEY, first.fence, "SIGKILL") == 1
    assert ledger.lose(KEY, first.fence, "SIGKILL") == 1
    assert ledger.send_again(ledger.look(KEY), ALIVE)
    second = ledger.take(KEY, "run", ALIVE)
    assert second.fence > first.fence
    assert second.attempts == 1
    ledger.confirm(KEY, second.fence)
    assert ledger.lose(KEY, second.fence) == 1


def test_a_beat_holds_the_lease_and_hears_that_it_was_cancelled(ledger):
    ledger.queue("run", {KEY: "leaf"}, ALIVE)
    claim = ledger.take(KEY, "run", ALIVE)
    beat = ledger.beat(claim)
    assert (beat.held, beat.cancelled) == (True, False)
    ledger.cancel("run", "leaf")
    assert ledger.beat(claim).cancelled
    ledger.uncancel("run", None)
    assert not ledger.beat(claim).cancelled
    ledger.release(KEY, claim.fence, "done")
    assert not ledger.beat(claim).held


def test_workers_are_known_while_their_leases_last(ledger):
    worker = Worker("host/1/0.0", ("train.cpu",), 4, 8, 0, 10**10)
    ledger.join(worker)
    ledger.join(worker)
    assert ledger.fleet() == [worker]
    ledger.leave(worker.owner)
    assert ledger.fleet() == []


def test_who_reads_events_as_they_come_misses_none(ledger, ledger_url):
    def write(number):
        own = Ledger(ledger_url)
        for _ in range(25):
            own.tell(f"run/seed-{number}", "leaf", "phase", {})
        own.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    seen, last = [], 0
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers) or len(seen) < 100:
        found = ledger.events_of([f"run/seed-{number}" for number in range(4)], last)
        seen += [event.id for event in found]
        last = seen[-1] if seen else 0
    assert len(seen) == len(set(seen)) == 100


def test_a_wrong_address_is_said_at_once_and_without_its_password(ledger_url):
    wrong = ledger_url.replace("postgres@", "postgres:secret@").rsplit("/", 1)[0] + "/nothing"
    began = time.monotonic()
    with pytest.raises(StoreError, match="does not exist") as caught:
        Ledger(wrong, patience_seconds=60.0)
    assert time.monotonic() - began < 30
    assert "secret" not in str(caught.value)


def test_a_restart_of_the_server_is_waited_for(ledger, ledger_url, database):
    patient = Ledger(ledger_url, patience_seconds=60.0)
    claim = patient.claim(KEY, "run", "leaf", ALIVE)
    database.stop()
    waiting = threading.Thread(target=patient.tell, args=("run", "leaf", "phase", {}))
    waiting.start()
    with pytest.raises(StoreError, match="cannot be used"):
        ledger.look(KEY)
    database.start()
    waiting.join(60)
    assert len(patient.events_after("run", 0)) == 1
    assert patient.holds(KEY, claim.fence)
    patient.close()
