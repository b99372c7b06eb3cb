"""Showing how it is done on the page, by the keyboard alone: an episode of blocks, and a goal."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from browsing import reads, saved, shown, until
from click.testing import CliRunner
from waiting_runs import run_tree

from rrm_tree.cli import rrm
from rrm_tree.desk import Desk
from rrm_tree.states import load_rounds
from rrm_tree.store import Store
from rrm_tree.web.wheel import name_keys

pytestmark = pytest.mark.slow

SPEC = Path(__file__).with_name("blocks.yaml")


@pytest.fixture
def folder(tmp_path, request):
    """A store in which people are asked to build with blocks, or to go through `doors`."""
    spec, store = SPEC, tmp_path / "store"
    if getattr(request, "param", None) == "doors":
        spec = tmp_path / "doors.yaml"
        spec.write_text(LOCKED, encoding="utf-8")
        (tmp_path / "locked_doors.py").write_text(DOORS, encoding="utf-8")
    code, told = run_tree(store, spec=spec)
    assert code == 4, told
    return store


def given_of(folder):
    store = Store(str(folder))
    key = store.referred(store.runs()[-1])["build"]
    desk = Desk(f"sqlite:///{folder / 'ledger.sqlite'}")
    return [one for number in (0, 1) for one in desk.answers_for(key, number)]


def tells(page, words):
    reads(page, "#said", words)


def test_arrows_are_keys_where_names_say_so_and_digits_and_letters_elsewhere():
    assert name_keys(["push left", "push right"], across=0) == ["ArrowLeft", "ArrowRight"]
    assert name_keys(["left", "down", "right", "up"], across=0) == [
        "ArrowLeft",
        "ArrowDown",
        "ArrowRight",
        "ArrowUp",
    ]
    assert name_keys(["fire left", "turn left", "wait"], across=0) == ["1", "2", "3"]
    keys = name_keys([f"action {one}" for one in range(40)], across=0)
    assert len(set(keys) - {""}) == 27 and not set("usnzphcdb") & set(keys)


def test_an_episode_and_a_goal_are_shown_by_keys_alone_and_a_tiny_node_learns_from_them(open_page, folder):
    page = open_page("ann")
    first = shown(page)
    until(page, "document.querySelector('#panes img').naturalWidth > 0")
    # An episode has three steps: the keys of three cells.
    page.keyboard.press("1")
    tells(page, "row 1, column 1. 1 step.")
    page.keyboard.press("d")
    tells(page, "so far it cannot be learned from")
    page.keyboard.press("2")
    tells(page, "2 steps.")
    page.keyboard.press("u")
    tells(page, "taken back. 1 step.")
    # Arrows go from one action to the next, and Enter takes it.
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert "row 2, column 1" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    tells(page, "row 2, column 1. 2 steps.")
    page.keyboard.press("0")
    tells(page, "wait. 3 steps. It is over.")
    assert page.evaluate("document.activeElement.textContent").endswith("done")
    assert re.search(r"in letters", page.locator("#panes").inner_text())
    page.keyboard.press("5")
    tells(page, "The episode is over")
    page.keyboard.press("d")
    second = shown(page, first)
    saved(page)
    [demonstrated] = given_of(folder)
    assert (demonstrated.value, demonstrated.moves, demonstrated.question) == (0.0, (0, 3, 9), first)
    # Taken back it stands where it was left.
    page.keyboard.press("u")
    until(page, f"document.documentElement.dataset.question === '{first}'")
    tells(page, "3 steps. It is over.")
    page.keyboard.press("d")
    shown(page, first)
    saved(page)
    # Taken back before the server has said where it leads: that one action, and no answer.
    page.keyboard.type("9u")
    tells(page, "taken back. The beginning.")
    page.keyboard.type("999")
    tells(page, "3 steps. It is over.")
    page.keyboard.press("d")
    shown(page, second)
    # The node asks for its goals when the episodes are in.
    train(folder, 4)
    page.reload()
    goal = shown(page)
    page.keyboard.type("12450")
    tells(page, "5 moves.")
    page.keyboard.press("d")
    shown(page, goal)
    page.keyboard.press("3")
    tells(page, "1 move.")
    page.keyboard.press("d")
    until(page, "!document.documentElement.dataset.question")
    saved(page)
    train(folder, 0)
    store = Store(str(folder))
    state = load_rounds(store, store.referred(store.runs()[-1])["build"])[-1]
    episodes, goals = state.judgments
    assert (episodes.kind, goals.kind) == ("demonstration", "goal")
    done = episodes.outcomes.take(episodes.items.first)
    assert sorted(map(tuple, done.actions.tolist())) == [(0, 3, 9), (8, 8, 8)]
    ends = goals.outcomes.take(goals.items.first).observations["observation"]
    [asked] = [one for one in given_of(folder) if one.moves == (0, 1, 3, 4, 9)]
    start = goals.outcomes.subjects["grid"][goals.items.places[0][asked.item, 1]]
    wanted = start ^ np.array([1, 1, 0, 1, 1, 0, 0, 0, 0], start.dtype)
    assert (ends[asked.item, -1] == wanted).all()
    assert state.record.facts.judgments == 4 and state.record.people.people == 1
    assert open_page.said == []


def train(folder, code):
    command = [sys.executable, "-m", "rrm_tree", "run", str(SPEC), "--store", str(folder), "--no-wait"]
    done = subprocess.run([*command, "--executor", "inline"], check=False, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr


DOORS = """
import gymnasium
import numpy as np
from gymnasium import spaces


class Doors(gymnasium.Env):
    \"\"\"The door that was opened last is locked.\"\"\"

    observation_space = spaces.Box(0, 2, (1,), np.float32)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.locked = 2
        return self.see(), {}

    def see(self):
        return np.array([self.locked], np.float32)

    def get_action_meanings(self):
        return ["red door", "green door", "blue door"]

    def action_masks(self):
        return np.arange(3) != self.locked

    def step(self, action):
        self.locked = int(action)
        return self.see(), 0.0, False, False, {}


gymnasium.register("own/Doors-v0", Doors, max_episode_steps=3)
"""
LOCKED = """
version: 1
name: doors
imports: [locked_doors]
nodes:
  build:
    doc: Does it go through?
    task: own/Doors-v0
    criteria: {through: {question: Show how one goes through.}}
    judge: {use: person, kind: demonstration}
    agent: ppo
    budget: {judgments: 2, steps: 1k, rounds: 1}
"""


@pytest.mark.parametrize("folder", ["doors"], indirect=True)
def test_what_is_forbidden_is_grey_before_it_is_pressed_and_is_not_done(open_page, folder):
    page = open_page("ann")
    first = shown(page)
    grey = "[...document.querySelectorAll('.actions button[aria-disabled=true]')].map(one => one.textContent)"
    assert page.evaluate(grey) == ["3 blue door", "u take back", "d done"]
    page.keyboard.press("3")
    tells(page, "blue door is not allowed now.")
    page.keyboard.press("2")
    tells(page, "green door. 1 step.")
    assert page.evaluate(grey) == ["2 green door", "d done"]
    page.keyboard.type("213")
    tells(page, "blue door. 3 steps. It is over.")
    page.keyboard.press("d")
    shown(page, first)
    saved(page)
    assert [one.moves for one in given_of(folder)] == [(1, 0, 2)]
    assert open_page.said == []
    words = ["label", "--store", str(folder), "--as", "ann"]
    told = CliRunner().invoke(rrm, words, input="3\n2\n1 3\nd\n").output
    assert "'blue door' is not allowed now" in told and "not allowed now: 2" in told and "1 answered" in told


def test_the_page_cannot_be_made_to_step_where_one_cannot_go(site):
    ann = site.client()
    [question] = ann.get("/api/work?count=1").json()["questions"]
    wheel = question["wheel"]
    assert [one["key"] for one in wheel["actions"]] == list("1234567890") and wheel["across"] == 3
    assert question["panes"] == [] and wheel["now"]["moves"] == []
    where = f"/api/steer/{question['id']}"
    two = ann.get(where, params={"moves": "0,1"}).json()
    assert two["moves"] == [0, 1] and not two["over"] and "#" in two["spelled"]
    assert ann.get(two["source"]).headers["content-type"].startswith("image/svg")
    for wrong in ("10", "0,0,0,0", "-1", "1;2", "x", "9" * 50):
        refused = ann.get(where, params={"moves": wrong})
        assert refused.status_code == 404 and json.loads(refused.text)["detail"], wrong
    assert site.client("bob").get(where).status_code == 404
    for moves in ([0], [0, 1, 99], None):
        said = {"id": question["id"], "choice": "show", "moves": moves}
        assert ann.post("/api/answer", json=said).status_code == 404
    assert ann.post("/api/answer", json={**said, "moves": [0, 1, 9]}).json() == {"state": "given"}
