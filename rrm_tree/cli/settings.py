"""Every setting of a tree with where it comes from, and every plug-in with its options.

In: a tree that was read from a file. Out: rows to print.
Touches users' modules through the registry.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from rrm_tree.errors import PluginError, UsageError
from rrm_tree.fitting import SLOTS
from rrm_tree.mistakes import suggest
from rrm_tree.registry import GROUPS, PluginKind, find, known
from rrm_tree.spec import TreeSpec
from rrm_tree.yaml_source import Source


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of a resolved spec."""

    path: tuple[str, ...]
    value: object
    origin: str
    """`line 12`, `defaults, line 5`, `--set …`, `built in`, or the plug-in whose default it is."""


def list_settings(tree: TreeSpec, node: str | None) -> list[Setting]:
    """All settings of one node, or of the whole tree.

    Raises:
        UsageError: if no node has that name.
    """
    if node is None:
        head = tree.model_dump(mode="json", exclude={"nodes"})
        rest = [setting for name in tree.nodes for setting in _node_settings(tree, name)]
        top = [Setting(path, value, _origin(tree.source, path)) for path, value in _leaves((), head)]
        return [*top, *rest]
    if node not in tree.nodes:
        raise UsageError(f"no node is named '{node}'{suggest(node, tree.nodes)}")
    return list(_node_settings(tree, node))


def _node_settings(tree: TreeSpec, name: str) -> Iterator[Setting]:
    spec = tree.nodes[name]
    dumped = spec.model_dump(mode="json", by_alias=True)
    plugins = {
        "task": spec.task,
        "judge": spec.judge,
        "network": spec.reward_model.network,
        "algorithm": spec.agent,
    }
    plugin_defaults: dict[tuple[str, ...], str] = {}
    for kind, slot in SLOTS.items():
        used = plugins[kind]
        written = dumped[slot[0]][slot[1]] if len(slot) > 1 else dumped[slot[0]]
        for option, field in find(kind, used.use).options.model_fields.items():
            if option not in used.options and not field.is_required():
                written["with"][option] = field.default
                plugin_defaults["nodes", name, *slot, "with", option] = used.use
    for path, value in _leaves(("nodes", name), dumped):
        use = plugin_defaults.get(path)
        yield Setting(path, value, f"default of {use}" if use else _origin(tree.source, path))


def _leaves(path: tuple[str, ...], value: object) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every value below a path that is not a mapping of settings itself."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves((*path, str(key)), inner)
    elif value != {}:
        yield path, value


def _origin(source: Source | None, path: tuple[str, ...]) -> str:
    """Where a value is written, or that it is built in."""
    if source is None:
        return "Python"
    candidates = [(path, ""), (("defaults", *path[2:]), "defaults, ")]
    for written, label in candidates[: 2 if path[0] == "nodes" else 1]:
        found = source.find(written)
        rest = written[found.depth :]
        # `task: chess.ray` writes `task.use`, and `arms: [alone]` writes all of that arm.
        short = rest == ("use",) or "arms" in written[: found.depth]
        if not rest or (short and not isinstance(found.value.content, dict)):
            place = found.value.place
            return f"--set {place.setting}" if place.setting else f"{label}line {place.line}"
    return "built in"


def describe_plugins() -> list[dict[str, Any]]:
    """Kind, name, first line and options of everything that a spec can use here."""
    rows: list[dict[str, Any]] = []
    kinds: list[PluginKind] = list(GROUPS)
    for kind in kinds:
        for name in known(kind):
            row: dict[str, Any] = {"kind": kind, "name": name, "options": {}}
            try:
                plugin = find(kind, name)
                row["doc"], row["options"] = plugin.doc, describe_options(plugin.options)
            except PluginError as error:
                row["doc"] = f"cannot be used: {error}"
            rows.append(row)
        if kind == "task":
            doc = "any gymnasium environment by its id, such as CartPole-v1"
            rows.append({"kind": kind, "name": "<environment>-v<n>", "doc": doc, "options": {}})
    return rows


def as_yaml(value: object) -> str:
    """A default as one would write it in a spec."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False).replace('"', "")


def describe_options(options: type[BaseModel]) -> dict[str, str]:
    """Each option's type and default in words."""
    texts = {}
    for name, field in options.model_fields.items():
        kind = name_type(field.annotation)
        texts[name] = (
            f"{kind}, required" if field.is_required() else f"{kind}; {as_yaml(field.default)} if not given"
        )
    return texts


def name_type(kind: Any) -> str:
    """A type as people who write YAML would call it."""
    words = {int: "whole number", float: "number", str: "text", bool: "true or false", NoneType: "null"}
    origin, inner = get_origin(kind), get_args(kind)
    if kind in words:
        return words[kind]
    if origin is Annotated:
        return name_type(inner[0])
    if origin is Literal:
        return " | ".join(map(str, inner))
    if origin in (Union, UnionType):
        return " or ".join(map(name_type, inner))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "mapping"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return f"list of {name_type(inner[0])}"
    return str(getattr(kind, "__name__", kind))
