from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rrm_tree.errors import PluginError
from rrm_tree.registry import BUILT_IN, Plugin, find, import_modules, known, register

Write = Callable[[str], str]
numbers = itertools.count()


@pytest.fixture
def write_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """A module of the user's, under a name that no other test uses."""
    monkeypatch.setattr(sys, "path", [*sys.path])

    def write(text: str) -> str:
        name = f"users_own_{next(numbers)}"
        (tmp_path / f"{name}.py").write_text(text)
        import_modules((), tmp_path)
        return name

    return write


@pytest.mark.parametrize("kind", BUILT_IN)
def test_every_built_in_plugin_can_be_found_and_says_what_it_is(kind: str) -> None:
    for name in BUILT_IN[kind]:  # type: ignore[index]
        plugin = find(kind, name)  # type: ignore[arg-type]
        assert isinstance(plugin.facts.version, str), name
        assert plugin.doc, name
        assert kind != "judge" or plugin.facts.kinds


OWN = '''
from __future__ import annotations
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from nowhere import Heavy

class Maze:
    """A maze of one's own."""
    version = "3"
    subject = None
    accepts = {"path": "maze"}

    def __init__(
        self, size: int, doors: tuple[int, ...] = (1, 2), speed: float | None = None, lit: bool = True
    ):
        self.given = (size, doors, speed, lit)

def door(size: int = 3) -> Heavy:
    return Maze(size)
'''


def test_a_class_of_the_users_own_is_named_by_module_and_attribute(write_module: Write) -> None:
    maze = find("task", f"{write_module(OWN)}:Maze")
    assert (maze.facts.version, maze.facts.accepts, maze.doc) == (
        "3",
        {"path": "maze"},
        "A maze of one's own.",
    )
    assert maze.build({"size": "2k", "doors": [3, 4], "speed": 2}).given == (2000, (3, 4), 2.0, True)


@pytest.mark.parametrize(
    ("options", "path", "message"),
    [
        ({}, ("size",), "the key 'size' is missing"),
        ({"size": True}, ("size",), "not true"),
        ({"size": 1, "dors": []}, ("dors",), "did you mean 'doors'?"),
        ({"size": 1, "doors": [1, "x"]}, ("doors", 1), "must be a whole number, not 'x'"),
        ({"size": 1, "lit": "yes"}, ("lit",), "must be true or false"),
        ({"size": 1, "speed": "fast"}, ("speed",), "must be a number"),
    ],
)
def test_wrong_options_are_found_before_anything_is_built(
    options: dict[str, object], path: tuple[object, ...], message: str, write_module: Write
) -> None:
    maze = find("task", f"{write_module(OWN)}:Maze")
    (complaint,) = maze.check(options)
    assert complaint.path == path
    assert message in complaint.message
    with pytest.raises(PluginError, match="wrong options"):
        maze.build(options)


def test_a_return_type_that_is_imported_for_type_checkers_only_does_no_harm(write_module: Write) -> None:
    assert find("task", f"{write_module(OWN)}:door").build({"size": 4}).given[0] == 4


def test_modules_of_the_specs_imports_register_names(write_module: Write, tmp_path: Path) -> None:
    name = write_module(
        "from rrm_tree.registry import register\n"
        "@register('judge', 'grandmother')\n"
        "def judge(): 'Knows best.'\n"
    )
    with pytest.raises(PluginError, match="no judge is named 'grandmother'"):
        find("judge", "grandmother")
    import_modules([name], tmp_path)
    assert find("judge", "grandmother").doc == "Knows best."
    assert "grandmother" in known("judge")


def test_installed_distributions_announce_plugins_by_entry_points(
    write_module: Write, tmp_path: Path
) -> None:
    name = write_module("def tidy(): 'Tidies up.'\n")
    info = tmp_path / "tidy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tidy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[rrm_tree.domains]\ntidy = {name}:tidy\n")
    assert find("task", "tidy").doc == "Tidies up."


def test_a_gymnasium_environment_needs_nothing_but_its_id() -> None:
    plugin = find("task", "CartPole-v1")
    assert plugin.fixed == {"id": "CartPole-v1"}
    assert "id" not in plugin.options.model_fields


@pytest.mark.parametrize(
    ("text", "attribute", "message"),
    [
        ("1 / 0\n", "x", r"ZeroDivisionError: division by zero \(.*users_own_\d+\.py:1\)"),
        ("def f(:\n", "x", r"SyntaxError: .*users_own_\d+\.py, line 1"),
        ("import sys\nsys.exit(3)\n", "x", "SystemExit: 3"),
        ("import no_such_thing\n", "x", "No module named 'no_such_thing'"),
        ("maze = 3\n", "maze", "is int, not a class or function"),
        ("def maze(): ...\n", "maz", r"users_own_\d+\.py has no 'maz'; did you mean 'maze'\?"),
        ("def maze(a: Nowhere): ...\nmaze.__annotations__['a'] = 'Nowhere'\n", "maze", "Nowhere"),
    ],
)
def test_a_module_that_cannot_be_used_is_named_with_its_file_and_reason(
    text: str, attribute: str, message: str, write_module: Write
) -> None:
    name = write_module("from __future__ import annotations\n" + text if "Nowhere" in text else text)
    with pytest.raises(PluginError, match=message) as caught:
        find("task", f"{name}:{attribute}")
    assert f"task '{name}:{attribute}'" in str(caught.value)


def test_a_plugin_that_raises_when_it_is_built_is_to_blame_by_name(write_module: Write) -> None:
    name = write_module("def f(size: int = 0):\n    return 1 / size\n")
    with pytest.raises(
        PluginError, match=rf"task '{name}:f' cannot be built: ZeroDivisionError.*{name}\.py:2"
    ):
        find("task", f"{name}:f").build({})


def test_a_file_beside_the_spec_does_not_hide_an_installed_package(tmp_path: Path) -> None:
    (tmp_path / "colorsys.py").write_text("raise RuntimeError('hidden')\n")
    import_modules(["colorsys"], tmp_path)


def test_registering_again_replaces_what_was_found_before() -> None:
    register("network", "tests.changing")(lambda: 1)
    assert find("network", "tests.changing").build({}) == 1
    register("network", "tests.changing")(lambda: 2)
    plugin: Plugin = find("network", "tests.changing")
    assert plugin.build({}) == 2
