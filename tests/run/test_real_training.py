"""Whole runs of the real trainer: the same bytes from every executor, and whatever is killed."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from small_trees import learned, ledger_of, open_store

from rrm_tree.errors import ExitCode
from rrm_tree.warm import open_nursery

SPEC = """
version: 1
name: five
measure: {pairs: 20, agent_outcomes: 20}
defaults:
  judge: {use: logic.person, with: {looks: 8}}
  reward_model: {epochs: 2, ensemble: 2}
  budget: {judgments: 60, steps: 3_000, rounds: 3}
nodes:
  root:
    doc: Do most of three neighbourhoods say yes?
    task: {use: logic.circuit, with: {gates: [majority, or]}}
    criteria:
      right: {question: Is the claim right?, helpers: [any]}
      sure: {question: Would somebody else agree?, helpers: [some]}
    arms: [alone]
  any:
    doc: Does the rule hold at one of three places?
    task: {use: logic.gate, with: {gates: [or]}}
    criteria: {right: {question: Is the claim right?, helpers: [bit]}}
  some:
    doc: The same, asked of somebody else
    task: {use: logic.gate, with: {gates: [or]}}
    judge: {kind: preference}
    criteria: {right: {question: Which claim is right?, helpers: [bit, other]}}
    gate: {reject: 0.4, accept: 0.9, judgments: 30}
  bit:
    doc: Does the rule hold here?
    task: logic.bit
    criteria: {right: {question: Is the claim right?}}
  other:
    doc: The same, asked of somebody else
    task: logic.bit
    judge: {query: entropy}
    criteria: {right: {question: Is the claim right?}}
"""

KILLS = 24

TIMES = {"costs", "run", "command", "peak_bytes", "steps_per_second", "measure_steps"}
"""What a report may say differently of the same bytes: what they cost, and where they lie; and all seconds.

What a killed attempt had measured is measured again.
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("five")
    (folder / "five.yaml").write_text(SPEC)
    return folder


@pytest.fixture(scope="module")
def nursery(place):
    """A process that has imported all that attempts need, and is forked for each."""
    process = open_nursery(place / "nursery")
    # It listens at once; where it cannot be forked, it ends.
    while process.poll() is None and not (place / "nursery").exists():
        time.sleep(0.01)
    yield process
    process.kill()
    process.communicate()


@pytest.fixture(scope="module")
def forks(place, nursery):
    """A process that trains the spec into a folder as often as it is asked to."""
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("forked.py")],
        cwd=place,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.stdin.close()


@pytest.fixture(scope="module")
def calm(place, forks):
    """A store in which the tree was trained inline, undisturbed."""
    assert run(forks, place / "calm", workers=0) == 0
    return place / "calm"


def start(forks, folder, workers):
    order = {"spec": "five.yaml", "folder": str(folder), "workers": workers}
    print(json.dumps(order), file=forks.stdin, flush=True)
    return psutil.Process(int(forks.stdout.readline()))


def end(forks):
    return int(forks.stdout.readline())


def run(forks, folder, workers):
    start(forks, folder, workers)
    return end(forks)


def reported(folder):
    """The report of the store's only run, without times."""
    (report,) = folder.glob("runs/*/report.json")
    return without_times(json.loads(report.read_text()))


def without_times(value):
    if isinstance(value, dict):
        kept = {name: inner for name, inner in value.items() if name not in TIMES}
        return {name: without_times(inner) for name, inner in kept.items() if not name.endswith("seconds")}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.slow
def test_the_tree_has_rounds_gates_arms_and_levels_to_lose(calm):
    names = {name.split("/")[1].partition("@")[0] for name in learned(calm) if name.startswith("keys")}
    assert names == {"root", "root~alone", "any", "some", "bit", "other"}
    assert sum("round-" in name for name in learned(calm)) == 18
    nodes = reported(calm)["result"]["nodes"]
    assert max(node["level"] for node in nodes) == 2
    assert [node["name"] for node in nodes if node["rounds"][-1]["gate"]] == ["some"]


@pytest.mark.slow
def test_what_helpers_are_worth_is_told_before_their_parent_is_trained(calm):
    store = open_store(calm)
    [run_name] = store.runs()
    events = ledger_of(store).events_after(run_name, 0)
    worth = [event for event in events if event.kind == "worth"]
    assert sorted(event.entry for event in worth) == ["any", "root", "some"]
    shares = {node["name"]: node["rounds"][-1]["off"] for node in reported(calm)["result"]["nodes"]}
    for event in worth:
        first = next(other for other in events if other.entry == event.entry and other.kind == "round")
        assert event.id < first.id
        found = shares[event.entry]["assisted"]
        assert event.data["after"]["value"] == found["right"] / found["pairs"]


@pytest.mark.slow
def test_one_worker_ends_with_the_bytes_and_the_report_of_inline(calm, forks, place):
    assert run(forks, place / "one", workers=1) == 0
    assert learned(place / "one") == learned(calm)
    assert reported(place / "one") == reported(calm)


@pytest.mark.slow
def test_four_workers_of_the_command_end_with_the_bytes_and_the_report_of_inline(calm, place):
    command = [sys.executable, "-m", "rrm_tree", "run", "five.yaml", "--workers", "4", "--store", "four"]
    ended = subprocess.run(command, check=False, cwd=place, capture_output=True, text=True)
    assert ended.returncode == ExitCode.GATE_MISSED, ended.stderr
    assert learned(place / "four") == learned(calm)
    assert reported(place / "four") == reported(calm)


def is_alive(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for_phases(folder, command, count):
    """Until attempts have begun so many more phases, or the command has ended."""
    store = open_store(folder)
    ledger, seen, last = ledger_of(store), 0, {}
    while seen < count and is_alive(command):
        for name in store.runs():
            events = ledger.events_after(name, last.setdefault(name, ledger.last_event(name)))
            seen += sum(event.kind == "phase" for event in events)
            last[name] = events[-1].id if events else last[name]
        time.sleep(0.01)


def attempts_below(*parents):
    """Every attempt's process, a leader of its group that trains."""
    return [
        child
        for parent in parents
        if is_alive(parent)
        for child in parent.children(recursive=True)
        if is_alive(child) and os.getpgid(child.pid) == child.pid
    ]


def kill_something(command, nursery, rng):
    """`kill -9` of the command, or of one of its attempts; whether anything was there to kill."""
    attempts = attempts_below(command, nursery)
    # The command once in five times: its death ends all attempts.
    victim = command if not attempts or rng.random() < 0.2 else attempts[rng.integers(len(attempts))]
    alive = is_alive(victim)
    victim.kill()
    return alive


def train_and_kill(forks, nursery, folder, kills, rng):
    """Train the tree, killing something again and again; how often, at most `kills` times."""
    killed = 0
    for _ in range(KILLS + 10):
        command = start(forks, folder, workers=2)
        while killed < kills and is_alive(command):
            wait_for_phases(folder, command, rng.integers(1, 4))
            time.sleep(rng.uniform(0, 0.05))
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                killed += kill_something(command, nursery, rng)
        # Three kills of one node before its first round make a run give it up: the next one tries again.
        if end(forks) == 0:
            return killed
    raise AssertionError("it does not end")


@pytest.mark.slow
def test_killed_at_random_moments_the_real_trainer_ends_with_the_bytes_and_the_report_of_inline(
    calm, forks, nursery, place
):
    rng, kills, turn = np.random.default_rng(7), 0, 0
    while kills < KILLS:
        # A tree that is trained before enough was killed begins again in another folder.
        turn += 1
        folder = place / f"killed-{turn}"
        kills += train_and_kill(forks, psutil.Process(nursery.pid), folder, KILLS - kills, rng)
        assert learned(folder) == learned(calm)
        assert reported(folder) == reported(calm)
