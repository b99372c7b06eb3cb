"""What whoever runs a tree sees of it and asks of it, without a browser."""

import re

import pytest
from starlette.testclient import TestClient

from rrm_tree.asking import Demand, Pace, Progress
from rrm_tree.boards import Board
from rrm_tree.machine import say_worker, this_owner
from rrm_tree.web.guard import FORGERY_FIELD, FORGERY_HEADER
from rrm_tree.web.overview import say_left
from rrm_tree.web.views import list_rows


@pytest.fixture
def owner(site):
    return site.client("root", "owner")


def form_of(page):
    """What a browser without scripts would send."""
    action = re.search(r'<form method="post" action="([^"]+)"', page.text)[1]
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    return action, fields


ENDING = "Somebody has asked that the run end."


def without_scripts(client):
    del client.headers[FORGERY_HEADER]
    client.headers["accept"] = "text/html"
    return client


def test_a_wish_is_asked_for_and_made_without_scripts(site, owner):
    browser = without_scripts(owner)
    asked = browser.get("/run/cancel")
    assert "End the run?" in asked.text and f"rrm cancel {site.run}" in asked.text
    assert site.desk.cancelled(site.run) == frozenset()
    action, fields = form_of(asked)
    assert ENDING not in browser.get("/").text
    said = browser.post(action, data=fields)
    assert said.status_code == 200 and "rrm retry" in said.text
    assert site.desk.cancelled(site.run) == {""}
    # At once, however lately the page was made.
    assert ENDING in browser.get("/").text
    action, fields = form_of(browser.get("/run/retry"))
    assert browser.post(action, data=fields).status_code == 200
    assert site.desk.cancelled(site.run) == frozenset()
    assert ENDING not in browser.get("/").text


@pytest.mark.parametrize("field", [{}, {FORGERY_FIELD: ""}, {FORGERY_FIELD: "0" * 64}])
def test_a_form_without_the_sessions_token_changes_nothing(site, owner, field):
    browser = without_scripts(owner)
    assert browser.post("/run/cancel", data={"node": "", **field}).status_code == 403
    other = site.client("other", "owner").headers[FORGERY_HEADER]
    assert browser.post("/run/cancel", data={FORGERY_FIELD: other}).status_code == 403
    assert site.desk.cancelled(site.run) == frozenset()


def test_a_form_that_is_too_large_or_has_too_many_fields_is_refused(owner):
    browser = without_scripts(owner)
    good = {FORGERY_FIELD: form_of(browser.get("/run/retry"))[1][FORGERY_FIELD]}
    many = {**good, **{f"field{number}": "" for number in range(40)}}
    assert browser.post("/run/cancel", data=many).status_code == 403

    def chunks():
        yield from (b"node=" + b"x" * 60_000 for _ in range(3))

    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert browser.post("/run/cancel", content=chunks(), headers=kind).status_code == 413


@pytest.mark.parametrize("wish", ["cancel", "retry"])
def test_a_node_that_there_is_none_of_is_refused_in_words(owner, wish):
    assert "no node" in owner.get(f"/run/{wish}?node=nobody").json()["detail"]
    assert owner.post(f"/run/{wish}", data={"node": "nobody"}).status_code == 404
    assert owner.get("/run/delete").status_code == 422


@pytest.mark.slow
def test_each_seed_has_a_tree_of_its_own_beside_that_of_all(tmp_path, visit, train_people):
    code, said = train_people(tmp_path / "store", "--seeds", "2", "--set", "nodes.bit.budget.judgments=300")
    assert code == 4, said
    site = visit(tmp_path / "store")
    owner = site.client("root", "owner")
    every, one = owner.get("/").text, owner.get("/?seed=4").text
    for page in (every, one):
        assert 'href="/?seed=3"' in page and 'href="/?seed=4"' in page
    assert "done in 0 of 2 seeds" in every and "24 of 24 questions" in every
    assert "The tree of seed 4." in one and "12 of 12 questions" in one
    assert "verdict</bdi>, seed 3" in every and 'sse-connect="/live?seed=4"' in one
    assert "seeds 3 and 4" in owner.get("/report").text
    [link] = re.findall(r'href="(seed-4/[^"]*)"', owner.get("/report").text)
    assert (
        f"{site.run}/seed-4" in owner.get(f"/{link}").text
        and owner.get("/seed-5/report.html").status_code == 404
    )
    assert site.client("ann").get(f"/{link}").status_code == 403
    assert owner.get("/?seed=5").status_code == owner.get("/live?seed=5").status_code == 404
    [event] = [one for one in site.desk.events_after(f"{site.run}/seed-3", 0) if one.kind == "parked"]
    assert f"rrm ui {site.run}," in event.data["text"]
    owner_here = this_owner()
    site.desk.begin_run(site.run, owner_here)
    part = visit(tmp_path / "store", f"{site.run}/seed-4").client("root", "owner").get("/").text
    assert "12 of 12 questions" in part and "?seed=" not in part
    assert f"{say_worker(owner_here)}</bdi> schedules the run" in part


def wishes(site, states, cancelled=(), *, one_by_one=True):
    """What can be wished of each node, in boards of these states."""
    boards = {}
    for number, each in enumerate(states):
        board = boards[f"run/seed-{number}"] = Board(site.office.table.plan)
        for line, state in zip(board.lines.values(), each, strict=True):
            line.state = state
    board = next(iter(boards.values()))
    rows = list_rows(board, boards, cancelled, (), one_by_one=one_by_one)
    return {row.entry: row.wishes for row in rows}


def test_what_can_be_wished_of_a_node_depends_on_how_far_it_is_in_any_seed(site):
    assert wishes(site, [("done", "parked")]) == {"bit": (), "verdict": ("cancel",)}
    assert wishes(site, [("done", "parked")], one_by_one=False) == {"bit": (), "verdict": ()}
    assert wishes(site, [("failed", "blocked")]) == {"bit": ("retry",), "verdict": ()}
    both = wishes(site, [("done", "done"), ("failed", "running")])
    assert both == {"bit": ("retry",), "verdict": ("cancel",)}
    assert wishes(site, [("done", "running")], ["verdict"])["verdict"] == ("retry",)


def test_one_node_alone_cannot_be_ended_without_a_fleet(site, owner):
    assert 'id="cancel-' not in owner.get("/").text
    assert "on a fleet only" in owner.post("/run/cancel", data={"node": "verdict"}).json()["detail"]


def progress(entry, kind, wanted, given):
    return Progress(f"{entry}@1", "run", entry, 0, kind, wanted, wanted - given, wanted, given, 0, 0.0)


def test_the_time_that_is_left_goes_by_the_pace_of_each_node():
    quick, slow = progress("quick", "label", 10, 4), progress("slow", "label", 10, 0)
    new = progress("new", "preference", 2, 0)
    paces = (Pace("quick", "label", 4, 2.0), Pace("slow", "label", 4, 30.0))
    demand = Demand((quick, slow, new), (), paces)
    each = [demand.seconds_left(one) for one in demand.questions]
    # Nobody has compared anything yet: as long as all other answers took.
    assert each == [6 * 2.0, 10 * 30.0, 2 * 16.0] and demand.all_seconds_left == sum(each)
    assert Demand((quick,), (), ()).all_seconds_left is None


def test_a_time_that_is_left_is_said_roughly():
    said = [say_left(seconds) for seconds in (None, 10, 70, 200, 3 * 3600)]
    assert said == ["", "less than a minute", "about a minute", "about 3 minutes", "about 3 hours"]


def test_an_event_says_what_was_so_when_it_happened(site, owner):
    about = {"of": 2, "distilled": [70.0, 100], "steps_per_second": None, "seconds": 3.0}
    site.desk.tell(site.run, "bit", "round", {"index": 0, **about})
    site.desk.tell(site.run, "bit", "round", {"index": 1, **about, "distilled": [90.0, 100]})
    page = owner.get("/").text
    assert "round 1/2 in 3 s, distilled .70" in page and "round 2/2 in 3 s, distilled .90" in page


def test_whoever_follows_a_link_gets_a_page_and_a_script_gets_json(site):
    stranger = TestClient(site.app, base_url="http://127.0.0.1:8642", follow_redirects=False)
    page = stranger.get("/", headers={"accept": "text/html,*/*"})
    assert page.status_code == 401 and "text/html" in page.headers["content-type"]
    assert "open the link" in page.text.lower() and "<script" not in page.text
    assert stranger.get("/").json()["detail"].startswith("open the link")
    spoilt = stranger.get("/enter/spoilt", headers={"accept": "text/html"})
    assert spoilt.status_code == 403 and "not good any more" in spoilt.text


def test_a_link_that_has_done_its_work_still_works_in_the_browser_that_it_let_in(site):
    door = site.office.access.open_door("root", "owner", once=True)
    first, second = (
        TestClient(site.app, base_url="http://127.0.0.1:8642", follow_redirects=False) for _ in range(2)
    )
    assert [first.get(f"/enter/{door.token}").status_code for _ in range(2)] == [303, 303]
    assert second.get(f"/enter/{door.token}").status_code == 403
    assert site.client("ann").get(f"/enter/{door.token}").status_code == 403


def test_whoever_opens_a_link_again_need_not_load_the_tabs_again_that_are_open(site):
    ann = site.client("ann")
    assert ann.get(f"/enter/{site.office.access.open_door('ann').token}").status_code == 303
    assert ann.post("/api/undo", json={}).status_code == 200
