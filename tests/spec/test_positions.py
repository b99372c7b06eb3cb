"""A mistake planted at a random place of a random spec is reported at exactly that place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from rrm_tree.graph import load_graph
from rrm_tree.mistakes import SpecMistakes

SCALARS = {
    "budget": {"judgments": 40, "rounds": 2, "steps": "2k", "looks": 1_000, "cpu_seconds": "10min"},
    "resources": {"cpu": 1, "memory": "2GB", "queue": "fast"},
    "reward_model": {"ensemble": 3, "learning_rate": 0.001, "sees": ["outcome"], "network": "mlp"},
}


@dataclass
class Writer:
    """Writes YAML in a drawn style and notes where every key and value starts."""

    draw: DrawFn
    lines: list[str] = field(default_factory=lambda: [""])
    keys: dict[tuple[Any, ...], tuple[int, int]] = field(default_factory=dict)
    values: dict[tuple[Any, ...], tuple[int, int]] = field(default_factory=dict)

    @property
    def here(self) -> tuple[int, int]:
        return len(self.lines), len(self.lines[-1]) + 1

    def say(self, text: str) -> None:
        self.lines[-1] += text

    def new_line(self, indent: int) -> None:
        if self.draw(st.integers(0, 5)) == 0:
            self.lines.append(self.draw(st.sampled_from(["", "# größer: {", "   # 2: [x"])))
        self.lines.append(" " * indent)

    def scalar(self, value: object) -> None:
        quote = self.draw(st.sampled_from(["", "'", '"'])) if isinstance(value, str) else ""
        self.say(f"{quote}{value}{quote}")

    def key(self, path: tuple[Any, ...]) -> None:
        self.keys[path] = self.here
        self.say(f"{path[-1]}:" + " " * self.draw(st.integers(1, 3)))

    def block(self, value: dict[str, Any], path: tuple[Any, ...], indent: int) -> None:
        for name, inner in value.items():
            below = (*path, name)
            self.new_line(indent)
            self.key(below)
            if isinstance(inner, dict) and inner and self.draw(st.booleans()):
                self.lines[-1] = self.lines[-1].rstrip()
                self.block(inner, below, indent + self.draw(st.integers(1, 4)))
            elif isinstance(inner, list) and inner and self.draw(st.booleans()):
                self.lines[-1] = self.lines[-1].rstrip()
                for position, item in enumerate(inner):
                    self.new_line(indent + 2)
                    self.say("-" + " " * self.draw(st.integers(1, 3)))
                    self.flow(item, (*below, position))
            else:
                self.flow(inner, below)

    def flow(self, value: object, path: tuple[Any, ...]) -> None:
        self.values[path] = self.here
        if isinstance(value, dict):
            self.say("{")
            for position, (name, inner) in enumerate(value.items()):
                self.say(", " if position else "")
                self.key((*path, name))
                self.flow(inner, (*path, name))
            self.say("}")
        elif isinstance(value, list):
            self.say("[")
            for position, inner in enumerate(value):
                self.say(", " if position else "")
                self.flow(inner, (*path, position))
            self.say("]")
        else:
            self.scalar(value)


@st.composite
def documents(draw: DrawFn) -> dict[str, Any]:
    """Valid specs: a chain of gates over bits, with settings at random places."""
    count = draw(st.integers(1, 4))
    names = [f"n{number}" for number in range(count)]

    def parts() -> dict[str, Any]:
        chosen = draw(st.lists(st.sampled_from(sorted(SCALARS)), unique=True))
        return {part: {key: SCALARS[part][key] for key in draw(st.sets(st.sampled_from(sorted(SCALARS[part])), min_size=1))} for part in chosen}  # noqa: E501  # fmt: skip

    nodes = {}
    for place, name in enumerate(names):
        below = names[place + 1 :]
        helpers = [names[place + 1], *draw(st.lists(st.sampled_from(below), unique=True))] if below else []
        nodes[name] = {
            "doc": "does it hold",
            "task": draw(
                st.sampled_from(
                    ["planted_plugins:gate", {"use": "planted_plugins:gate", "with": {"width": 14}}]
                )
            ),
            "criteria": {"right": {"question": "is it so", "helpers": list(dict.fromkeys(helpers))}},
            **parts(),
        }
    nodes[names[0]]["task"] = "planted_plugins:root"
    return {
        "version": 1,
        "name": "t",
        "defaults": {"judge": {"use": "planted_plugins:person"}, **parts()},
        "nodes": nodes,
    }


def leaves(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]
    return [path]


def at(document: dict[str, Any], path: tuple[Any, ...]) -> Any:
    for part in path:
        document = document[part]
    return document


PLANTS = ["missing key", "unknown key", "wrong value", "unknown helper", "unknown option"]


@st.composite
def planted(draw: DrawFn) -> tuple[str, tuple[int, int], str]:
    """A spec's text with one mistake, where that stands, and a word of its message."""
    document = draw(documents())
    kind = draw(st.sampled_from(PLANTS))
    paths = leaves(document)
    wants_key, word = True, "zzz"
    if kind == "missing key":
        path = ("nodes", draw(st.sampled_from(sorted(document["nodes"]))))
        word = draw(st.sampled_from(["doc", "task", "criteria"]))
        del at(document, path)[word]
    elif kind == "unknown key":
        parents = {path[:-1] for path in paths if "with" not in path and len(path) > 1} | {()}
        parent = draw(st.sampled_from(sorted(parents - {("nodes",)}, key=str)))
        if parent and parent[-1] == "criteria":
            parent = (*parent, "right")
        at(document, parent)["zzz"] = 1
        path = (*parent, "zzz")
    elif kind == "wrong value":
        numbers = [
            path for path in paths if path[-1] in {"judgments", "rounds", "steps", "ensemble", "memory"}
        ]
        path = draw(st.sampled_from([*numbers, ("version",)]))
        at(document, path[:-1])[path[-1]] = "zzz"
        wants_key = False
    elif kind == "unknown helper":
        name = draw(st.sampled_from(sorted(document["nodes"])))
        helpers = document["nodes"][name]["criteria"]["right"]["helpers"]
        helpers.append("zzz")
        path = ("nodes", name, "criteria", "right", "helpers", len(helpers) - 1)
        wants_key = False
    else:
        document["defaults"]["judge"]["with"] = {"looks": 5, "zzz": 1}
        path = ("defaults", "judge", "with", "zzz")
    writer = Writer(draw)
    writer.block(document, (), 0)
    place = writer.keys[path] if wants_key else writer.values[path]
    return "\n".join(writer.lines) + "\n", place, word


PLUGINS = '''
from rrm_tree.contracts import declare

@declare(version="1", subject=None, advice=None, accepts={"claim": "place"})
def root():
    """A gate that starts by itself."""

@declare(version="1", subject="place", advice="claim", accepts={"claim": "place"})
def gate(width: int = 3):
    """Any other gate."""

@declare(version="1", kinds=("label",), direct=True, tasks=None)
def person(looks: int = 3):
    """Knows all tasks."""
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("positions")
    (made / "planted_plugins.py").write_text(PLUGINS)
    return made


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(planted())
def test_a_planted_mistake_is_reported_at_exactly_its_line_and_column(
    folder: Path, case: tuple[str, tuple[int, int], str]
) -> None:
    text, place, word = case
    file = folder / "spec.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SpecMistakes) as caught:
        load_graph(file)
    mistakes = caught.value.mistakes
    assert [(one.place.line, one.place.column) for one in mistakes if one.place] == [place], text
    assert word in mistakes[0].message


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_random_spec_without_a_planted_mistake_is_valid(folder: Path, data: st.DataObject) -> None:
    document = data.draw(documents())
    writer = Writer(data.draw)
    writer.block(document, (), 0)
    file = folder / "valid.yaml"
    file.write_text("\n".join(writer.lines) + "\n", encoding="utf-8")
    assert set(load_graph(file).order) == set(document["nodes"])
