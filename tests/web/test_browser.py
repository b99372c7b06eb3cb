"""The label page and the dashboard in a real browser, with a server that is a process of its own."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from browsing import SHOWN, Server, fetched_ahead, press, reads, saved, shown, until

from rrm_tree.desk import Desk
from rrm_tree.states import load_pending
from rrm_tree.store import Store
from rrm_tree.team import Team

pytestmark = pytest.mark.slow


class Known:
    """What a store and its ledger hold of people's answers."""

    def __init__(self, folder):
        self.store = Store(str(folder))
        self.desk = Desk(f"sqlite:///{folder / 'ledger.sqlite'}")
        self.run = self.store.runs()[-1]
        self.plan = self.store.plan(self.run)

    @property
    def key(self):
        return self.store.referred(self.run)["verdict"]

    @property
    def given(self):
        return self.desk.answers_for(self.key, 0)

    def right(self, person, question):
        """What is true of a question."""
        asked = self.desk.look_at(person, question)
        judged = load_pending(self.store, asked.key, asked.batch)
        rows = judged.items.alternatives[asked.item]
        task = Team(self.plan.tree, {}).task("verdict")
        return bool(task.truth(judged.outcomes.take(np.asarray(rows)))[0, 0])


@pytest.fixture
def known(folder):
    return Known(folder)


def test_a_person_labels_a_whole_tree_to_a_finished_report(browser, tmp_path):
    spec = Path(__file__).with_name("people.yaml")

    folder = tmp_path / "store"
    more = ["--set", "nodes.verdict.budget.judgments=60", "--workers", "1"]
    run = subprocess.Popen(
        [sys.executable, "-m", "rrm_tree", "run", str(spec), "--store", str(folder), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    for line in run.stdout:
        if "waits for people" in line:
            break
    server = Server(folder)
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(server.links["ann"])
    known, answered = Known(folder), 0
    now = shown(page)
    while now is not None:
        page.keyboard.press("3")
        page.keyboard.press("ArrowRight" if known.right("ann", now) else "ArrowLeft")
        answered += 1
        now = shown(page, now)
    saved(page)
    said = run.stdout.read()
    run.stdout.close()
    reads(page, "#far", "all answered")
    server.kill()
    assert run.wait(timeout=120) == 0, said
    context.close()
    assert answered == 60
    assert {one.person for one in known.given} == {"ann"}
    report = json.loads((folder / "runs" / known.run / "report.json").read_text())
    [root] = [one for one in report["result"]["nodes"] if one["name"] == "verdict"]
    assert root["rounds"][0]["facts"]["judgments"] == 60
    assert root["rounds"][0]["facts"]["cannot_tell"] == 0


def test_two_people_at_once_answer_everything_once(open_page, known):
    pages = [open_page("ann"), open_page("bob")]
    going_on = list(pages)
    while going_on:
        for page in list(going_on):
            if shown(page) is None or press(page, "ArrowRight") is None:
                going_on.remove(page)
    for page in pages:
        saved(page)
    questions = [one.question for one in known.given]
    assert len(questions) == len(set(questions)) == 12
    assert {one.person for one in known.given} == {"ann", "bob"}
    assert open_page.said == []


def test_a_server_killed_between_two_keys_loses_nothing_and_doubles_nothing(open_page, server, known):
    page = open_page("ann")
    pressed = []
    for key in ("ArrowRight", "ArrowLeft", "ArrowRight", "ArrowLeft"):
        if len(pressed) == 1:
            saved(page)
            fetched_ahead(page)
            server.kill()
        pressed.append((shown(page), float(key == "ArrowRight")))
        page.keyboard.press(key)
    reads(page, "#saved", "kept here")
    assert [(one.question, one.value) for one in known.given] == pressed[:1]
    server.start()
    saved(page)
    assert sorted((one.question, one.value) for one in known.given) == sorted(pressed)


def test_a_crashed_browser_sends_what_it_kept_when_it_is_opened_again(open_page, server, known):
    page = open_page("ann")
    first = shown(page)
    fetched_ahead(page)
    server.kill()
    page.keyboard.press("ArrowRight")
    page.close(run_before_unload=False)
    server.start()
    again = open_page("ann", context=page.context)
    assert shown(again) != first
    saved(again)
    assert [(one.question, one.value) for one in known.given] == [(first, 1.0)]


def test_two_tabs_and_a_reload_show_nothing_twice(open_page, known):
    page = open_page("ann")
    other = open_page("ann", context=page.context)
    first = shown(page)
    assert shown(other) == first
    second = press(page, "ArrowRight")
    assert shown(other, first) == second
    saved(page)
    page.reload()
    assert shown(page) == second
    press(other, "ArrowLeft")
    saved(other)
    assert {one.question: one.value for one in known.given} == {first: 1.0, second: 0.0}


def test_undo_as_often_as_wished_and_another_answer(open_page, known):
    page = open_page("ann")
    asked = [shown(page)]
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        asked.append(press(page, key))
    for back in (2, 1, 0):
        page.keyboard.press("u")
        until(page, f"{SHOWN} === '{asked[back]}'")
        assert page.locator("#answers .before").count() == 1
    press(page, "ArrowLeft")
    saved(page)
    assert [(one.question, one.value) for one in known.given] == [(asked[0], 0.0)]


def test_later_goes_round_all_questions_and_not_only_those_in_the_page(open_page):
    page = open_page("ann")
    seen = [shown(page)]
    while len(seen) < 13:
        fetched_ahead(page)
        seen.append(press(page, "s"))
    assert len(set(seen)) == 12 and seen[12] == seen[0]
    assert open_page.said == []


def test_what_another_tab_has_taken_back_is_asked_again_in_this_one(open_page, known):
    page = open_page("ann")
    first = shown(page)
    press(page, "ArrowRight")
    saved(page)
    other = open_page("ann", context=page.context)
    shown(other)
    other.keyboard.press("u")
    until(other, f"{SHOWN} === '{first}'")
    other.close()
    while press(page, "ArrowLeft") is not None:
        pass
    saved(page)
    given = {one.question: one.value for one in known.given}
    assert len(given) == len(known.given) == 12 and given[first] == 0.0


@pytest.mark.parametrize("server", ["ann lee,ann"], indirect=True)
def test_two_people_at_one_browser_send_each_their_own_answers(browser, server, known):
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.links["ann lee"])
    first = shown(page)
    fetched_ahead(page)
    server.kill()
    page.keyboard.press("ArrowRight")
    reads(page, "#saved", "kept here")
    server.start()
    page.goto(server.links["ann"])
    shown(page)
    saved(page)
    stale = context.new_page()
    stale.goto(server.address + "/label")
    shown(stale)
    assert known.given == ()
    page.goto(server.links["ann lee"])
    shown(page)
    saved(page)
    assert [(one.person, one.question, one.value) for one in known.given] == [("ann lee", first, 1.0)]
    # The other's page is still open: what it shows is not what this one is asked.
    stale.keyboard.press("ArrowLeft")
    reads(stale, "#notice", "load it again")
    assert len(known.given) == 1
    context.close()


def test_cannot_tell_later_and_how_sure_by_keys_alone(open_page, known):
    page = open_page("ann")
    first = shown(page)
    fetched_ahead(page)
    put_off = press(page, "s")
    assert put_off != first
    page.keyboard.press("n")
    assert page.locator("#reasons").is_visible()
    press(page, "2")
    page.keyboard.press("2")
    press(page, "ArrowRight")
    saved(page)
    told, sure = sorted(known.given, key=lambda one: one.value is not None)
    assert (told.value, told.reason) == (None, 2)
    assert (sure.value, sure.confidence) == (1.0, 2)
    assert first not in {told.question, sure.question}


LOADED = """count => {
    const fetched = performance.getEntriesByType("resource");
    return fetched.filter((one) => one.name.includes("/shown/")).length > count;
}"""
"""Whether more than so many pictures have come."""
SWAP = """async () => {
    const before = document.documentElement.dataset.question;
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    const seen = [...document.querySelectorAll("#panes img")];
    return {
        swapped: document.documentElement.dataset.question !== before,
        drawn: seen.length > 0 && seen.every((one) => one.complete && one.naturalWidth > 0),
        sources: seen.map((one) => one.src),
    };
}"""
"""A key, and two frames later."""


def test_the_next_picture_stands_there_two_frames_after_a_key_and_is_fetched_before_it(open_page):
    page, fetched = open_page("ann"), []
    page.on("request", lambda request: fetched.append(request.url))
    shown(page)
    page.reload()
    for answered in range(8):
        shown(page)
        until(page, LOADED, answered + 1)
        before = list(fetched)
        swap = page.evaluate(SWAP)
        assert swap["swapped"] and swap["drawn"]
        assert all(source in before for source in swap["sources"])
    assert open_page.said == []


def test_what_was_learned_from_takes_an_amendment(open_page, known):
    page = open_page("ann")
    first = shown(page)
    press(page, "ArrowRight")
    saved(page)
    for one in known.desk.take("carol", [known.key], 20):
        known.desk.answer("carol", one.id, said(0.0))
    for one in known.desk.take("ann", [known.key], 20):
        known.desk.answer("ann", one.id, said(0.0))
    assert known.desk.use(known.key, 0) is not None
    page.keyboard.press("u")
    until(page, f"{SHOWN} === '{first}'")
    page.keyboard.press("ArrowLeft")
    reads(page, "#notice", "amendment")
    saved(page)
    [mine] = [one for one in known.given if one.question == first]
    assert (mine.value, mine.amended.value) == (1.0, 0.0)


def said(value):
    from rrm_tree.asking import Said

    return Said(value)


def test_evidence_opens_in_the_page(open_page):
    page = open_page("ann")
    shown(page)
    fetched_ahead(page)
    while not page.locator("#advice details").count():
        press(page, "s")
    page.locator("#advice details summary").first.click()
    until(
        page,
        "[...document.querySelectorAll('.evidence img')].filter(one => one.naturalWidth > 0).length === 3",
        seconds=180,  # the first click loads torch
    )
    assert open_page.said == []


def test_a_picture_is_zoomed_into_and_out_of_by_key_and_by_click(open_page):
    page = open_page("ann")
    shown(page)
    picture, zoomed = page.locator("#panes .see").first, "!!document.querySelector('#panes.zoomed')"
    before = picture.bounding_box()["width"]
    page.keyboard.press("z")
    until(page, zoomed)
    assert picture.bounding_box()["width"] > before
    page.keyboard.press("Escape")
    until(page, f"!{zoomed}")
    picture.click()
    until(page, zoomed)
    assert open_page.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_the_pages_fit_stand_out_and_break_no_rule(open_page, width, scheme):
    page = open_page("dashboard", width=width, scheme=scheme)
    shown(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    until(
        page,
        "[...document.querySelectorAll('#panes img')].every(one => one.naturalWidth > 0 && one.alt)",
    )
    assert re.search(r"Is the claim", page.locator("#said").inner_text())
    page.goto(page.url.replace("/label", "/"))
    reads(page, "#link", "live")
    page.wait_for_selector("#plot canvas")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("svg.tree text").count() > 4
    colours = page.evaluate("['color', 'backgroundColor'].map(one => getComputedStyle(document.body)[one])")
    assert colours[0] != colours[1]
    assert open_page.said == []


def test_the_dashboard_follows_answers_and_asks_before_it_ends_a_run(open_page, known):
    page = open_page("dashboard", path="/")
    ann = open_page("ann")
    press(ann, "ArrowRight")
    reads(page, "#part-people", "1 of 12")
    # By keys alone: asked, thought better of, asked again, meant.
    end = page.get_by_role("button", name="End the run")
    end.focus()
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#wish').open")
    reads(page, "#wish-body", "End the run?")
    assert page.evaluate("document.activeElement.textContent") == "Go back"
    page.keyboard.press("Enter")
    until(page, "!document.querySelector('#wish').open")
    assert known.desk.cancelled(known.run) == frozenset()
    assert page.evaluate("document.activeElement.textContent") == "End the run"
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#wish').open")
    page.get_by_role("button", name="Yes, end it").focus()
    page.keyboard.press("Enter")
    reads(page, "#wish-body", "rrm retry")
    assert known.desk.cancelled(known.run) == {""}
    page.keyboard.press("Escape")
    reads(page, "#part-machines", "asked that the run end")
    reads(page, "#part-people", "for one person")
    assert open_page.said == []
    page.goto(page.url + "report")
    assert "people" in page.title()


def test_a_button_in_the_table_keeps_the_focus_while_the_table_is_replaced(open_page, known):
    known.desk.cancel(known.run, "verdict")
    page = open_page("dashboard", path="/")
    page.locator("#retry-1").focus()
    for one in known.desk.take("ann", [known.key]):
        known.desk.answer("ann", one.id, said(1.0))
    reads(page, "#part-nodes", "11 of 12")
    assert page.evaluate("document.activeElement.id") == "retry-1"
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#wish').open")
    reads(page, "#wish-body", "Train verdict after all?")
    assert open_page.said == []


def test_the_dashboard_can_be_read_and_used_without_scripts(browser, server, known):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(server.links["dashboard"])
    assert page.locator("#part-nodes tbody tr").count() == 2
    page.get_by_role("button", name="End the run").click()
    page.get_by_role("button", name="Yes, end it").click()
    assert "rrm retry" in page.locator("main").inner_text()
    page.get_by_role("link", name="Go back").click()
    assert known.desk.cancelled(known.run) == {""}
    assert "asked that the run end" in page.locator("#part-machines").inner_text()
    context.close()


def test_a_pause_is_advised_after_work_and_not_after_a_rest(open_page):
    context = open_page("ann").context
    context.clock.install()
    page = open_page("ann", context=context)
    shown(page)
    page.clock.fast_forward(40 * 60_000)
    press(page, "ArrowRight")
    assert not page.locator("#notice").is_visible()
    for _ in range(7):
        page.clock.fast_forward(4 * 60_000)
        press(page, "ArrowRight")
    reads(page, "#notice", "8 answers in 28 minutes. A pause helps")


def test_people_see_no_dashboard(open_page, server):
    page = open_page("ann", path="/")
    assert page.url.endswith("/label")
    assert page.request.get(server.address + "/report").status == 403
