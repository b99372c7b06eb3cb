"""Why a node would be trained, in words.

In: a plan, what is stored. Out: for each entry whether there is work, and the reasons.
Touches what it is given to look things up with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rrm_tree.edits import ABSENT, differing
from rrm_tree.plan import Entry, Inputs, Plan, inputs_of, key_of
from rrm_tree.records import Done

MOST_REASONS = 4
"""Reasons that are told of one entry; more are counted."""


@dataclass(frozen=True, slots=True)
class Why:
    """Whether an entry would be trained, and why."""

    entry: str
    key: str | None
    """None where it depends on what helpers will learn."""
    work: bool
    reasons: tuple[str, ...]


def explain(
    plan: Plan,
    find_done: Callable[[str], Done | None],
    count_rounds: Callable[[str], int],
    latest: Mapping[str, Inputs],
) -> tuple[Why, ...]:
    """What a run of the plan would train, and why, in the plan's order.

    Args:
        plan: the plan that would run.
        find_done: the Done record of a key, if it is stored.
        count_rounds: how many rounds are stored under a key.
        latest: of every entry ever started, the inputs of the key that was started last.
    """
    done: dict[str, Done] = {}
    found: list[Why] = []
    for entry in plan.entries:
        missing = [name for name in entry.waits if name not in done]
        before = latest.get(entry.name)
        if missing:
            changed = [] if before is None else _differences(entry.fixed, before, partial=True)
            first = [f"{', '.join(missing)} will be trained first"]
            started = ["never trained"] if before is None else []
            found.append(Why(entry.name, None, True, _few([*started, *changed, *first])))
            continue
        ticket = key_of(entry, done)
        stored = find_done(ticket.key)
        if stored is not None:
            done[entry.name] = stored
            found.append(Why(entry.name, ticket.key, False, ("done",)))
        else:
            reasons = _reasons(entry, done, before, count_rounds(ticket.key))
            found.append(Why(entry.name, ticket.key, True, _few(reasons)))
    return tuple(found)


def _reasons(entry: Entry, done: Mapping[str, Done], before: Inputs | None, rounds: int) -> list[str]:
    if rounds:
        return [f"{rounds} of at most {entry.spec.budget.rounds} rounds are stored"]
    if before is None:
        return ["never trained"]
    return _differences(inputs_of(entry, done), before) or ["its results are gone or corrupt"]


def _few(reasons: list[str]) -> tuple[str, ...]:
    more = len(reasons) - MOST_REASONS
    return (*reasons[:MOST_REASONS], f"and {more} more") if more > 0 else tuple(reasons)


def _differences(now: Inputs, before: Inputs, *, partial: bool = False) -> list[str]:
    """What differs between two keys' inputs; those known so far, if they are only partly known."""
    names = now.keys() if partial else now.keys() | before.keys()
    found: list[str] = []
    for name in sorted(names, key=list(now).index if partial else str):
        new, old = now.get(name), before.get(name)
        if new == old:
            continue
        if name in {"helpers", "below", "above", "before", "acting"}:
            found += _relatives(name, _mapping(new), _mapping(old))
        else:
            prefix = {"node": "", "versions": "version of ", "numerics": "", "measure": "measure."}.get(
                name, name
            )
            found += [_told(prefix, *change) for change in differing(old, new)]
    return found


def _relatives(part: str, new: Mapping[str, Any], old: Mapping[str, Any]) -> list[str]:
    words = {
        "helpers": "helper {} learned something else",
        "below": "helper {} changed",
        "before": "{} learned something else in the sweep before",
        "acting": "how {} acts changed",
        "above": "the task or criteria of {} above it changed",
    }
    word = words[part]
    return [word.format(name) for name in sorted(new.keys() | old.keys()) if new.get(name) != old.get(name)]


def _told(prefix: str, path: tuple[str, ...], old: Any, new: Any) -> str:
    name = prefix + ".".join(path)
    if old is ABSENT:
        return f"{name} is new: {new}"
    return f"{name} is gone" if new is ABSENT else f"{name} changed {_short(old)} → {_short(new)}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
