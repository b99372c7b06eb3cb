"""Changes to a spec: one mapping merged into another, `--set`, and writing back with comments.

In: values and edits. Out: new values; what went in stays as it was.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

from rrm_tree.errors import SpecError
from rrm_tree.mistakes import Mistake, Path, Place, suggest
from rrm_tree.yaml_source import Value, read_text

PLUGIN_KEYS: Final = ("task", "judge", "agent", "network")
"""Where a plug-in stands; a bare text there is short for `{use: text}`."""


ABSENT: Final = object()
"""Stands for a setting that is not there."""


def as_plugin(value: object) -> object:
    """`{use: text}` for a bare text; anything else as it is."""
    return {"use": value} if isinstance(value, str) else value


def merge(base: Mapping[str, Any], edits: Mapping[str, Any]) -> dict[str, Any]:
    """The base with the edits put in, key by key; what is not a mapping is replaced.

    A plug-in whose `use` changes loses its old options: they were another plug-in's.
    """
    merged = dict(base)
    for key, edit in edits.items():
        old, new = merged.get(key), edit
        if key in PLUGIN_KEYS:
            old, new = as_plugin(old), as_plugin(new)
        if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
            merged[key] = new
        elif key == "with":
            merged[key] = {**old, **new}
        elif "use" in new and new["use"] != old.get("use"):
            merged[key] = merge({name: value for name, value in old.items() if name != "with"}, new)
        else:
            merged[key] = merge(old, new)
    return merged


def apply_sets(root: Value, sets: Sequence[str]) -> tuple[Value, list[Mistake]]:
    """The document with edits such as `nodes.x.budget.judgments=500`, and what is wrong with them."""
    mistakes: list[Mistake] = []
    for setting in sets:
        place = Place(0, 0, setting)
        path, equals, text = setting.partition("=")
        if not equals or not all(path.split(".")):
            mistakes.append(Mistake((), "must read path.to.key=value", place))
            continue
        try:
            value = read_text(text, setting).root if text.strip() else Value(None, place)
            root = _put(root, tuple(path.split(".")), 0, _moved(value, place))
        except _WrongPathError as error:
            mistakes.append(Mistake(error.path, str(error), place))
        except SpecError as error:
            mistakes.append(Mistake((), f"the value cannot be read: {error}", place))
    return root, mistakes


class _WrongPathError(Exception):
    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path


def _moved(value: Value, place: Place) -> Value:
    """The value, standing in a `--set`."""
    content = value.content
    if isinstance(content, dict):
        content = {key: _moved(inner, place) for key, inner in content.items()}
        return Value(content, place, dict.fromkeys(content, place))
    if isinstance(content, list):
        content = [_moved(inner, place) for inner in content]
    return Value(content, place)


def _put(root: Value, path: tuple[str, ...], depth: int, value: Value) -> Value:
    """A copy of `root` in which `value` stands at the path; siblings are shared."""
    if depth == len(path):
        return value
    part, content = path[depth], root.content
    if isinstance(content, str) and depth and path[depth - 1] in PLUGIN_KEYS:
        content, root = {"use": root}, Value({}, root.place, {"use": root.place})
    if content is None:
        content = {}
    if isinstance(content, dict):
        _check_node(content, path, depth)
        below = content.get(part, Value({}, value.place))
        keys = {**root.keys} if part in content else {**root.keys, part: value.place}
        return Value({**content, part: _put(below, path, depth + 1, value)}, root.place, keys)
    if isinstance(content, list) and part.isdecimal() and int(part) < len(content):
        changed = [*content]
        changed[int(part)] = _put(content[int(part)], path, depth + 1, value)
        return Value(changed, root.place)
    what = f"a list of {len(content)}; name a position" if isinstance(content, list) else "no mapping"
    raise _WrongPathError(path[:depth], f"is {what}, so there is no '{part}' in it")


def _check_node(content: Mapping[str, Value], path: tuple[str, ...], depth: int) -> None:
    if path[:depth] == ("nodes",) and path[depth] not in content:
        name = path[depth]
        raise _WrongPathError(path[:depth], f"no node is named '{name}'{suggest(name, content)}")


def differing(one: Any, other: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Every leaf in which two values differ, with where it is: ("judge", "with", "beta"), 1.0, 2.0.

    In the order written, what only the other has last; `ABSENT` stands for what is not there.
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in dict.fromkeys((*one, *other)):
            yield from differing(one.get(name, ABSENT), other.get(name, ABSENT), (*path, name))
    elif isinstance(one, list) and isinstance(other, list) and _have_parts([*one, *other]):
        for index, (old, new) in enumerate(zip_longest(one, other, fillvalue=ABSENT)):
            yield from differing(old, new, (*path, str(index)))
    elif one != other:
        yield path, one, other


def _have_parts(values: Sequence[object]) -> bool:
    return any(isinstance(value, dict | list) for value in values)


def rewrite(text: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The YAML text with what differs between `before` and `after` put in, comments kept."""
    from io import StringIO  # noqa: PLC0415 - writing is rare

    from ruamel.yaml import YAML  # noqa: PLC0415

    if before == after:
        return text
    yaml = YAML()
    yaml.width = 110
    document = yaml.load(text)
    _rewrite(document, before, after)
    stream = StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def _rewrite(document: Any, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    for key in before.keys() - after.keys():
        document.pop(key, None)
    for key, value in after.items():
        if key in before and before[key] == value:
            continue
        old = before.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping) and isinstance(document.get(key), dict):
            _rewrite(document[key], old, value)
        elif isinstance(old, Mapping) and isinstance(value, Mapping) and key not in document:
            document[key] = {name: new for name, new in value.items() if old.get(name) != new}
        else:
            document[key] = value


def write(values: Mapping[str, Any]) -> str:
    """Values as YAML, in the order given."""
    from io import StringIO  # noqa: PLC0415

    from ruamel.yaml import YAML  # noqa: PLC0415

    yaml = YAML()
    yaml.width = 110
    stream = StringIO()
    yaml.dump(values, stream)
    return stream.getvalue()
