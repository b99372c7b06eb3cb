"""What travels on the queue: the name of a run and of a key, as JSON, and nothing else.

In: a message's headers and body, as they came. Out: the ticket, or None for anything else.
Touches nothing.

A message may come from anybody who can reach the broker. Celery reads instructions from headers
(callbacks, chains, groups, time limits, times to wait, other tasks): none of them is accepted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

TASK: Final = "rrm.train"
"""The only name of a task that is answered."""

MOST_BYTES: Final = 4096

_RUN = re.compile(r"[A-Za-z0-9_][\w.~-]{0,199}(/seed-\d{1,20})?")
_KEY = re.compile(r"[A-Za-z0-9_][\w.~-]{0,199}@[0-9a-f]{16}")

EMPTY_HEADERS = (
    "chain",
    "chord",
    "compression",
    "eta",
    "expires",
    "group",
    "group_index",
    "parent_id",
    "replaced_task_nesting",
    "retries",
    "shadow",
    "stamped_headers",
    "stamps",
    "timelimit",
)
"""What Celery would act upon, beside the task's name."""

EMPTY_BODY: Final = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


@dataclass(frozen=True, slots=True)
class Ticket:
    """Names a key and the run that wants it."""

    run: str
    key: str

    @property
    def entry(self) -> str:
        """The entry that the key is of."""
        return self.key.rpartition("@")[0]


def make_ticket(run: object, key: object) -> Ticket | None:
    """A ticket of two names; None if they could not be names, such as those of other folders."""
    if not (isinstance(run, str) and isinstance(key, str)):
        return None
    good = _RUN.fullmatch(run) and _KEY.fullmatch(key) and ".." not in run + key
    return Ticket(run, key) if good else None


def read_ticket(content_type: object, headers: object, body: object) -> Ticket | None:
    """The ticket that a message is; None for any other message."""
    if content_type != "application/json" or not isinstance(headers, Mapping):
        return None
    if headers.get("task") != TASK or not isinstance(headers.get("id"), str):
        return None
    if any(_says_something(name, headers.get(name)) for name in EMPTY_HEADERS):
        return None
    return _read_body(body)


def _says_something(name: str, value: object) -> bool:
    nothing = [None, None] if name == "timelimit" else None
    return value not in (None, 0, [], {}, nothing) or value is False


def _read_body(body: object) -> Ticket | None:
    if isinstance(body, memoryview):
        body = bytes(body)
    if not isinstance(body, str | bytes) or len(body) > MOST_BYTES:
        return None
    try:
        read: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    match read:
        case [[run, key], {**named}, {**embedded}] if not named and embedded == EMPTY_BODY:
            return make_ticket(run, key)
        case _:
            return None
