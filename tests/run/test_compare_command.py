"""`rrm compare` and `rrm whatif` on real runs: what it says, and what it exits with."""

import json

import pytest
from test_commands import furnish, rrm

from rrm_tree.errors import ExitCode

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    """The same tree twice: as written, and with leaves whose judge reads every second bit wrongly."""
    folder = furnish(tmp_path_factory.mktemp("compared"))
    blind = "nodes.bit.judge.with.look_error=0.5"
    for sets in ((), ("--set", blind)):
        rrm(folder, "run", "tiny.yaml", "--set", "nodes.bit.budget.judgments=300", *sets)
    return folder, *sorted(path.name for path in (folder / "rrm-store" / "runs").iterdir())


def test_a_run_compared_with_itself_differs_in_nothing(two_runs):
    folder, run, _ = two_runs
    found = rrm(folder, "compare", run, f"rrm-store/runs/{run}")
    assert found.returncode == ExitCode.DONE
    assert "nothing differs" in found.stdout


def test_the_setting_that_differs_is_told_and_both_directions_disagree_about_worse(two_runs):
    folder, *runs = two_runs
    codes = {rrm(folder, "compare", *order).returncode for order in (runs, runs[::-1])}
    told = json.loads(rrm(folder, "compare", *runs, "--format", "json").stdout)
    assert codes == {ExitCode.DONE, ExitCode.WORSE}
    assert [edit["path"] for edit in told["edits"]] == ["nodes.bit.judge.with.look_error"]


def test_a_run_that_is_not_there_is_named(two_runs):
    folder, run, _ = two_runs
    found = rrm(folder, "compare", run, "tiny-00000000")
    assert found.returncode == ExitCode.USAGE
    assert "has no run 'tiny-00000000'" in found.stderr


def test_whatif_trains_only_what_hears_the_difference(two_runs):
    folder = two_runs[0]
    found = rrm(folder, "whatif", "tiny.yaml", "--corrupt", "bit=0.5", "--format", "json")
    assert found.returncode == ExitCode.DONE, found.stderr
    *progress, told = [json.loads(line) for line in found.stdout.splitlines()]
    edited = told["second"].rpartition("/")[2]
    started = [x["entry"] for x in progress if x["kind"] == "started" and x["run"] == edited]
    assert started == ["root"]
    assert {node["name"]: node["same_keys"] for node in told["nodes"]} == {"root": False, "bit": True}


def test_an_ideal_helper_is_not_trained_and_a_judge_without_slips_is_one_of_other_options(two_runs):
    folder = two_runs[0]
    arguments = ("--ideal", "bit", "--judge", "root=noiseless", "--format", "json")
    found = rrm(folder, "whatif", "tiny.yaml", *arguments)
    assert found.returncode == ExitCode.DONE, found.stderr
    told = json.loads(found.stdout.splitlines()[-1])
    paths = {edit["path"] for edit in told["edits"]}
    assert {"nodes.bit.answers", "nodes.root.judge.with.look_error"} <= paths
    assert {node["name"]: node["only_in"] for node in told["nodes"]} == {"root": None, "bit": "first"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say what to change"),
        (("--ideal", "bot"), "did you mean 'bit'"),
        (("--corrupt", "bit=much"), "write NODE=SHARE"),
        (("--judge", "bit=kind"), "write bit=noiseless"),
        (("--corrupt", "root=0.1"), "nobody hears what it answers"),
        (("--corrupt", "bit=2"), "must be at most 1"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is_trained(tmp_path, arguments, said):
    found = rrm(furnish(tmp_path), "whatif", "tiny.yaml", *arguments)
    assert not (tmp_path / "rrm-store").exists()
    assert found.returncode == ExitCode.USAGE
    assert said in found.stderr
