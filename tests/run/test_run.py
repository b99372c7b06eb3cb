"""Whole runs with a trainer that learns nothing: same bytes whatever happens."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from small_trees import learned, ledger_of, make_plan, make_tree, open_store, states, train

from rrm_tree.errors import StoreError
from rrm_tree.executors import InlineExecutor
from rrm_tree.loop import train_together
from rrm_tree.results import collect_result
from rrm_tree.run import MOST_LOSSES, Run, Stop
from rrm_tree.states import load_all_rounds

ARMS = {"root": {"arms": ["alone", "ideal"]}}
PAIR = {"root": ["leaf"], "leaf": []}


def fake(**options):
    return {"task": {"use": "fake", "with": options}}


def events(folder, plan):
    return [(event.entry, event.kind) for event in ledger_of(open_store(folder)).events_after(plan.run, 0)]


def claims(folder, plan):
    store = open_store(folder)
    return {claim.state for claim in ledger_of(store).claims_of(store.referred(plan.run).values()).values()}


@pytest.mark.slow
def test_inline_one_worker_and_four_workers_end_with_the_same_bytes(tmp_path):
    plan = make_plan(make_tree(edits=ARMS))
    for workers in (0, 1, 4):
        fates = train(tmp_path / str(workers), plan, workers)
        assert set(states(fates).values()) == {"trained"}
    assert learned(tmp_path / "0") == learned(tmp_path / "1") == learned(tmp_path / "4")


@pytest.mark.slow
def test_a_second_run_trains_nothing(tmp_path):
    plan = make_plan(make_tree())
    train(tmp_path, plan)
    before = learned(tmp_path)
    assert set(states(train(tmp_path, plan)).values()) == {"reused"}
    assert learned(tmp_path) == before


@pytest.mark.slow
def test_an_edited_node_is_trained_again_with_its_ancestors_and_nothing_else(tmp_path):
    train(tmp_path, make_plan(make_tree()))
    edited = make_plan(make_tree(edits={"left": {"budget": {"judgments": 99, "rounds": 3}}}))
    assert states(train(tmp_path, edited)) == {
        "leaf": "reused",
        "left": "trained",
        "right": "reused",
        "root": "trained",
    }


@pytest.mark.slow
def test_a_helper_that_learns_the_same_bytes_spares_its_parents(tmp_path):
    train(tmp_path, make_plan(make_tree(PAIR, {"leaf": fake(same=True)})))
    edited = make_plan(
        make_tree(PAIR, {"leaf": {**fake(same=True), "budget": {"judgments": 99, "rounds": 3}}})
    )
    assert states(train(tmp_path, edited)) == {"leaf": "trained", "root": "reused"}


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_failure_stops_its_ancestors_and_nothing_else(tmp_path, workers):
    plan = make_plan(make_tree(edits={"left": fake(raise_at=1)}))
    fates = train(tmp_path, plan, workers)
    assert states(fates) == {"leaf": "trained", "left": "failed", "right": "trained", "root": "waiting"}
    assert "ValueError: the fake was asked to fail" in fates["left"].reason
    assert "fake_trainer.py" in fates["left"].reason
    assert fates["root"].reason == "waits for left"
    assert events(tmp_path, plan).count(("left", "started")) == 1


@pytest.mark.slow
def test_a_missed_gate_stops_the_ancestors_if_the_spec_says_so(tmp_path):
    gates = {"leaf": {"gate": {"on_miss": "stop"}}, "right": {"gate": {"on_miss": "warn"}}}
    fates = train(tmp_path, make_plan(make_tree({"root": ["leaf", "right"], "leaf": [], "right": []}, gates)))
    assert states(fates) == {"leaf": "trained", "right": "trained", "root": "waiting"}
    assert (fates["leaf"].gate_passed, fates["right"].gate_passed) == (False, False)


@pytest.mark.slow
def test_a_killed_attempt_is_tried_again_and_ends_with_the_same_bytes(tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    plan = make_plan(make_tree(PAIR, {"leaf": fake(die_at=1, deaths=MOST_LOSSES - 1, notes=str(notes))}))
    assert set(states(train(tmp_path / "a", plan, 1)).values()) == {"trained"}
    assert set(states(train(tmp_path / "b", plan)).values()) == {"trained"}
    assert learned(tmp_path / "a") == learned(tmp_path / "b")
    assert events(tmp_path / "a", plan).count(("leaf", "lost")) == MOST_LOSSES - 1


@pytest.mark.slow
def test_an_attempt_killed_after_its_last_commit_leaves_a_ledger_that_says_done(tmp_path):
    plan = make_plan(make_tree(PAIR, {"leaf": fake(die_done=True)}))
    assert set(states(train(tmp_path, plan, 1)).values()) == {"trained"}
    kinds = [kind for entry, kind in events(tmp_path, plan) if entry == "leaf"]
    assert (kinds.count("started"), kinds.count("done"), kinds.count("lost")) == (1, 1, 0)
    assert claims(tmp_path, plan) == {"done"}


def test_what_a_crash_of_the_ledger_took_back_is_said_again_at_the_end(tmp_path):
    plan, store = make_plan(make_tree(PAIR)), open_store(tmp_path)
    ledger, taken = ledger_of(store), []

    def crash():
        if not taken and ("leaf", "done") in events(tmp_path, plan):
            taken.append("leaf")
            with sqlite3.connect(store.workplace / "ledger.sqlite") as tables:
                tables.execute("UPDATE claims SET state = 'claimed', lease_until = 9e9")
                tables.execute("DELETE FROM events WHERE kind = 'done'")

    store.write_run(plan.run, plan, "", "rrm run small.yaml")
    executor = InlineExecutor(store, ledger, lambda: False, lambda: None)
    run = Run(plan, plan.run, store, ledger, executor, heard=crash)
    assert set(states(train_together([run])[0]).values()) == {"trained"}
    assert taken == ["leaf"]
    assert claims(tmp_path, plan) == {"done"}
    done = [entry for entry, kind in events(tmp_path, plan) if kind == "done"]
    assert sorted(done) == ["leaf", "root"]


@pytest.mark.slow
def test_a_node_that_keeps_being_killed_is_given_up(tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    plan = make_plan(make_tree(PAIR, {"leaf": fake(die_at=1, deaths=99, notes=str(notes))}))
    fates = train(tmp_path / "a", plan, 1)
    assert states(fates) == {"leaf": "failed", "root": "waiting"}
    assert "given up after 3 attempts in a row" in fates["leaf"].reason
    assert "SIGKILL" in fates["leaf"].reason


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_a_wish_to_stop_is_granted_after_the_round(tmp_path, workers):
    plan, stop = make_plan(make_tree(PAIR, {"leaf": fake(sleep=0.3)})), Stop()
    folder = tmp_path / "a"

    def ask_when_a_round_is_there():
        while not list(folder.glob("keys/leaf@*/round-000.json")):
            time.sleep(0.01)
        stop.level = 1

    thread = threading.Thread(target=ask_when_a_round_is_there)
    thread.start()
    fates = train(folder, plan, workers, stop)
    thread.join()
    assert states(fates) == {"leaf": "stopped", "root": "waiting"}
    assert set(states(train(folder, plan, workers)).values()) == {"trained"}
    train(tmp_path / "b", plan)
    assert learned(folder) == learned(tmp_path / "b")


COMMAND = """
import json, sys
from small_trees import make_plan, make_tree, train
train(sys.argv[1], make_plan(make_tree(edits=json.loads(sys.argv[2]))), 2)
"""


def start(folder, edits):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", COMMAND, str(folder), json.dumps(edits)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def kill_something(process, rng):
    """`kill -9` of the command, or of one of its attempts if there is one."""
    attempts = psutil.Process(process.pid).children()
    victim = rng.choice([process.pid, *(attempt.pid for attempt in attempts)])
    os.kill(int(victim), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_killed_at_random_moments_a_run_ends_with_the_same_bytes(tmp_path, seed):
    edits = {
        name: {**fake(sleep=0.15), "budget": {"rounds": 4}} for name in ("root", "left", "right", "leaf")
    }
    train(tmp_path / "calm", make_plan(make_tree(edits=edits)))
    rng, kills, process = np.random.default_rng(seed), 0, start(tmp_path / "killed", edits)
    while kills < 6 or process.poll() is None:
        if process.poll() is not None:
            assert process.returncode in {0, -signal.SIGKILL}
            process = start(tmp_path / "killed", edits)
        time.sleep(rng.uniform(0.3, 1.8) if kills < 6 else 0.1)
        if kills < 6 and process.poll() is None:
            kill_something(process, rng)
            kills += 1
            time.sleep(0.05)
    # Three kills of one node before its first round make a run give it up: the next one tries again.
    assert start(tmp_path / "killed", edits).wait() == 0
    assert learned(tmp_path / "killed") == learned(tmp_path / "calm")


@pytest.mark.slow
def test_attempts_end_when_the_command_is_killed(tmp_path):
    process = start(tmp_path, {"leaf": fake(sleep=60)})
    attempts = []
    while not attempts:
        time.sleep(0.05)
        attempts = [child for child in psutil.Process(process.pid).children() if "attempt" in child.cmdline()]
    process.kill()
    process.wait()
    assert psutil.wait_procs(attempts, timeout=10)[1] == []


@pytest.mark.slow
def test_a_corrupt_round_is_trained_again_and_nothing_else(tmp_path):
    plan = make_plan(make_tree(PAIR))
    train(tmp_path, plan)
    before, store = learned(tmp_path), open_store(tmp_path)
    key = store.referred(plan.run)["leaf"]
    digest = store.manifests(key)[1].objects["record"]
    Path(store.address, "objects", digest[:2], digest).write_bytes(b"{}")
    assert states(train(tmp_path, plan)) == {"leaf": "trained", "root": "reused"}
    assert learned(tmp_path) == before
    assert (None, "corrupt") in events(tmp_path, plan)


def collect(store, key):
    (run,) = store.runs()
    return collect_result(store, run, store.plan(run), {})


@pytest.mark.parametrize("use", [collect, load_all_rounds], ids=["report", "measure"])
def test_pictures_that_are_lost_after_a_node_is_done_are_made_again(tmp_path, use):
    plan = make_plan(make_tree({"leaf": []}))
    train(tmp_path, plan)
    before, store = learned(tmp_path), open_store(tmp_path)
    key = store.referred(plan.run)["leaf"]
    digest = store.manifests(key)[-1].objects["pictures"]
    Path(store.address, "objects", digest[:2], digest).write_bytes(b"torn")
    with pytest.raises(StoreError, match=r"round 3 of leaf.*trains it again"):
        use(store, key)
    assert states(train(tmp_path, plan)) == {"leaf": "trained"}
    assert learned(tmp_path) == before
    use(store, key)


@pytest.mark.slow
def test_a_lost_ledger_loses_nothing_learned(tmp_path):
    plan = make_plan(make_tree(PAIR))
    train(tmp_path, plan)
    for file in tmp_path.glob("ledger.sqlite*"):
        file.unlink()
    assert set(states(train(tmp_path, plan)).values()) == {"reused"}


@pytest.mark.slow
def test_two_runs_of_one_tree_at_once_train_each_node_once(tmp_path):
    edits = {"leaf": fake(sleep=0.3)}
    both = [start(tmp_path, edits), start(tmp_path, edits)]
    assert [process.wait() for process in both] == [0, 0]
    ended = [kind for _, kind in events(tmp_path, make_plan(make_tree(edits=edits)))]
    assert (ended.count("done"), ended.count("round")) == (4, 12)
    train(tmp_path / "calm", make_plan(make_tree(edits=edits)))
    assert learned(tmp_path / "calm").items() <= learned(tmp_path).items()


class Busy(InlineExecutor):
    room = 0

    def slots(self, queue=""):
        return self.room


def test_what_another_run_has_done_while_a_slot_was_awaited_is_not_trained_again(tmp_path):
    plan, store = make_plan(make_tree({"leaf": []})), open_store(tmp_path)
    executor = Busy(store, ledger_of(store), lambda: False, lambda: None)
    late = Run(plan, plan.run, store, executor.ledger, executor)
    late.begin()
    train(tmp_path, plan)
    executor.room = 1
    assert states(train_together([late])[0]) == {"leaf": "reused"}
    kinds = [kind for _, kind in events(tmp_path, plan)]
    assert (kinds.count("started"), kinds.count("done")) == (1, 1)


@pytest.mark.slow
def test_other_numerics_are_refused_with_what_to_do(tmp_path):
    plan = make_plan(make_tree({"leaf": []}))
    (leaf,) = plan.entries
    other = leaf.model_copy(update={"fixed": {**leaf.fixed, "numerics": {"torch": "0.1"}}})
    fates = train(tmp_path, plan.model_copy(update={"entries": (other,)}))
    assert "install the same versions" in fates["leaf"].reason


@pytest.mark.slow
def test_what_was_learned_is_collected_for_the_report(tmp_path):
    plan = make_plan(make_tree(edits={"left": fake(raise_at=1)}))
    fates = train(tmp_path, plan)
    result = collect_result(open_store(tmp_path), plan.run, plan, fates)
    found = {
        node.name: (node.state, len(node.rounds), len(node.costs), len(node.pictures))
        for node in result.nodes
    }
    assert found == {
        "leaf": ("trained", 3, 3, 1),
        "left": ("failed", 1, 1, 1),
        "right": ("trained", 3, 3, 1),
        "root": ("waiting", 0, 0, 0),
    }
    assert (result.root, result.command) == ("root", "rrm run small.yaml")


@pytest.mark.slow
def test_what_an_arm_changes_is_named_by_its_settings(tmp_path):
    arms = {"alone": None, "mild": {"judge": {"with": {"looks": 9}}, "budget": {"judgments": 5}}}
    plan = make_plan(make_tree(PAIR, {"root": {"arms": arms}}))
    result = collect_result(open_store(tmp_path), plan.run, plan, {})
    assert {node.name: node.edits for node in result.nodes} == {
        "leaf": None,
        "root": None,
        "root~alone": ("judge.sees", "reward_model.sees"),
        "root~mild": ("judge.with.looks", "budget.judgments"),
    }
