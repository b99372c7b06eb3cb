"""Every kind of question on the page, answered by the keyboard alone: what was seen is what is kept."""

from dataclasses import dataclass

import pytest
from browsing import fetched_ahead, press, reads, saved, shown, until
from waiting_runs import run_tree

from rrm_tree.desk import Desk
from rrm_tree.learning.losses import all_orders
from rrm_tree.outcomes import Advice
from rrm_tree.states import load_pending
from rrm_tree.store import Store
from rrm_tree.team import Team

pytestmark = pytest.mark.slow

SPEC = """
version: 1
name: kinds
nodes:
  build:
    doc: Build a square.
    task: {task}
    criteria: {{square: {{question: How near is it to a square?}}}}
    judge: {{use: person, kind: {kind}}}
    agent: ppo
    budget: {{judgments: 6, steps: 2k}}
"""
BLOCKS = "{use: blocks, with: {size: 3, steps: 4}}"
WINDOWS = "{use: Pendulum-v1, with: {segment: 12, max_episode_steps: 40}}"


@dataclass(frozen=True)
class Kept:
    """What the store and the ledger of a run hold."""

    store: Store
    desk: Desk

    @property
    def key(self):
        return self.store.referred(self.store.runs()[-1])["build"]

    @property
    def given(self):
        return {one.question: one for one in self.desk.answers_for(self.key, 0)}

    def pictures(self, question):
        """The outcomes of a question as its task draws them, in the order in which the item names them."""
        judged = load_pending(self.store, self.key, 0)
        task = Team(self.store.plan(self.store.runs()[-1]).tree, {}).task("build")
        rows = judged.items.places[0][self.desk.look_at("ann", question).item]
        return [task.picture(judged.outcomes, int(row), Advice()).encode() for row in rows]


@pytest.fixture
def folder(tmp_path, request):
    """A store in which a node waits for people's answers of one kind."""
    kind, task = request.param
    spec, made = tmp_path / "kinds.yaml", tmp_path / "store"
    spec.write_text(SPEC.format(kind=kind, task=task), encoding="utf-8")
    code, said = run_tree(made, spec=spec)
    assert code == 4, said
    return made


@pytest.fixture
def kept(folder):
    return Kept(Store(str(folder)), Desk(f"sqlite:///{folder / 'ledger.sqlite'}"))


def of_kind(*kinds, task=BLOCKS):
    return pytest.mark.parametrize("folder", [(kind, task) for kind in kinds], indirect=True, ids=kinds)


def panes(page):
    """What is really seen, from left to right."""
    sources = page.evaluate("[...document.querySelectorAll('#panes img')].map(one => one.src)")
    return [page.request.get(source).body() for source in sources]


@of_kind("ranking")
def test_an_order_is_pressed_best_first_and_its_last_place_can_be_taken_back(open_page, kept):
    page = open_page("ann")
    first = shown(page)
    fetched_ahead(page)
    seen = panes(page)
    for key in ("3", "2", "Backspace", "1", "c", "c"):
        page.keyboard.press(key)
    assert page.locator("#panes .chosen").count() == 2
    reads(page, "#panes .pane:nth-child(1) figcaption", "1 is number 2")
    # The last place is the one that is left.
    press(page, "4")
    saved(page)
    one = kept.given[first]
    order = all_orders(4)[int(one.value)]
    by_name = kept.pictures(first)
    assert [by_name[place] for place in order] == [seen[place] for place in (2, 0, 3, 1)]
    assert one.confidence == 2
    page.keyboard.press("u")
    until(page, "id => document.documentElement.dataset.question === id", first)
    assert page.locator("#panes .chosen").count() == 0
    was = page.locator("#panes figcaption b").all_inner_texts()
    assert was == ["1 (number 2 before)", "2 (number 4 before)", "3 (number 1 before)", "4 (number 3 before)"]
    assert open_page.said == []


@of_kind("best", "critique", "correction")
def test_one_of_several_is_picked_by_its_number(open_page, kept):
    page = open_page("ann")
    first = shown(page)
    seen = panes(page)
    assert page.locator("#answers button").count() == len(seen)
    press(page, "2")
    saved(page)
    assert kept.pictures(first)[int(kept.given[first].value)] == seen[1]
    page.keyboard.press("u")
    until(page, "id => document.documentElement.dataset.question === id", first)
    assert page.locator("#answers button.before kbd").inner_text() == "2"
    press(page, "3")
    saved(page)
    assert kept.pictures(first)[int(kept.given[first].value)] == seen[2]
    assert len(kept.given) == 1
    assert open_page.said == []


@of_kind("correction")
def test_of_more_than_nine_any_is_picked_by_its_digits(open_page, kept):
    page = open_page("ann")
    asked = shown(page)
    seen, pressed = panes(page), {}
    assert len(seen) == 10
    page.keyboard.press("1")
    reads(page, "#notice", "1: another digit for 10 to 10, or Enter.")
    for keys, place in (("0", 9), ("1 Enter", 0)):
        *before, last = keys.split()
        for key in before:
            page.keyboard.press(key)
        seen, pressed[asked] = panes(page), place
        picked, asked = (asked, seen[place]), press(page, last)
        saved(page)
        assert kept.pictures(picked[0])[int(kept.given[picked[0]].value)] == picked[1]
    assert not page.locator("#notice").is_visible()


@of_kind("rating")
def test_a_rating_is_a_digit_and_c_says_how_sure(open_page, kept):
    page = open_page("ann")
    first = shown(page)
    assert page.locator("#sure kbd:visible").all_inner_texts() == ["c"]
    for key in "ccc":
        page.keyboard.press(key)
    second = press(page, "7")
    press(page, "0")
    saved(page)
    said = {name: (one.value, one.confidence) for name, one in kept.given.items()}
    assert said == {first: (7.0, 3), second: (0.0, None)}
    assert open_page.said == []


CLIPS = "[...document.querySelectorAll('#panes video')]"
FRAMES = f"""{CLIPS}.map(clip => {{
    const canvas = Object.assign(document.createElement("canvas"), {{ width: 60, height: 60 }});
    const brush = canvas.getContext("2d");
    brush.drawImage(clip, 0, 0, 60, 60);
    return [...brush.getImageData(0, 0, 60, 60).data].join();
}})"""


def at(page, seconds):
    """Wait until every clip shows what it shows at a time."""
    until(
        page, f"at => {CLIPS}.every(one => !one.seeking && Math.abs(one.currentTime - at) < 0.002)", seconds
    )


@of_kind("preference", task=WINDOWS)
def test_clips_of_windows_play_and_stop_together_and_go_frame_by_frame(open_page, kept):
    page = open_page("ann")
    first = shown(page)
    until(page, f"{CLIPS}.length === 2 && {CLIPS}.every(one => one.readyState > 2 && !one.paused)")
    page.keyboard.press(" ")
    until(page, f"{CLIPS}.every(one => one.paused)")
    apart = page.evaluate(f"{CLIPS}.map(one => one.currentTime)")
    assert abs(apart[0] - apart[1]) < 0.1
    # Thirteen frames, thirty a second: from the first on, each key shows another one.
    for _ in range(14):
        page.keyboard.press(",")
    at(page, 0.5 / 30)
    pictures = [page.evaluate(FRAMES)]
    for frame in range(1, 13):
        page.keyboard.press(".")
        at(page, (frame + 0.5) / 30)
        pictures.append(page.evaluate(FRAMES))
    for clip in zip(*pictures, strict=True):
        assert len(set(clip)) == 13
    page.keyboard.press(".")
    page.wait_for_timeout(100)
    assert page.evaluate(FRAMES) == pictures[12]
    page.keyboard.press(",")
    at(page, 11.5 / 30)
    assert page.evaluate(FRAMES) == pictures[11]
    page.keyboard.press(" ")
    until(page, f"{CLIPS}.every(one => !one.paused)")
    press(page, "ArrowLeft")
    saved(page)
    asked = kept.desk.look_at("ann", first)
    assert kept.given[first].value == (0.0 if asked.swapped else 1.0)
    assert open_page.said == []
