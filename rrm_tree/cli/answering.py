"""Keys in a terminal as answers to questions: which key says what, and how they are read.

In: a kind of judgment, keys. Out: what is meant by them.
Touches standard input.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import permutations
from typing import Literal

import click

UNDO, PASS, SKIP, QUIT = "u", "n", "s", "q"
COMMANDS: Mapping[str, str] = {
    PASS: "cannot tell",
    UNDO: "undo the last answer",
    SKIP: "leave it to others",
    QUIT: "quit",
}
ARROWS = {"\x1b[D": "left", "\x1b[C": "right", "\x1b[B": "down", "\x1b[A": "up"}
TWO: Mapping[str, tuple[float, str]] = {
    "a": (1.0, "the first is better"),
    "b": (0.0, "the second is better"),
    "t": (0.5, "they are alike"),
}
ARROW_MEANS = {"left": "a", "right": "b", "down": "t"}
YES_NO: Mapping[str, tuple[float, str]] = {"y": (1.0, "right"), "w": (0.0, "wrong")}
LETTERS = "abcdefghijklm"
"""Of alternatives; the others are commands."""


@dataclass(frozen=True, slots=True)
class Press:
    """What a person wants."""

    what: Literal["answer", "pass", "undo", "skip", "quit", "sure", "unknown"]
    value: float | None = None
    """The answer, or how sure the person is (1 to 3)."""
    moves: tuple[int, ...] | None = None
    """What was done, where an answer is an episode."""


def name_alternatives(count: int) -> list[str]:
    """What each of several is called: a letter, or a number where there are more than letters."""
    return list(LETTERS[:count]) if count <= len(LETTERS) else [str(one) for one in range(1, count + 1)]


def _takes_line(kind: str, alternatives: int) -> bool:
    """Whether an answer takes more than one key, and so Enter after them."""
    return kind in ("rating", "ranking") or alternatives > len(LETTERS)


def explain_keys(kind: str, alternatives: int) -> str:
    """Which keys answer a question of this kind, in one line."""
    names, takes_line = name_alternatives(alternatives), _takes_line(kind, alternatives)
    if kind == "preference":
        own = {"a or ←": TWO["a"][1], "b or →": TWO["b"][1], "t or ↓": TWO["t"][1]}
    elif kind == "label":
        own = {key: words for key, (_, words) in YES_NO.items()}
    elif kind == "rating":
        own = {"a number, then Enter": "your rating"}
    elif kind == "ranking":
        own = {f"letters such as {''.join(names)}, then Enter": "best first"}
    else:
        said = {
            "best": "the best",
            "correction": "what should have been done",
            "critique": "where it went wrong",
        }
        own = {f"{names[0]} to {names[-1]}" + ", then Enter" * takes_line: said.get(kind, "your choice")}
    sure = {} if takes_line else {"1 2 3": "how sure you are of the next answer"}
    every = {**own, **sure, **COMMANDS}
    return "   ".join(f"[{key}] {words}" for key, words in every.items())


def read_press(keys: Keys, kind: str, alternatives: int) -> Press:
    """What the next key, or line where the kind wants one, means."""
    if _takes_line(kind, alternatives):
        return _of_line(keys.line(), kind, alternatives)
    key = keys.key()
    common = _common(key)
    if common is not None:
        return common
    known = TWO if kind == "preference" else YES_NO if kind == "label" else {}
    name = ARROW_MEANS.get(key, key)
    if name in known:
        return Press("answer", known[name][0])
    names = name_alternatives(alternatives)
    return Press("answer", float(names.index(key))) if not known and key in names else Press("unknown")


def read_command(key: str) -> Press:
    """What a key means that is the same for every kind of question."""
    whats: Mapping[str, Literal["pass", "undo", "skip", "quit"]] = {
        PASS: "pass",
        UNDO: "undo",
        SKIP: "skip",
        QUIT: "quit",
        "": "quit",
    }
    return Press(whats.get(key, "unknown"))


def _common(key: str) -> Press | None:
    if key in ("1", "2", "3"):
        return Press("sure", float(key))
    found = read_command(key)
    return None if found.what == "unknown" else found


def _of_line(line: str | None, kind: str, alternatives: int) -> Press:
    if line is None:
        return Press("quit")
    word = line.strip().lower()
    if word in COMMANDS:
        return _common(word) or Press("unknown")
    if kind != "rating":
        names = name_alternatives(alternatives)
        said = ["".join(order) for order in permutations(names)] if kind == "ranking" else names
        return Press("answer", float(said.index(word))) if word in said else Press("unknown")
    try:
        return Press("answer", float(word))
    except ValueError:
        return Press("unknown")


@dataclass
class Keys:
    """Standard input, key by key: one press on a terminal, one letter elsewhere."""

    waiting: list[str] = field(default_factory=list)

    def key(self) -> str:
        """The next key in small letters, an arrow by its name; empty at the end."""
        if sys.stdin.isatty():
            try:
                pressed = click.getchar()
            except EOFError:
                return ""
            return ARROWS.get(pressed, pressed.lower())
        while not self.waiting:
            line = sys.stdin.readline()
            if not line:
                return ""
            self.waiting = [one.lower() for one in line if not one.isspace()]
        return self.waiting.pop(0)

    def line(self) -> str | None:
        """The next line; None at the end."""
        line = sys.stdin.readline()
        return line if line else None
