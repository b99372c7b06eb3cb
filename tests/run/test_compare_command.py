"""`rrm compare` on real runs: what it says, and what it exits with."""

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
