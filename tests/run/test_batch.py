"""Seeds of a node in one process: the same bytes, and no seed suffers for another."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest
from small_trees import learned, ledger_of, make_plan, make_tree, open_store, states

from rrm_tree.executors import LocalExecutor
from rrm_tree.loop import train_together
from rrm_tree.plan import Entry
from rrm_tree.records import Cost, Done
from rrm_tree.run import MOST_LOSSES, Run, Stop
from rrm_tree.seeds import plan_seeds, runs_of
from rrm_tree.sizes import MOST_TOGETHER, SMALL_CPU_SECONDS, Sizes, share_out

PAIR = {"root": ["leaf"], "leaf": []}


def fake(**options):
    return {"task": {"use": "fake", "with": options}}


def plan_of(edits, seeds=3):
    return plan_seeds(make_plan(make_tree(PAIR, edits)), str(seeds))


def train_seeds(folder, plan, together=None, workers=1, stop=None):
    """What became of every entry of every seed, and the entries whose processes were started."""
    store = open_store(folder)
    ledger, stop, started = ledger_of(store), stop or Stop(), []

    class Counting(LocalExecutor):
        def submit(self, order):
            started.append((order.entry, 1))
            super().submit(order)

        def submit_together(self, orders):
            started.append((orders[0].entry, len(orders)))
            super().submit_together(orders)

    for name, one in {**runs_of(plan), plan.run: plan}.items():
        store.write_run(name, one, "", "rrm run small.yaml --seeds")
    where, sizes = Counting(store, ledger, workers), Sizes(store, workers, together)
    runs = [Run(one, name, store, ledger, where, stop, sizes=sizes) for name, one in runs_of(plan).items()]
    return dict(zip(plan.seeds, map(states, train_together(runs)), strict=True)), started


# --- how many ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "most", "processes", "sizes"),
    [(10, 20, 2, [5, 5]), (10, 3, 2, [3, 3]), (5, 9, 2, [3, 2]), (2, 9, 4, [1, 1]), (0, 9, 4, [])],
)
def test_seeds_are_shared_out_evenly_and_what_does_not_fit_waits(items, most, processes, sizes):
    assert share_out(items, most, processes) == sizes


def sizes_after(store, cpu_seconds, peak_bytes=10**6, given=None, **budget):
    """How many seeds go together once one of them took so much."""
    entry = make_plan(make_tree({"leaf": []}, {"leaf": {"budget": budget}})).entries[0]
    store.commit_round("leaf@1", 0, {}, Cost(cpu_seconds=cpu_seconds, wall_seconds=1, peak_bytes=peak_bytes))
    done = Done(
        key="leaf@1", node="leaf", fingerprint="1", rounds=1, judgments=1, looks=1,
        gate_passed=None, objects={}, content="",
    )  # fmt: skip
    sizes = Sizes(store, 2, given)
    assert sizes.most(entry) == (given or 1)
    sizes.learn(entry, done)
    assert isinstance(entry, Entry)
    return sizes.most(entry)


def test_a_node_goes_together_once_a_seed_has_shown_that_it_is_small(store):
    assert sizes_after(store, cpu_seconds=3.0) == MOST_TOGETHER


def test_a_large_node_is_trained_seed_by_seed_unless_the_user_wants_it(tmp_path):
    assert sizes_after(open_store(tmp_path / "a"), cpu_seconds=SMALL_CPU_SECONDS + 1) == 1
    assert sizes_after(open_store(tmp_path / "b"), cpu_seconds=SMALL_CPU_SECONDS + 1, given=7) == 7


def test_no_more_seeds_go_together_than_there_is_memory_for(store):
    assert sizes_after(store, cpu_seconds=3.0, peak_bytes=10**15) == 1


# --- whole runs --------------------------------------------------------------------------------


@pytest.mark.slow
def test_seeds_together_end_with_the_bytes_that_they_have_alone(tmp_path):
    alone, each = train_seeds(tmp_path / "alone", plan_of({}), together=1)
    together, lots = train_seeds(tmp_path / "together", plan_of({}), together=9)
    assert alone == together
    assert {state for one in alone.values() for state in one.values()} == {"trained"}
    assert {count for _, count in each} == {1}
    assert lots == [("leaf", 3), ("root", 3)]
    assert learned(tmp_path / "alone") == learned(tmp_path / "together")


@pytest.mark.slow
def test_what_the_first_seeds_take_decides_for_the_others(tmp_path):
    _, started = train_seeds(tmp_path, plan_of({}, seeds=4))
    assert started[0] == ("leaf", 1)
    assert ("leaf", 3) in started


@pytest.mark.slow
def test_a_seed_that_fails_stops_no_other_of_its_process(tmp_path):
    found, started = train_seeds(tmp_path, plan_of({"leaf": fake(fail_seeds=[1])}), together=9)
    assert started[0] == ("leaf", 3)
    assert found[1] == {"leaf": "failed", "root": "waiting"}
    assert found[0] == found[2] == {"leaf": "trained", "root": "trained"}


@pytest.mark.slow
def test_after_a_process_is_killed_its_seeds_are_tried_one_by_one(tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    edits = {"leaf": fake(die_at=1, deaths=1, notes=str(notes))}
    found, started = train_seeds(tmp_path / "a", plan_of(edits), together=9)
    assert set(found[0].values()) == set(found[2].values()) == {"trained"}
    assert started[0] == ("leaf", 3)
    assert started[1:4] == [("leaf", 1)] * 3
    train_seeds(tmp_path / "b", plan_of(edits), together=1)
    assert learned(tmp_path / "a") == learned(tmp_path / "b")


@pytest.mark.slow
def test_a_seed_that_keeps_killing_its_process_is_given_up_alone(tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    edits = {"leaf": fake(die_at=1, deaths=99, die_seeds=[1], notes=str(notes))}
    found, _ = train_seeds(tmp_path / "a", plan_of(edits), together=9)
    assert found[1] == {"leaf": "failed", "root": "waiting"}
    assert found[0] == found[2] == {"leaf": "trained", "root": "trained"}
    assert len(list(notes.iterdir())) == MOST_LOSSES


@pytest.mark.slow
def test_a_wish_to_stop_is_granted_by_every_seed_after_its_round(tmp_path):
    plan, stop = plan_of({"leaf": fake(sleep=0.3)}), Stop()

    def ask_when_a_round_is_there():
        while not list(tmp_path.glob("keys/leaf@*/round-000.json")):
            time.sleep(0.01)
        stop.level = 1

    thread = threading.Thread(target=ask_when_a_round_is_there)
    thread.start()
    found, _ = train_seeds(tmp_path, plan, together=9, stop=stop)
    thread.join()
    assert {seed: one["leaf"] for seed, one in found.items()} == dict.fromkeys(range(3), "stopped")
    again, _ = train_seeds(tmp_path, plan, together=9)
    assert {state for one in again.values() for state in one.values()} == {"trained"}


@pytest.mark.slow
def test_each_seed_writes_its_own_log_and_is_charged_its_own_time(tmp_path):
    plan = plan_of({"leaf": fake(says="hello", burn_seeds=[1])})
    train_seeds(tmp_path, plan, together=9)
    logs = [path.read_text() for path in sorted(tmp_path.glob("runs/*/seed-*/logs/leaf.log"))]
    assert [text.splitlines() for text in logs] == [[f"hello from seed {seed}"] * 3 for seed in range(3)]
    store, spent = open_store(tmp_path), []
    for run in runs_of(plan):
        key = store.referred(run)["leaf"]
        spent.append([cost.cpu_seconds for cost in store.costs(key, 3)])
    assert min(spent[1]) > 0.25 > max(spent[0][1:] + spent[2][1:])


SPEC = """
version: 1
name: tiny
measure: {pairs: 20, agent_outcomes: 20}
nodes:
  bit:
    doc: Does the rule hold here?
    task: {use: logic.circuit, with: {gates: [majority]}}
    judge: {use: logic.person, with: {looks: 8}}
    reward_model: {epochs: 2, ensemble: 2}
    budget: {judgments: 80, steps: 2_000, rounds: 2}
    criteria: {right: {question: Is the claim right?}}
"""


@pytest.mark.slow
def test_real_training_together_ends_with_the_bytes_of_training_alone(tmp_path):
    (tmp_path / "tiny.yaml").write_text(SPEC)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for together in ("1", "3"):
        command = ["run", "tiny.yaml", "--seeds", "3", "--together", together, "--store", f"by-{together}"]
        ended = subprocess.run(
            [sys.executable, "-m", "rrm_tree", *command, "--workers", "1", "--format", "json"],
            check=False, cwd=tmp_path, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        kinds = [json.loads(line)["kind"] for line in ended.stdout.splitlines()]
        # Together, the others have begun before the first is done; alone they have not.
        assert (kinds.index("done") > [i for i, kind in enumerate(kinds) if kind == "started"][-1]) is (
            together == "3"
        )
    assert learned(tmp_path / "by-1") == learned(tmp_path / "by-3")
