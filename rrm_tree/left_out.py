"""Values that are left out of what is written, so that it keeps its bytes where something new may be said.

In: a field's value, as `exclude_if` of pydantic gives it. Out: whether it says nothing.
Touches nothing.
"""

from __future__ import annotations


def is_none(value: object) -> bool:
    """Whether nothing is said."""
    return value is None


def is_empty(value: object) -> bool:
    """Whether nothing is listed."""
    return value == ()


def is_zero(value: object) -> bool:
    """Whether it is as if there were no such thing."""
    return value == 0


def is_one(value: object) -> bool:
    """Whether it is done once, as everything was."""
    return value == 1
