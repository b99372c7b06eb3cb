"""Numbers as people write them in a spec: 50k, 2GB, 10min.

In: a number or a text with a unit. Out: a plain number.
Touches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, StrictBool, WithJsonSchema
from pydantic_core import PydanticCustomError

from rrm_tree.mistakes import name_value

COUNTS: Final = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
SIZES: Final = {
    "B": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate("kMGT", 1)},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", 1)},
}
TIMES: Final = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}

_QUANTITY: Final = re.compile(r"([-+]?[0-9][0-9_]*(?:\.[0-9_]+)?(?:[eE][-+]?[0-9]+)?)\s*([A-Za-z]*)")


def read_quantity(value: object, units: Mapping[str, float], example: str) -> object:
    """The number that a text with a unit stands for; anything but text goes through.

    Raises:
        PydanticCustomError: for truth values and for text that is no such quantity.
    """
    if isinstance(value, str):
        match = _QUANTITY.fullmatch(value.strip())
        if match and match[2] in units and len(value) < 40:
            number = float(match[1].replace("_", "")) * units[match[2]]
            return int(number) if number.is_integer() else number
    elif not isinstance(value, bool):
        return value
    words = {"example": example, "value": name_value(value)}
    raise PydanticCustomError("quantity", "must be a number such as {example}, not {value}", words)


def _count(value: object) -> object:
    value = read_quantity(value, COUNTS, "500, 1_000 or 50k")
    if isinstance(value, float):
        if not value.is_integer():
            raise PydanticCustomError("whole", "must be a whole number, not {value}", {"value": value})
        return int(value)
    return value


def _size(value: object) -> object:
    value = read_quantity(value, SIZES, "2GB, 512MiB or 2_000_000")
    return round(value) if isinstance(value, float) else value


def _seconds(value: object) -> object:
    return read_quantity(value, TIMES, "90, 90s, 10min or 2h")


def _number(value: object) -> object:
    return read_quantity(value, COUNTS, "0.5 or 1e-3")


def _text_or(kind: str, units: str) -> WithJsonSchema:
    pattern = rf"^[0-9][0-9_.]*\s*({units})$"
    return WithJsonSchema({"anyOf": [{"type": kind}, {"type": "string", "pattern": pattern}]})


Count = Annotated[int, BeforeValidator(_count), _text_or("integer", "k|M|G|")]
"""A whole number: 500, 1_000, 50k, 2M."""
Size = Annotated[int, BeforeValidator(_size), _text_or("integer", "[kMGT]?B|[KMGT]iB")]
"""Bytes: 2GB, 512MiB."""
Seconds = Annotated[float, BeforeValidator(_seconds), _text_or("number", "ms|s|min|h|d")]
"""Seconds: 90, 90s, 10min, 2h."""
Number = Annotated[float, BeforeValidator(_number), WithJsonSchema({"type": "number"})]
"""A number; never a truth value or text."""

PLAIN: Final[Mapping[Any, Any]] = {int: Count, float: Number, bool: StrictBool}
"""How the options of a plug-in that are annotated with these types are read."""
