"""Judgments with all that was shown, as one file to be taken along; nothing in such a file is trusted.

In: judgments, or a file from anywhere. Out: the other of the two.
Reads the file that it is told to read. The file is one safetensors archive: numbers and a little JSON,
nothing that executes. Sizes, shapes, names and every answer are checked before anything uses them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError

from rrm_tree.errors import UsageError
from rrm_tree.feedback import Kind
from rrm_tree.outcomes import Answers, Array, Items, Judged
from rrm_tree.packing import judged_from, judged_to, pack, unpack

FORMAT = 1
MOST_BYTES = 2 << 30
"""Of an archive."""
MOST_HEADER = 1 << 20
MOST_PARTS = 64
"""Batches of judgments in one archive."""

Word = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(max_length=10_000)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PartAbout(_Model):
    """What is said of one batch of judgments."""

    node: Word
    task: Word
    questions: Annotated[tuple[Text, ...], Field(min_length=1, max_length=100)]
    """The criteria in words; `items.criterion` points into them."""
    judged: Mapping[str, Any]
    """As `packing.judged_to` says."""


class _About(_Model):
    format: Annotated[int, Field(ge=1)]
    parts: Annotated[tuple[PartAbout, ...], Field(max_length=MOST_PARTS)]


class _JudgedAbout(_Model):
    kind: Kind
    advice: Annotated[tuple[tuple[Word, Word], ...], Field(max_length=100)]
    judges: Annotated[tuple[Word, ...], Field(max_length=100)] = ()


@dataclass(frozen=True)
class Part:
    """One batch of judgments, of one kind, of one node."""

    node: str
    task: str
    questions: tuple[str, ...]
    judged: Judged


def write_archive(parts: Sequence[Part]) -> bytes:
    """The archive of some judgments; equal judgments give equal bytes."""
    arrays: dict[str, Array] = {}
    about = []
    for place, part in enumerate(parts):
        flat, judged = judged_to(part.judged)
        arrays |= {f"{place:02}.{name}": values for name, values in flat.items()}
        about.append(
            {"node": part.node, "task": part.task, "questions": list(part.questions), "judged": judged}
        )
    return pack(arrays, {"format": FORMAT, "parts": about})


def read_archive(file: Path) -> tuple[Part, ...]:
    """The judgments of an archive.

    Raises:
        UsageError: it is none, is too large, or does not hold together.
    """
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise UsageError(f"{file}: {size:,} bytes are more than an archive may have ({MOST_BYTES:,})")
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}") from error
    try:
        if int.from_bytes(data[:8], "little") > min(MOST_HEADER, len(data)):
            raise ValueError("its header is too long")
        arrays, note = unpack(data)
        about = _About.model_validate(note)
        if about.format > FORMAT:
            raise ValueError(f"its format {about.format} is newer than this rrm-tree reads")
        return tuple(_read_part(place, one, arrays) for place, one in enumerate(about.parts))
    except (
        SafetensorError,
        ValidationError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        RecursionError,
    ) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"{file} is no archive of judgments: {said}") from error


def _read_part(place: int, about: PartAbout, arrays: Mapping[str, Array]) -> Part:
    start = f"{place:02}."
    flat = {name.removeprefix(start): values for name, values in arrays.items() if name.startswith(start)}
    said = _JudgedAbout.model_validate(about.judged)
    judged = judged_from(flat, said.model_dump(mode="python"))
    check_judged(judged, len(about.questions))
    return Part(about.node, about.task, about.questions, judged)


def check_judged(judged: Judged, questions: int) -> None:
    """Nothing, where judgments hold together: shapes, indices, answers.

    Raises:
        ValueError: they do not.
    """
    outcomes, items, answers = judged.outcomes, judged.items, judged.answers
    count, rows, steps = (
        len(items),
        len(outcomes),
        outcomes.actions.shape[1] if outcomes.actions.ndim > 1 else 0,
    )
    _expect(steps > 0, "actions have no steps")
    _expect(outcomes.lengths.shape == (rows,) and _in_range(outcomes.lengths, 1, steps + 1), "lengths")
    _expect(outcomes.ended.shape == (rows,), "ended")
    for name, values in outcomes.observations.items():
        _expect(values.ndim > 1 and values.shape[:2] == (rows, steps + 1), f"observations {name}")
    for values in (*outcomes.subjects.values(), *outcomes.hidden.values(), *judged.advice.values.values()):
        _expect(values.ndim > 0 and len(values) == rows, "subjects, hidden values or advice")
    _expect(set(judged.advice.values) == set(judged.advice.kinds), "advice")
    _expect(_in_range(items.alternatives, 0, rows) and len(items.alternatives) == count, "items")
    parts = items.parts
    _expect(
        parts is None or (parts.ndim == 2 and len(parts) == count and _in_range(parts, 0, 1 << 20)), "parts"
    )
    _expect(parts is None or (parts.shape[1] > 1 and items.second is None), "parts of several outcomes")
    for values in (items.part, items.criterion):
        _expect(values.shape == (count,) and values.dtype.kind in "iu", "items")
    _expect(
        _in_range(items.part, 0, 1 << 20) and _in_range(items.criterion, 0, questions), "parts or criteria"
    )
    _expect(answers.values.shape == answers.looks.shape == (count,), "answers")
    _expect(answers.values.dtype == np.float64 and _in_range(answers.looks, 0, 1 << 40), "answers or looks")
    for name, values in answers.notes.items():
        _expect(values.shape == (count,) and values.dtype.kind in "iuf", name)
    if answers.who is not None:
        _expect(_in_range(answers.who, 0, 10_000), "who")
    _expect(_can_be(judged.kind, answers, items), "answers that are none")
    for arrays in (outcomes.observations, {"actions": outcomes.actions}, judged.advice.values):
        finite = (np.isfinite(values).all() for values in arrays.values() if values.dtype.kind == "f")
        _expect(all(finite), "numbers that are not finite")


def _expect(holds: object, what: str) -> None:
    if not holds:
        raise ValueError(f"it does not hold together: {what}")


def _in_range(values: Array, low: int, end: int) -> bool:
    whole = values.dtype.kind in "iu"
    return bool(whole and (not values.size or (values.min() >= low and values.max() < end)))


def _can_be(kind: str, answers: Answers, items: Items) -> bool:
    said = answers.values[~np.isnan(answers.values)]
    several = items.places[0].shape[1]
    if kind == "rating":
        return bool(np.isfinite(said).all())
    if kind in ("label", "preference"):
        wanted = 1 if kind == "label" else 2
        return several == wanted and bool(((said >= 0) & (said <= 1)).all())
    there_are = math.factorial(several) if kind == "ranking" and several <= 7 else several
    return bool(np.isin(said, np.arange(there_are)).all())
