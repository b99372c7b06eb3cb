from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from rrm_tree.cli import COMMANDS, main, rrm
from rrm_tree.yaml_source import read_file

REPOSITORY = Path(__file__).parents[2]
SAMPLES = sorted((REPOSITORY / "task_specs").rglob("*.yaml"))
LOGIC = REPOSITORY / "task_specs" / "logic.yaml"


class Told:
    """What a command printed and ended with."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: object) -> None:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        self.code = ended.value.code
        self.out, self.err = capsys.readouterr()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_spec_is_valid(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, "validate", sample)
    assert (told.code, told.err) == (0, "")
    assert "is valid" in told.out


def test_mistakes_go_to_stderr_with_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(LOGIC.read_text().replace("version: 1", "version: 1\nsede: 3"))
    told = Told(capsys, "validate", spec)
    line = 1 + spec.read_text().splitlines().index("sede: 3")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith(f"{spec}:{line}:1: sede: there is no key 'sede' here; did you mean 'seed'?\n")


def test_mistakes_can_be_read_by_programs(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(capsys, "validate", LOGIC, "--format", "json", "--set", "sede=3")
    (mistake,) = json.loads(told.out)["mistakes"]
    assert told.code == 2
    assert (mistake["path"], mistake["set"], mistake["line"]) == ("sede", "sede=3", None)


def test_a_valid_tree_can_be_read_by_programs(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(Told(capsys, "validate", LOGIC, "--format", "json").out)
    assert found["mistakes"] == []
    assert found["nodes"][0]["level"] == 0
    assert found["nodes"][-1]["name"] == found["root"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["vlidate"], "there is no command 'vlidate'; did you mean 'validate'?"),
        (["validate"], "Missing argument 'SPEC'"),
        (["validate", "x.yaml", "--sett", "a=b"], "No such option"),
        (["validate", "no/such.yaml"], "no/such.yaml: there is no such file"),
        (["show", str(LOGIC), "nobody"], "no node is named 'nobody'"),
        (["init", "ches"], "no sample is named 'ches'; did you mean 'chess'?"),
        (["list", "judges"], "'judges' is not one of 'task', 'judge'"),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_a_reason(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Told(capsys, *arguments)
    assert told.code == 2
    assert said in told.err


def test_show_says_where_every_setting_comes_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "version: 1\nname: one\ndefaults:\n  judge: {use: logic.person, with: {read_error: 0.5}}\n"
        "  budget: {rounds: 2}\nnodes:\n  bit:\n    doc: d\n    task: shown_root:root\n"
        "    criteria: {c: {question: q}}\n    budget: {judgments: 2k}\n    judge: teacher\n"
    )
    (tmp_path / "shown_root.py").write_text(
        "from rrm_tree.contracts import declare\n"
        "@declare(version='1', subject=None)\ndef root(size: int = 4): ...\n"
    )
    sets = ["--set", "nodes.bit.budget.looks=7", "--set", "defaults.budget.rounds=3"]
    told = Told(capsys, "show", spec, "bit", "--format", "json", *sets)
    rows = {row["path"]: (row["value"], row["from"]) for row in json.loads(told.out)}
    assert rows["nodes.bit.budget.judgments"] == (2000, "line 11")
    assert rows["nodes.bit.budget.looks"] == (7, "--set nodes.bit.budget.looks=7")
    assert rows["nodes.bit.budget.rounds"] == (3, "--set defaults.budget.rounds=3")
    assert rows["nodes.bit.budget.steps"] == (100_000, "built in")
    assert rows["nodes.bit.task.use"] == ("shown_root:root", "line 9")
    assert rows["nodes.bit.task.with.size"] == (4, "default of shown_root:root")
    assert rows["nodes.bit.judge.use"] == ("teacher", "line 12")
    assert "nodes.bit.judge.with.read_error" not in rows


def test_the_schema_accepts_every_sample_and_refuses_a_wrong_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    schema = json.loads(Told(capsys, "schema").out)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    for sample in [*SAMPLES, REPOSITORY / "tests" / "spec" / "chess.yaml"]:
        document = read_file(sample).root.plain()
        assert list(validator.iter_errors(document)) == []
    person = {"use": "chess.person", "with": {"lokos": 3}}
    assert not validator.is_valid({**document, "defaults": {"judge": person}})
    assert not validator.is_valid({**document, "defaults": {"budget": {"judgments": 0}}})
    assert validator.is_valid({**document, "defaults": {"judge": {"use": "my.own:judge", "with": {"x": 1}}}})
    assert validator.is_valid({**document, "x-mine": 1, "defaults": {"budget": {"judgments": "2k"}}})


@pytest.mark.parametrize("options", [("--report",), ("--report", "--seeds")])
def test_the_schemas_of_reports_are_printed(
    options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    schema = json.loads(Told(capsys, "schema", *options).out)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert ("seeds_report" in schema["properties"]) == ("--seeds" in options)


def test_the_schema_beside_the_samples_is_up_to_date() -> None:
    command = [sys.executable, "-m", "rrm_tree", "schema"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout
    shipped = (REPOSITORY / "task_specs" / "spec.schema.json").read_text(encoding="utf-8")
    assert printed == shipped, "run: rrm schema > task_specs/spec.schema.json"


def test_init_copies_a_sample_that_is_valid_and_overwrites_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "folder"
    told = Told(capsys, "init", "logic", folder)
    assert told.code == 0
    assert told.out.endswith(f"next: rrm run {folder / 'logic.yaml'}\n")
    assert Told(capsys, "validate", folder / "logic.yaml").code == 0
    assert json.loads((folder / "spec.schema.json").read_text())["title"] == "TreeSpec"
    (folder / "logic.yaml").write_text("mine")
    again = Told(capsys, "init", "logic", folder)
    assert (again.code, (folder / "logic.yaml").read_text()) == (2, "mine")
    assert "exists already" in again.err


def test_list_shows_each_plugin_with_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(Told(capsys, "list", "--format", "json").out)
    person = next(row for row in rows if row["name"] == "logic.person")
    assert person["kind"] == "judge"
    assert person["options"]["look_error"] == "number; 0.05 if not given"
    assert not [row["name"] for row in rows if row["doc"].startswith("cannot be used")]
    assert "logic.person" not in Told(capsys, "list", "network").out


def test_the_help_of_each_command_begins_with_its_line_in_the_table() -> None:
    context = rrm.make_context("rrm", ["list"])
    for name, (_, line) in COMMANDS.items():
        command = rrm.get_command(context, name)
        assert command is not None
        assert not line or command.get_short_help_str(200) == line, name


def test_a_bug_shows_its_traceback_and_an_interrupt_ends_with_130() -> None:
    code = "import rrm_tree.cli as c, click\n@c.rrm.command('x')\ndef x(): {}\nc.COMMANDS['x'] = ('__main__:x', '')\nc.main(['x'])"  # noqa: E501
    ends = {}
    for what in ("1 / 0", "raise KeyboardInterrupt"):
        command = [sys.executable, "-c", code.format(what)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        ends[what] = (done.returncode, "Traceback" in done.stderr)
    assert ends == {"1 / 0": (1, True), "raise KeyboardInterrupt": (130, False)}
