"""What pydantic found wrong, in this project's words.

In: a model and a value. Out: the object, or where each mistake is and what to say about it.
Touches nothing. Knows no particular model.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rrm_tree.mistakes import MOST, Path, name_value, suggest

AT: Final = "at"
"""In the context of a PydanticCustomError: the key or position below the value that is meant."""

NAME_RULE: Final = "a name starts with a letter and holds at most 64 letters, digits, '_' and '-'"

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Complaint:
    """One mistake, below some path, before it is known where that stands in a file."""

    path: Path
    message: str
    on_key: bool = False
    """Whether the key is wrong rather than its value."""
    missing: bool = False
    """Whether something is not there at all; `path` is where it should be."""


def validate(model: type[Model], value: object) -> tuple[Model | None, list[Complaint]]:
    """The object, or None and everything that is wrong with the value."""
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        details = error.errors(include_url=False)[: MOST + 1]
        return None, [complain(model, detail) for detail in details]


def complain(model: type[BaseModel], detail: ErrorDetails) -> Complaint:
    """One of pydantic's errors as a complaint."""
    kind = detail["type"]
    path: Path = detail["loc"]
    on_key = bool(path) and path[-1] == "[key]"
    path = path[:-1] if on_key else path
    if kind == "missing":
        return Complaint(path, f"the key '{path[-1]}' is missing", missing=True)
    if kind == "extra_forbidden":
        hint = suggest(str(path[-1]), known_keys(model, path[:-1]))
        return Complaint(path, f"there is no key '{path[-1]}' here{hint}", on_key=True)
    at = detail.get("ctx", {}).get(AT)
    return Complaint(path if at is None else (*path, at), _say(detail), on_key)


def _say(detail: ErrorDetails) -> str:  # noqa: PLR0911 - one line for each kind of mistake
    value, context = name_value(detail["input"]), detail.get("ctx", {})
    match detail["type"]:
        case "string_type":
            return f"must be text, not {value}"
        case "string_pattern_mismatch":
            return f"{NAME_RULE}, not {value}"
        case "string_too_short":
            return "must not be empty"
        case "bool_type" | "bool_parsing":
            return f"must be true or false, not {value}"
        case "int_type" | "int_parsing" | "int_from_float":
            return f"must be a whole number, not {value}"
        case "float_type" | "float_parsing":
            return f"must be a number, not {value}"
        case "literal_error" | "enum":
            known = str(context["expected"]).replace(" or ", ", ").replace("'", "").split(", ")
            word = detail["input"]
            hint = suggest(word, known) if isinstance(word, str) else f"; there is {', '.join(known)}"
            return f"{value} is not known here{hint}"
        case "mapping_type" | "dict_type" | "model_type" | "model_attributes_type":
            return f"must be a mapping (key: value), not {value}"
        case "tuple_type" | "list_type" | "set_type":
            return f"must be a list ([a, b]), not {value}"
        case "too_short":
            return f"must hold at least {context['min_length']}"
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            words = {"gt": "greater than", "ge": "at least", "lt": "less than", "le": "at most"}
            (name,) = words.keys() & context.keys()
            return f"must be {words[name]} {context[name]:g}, not {value}"
        case _:
            message = detail["msg"].removeprefix("Value error, ")
            return message[:1].lower() + message[1:]


def known_keys(model: type[BaseModel], path: Path) -> list[str]:
    """The keys that a model has at a path below it."""
    found: Any = model
    for part in path:
        found = _step(found, part)
        if found is None:
            return []
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        return []
    return [field.alias or name for name, field in found.model_fields.items()]


def _step(kind: Any, part: str | int) -> Any:
    """The type of what stands under a key or position of a type."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            if part in (name, field.alias):
                return _core(field.annotation)
        return None
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _core(inner[1])
    return _core(inner[0]) if inner else None


def _core(kind: Any) -> Any:
    """A type without `Annotated` and without `| None`."""
    inner = typing.get_args(kind)
    if inner and type(None) in inner:
        return _core(next(one for one in inner if one is not type(None)))
    return _core(inner[0]) if hasattr(kind, "__metadata__") else kind
