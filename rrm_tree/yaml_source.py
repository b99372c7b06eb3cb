"""YAML text to plain values that remember where they stood; hostile text ends in a message.

In: a file's name or text. Out: a Source: values, and the line and column of each key and value.
Touches the one file that it is told to read. Builds values from the parser's events, so that
nothing recurses, no tag constructs anything and no alias is ever unfolded past the limit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError

from rrm_tree.errors import SpecError
from rrm_tree.mistakes import MOST, Mistake, Path, Place, SpecMistakes

# A thousand nodes of 42 keys, values, lists and mappings each stay below all of these.
MAX_BYTES: Final = 1_000_000
MAX_LINES: Final = 50_000
MAX_VALUES: Final = 45_000
"""Keys, values, lists and mappings of a file, each alias counted as often as it is used."""

MAX_DEPTH: Final = 20
"""Lists and mappings inside each other; a setting of an arm stands eight deep."""

LONGEST_TAG: Final = 1_000

Scalar = str | int | float | bool | None


@dataclass(slots=True)
class Value:
    """One value of the file and where it starts."""

    content: Scalar | list[Value] | dict[str, Value]
    place: Place
    keys: dict[str, Place] = field(default_factory=dict)
    """Where each key of a mapping stands."""
    size: int = 1

    def plain(self) -> Any:
        """The value as Python's own types; keys that start with `x-` are left out."""
        if isinstance(self.content, dict):
            return {key: value.plain() for key, value in self.content.items() if not key.startswith("x-")}
        if isinstance(self.content, list):
            return [value.plain() for value in self.content]
        return self.content


@dataclass(slots=True)
class Found:
    """How far a path led."""

    value: Value
    key: Place
    """Where the last key that was found stands."""
    depth: int
    """How many parts of the path were found."""


@dataclass
class Source:
    """A file that was read: its text, its values and their places."""

    file: str
    text: str
    root: Value
    mistakes: list[Mistake] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The file's lines, as the parser counts them."""
        return _LINE_BREAK.split(self.text)

    def find(self, path: Path) -> Found:
        """Walk down as far as the path leads."""
        found = Found(self.root, Place(1, 1), 0)
        for part in path:
            content = found.value.content
            if isinstance(content, dict) and part in content:
                found = Found(content[str(part)], found.value.keys[str(part)], found.depth + 1)
            elif isinstance(content, list) and (item := _pick(content, part)):
                found = Found(item, item.place, found.depth + 1)
            else:
                break
        return found

    def fail(self, mistakes: list[Mistake]) -> SpecMistakes:
        """The error that shows these mistakes in this file."""
        return SpecMistakes(mistakes, self.file, self.lines)


def _pick(items: list[Value], part: str | int) -> Value | None:
    """An item by position, or by its text (`arms: [alone]` is found as `arms.alone`)."""
    if isinstance(part, int):
        return items[part] if part < len(items) else None
    return next((item for item in items if item.content == part), None)


def read_file(file: str | FilePath) -> Source:
    """A spec file; raises SpecError if it cannot be read or is not YAML."""
    path = FilePath(file)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SpecError(f"{file}: there is no such file{_similar_file(path)}") from None
    except IsADirectoryError:
        raise SpecError(f"{file} is a folder; name a spec file in it") from None
    except (OSError, ValueError) as error:
        raise SpecError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MAX_BYTES:
        raise SpecError(f"{file}: a spec holds at most {MAX_BYTES:,} bytes; this file is larger")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SpecError(f"{file}:{line}: a spec is UTF-8 text; byte {error.start} is not") from None
    return read_text(text, str(file))


def _similar_file(path: FilePath) -> str:
    from rrm_tree.mistakes import suggest  # noqa: PLC0415

    try:
        names = [other.name for other in path.parent.glob("*.y*ml")]
    except OSError:
        return ""
    return suggest(path.name, names)


def read_text(text: str, file: str = "<text>") -> Source:
    """The values of a YAML text; raises SpecMistakes where the parser cannot go on.

    Mistakes that leave the rest readable (a key twice, a tag) are kept in the source.
    """
    builder = _Builder(text)
    try:
        root = builder.build()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        builder.mistakes.append(Mistake((), _say_syntax(error), place))
        root = None
    except ReaderError as error:
        message = "a character that YAML does not allow here"
        builder.mistakes.append(Mistake((), message, _place_at(text, error.position)))
        root = None
    except _Refused as refused:
        builder.mistakes.append(refused.mistake)
        root = None
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError):
        # The parser trips over some malformed escapes and directives without saying so.
        builder.mistakes.append(Mistake((), "cannot be read as YAML from here on", builder.place))
        root = None
    source = Source(file, text, root or Value({}, Place(1, 1)), builder.mistakes)
    if root is None:
        raise source.fail(builder.mistakes)
    return source


def _say_syntax(error: MarkedYAMLError) -> str:
    problem = str(error.problem or error.context or "cannot be read")
    if "'\\t'" in problem:
        return "YAML does not allow a tab here; indent with spaces"
    if not error.context or not error.problem or error.context_mark is None:
        return f"not YAML: {problem}"
    return f"not YAML: {problem} ({error.context} that starts on line {error.context_mark.line + 1})"


class _Refused(Exception):
    """Reading must stop here."""

    def __init__(self, message: str, place: Place) -> None:
        self.mistake = Mistake((), message, place)


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    value: Value
    key: tuple[str, Place] | None = None
    """The key whose value comes next; mappings only."""
    merges: list[Value] = field(default_factory=list)


class _Builder:
    """Puts the parser's events together, with a stack of its own."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.mistakes: list[Mistake] = []
        self.place = Place(1, 1)
        self.anchors: dict[str, Value] = {}
        self.open: list[_Open] = []
        self.root: Value | None = None

    def build(self) -> Value:
        """The only document of the text."""
        if len(_LINE_BREAK.findall(self.text)) > MAX_LINES:
            raise _Refused(f"a spec holds at most {MAX_LINES:,} lines", Place(MAX_LINES + 1, 1))
        long_tag = _find_long_tag(self.text)
        if long_tag is not None:
            raise _Refused("'!' begins a tag, and a spec has none", _place_at(self.text, long_tag))
        documents = 0
        for event in _events(self.text):
            if len(self.mistakes) > MOST:
                raise _Refused("too many mistakes; the rest is not read", self.place)
            kind = type(event).__name__
            self.place = Place(event.start_mark.line + 1, event.start_mark.column + 1)
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    raise _Refused("a second document starts here; a spec is one document", self.place)
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                self.close()
            elif kind == "AliasEvent":
                self.add(self.alias(event.anchor))
            elif kind in ("ScalarEvent", "MappingStartEvent", "SequenceStartEvent"):
                self.start(event, kind)
        if self.root is None:
            raise _Refused("the file is empty; a spec starts with `version: 1`", Place(1, 1))
        return self.root

    def start(self, event: Any, kind: str) -> None:
        """A scalar, or the beginning of a list or mapping."""
        if event.ctag is not None:
            # As it is written, not as the parser decodes it.
            start = event.start_mark.index
            written = _TAG.search(self.text, start, start + 1_000)
            tag = f"the tag {written[0]!r}" if written else "a tag"
            message = f"{tag} is not allowed: a spec holds plain values"
            self.mistakes.append(Mistake((), message, self.place))
        if kind == "ScalarEvent":
            plain = event.style is None or event.style == ""
            value = Value(self.scalar(event.value) if plain else event.value, self.place)
        else:
            value = Value({} if kind == "MappingStartEvent" else [], self.place)
        if event.anchor is not None:
            self.anchors[event.anchor] = value
        if kind == "ScalarEvent":
            self.add(value)
        else:
            if len(self.open) >= MAX_DEPTH:
                raise _Refused(f"nested more than {MAX_DEPTH} deep", self.place)
            self.open.append(_Open(value))

    def scalar(self, text: str) -> Scalar:
        """A plain scalar by YAML 1.2's core rules, with `_` in numbers."""
        try:
            value = read_scalar(text)
        except ValueError:
            self.mistakes.append(Mistake((), "this number is too long", self.place))
            return 0
        if isinstance(value, float) and not math.isfinite(value):
            self.mistakes.append(Mistake((), f"numbers are finite; {text} is not", self.place))
            return 0.0
        return value

    def alias(self, name: str) -> Value:
        """The value that an alias stands for, placed where the alias stands."""
        value = self.anchors.get(name)
        if value is None:
            raise _Refused(f"nothing is anchored as '&{name[:40]}' above", self.place)
        if any(opened.value is value for opened in self.open):
            raise _Refused(f"'*{name[:40]}' stands inside what it names", self.place)
        return Value(value.content, self.place, value.keys, value.size)

    def add(self, value: Value) -> None:
        """Put a finished value where it belongs."""
        if not self.open:
            self.root = value
            return
        opened = self.open[-1]
        into = opened.value
        into.size += value.size
        if into.size > MAX_VALUES:
            raise _Refused(f"more than {MAX_VALUES:,} values, aliases unfolded", value.place)
        if isinstance(into.content, list):
            into.content.append(value)
        elif opened.key is None:
            opened.key = (self.key(value), value.place)
        else:
            self.put(opened, *opened.key, value)
            opened.key = None

    def key(self, value: Value) -> str:
        """The text of a key."""
        if not isinstance(value.content, str):
            self.mistakes.append(Mistake((), "a key must be text; put it in quotes", value.place))
            return "x-"
        return value.content

    def put(self, opened: _Open, key: str, place: Place, value: Value) -> None:
        """One entry of a mapping."""
        content = opened.value.content
        assert isinstance(content, dict)
        if key == "<<":
            parts = value.content if isinstance(value.content, list) else [value]
            if not all(isinstance(part.content, dict) for part in parts):
                self.mistakes.append(Mistake((), "'<<' takes in mappings only", value.place))
            else:
                opened.merges += parts
        elif key in content and key != "x-":
            first = opened.value.keys[key].line
            self.mistakes.append(
                Mistake((), f"the key '{key}' stands here twice; first on line {first}", place)
            )
        else:
            if value.content is None and value.place.line > place.line:
                # Nothing is written there: the parser says where the next thing stands.
                value.place = place
            content[key] = value
            opened.value.keys[key] = place

    def close(self) -> None:
        """The end of a list or mapping."""
        opened = self.open.pop()
        content = opened.value.content
        for merged in opened.merges:
            assert isinstance(content, dict)
            assert isinstance(merged.content, dict)
            for key, value in merged.content.items():
                if key not in content:
                    content[key] = value
                    opened.value.keys[key] = merged.keys[key]
        self.add(opened.value)


_LINE_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_TAG = re.compile(r"!\S{0,59}")
_TAG_START = re.compile(r"(?:^|[,\[{])(?=!)")
_RUN = re.compile(r"\S+")


def _find_long_tag(text: str) -> int | None:
    """Where a tag starts that is so long that the parser, in quadratic time, takes too long to decode it."""
    for run in _RUN.finditer(text):
        start = _TAG_START.search(run[0]) if len(run[0]) > LONGEST_TAG else None
        if start and len(run[0]) - start.end() > LONGEST_TAG:
            return run.start() + start.end()
    return None


def _place_at(text: str, position: int) -> Place:
    before = _LINE_BREAK.split(text[:position])
    return Place(len(before), len(before[-1]) + 1)


def _events(text: str) -> Iterator[Any]:
    parser = YAML(typ="safe", pure=True)
    yield from parser.parse(text)


_INTEGER = re.compile(r"[-+]?(?:[0-9][0-9_]*|0x[0-9a-fA-F_]+|0o[0-7_]+)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}


def read_scalar(text: str) -> Scalar:
    """Nothing, a truth value, a number or text, as unquoted YAML 1.2 means it.

    Raises:
        ValueError: for a number of more digits than Python reads.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        digits = text.replace("_", "")
        base = {"0x": 16, "0o": 8}.get(digits.lstrip("+-")[:2].lower(), 10)
        return int(digits, base)
    if _FLOAT.fullmatch(text):
        return float(text.replace("_", ""))
    return text
