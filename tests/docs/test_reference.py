"""The reference pages say what the program does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rrm_tree.cli import COMMANDS, rrm
from rrm_tree.errors import ExitCode
from rrm_tree.node_spec import (
    STANDARD_ARMS,
    AnswersSpec,
    BudgetSpec,
    CriterionSpec,
    GateSpec,
    JudgeSpec,
    NodeSpec,
    Part,
    PluginSpec,
    ResourcesSpec,
    RewardModelSpec,
    ScheduleSpec,
)
from rrm_tree.propagation import OverSeeds, SeedsAnalysis
from rrm_tree.records import (
    Done,
    GateResult,
    JudgmentFacts,
    Mean,
    NodeResult,
    RoundRecord,
    RunResult,
    SeedsResult,
    Shares,
)
from rrm_tree.report.document import Report
from rrm_tree.report.seeds.document import SeedsReport
from rrm_tree.spec import MeasureSpec, TreeSpec

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
SECTIONS = {
    "The tree": TreeSpec,
    "measure": MeasureSpec,
    "node": NodeSpec,
    "criterion": CriterionSpec,
    "judge": JudgeSpec,
    "schedule": ScheduleSpec,
    "reward_model": RewardModelSpec,
    "answers": AnswersSpec,
    "budget": BudgetSpec,
    "gate": GateSpec,
    "resources": ResourcesSpec,
    "Plug-ins": PluginSpec,
}
BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
SHOWN = {True: "`true`", False: "`false`", None: "`null`"}
COMMAND_NAMES = [name for name, (_, line) in COMMANDS.items() if line]


def rows_below(page: str, title: str) -> dict[str, list[str]]:
    """The cells of a section's table by the key in the first one."""
    text = re.split(rf"^## {re.escape(title)}$", page, flags=re.M)[1].split("\n## ")[0]
    lines = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in lines}


def say_default(field: FieldInfo) -> str:
    """A default as the page writes it."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, PluginSpec):
        return f"`{value.use}`"
    if isinstance(value, Part):
        return "its defaults"
    if value is None or isinstance(value, bool):
        return SHOWN[value]
    if isinstance(value, tuple):
        return f"`[{', '.join(value)}]`"
    return f"`{value:_}`" if isinstance(value, int) and value >= 1000 else f"`{value}`"


def bounds_of(field: FieldInfo) -> Iterator[str]:
    for one in field.metadata:
        for name, sign in BOUNDS.items():
            if (bound := getattr(one, name, None)) is not None:
                yield f"{sign} {bound}"


@pytest.mark.parametrize("title", SECTIONS)
def test_every_key_of_a_spec_stands_in_the_reference_with_its_default_and_bounds(title: str) -> None:
    model = SECTIONS[title]
    rows = rows_below((REFERENCE / "spec.md").read_text(), title)
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    if model is TreeSpec:
        assert rows.pop("defaults")[1] == "`{}`"
    assert set(rows) == set(fields)
    for key, field in fields.items():
        kind, default, meaning = rows[key]
        assert default == say_default(field), key
        assert all(bound in kind.split(", ") for bound in bounds_of(field)), key
        assert meaning, key


def test_no_part_of_a_spec_is_without_a_section() -> None:
    parts, waiting = set(), [Part]
    while waiting:
        below = waiting.pop().__subclasses__()
        parts.update(below)
        waiting.extend(below)
    ours = {part for part in parts if part.__module__ in {TreeSpec.__module__, NodeSpec.__module__}}
    assert {part.__name__ for part in ours} == {model.__name__ for model in SECTIONS.values()}


def test_every_standard_arm_stands_in_the_reference() -> None:
    assert set(rows_below((REFERENCE / "spec.md").read_text(), "Arms")) == set(STANDARD_ARMS)


@pytest.mark.parametrize("name", COMMAND_NAMES)
def test_every_command_stands_in_the_reference_with_all_its_options(name: str) -> None:
    page = (REFERENCE / "commands.md").read_text()
    section = re.search(rf"^## `rrm {name}\b.*?(?=^## |\Z)", page, flags=re.M | re.S)
    assert section, name
    command = rrm.get_command(click.Context(rrm), name)
    assert command is not None
    below = list(command.commands.values()) if isinstance(command, click.Group) else []
    params = [one for each in (command, *below) for one in each.params]
    options = {opt for one in params if isinstance(one, click.Option) for opt in one.opts}
    options = {option for option in options if option.startswith("--")}
    written = {f"--{option}" for option in re.findall(r"`--([a-z-]+)", section[0])}
    assert written == options, name


def test_every_exit_code_stands_in_the_reference() -> None:
    page = (REFERENCE / "commands.md").read_text()
    codes = re.findall(r"^\| (\d+) \|", page.split("## `rrm run")[0], flags=re.M)
    assert {int(code) for code in codes} == set(ExitCode)


@pytest.mark.parametrize(
    ("title", "model"),
    [
        ("The file", Report),
        ("result", RunResult),
        ("result.nodes", NodeResult),
        ("A round", RoundRecord),
        ("facts", JudgmentFacts),
        ("off, on", Shares),
        ("Means", Mean),
        ("gate", GateResult),
        ("done.json", Done),
        ("Several seeds", SeedsReport),
        ("Result of several seeds", SeedsResult),
        ("OverSeeds", OverSeeds),
        ("Analysis over seeds", SeedsAnalysis),
    ],
)
def test_every_field_of_a_record_stands_in_the_reference(title: str, model: type[BaseModel]) -> None:
    rows = rows_below((REFERENCE / "report.md").read_text(), title)
    assert set(rows) == set(model.model_fields)
    assert all(meaning for cells in rows.values() for meaning in cells)
