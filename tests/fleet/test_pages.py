"""The dashboard of a run on a fleet: a real worker, a real RabbitMQ and a real PostgreSQL."""

import re

import pytest
from servers import wait_for
from starlette.testclient import TestClient

from rrm_tree.desk import Desk
from rrm_tree.machine import say_worker
from rrm_tree.web.app import build_app
from rrm_tree.web.guard import FORGERY_HEADER
from rrm_tree.web.serving import Place, open_office

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("fleet")]

PAIR = {"root": ["leaf"], "leaf": []}


@pytest.fixture
def visit(ledger_url):
    desk = Desk(ledger_url)
    opened = []

    def open_pages(fleet, run):
        place = Place("127.0.0.1", 8642)
        opened.append(open_office(fleet.store, desk, run, place))
        office = opened[-1]
        client = TestClient(build_app(office, place.hosts), base_url="http://127.0.0.1:8642")
        visitor = office.access.enter(office.access.open_door("root", "owner").token)
        client.cookies.set(office.access.cookie, office.access.seal(visitor))
        client.headers[FORGERY_HEADER] = office.access.forgery_token(visitor)
        return client

    yield open_pages
    for office in opened:
        office.table.gallery.close()
    desk.close()


def gauges(client):
    lines = [line.rpartition(" ") for line in client.get("/metrics").text.splitlines() if line[:1] != "#"]
    return {name.replace(re.search(r'run="[^"]*",?', name)[0], ""): float(value)
            for name, _, value in lines if 'run="' in name}  # fmt: skip


def table(client, name):
    """The cells of a table of the page, row by row."""
    page = client.get("/").text
    found = re.search(rf'aria-label="{name}".*?</table>', page, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", found[0] if found else "", re.DOTALL)[1:]
    cells = (re.findall(r"<t[hd].*?</t[hd]>", row) for row in rows)
    return [[re.sub(r"<[^>]*>", "", cell).strip() for cell in row] for row in cells]


def test_the_dashboard_and_metrics_say_who_trains_what_and_one_node_can_be_ended(make_fleet, visit):
    fleet = make_fleet()
    plan = fleet.plan(PAIR, {"leaf": {"task": {"use": "fake", "with": {"sleep": 4}}}})
    client = visit(fleet, plan.run)
    assert "There is no worker now." in client.get("/").text
    fleet.worker("--concurrency", "2")
    wait_for("a worker", 60, fleet.ledger.fleet)
    [worker] = fleet.ledger.fleet()
    name, queue = say_worker(worker.owner), fleet.queue
    scheduler = fleet.schedule(plan)
    fleet.wait_for_event(plan, "started", "leaf")
    wait_for("a fresh look", 10, lambda: table(client, "Workers") == [[name, queue, "2", "leaf"]])
    assert table(client, "Queues") == [[queue, "0", "1", "2"]]
    known = gauges(client)
    assert known["rrm_workers{}"] == known["rrm_scheduled{}"] == 1
    assert known[f'rrm_queue_slots{{queue="{queue}"}}'] == 2
    assert known[f'rrm_queue_nodes{{queue="{queue}",state="running"}}'] == 1
    assert known['rrm_nodes{state="running"}'] == 1
    assert f"leaf: started on {name}" in client.get("/").text
    # Ended from its line in the table, and tried again from there.
    assert 'id="cancel-0"' in client.get("/").text
    assert "rrm retry" in client.post("/run/cancel", data={"node": "leaf"}).text
    assert scheduler.wait(60) == 1, fleet.logs()
    assert fleet.fates(plan)["leaf"].reason.startswith("cancelled")
    wait_for("the end of the leaf", 10, lambda: 'id="retry-' in client.get("/").text)
    assert table(client, "Workers") == [[name, queue, "2", "nothing"]]
    assert "rrm run" in client.post("/run/retry", data={"node": "leaf"}).text
    assert fleet.train(plan)["root"].state == "trained", fleet.logs()
    wait_for("a run that is done", 10, lambda: gauges(client)['rrm_nodes{state="done"}'] == 2)
