"""One tree with several seeds: the same keys and bytes as alone, one run, nothing trained twice."""

import io
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console
from small_trees import learned, ledger_of, make_plan, make_tree, open_store, states, train

from rrm_tree.boards import SeedsBoard
from rrm_tree.errors import ExitCode, UsageError
from rrm_tree.executors import InlineExecutor, LocalExecutor
from rrm_tree.ledger import Event
from rrm_tree.loop import train_together
from rrm_tree.plan import Plan, key_of
from rrm_tree.progress import JsonLines, LiveTable, TextLines
from rrm_tree.results import collect_results
from rrm_tree.run import Run, Stop
from rrm_tree.seeds import plan_seeds, read_seeds, runs_of, split_run
from rrm_tree.tidy import find_garbage

PAIR = {"root": ["leaf"], "leaf": []}


def fake(**options):
    return {"task": {"use": "fake", "with": options}}


def train_seeds(folder, plan, workers=0):
    """What became of every entry of every seed; inline for no workers."""
    store = open_store(folder)
    ledger, stop = ledger_of(store), Stop()
    for name, one in {**runs_of(plan), plan.run: plan}.items():
        store.write_run(name, one, "", "rrm run small.yaml --seeds")
    where = (
        LocalExecutor(store, ledger, workers)
        if workers
        else InlineExecutor(store, ledger, stop, lambda: None)
    )
    runs = [Run(one, name, store, ledger, where, stop) for name, one in runs_of(plan).items()]
    return dict(zip(plan.seeds, train_together(runs), strict=True))


# --- which seeds -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seeds"), [("3", (5, 6, 7)), ("1", (5,)), ("9,3", (3, 9)), (" 0 , 7", (0, 7)), ("2", (5, 6))]
)
def test_seeds_are_so_many_from_the_first_on_or_just_these(text, seeds):
    assert read_seeds(text, first=5) == seeds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0", "ask for 1 to 1000"),
        ("12345", "one certain seed is --set seed=12345"),
        ("3,3", "seed 3 stands here twice"),
        ("ten", "write how many"),
        ("3,", "write how many"),
        ("-1", "write how many"),
        ("", "write how many"),
    ],
)
def test_what_names_no_seeds_is_refused_with_what_to_write(text, words):
    with pytest.raises(UsageError, match=words):
        read_seeds(text, first=0)


def test_a_seed_among_others_has_the_keys_that_it_has_alone():
    tree = make_tree(edits={"root": {"arms": ["alone"]}})
    many = runs_of(plan_seeds(make_plan(tree), "3,9"))
    for one in many.values():
        alone = make_plan(make_tree(edits={"root": {"arms": ["alone"]}}, seed=one.tree.seed))
        assert one == alone
        assert key_of(one.entries[0], {}).key == key_of(alone.entries[0], {}).key


def test_a_single_seed_is_a_run_like_any_other():
    plan = make_plan(make_tree())
    assert plan_seeds(plan, None) is plan
    assert plan_seeds(plan, "1").run == plan.run
    assert plan_seeds(plan, "2").run != plan_seeds(plan, "3").run != plan.run


def test_a_plan_with_seeds_comes_back_from_the_store_as_it_was(store):
    plan = plan_seeds(make_plan(make_tree()), "4")
    store.write_run(plan.run, plan, "", "")
    assert store.plan(plan.run) == plan
    assert list(runs_of(Plan.model_validate_json(plan.to_json()))) == list(runs_of(plan))
    assert [split_run(run) for run in runs_of(plan)] == [(plan.run, seed) for seed in range(4)]


# --- whole runs --------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_bytes_of_a_seed_do_not_depend_on_how_many_others_run(tmp_path):
    plan = make_plan(make_tree(PAIR))
    train_seeds(tmp_path / "all", plan_seeds(plan, "3"), workers=2)
    alone = {}
    for seed in range(3):
        train(tmp_path / str(seed), make_plan(make_tree(PAIR, seed=seed)))
        alone |= learned(tmp_path / str(seed))
    assert learned(tmp_path / "all") == alone


@pytest.mark.slow
def test_more_seeds_train_the_new_ones_alone_and_a_seed_trained_by_itself_is_reused(tmp_path):
    plan = make_plan(make_tree(PAIR))
    train(tmp_path, make_plan(make_tree(PAIR, seed=3)))
    train_seeds(tmp_path, plan_seeds(plan, "2"))
    fates = train_seeds(tmp_path, plan_seeds(plan, "5"))
    assert {seed: set(states(found).values()) for seed, found in fates.items()} == {
        0: {"reused"}, 1: {"reused"}, 2: {"trained"}, 3: {"reused"}, 4: {"trained"},
    }  # fmt: skip


@pytest.mark.slow
def test_a_failure_stops_its_own_seed_and_no_other(tmp_path):
    plan = plan_seeds(make_plan(make_tree(PAIR, {"leaf": fake(fail_seeds=[1])})), "3")
    fates = train_seeds(tmp_path, plan, workers=2)
    assert {seed: states(found) for seed, found in fates.items()} == {
        0: {"leaf": "trained", "root": "trained"},
        1: {"leaf": "failed", "root": "waiting"},
        2: {"leaf": "trained", "root": "trained"},
    }
    runs = list(runs_of(plan))
    result = collect_results(
        open_store(tmp_path), plan.run, plan, dict(zip(runs, fates.values(), strict=True))
    )
    assert result.seeds == (0, 1, 2)
    assert [one.nodes[0].state for one in result.results] == ["trained", "failed", "trained"]
    assert result.command == "rrm run small.yaml --seeds"
    assert [Path(one.run).name for one in result.results] == ["seed-0", "seed-1", "seed-2"]


KILLED = """
import sys
sys.path.insert(0, sys.argv[2])
from small_trees import make_plan, make_tree
from test_seeds import PAIR, fake, train_seeds
from rrm_tree.seeds import plan_seeds
edits = {"leaf": fake(sleep=0.2), "root": fake(sleep=0.2)}
train_seeds(sys.argv[1], plan_seeds(make_plan(make_tree(PAIR, edits)), "3"), workers=2)
"""


@pytest.mark.slow
def test_killed_and_resumed_seeds_end_with_the_same_bytes(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path / "killed"), str(Path(__file__).parent)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while not list(tmp_path.glob("killed/keys/leaf@*/round-001.json")) and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    assert process.wait() != 0
    assert subprocess.run(command, check=False).returncode == 0
    edits = {"leaf": fake(sleep=0.2), "root": fake(sleep=0.2)}
    train_seeds(tmp_path / "calm", plan_seeds(make_plan(make_tree(PAIR, edits)), "3"))
    assert learned(tmp_path / "killed") == learned(tmp_path / "calm")


def test_which_seed_of_several_it_is_is_no_change_since_the_previous_run(tmp_path):
    store = open_store(tmp_path)
    before = plan_seeds(make_plan(make_tree(PAIR)), "2")
    now = plan_seeds(make_plan(make_tree(PAIR, {"leaf": {"budget": {"judgments": 99, "rounds": 3}}})), "3")
    for plan in (before, now):
        store.write_run(plan.run, plan, "", "rrm run small.yaml --seeds")
    for one in collect_results(store, now.run, now, {}).results:
        assert one.previous == before.run
        assert [edit.path for edit in one.edits] == ["nodes.leaf.budget.judgments"]
    alone = make_plan(make_tree(PAIR, seed=5))
    store.write_run(alone.run, alone, "", "rrm run small.yaml")
    assert "seed" in [edit.path for edit in collect_results(store, alone.run, alone, {}).edits]


@pytest.mark.slow
def test_what_a_seed_needs_is_no_garbage(tmp_path):
    train_seeds(tmp_path, plan_seeds(make_plan(make_tree(PAIR)), "2"))
    assert find_garbage(open_store(tmp_path)).keys == ()


# --- what people see ---------------------------------------------------------------------------


def happens(run, kind, at=0.0, entry="leaf", **data):
    return Event(1, at, run, entry, kind, data)


def round_of(run, right, at=10.0):
    return happens(
        run, "round", at, index=0, distilled=[right, 100], steps_per_second=None, seconds=10.0, of=3
    )


@pytest.fixture
def board():
    return SeedsBoard(runs_of(plan_seeds(make_plan(make_tree(PAIR)), "4")))


def test_a_table_has_one_line_a_node_with_its_seeds_and_their_mean(board):
    runs = list(board.boards)
    events = [happens(runs[0], "started", stored=0), happens(runs[1], "started", stored=0)]
    events += [round_of(run, right) for run, right in zip(runs, (90.0, 92.0, 94.0), strict=False)]
    events += [happens(runs[2], "done"), happens(runs[3], "failed", text="it broke")]
    for event in events:
        board.note(event)
    leaf, root = (row.cells for row in board.rows(now=15.0))
    assert leaf[:4] == ("leaf", "running", "1/4", ".92 [.87, .97]")
    assert leaf[5].startswith("failed: seed 3; seeds 0, 1: round 2/3")
    assert root[:4] == ("root", "waits", "0/4", "")


def test_the_time_left_counts_the_seeds_that_have_not_begun(board):
    runs = list(board.boards)
    board.note(happens(runs[0], "started", 0.0, stored=0))
    board.note(round_of(runs[0], 90.0))
    # Eleven of twelve rounds are left at 10 s each, one after the other, and 5 s have gone.
    assert board.rows(now=15.0)[0].cells[4] == "1:45"


def test_a_pipe_and_a_program_are_told_the_seed(board):
    run, lines, objects = list(board.boards)[2], [], []
    TextLines(board, lines.append).show([happens(run, "started", stored=0)])
    JsonLines(objects.append).show([happens(run, "started", stored=0)])
    assert lines[0].endswith("  leaf, seed 2: started")
    told = json.loads(objects[0])
    assert (told["run"], told["seed"]) == split_run(run)


def test_a_failing_seed_does_not_scroll_away_unnamed(board):
    out = io.StringIO()
    display = LiveTable(board, Console(file=out, width=100, height=40))
    display.show([happens(list(board.boards)[1], "failed", text="no such thing")])
    assert "leaf, seed 1: failed: no such thing" in out.getvalue()


# --- commands ----------------------------------------------------------------------------------

SPEC = """
version: 1
name: tiny
measure: {pairs: 20, agent_outcomes: 20}
nodes:
  bit:
    doc: Does the rule hold here?
    task: {use: logic.circuit, with: {gates: [majority]}}
    judge: {use: logic.person, with: {looks: 8}}
    reward_model: {epochs: 2, ensemble: 1}
    budget: {judgments: 60, steps: 2_000, rounds: 1}
    criteria: {right: {question: Is the claim right?}}
"""


def rrm(folder, *arguments):
    command = [sys.executable, "-m", "rrm_tree", *arguments]
    return subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_one_command_trains_reports_and_repeats_several_seeds(tmp_path):
    (tmp_path / "tiny.yaml").write_text(SPEC)
    ended = rrm(tmp_path, "run", "tiny.yaml", "--seeds", "2")
    assert ended.returncode == 0, ended.stderr
    page, command = (line.partition(": ")[2] for line in ended.stdout.splitlines()[-2:])
    assert command == "rrm run tiny.yaml --seeds 2"
    assert sorted(path.name for path in Path(page).parent.glob("*/report.html")) == ["report.html"] * 2
    assert json.loads(Path(page).with_name("report.json").read_text())["analysis"]["seeds"] == [0, 1]
    again = rrm(tmp_path, "run", "tiny.yaml", "--seeds", "2")
    assert again.stdout.count("done before, reused") == 2
    assert rrm(tmp_path, "plan", "tiny.yaml", "--seeds", "2", "--check").returncode == 0
    assert rrm(tmp_path, "plan", "tiny.yaml", "--seeds", "3", "--check").returncode == ExitCode.WORK_TO_DO
    assert "2/2" in rrm(tmp_path, "status").stdout
    whole = Path(page).parent.name
    assert "1/1" in rrm(tmp_path, "status", f"{whole}/seed-1").stdout
    assert "no seed 7; it has 0, 1" in rrm(tmp_path, "logs", "bit", "--seed", "7").stderr
    assert str(page) in rrm(tmp_path, "report").stdout


@pytest.mark.slow
def test_a_missed_gate_in_any_seed_has_its_exit_code(tmp_path):
    (tmp_path / "tiny.yaml").write_text(SPEC)
    gate = "nodes.bit.gate={reject: 0.98, accept: 0.999, judgments: 300}"
    # Enough for every seed to learn something.
    more = ("--set", "nodes.bit.budget.judgments=600", "--set", "nodes.bit.reward_model.epochs=20")
    ended = rrm(tmp_path, "run", "tiny.yaml", "--seeds", "2", "--set", gate, *more, "--format", "json")
    assert ended.returncode == ExitCode.GATE_MISSED, ended.stderr
    missed = json.loads(ended.stdout.splitlines()[-1])["gates_missed"]
    assert {"seed": 0, "entry": "bit"} in missed
