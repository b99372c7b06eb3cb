"""The commands as people call them: what they say, and what they exit with."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest
from small_trees import learned

from rrm_tree.errors import ExitCode

SPEC = """
version: 1
name: tiny
measure: {pairs: 20, agent_outcomes: 20}
defaults:
  judge: {use: logic.person, with: {looks: 8}}
  reward_model: {epochs: 2, ensemble: 1}
  budget: {judgments: 60, steps: 2_000, rounds: 2}
nodes:
  root:
    doc: Does the rule hold at most of three places?
    task: {use: logic.circuit, with: {gates: [majority]}}
    criteria: {right: {question: Is the claim right?, helpers: [bit]}}
  bit:
    doc: Does the rule hold here?
    task: logic.bit
    criteria: {right: {question: Is the claim right?}}
"""

MOODY = '''
import time
from rrm_tree.registry import find

person = find("judge", "logic.person")

class Moody:
    """A judge who sleeps, or throws the pen away."""

    version, kinds, direct, tasks = "1", person.facts.kinds, True, None

    def __init__(self, sleep: float = 0.0, throws: bool = False):
        self.sleep, self.throws = sleep, throws
        self.inner = person.build({"looks": 8})

    def answer(self, request):
        time.sleep(self.sleep)
        if self.throws:
            raise RuntimeError("I will not judge this")
        return self.inner.answer(request)
'''

MOODY_BIT = "nodes.bit.judge={use: 'moody:Moody', with: {%s}}"


def rrm(folder, *arguments, **options):
    command = [sys.executable, "-m", "rrm_tree", *arguments]
    captured = {"capture_output": True, "text": True, "timeout": 300}
    return subprocess.run(command, check=False, cwd=folder, **captured, **options)


@pytest.fixture
def place(tmp_path):
    return furnish(tmp_path)


def furnish(folder):
    (folder / "tiny.yaml").write_text(SPEC)
    (folder / "moody.py").write_text(MOODY)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which the tiny tree was trained, and what that printed."""
    folder = furnish(tmp_path_factory.mktemp("trained"))
    ended = rrm(folder, "run", "tiny.yaml", "--workers", "2")
    assert ended.returncode == 0, ended.stderr
    return folder, ended.stdout


@pytest.mark.slow
def test_the_last_lines_name_the_report_and_the_command(trained):
    folder, printed = trained
    report, command = printed.splitlines()[-2:]
    assert command == "run again: rrm run tiny.yaml --workers 2"
    assert (folder / report.removeprefix("report: ")).read_text().startswith("<!")
    assert "round 2/2" in printed


@pytest.mark.slow
def test_a_second_run_trains_nothing_and_loads_nothing_that_trains(trained):
    folder, _ = trained
    before = learned(folder / "rrm-store")
    again = rrm(
        folder, "run", "tiny.yaml", "--workers", "2", env={**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}
    )
    assert again.returncode == 0
    assert [line.split("  ")[1] for line in again.stdout.splitlines()[:2]] == [
        "bit: done before, reused",
        "root: done before, reused",
    ]
    loaded = {line.rpartition("|")[2].strip() for line in again.stderr.splitlines()}
    assert "rrm_tree.report" in loaded
    assert not loaded & {"torch", "gymnasium", "stable_baselines3", "scipy.stats", "matplotlib"}
    assert learned(folder / "rrm-store") == before


@pytest.mark.slow
def test_an_edited_root_is_trained_again_and_its_helper_is_not(trained, tmp_path):
    folder = shutil.copytree(trained[0], tmp_path / "copy")
    edit = ["--set", "nodes.root.budget.judgments=80"]
    printed = rrm(folder, "run", "tiny.yaml", "--format", "json", *edit).stdout.splitlines()
    kinds = {(event.get("entry"), event["kind"]) for event in map(json.loads, printed)}
    assert {("bit", "reused"), ("root", "done")} <= kinds
    assert not kinds & {("bit", "started"), ("bit", "done"), ("root", "reused")}


@pytest.mark.slow
def test_inline_ends_with_the_same_bytes_as_processes(trained, place):
    assert rrm(place, "run", "tiny.yaml", "--executor", "inline").returncode == 0
    assert learned(place / "rrm-store") == learned(trained[0] / "rrm-store")


@pytest.mark.slow
def test_plan_says_what_would_run_and_why(trained):
    folder, _ = trained
    assert rrm(folder, "plan", "tiny.yaml", "--check").returncode == 0
    changed = rrm(folder, "plan", "tiny.yaml", "--check", "--set", "nodes.bit.budget.judgments=80")
    assert changed.returncode == ExitCode.WORK_TO_DO
    assert "budget.judgments changed 60 → 80" in changed.stdout
    rows = rrm(folder, "plan", "tiny.yaml", "--format", "json").stdout.splitlines()
    assert [(row["entry"], row["work"]) for row in map(json.loads, rows)] == [("bit", False), ("root", False)]


@pytest.mark.slow
def test_status_logs_and_report_find_the_latest_run(trained):
    folder, _ = trained
    states = [json.loads(line) for line in rrm(folder, "status", "--format", "json").stdout.splitlines()]
    assert [(one["entry"], one["state"], one["round"]) for one in states] == [
        ("bit", "done", 2),
        ("root", "done", 2),
    ]
    assert rrm(folder, "logs", "bit").returncode == 0
    assert "report.html" in rrm(folder, "report").stdout
    wrong = rrm(folder, "logs", "bti")
    assert (wrong.returncode, "did you mean 'bit'?" in wrong.stderr) == (ExitCode.USAGE, True)


@pytest.mark.slow
def test_gc_removes_what_no_run_refers_to_and_nothing_else(trained, place):
    shutil.copytree(trained[0] / "rrm-store", place / "rrm-store")
    before = learned(place / "rrm-store")
    assert rrm(place, "run", "tiny.yaml", "--only", "bit", "--set", "seed=5").returncode == 0
    runs = (place / "rrm-store" / "runs").iterdir()
    shutil.rmtree(next(run for run in runs if "seed=5" in (run / "command").read_text()))
    assert rrm(place, "gc", "--dry-run").stdout.splitlines()[-1].startswith("1 keys, ")
    assert learned(place / "rrm-store") != before
    assert rrm(place, "gc").returncode == 0
    assert learned(place / "rrm-store") == before


@pytest.mark.slow
def test_json_is_one_object_a_line(place):
    ended = rrm(place, "run", "tiny.yaml", "--format", "json", "--only", "bit")
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert {"started", "round", "done"} <= {line["kind"] for line in lines}
    assert lines[-1]["kind"] == "end"
    assert lines[-1]["report"].endswith("report.html")


@pytest.mark.slow
def test_a_judge_who_raises_fails_its_node_and_says_where(place):
    ended = rrm(place, "run", "tiny.yaml", "--set", MOODY_BIT % "throws: true")
    assert ended.returncode == ExitCode.FAILED
    assert "bit failed" in ended.stderr
    assert "RuntimeError: I will not judge this" in ended.stderr
    assert "moody.py" in ended.stderr
    assert "root waits for bit" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Traceback" in rrm(place, "logs", "bit").stdout


@pytest.mark.slow
def test_a_missed_gate_has_its_own_exit_code(place):
    gate = "nodes.bit.gate={reject: 0.98, accept: 0.999, judgments: 300}"
    ended = rrm(place, "run", "tiny.yaml", "--only", "bit", "--set", gate)
    assert ended.returncode == ExitCode.GATE_MISSED, ended.stderr


def start(folder, *sets):
    command = [sys.executable, "-m", "rrm_tree", "run", "tiny.yaml", "--workers", "1", "--format", "json"]
    command += [part for one in sets for part in ("--set", one)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(process, kind):
    return next(line for line in process.stdout if json.loads(line)["kind"] == kind)


@pytest.mark.slow
def test_ctrl_c_once_finishes_the_round_and_stops(place):
    process = start(place, MOODY_BIT % "sleep: 0.5")
    wait_for(process, "phase")
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=120)
    assert process.returncode == ExitCode.INTERRUPTED
    assert "finishing the rounds" in said
    assert json.loads(printed.splitlines()[-1])["interrupted"]
    assert len(list(place.glob("rrm-store/keys/bit@*/round-*.json"))) == 1


@pytest.mark.slow
def test_ctrl_c_twice_stops_now_and_names_the_command(place):
    process = start(place, MOODY_BIT % "sleep: 60.0")
    wait_for(process, "phase")
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == ExitCode.INTERRUPTED
    assert "resume: rrm run tiny.yaml" in said


@pytest.mark.slow
def test_gc_leaves_a_store_alone_while_a_run_is_going_on(place):
    process = start(place, MOODY_BIT % "sleep: 60.0")
    wait_for(process, "phase")
    ended = rrm(place, "gc")
    process.kill()
    process.communicate()
    assert (ended.returncode, "is in use by tiny-" in ended.stderr) == (ExitCode.USAGE, True)
    assert rrm(place, "gc").returncode == 0


def test_an_unknown_spec_is_a_usage_error(place):
    ended = rrm(place, "run", "tony.yaml")
    assert (ended.returncode, "tony.yaml" in ended.stderr) == (ExitCode.USAGE, True)


def test_an_unknown_node_is_a_usage_error_before_anything_is_written(place):
    ended = rrm(place, "run", "tiny.yaml", "--only", "bitt")
    assert (ended.returncode, "did you mean 'bit'?" in ended.stderr) == (ExitCode.USAGE, True)
    assert not (place / "rrm-store").exists()


def test_a_plug_in_that_raises_on_import_is_named_with_its_line(place):
    (place / "moody.py").write_text("\nraise OSError('no licence server')")
    ended = rrm(place, "run", "tiny.yaml", "--set", MOODY_BIT % "")
    assert ended.returncode == ExitCode.USAGE
    assert "moody.py:2" in ended.stderr
    assert "no licence server" in ended.stderr


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_store_of_a_newer_format_is_unreachable(place, command):
    (place / "rrm-store").mkdir()
    (place / "rrm-store" / "format.json").write_text('{"format": 99}')
    ended = rrm(place, command, "tiny.yaml")
    assert (ended.returncode, "upgrade rrm-tree" in ended.stderr) == (ExitCode.UNREACHABLE, True)


def test_a_store_that_is_a_file_is_unreachable(place):
    (place / "rrm-store").write_text("")
    for command in (("run", "tiny.yaml"), ("plan", "tiny.yaml"), ("status",), ("gc",)):
        ended = rrm(place, *command)
        assert (ended.returncode, "Traceback" in ended.stderr) == (ExitCode.UNREACHABLE, False)


@pytest.mark.slow
def test_a_run_without_pairs_gets_the_bytes_that_training_would_have_left(trained, place):
    shutil.copytree(trained[0] / "rrm-store", place / "rrm-store")
    measured = sorted(place.glob("rrm-store/keys/*/measured-pairs-*.json"))
    assert len(measured) == 2
    for file in measured:
        file.unlink()
    run = next((place / "rrm-store" / "runs").iterdir()).name
    said = rrm(place, "measure", run, "--what", "pairs").stdout.splitlines()
    assert [line.partition(":")[0] for line in said] == ["bit", "root"]
    assert learned(place / "rrm-store") == learned(trained[0] / "rrm-store")


@pytest.mark.slow
def test_a_root_is_foretold_from_its_helper_which_is_measured_on_the_way(trained, place):
    shutil.copytree(trained[0] / "rrm-store", place / "rrm-store")
    run = next((place / "rrm-store" / "runs").iterdir()).name
    said = [json.loads(rrm(place, "measure", run, "root", "--format", "json").stdout) for _ in range(2)]
    assert [one["new"] for one in said] == [
        ["causes", "transfer", "prediction", "best-of-n", "disagreements"],
        [],
    ]
    assert len(list(place.glob("rrm-store/keys/bit@*/measured-prediction-*.json"))) == 1


@pytest.mark.slow
def test_allocate_measures_what_is_missing_once_and_says_what_each_node_would_gain(trained, place):
    shutil.copytree(trained[0] / "rrm-store", place / "rrm-store")
    command = ("allocate", "--judgments", "100", "--format", "json")
    before = json.loads(rrm(place, *command, "--stored").stdout)
    assert all(grant["gain"] is None for grant in before["grants"])
    first, again = (rrm(place, *command) for _ in range(2))
    found = json.loads(first.stdout)
    assert {grant["node"] for grant in found["grants"]} == {"root", "bit"}
    assert all(grant["gain"]["low"] <= grant["gain"]["value"] for grant in found["grants"])
    assert "measured learning, transfer" in first.stderr
    assert again.stderr == ""
    assert again.stdout == first.stdout


@pytest.mark.slow
def test_fresh_pairs_are_another_draw_and_training_goes_on_from_the_same_keys(trained, place):
    shutil.copytree(trained[0] / "rrm-store", place / "rrm-store")
    run = next((place / "rrm-store" / "runs").iterdir()).name
    command = ("measure", run, "bit", "--what", "pairs", "--fresh", "--pairs", "30", "--format", "json")
    draws = [json.loads(rrm(place, *command).stdout)["draw"] for _ in range(2)]
    assert draws == [1, 2]
    assert "nothing to train" in rrm(place, "plan", "tiny.yaml").stdout
    assert "0 objects" in rrm(place, "gc", "--dry-run").stdout
    assert "no node 'bti'; did you mean 'bit'" in rrm(place, "measure", run, "bti").stderr


@pytest.mark.parametrize("command", [("status",), ("logs", "bit"), ("report",), ("gc",)])
def test_a_store_without_runs_is_a_usage_error(place, command):
    ended = rrm(place, *command)
    assert (ended.returncode, "holds no run" in ended.stderr) == (ExitCode.USAGE, True)
    assert not (place / "rrm-store").exists()


@pytest.mark.slow
@pytest.mark.parametrize("room", [20_000, 70_000])
def test_a_full_disk_ends_the_run_with_what_to_do_and_nothing_half_written(trained, place, room):
    # A limit on the size of files stops a write in the middle, as a full disk does.
    limit = (resource.RLIMIT_FSIZE, (room, room))
    ended = rrm(place, "run", "tiny.yaml", preexec_fn=lambda: resource.setrlimit(*limit))
    assert ended.returncode == ExitCode.UNREACHABLE, ended.stderr
    assert "room" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert rrm(place, "run", "tiny.yaml", "--workers", "2").returncode == 0
    assert learned(place / "rrm-store") == learned(trained[0] / "rrm-store")


@pytest.mark.slow
def test_plan_and_help_load_nothing_heavy(place):
    heavy = ("torch", "gymnasium", "celery", "sqlalchemy", "numpy", "scipy", "fsspec", "networkx")
    code = (
        "import sys\nfrom rrm_tree.cli import rrm\n"
        "rrm.main(sys.argv[1:], standalone_mode=False)\n"
        f"print(*[name for name in {heavy} if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, "plan", "tiny.yaml"]
    ended = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1].strip() == ""
