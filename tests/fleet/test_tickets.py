"""Messages that are no tickets can do nothing."""

import json

import pytest
from fleets import family_of
from hypothesis import assume, given
from hypothesis import strategies as some
from kombu import Connection, Producer
from servers import wait_for
from small_trees import learned, open_store, train

from workers.app import EXCHANGE, make_app
from workers.settings import FleetSettings
from workers.tickets import EMPTY_HEADERS, TASK, Ticket, make_ticket, read_ticket

RUN, KEY = "small-0123abcd", "leaf@0123456789abcdef"
BODY = [[RUN, KEY], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
HEADERS = {"task": TASK, "id": "1", "timelimit": [None, None], "retries": 0}
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=9),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


def read(headers=HEADERS, body=BODY, content_type="application/json"):
    return read_ticket(content_type, headers, json.dumps(body))


def test_a_ticket_as_celery_writes_it_is_read():
    message = make_app(FleetSettings()).amqp.as_task_v2("1", TASK, [RUN, KEY], {}, ignore_result=True)
    assert read(message.headers, message.body) == Ticket(RUN, KEY)


@given(some.sampled_from(EMPTY_HEADERS), JSON.filter(lambda one: one not in (None, 0, [], {})))
def test_a_header_that_would_make_celery_do_something_is_refused(name, value):
    # No time limits are what Celery writes of its own accord.
    assume(value != HEADERS.get(name))
    assert read() is not None
    assert read({**HEADERS, name: value}) is None


@given(JSON)
def test_any_other_body_is_refused(body):
    assert read(body=body) is None


@given(some.integers(0, 2), JSON)
def test_a_body_with_one_part_replaced_is_refused(place, part):
    body = list(BODY)
    body[place] = part
    if body != BODY:
        assert read(body=body) is None


@given(some.binary(max_size=200))
def test_bytes_that_are_no_json_are_refused(data):
    assert read_ticket("application/json", HEADERS, data) is None


@pytest.mark.parametrize("kind", ["application/x-python-serialize", "application/x-yaml", None, "text/plain"])
def test_other_content_types_are_refused(kind):
    assert read(content_type=kind) is None


@pytest.mark.parametrize("run", ["../../etc", "a/../b", "/etc/passwd", "", "a/seed-x", "a\nb", "a" * 300])
def test_names_that_lead_elsewhere_are_no_runs(run):
    assert make_ticket(run, KEY) is None
    assert make_ticket(f"{RUN}/seed-3", KEY) == Ticket(f"{RUN}/seed-3", KEY)


@given(some.text(max_size=60))
def test_a_key_is_an_entry_and_a_fingerprint(text):
    ticket = make_ticket(RUN, text)
    assert ticket is None or (ticket.entry and "/" not in text and ".." not in text)


def publish(fleet, body, headers=HEADERS, times=1, **properties):
    properties = {"content_type": "application/json", "content_encoding": "utf-8", **properties}
    with Connection(fleet.environment["RRM_BROKER"]) as connection, connection.channel() as channel:
        for _ in range(times):
            Producer(channel, EXCHANGE, fleet.queue, auto_declare=False).publish(
                body if isinstance(body, bytes | str) else json.dumps(body), headers=headers, **properties
            )


def dead_letters(broker):
    return broker.depth("rrm.dead")


@pytest.mark.slow
@pytest.mark.xdist_group("fleet")
def test_forged_messages_reach_the_dead_letters_and_the_run_is_as_without_them(fleet, broker, tmp_path):
    plan = fleet.plan({"root": ["leaf"], "leaf": []})
    worker = fleet.worker("--concurrency", "1")
    fleet.train(plan)
    before, events = learned(fleet.store.address), len(fleet.events(plan))
    key = fleet.store.referred(plan.run)["leaf"]
    dead = dead_letters(broker)
    real = [[plan.run, key], {}, BODY[2]]
    forged = [
        ("{", HEADERS, {}),
        ([], HEADERS, {}),
        (real, {**HEADERS, "task": "celery.backend_cleanup"}, {}),
        (real, {**HEADERS, "compression": "application/x-gzip"}, {}),
        (real, {**HEADERS, "timelimit": [0.1, 0.1]}, {}),
        ([[plan.run, key], {}, {**BODY[2], "callbacks": [{"task": TASK, "args": []}]}], HEADERS, {}),
        (b"\x80\x04K\x01.", HEADERS, {"content_type": "application/x-python-serialize"}),
        ([["no-such-run", key], {}, BODY[2]], HEADERS, {}),
        ([[plan.run, "leaf@ffffffffffffffff"], {}, BODY[2]], HEADERS, {}),
        ([[plan.run, "other" + key[4:]], {}, BODY[2]], HEADERS, {}),
    ]
    for body, headers, properties in forged:
        publish(fleet, body, headers, **properties)
    wait_for("the dead letters", 60, lambda: dead_letters(broker) >= dead + len(forged))
    # Real tickets of what is done, many times over: dropped.
    publish(fleet, real, times=20)
    wait_for("an empty queue", 60, lambda: broker.depth(fleet.queue) == 0)
    # The same, asked for by a scheduler that does not know it yet.
    assert fleet.ledger.queue(plan.run, {key: "leaf"}, "scheduler/1/0.0") == [key]
    publish(fleet, real)
    wait_for("its end", 60, lambda: fleet.ledger.look(key).state == "done")
    assert worker.poll() is None
    assert len(family_of(worker)[0]) == 1
    assert learned(fleet.store.address) == before
    assert len(fleet.events(plan)) == events
    train(tmp_path / "inline", plan)
    assert before == learned(tmp_path / "inline")


@pytest.mark.slow
@pytest.mark.xdist_group("fleet")
def test_tickets_that_come_twice_out_of_order_or_before_their_time_train_each_node_once(make_fleet, tmp_path):
    # Leases of the usual length: on a loaded machine short ones end while their owners live.
    fleet = make_fleet()
    sleepy = {name: {"task": {"use": "fake", "with": {"sleep": 0.2}}} for name in ("root", "leaf")}
    plan = fleet.plan({"root": ["leaf"], "leaf": []}, sleepy)
    train(tmp_path / "inline", plan)
    keys = open_store(tmp_path / "inline").referred(plan.run)
    fleet.worker("--concurrency", "2")
    wait_for("a worker", 60, fleet.ledger.fleet)
    # Nobody has asked for them yet: each names a key that the store does not know.
    for entry in ("root", "leaf"):
        publish(fleet, [[plan.run, keys[entry]], {}, BODY[2]], times=3)
    scheduler = fleet.schedule(plan)
    fleet.wait_for_event(plan, "started", "leaf")
    for entry in ("root", "leaf", "leaf"):
        publish(fleet, [[plan.run, keys[entry]], {}, BODY[2]], times=3)
    assert scheduler.wait(90) == 0, fleet.logs()
    said = fleet.events(plan, "started", "lost", "stopped", "done", "round")
    started = [event.entry for event in said if event.kind == "started"]
    assert started == ["leaf", "root"], [(event.kind, event.entry, event.at, event.data) for event in said]
    assert learned(fleet.store.address) == learned(tmp_path / "inline")
