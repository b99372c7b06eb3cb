"""Judgments as other tools write them: Label Studio's tasks and annotations, TRL's preference pairs.

In: judgments and their outcomes in words, or JSON from another tool. Out: the other of the two.
Touches nothing; what comes from elsewhere is checked, and only numbers and names are taken from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rrm_tree.asking import Given
from rrm_tree.errors import UsageError
from rrm_tree.labels import Label
from rrm_tree.outcomes import Answers, Floats, Judged

Words: TypeAlias = Callable[[int], str]
"""An outcome of a batch in words, by its row."""

MOST_BYTES = 256 << 20
"""Of a file of answers."""

CANNOT_TELL = "cannot tell"
CHOICES: Mapping[str, Mapping[str, float]] = {
    "preference": {"first": 1.0, "second": 0.0, "alike": 0.5},
    "label": {"right": 1.0, "wrong": 0.0},
}
"""What is chosen from in Label Studio, and what it means; alternatives of other kinds are `1`, `2`, …"""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class _Loose(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Value(_Loose):
    choices: Annotated[tuple[Annotated[str, Field(max_length=100)], ...], Field(max_length=10)] | None = None
    number: float | None = None
    rating: float | None = None


class _Result(_Loose):
    type: Annotated[str, Field(max_length=100)]
    value: _Value


class _Annotation(_Loose):
    result: Annotated[tuple[_Result, ...], Field(max_length=100)]
    completed_by: Annotated[int, Field(ge=0)] | Mapping[str, Any] | None = None
    lead_time: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    was_cancelled: bool = False


class _Data(_Loose):
    question: Digest
    kind: Annotated[str, Field(max_length=20)]


class _Task(_Loose):
    data: _Data
    annotations: Annotated[tuple[_Annotation, ...], Field(max_length=1000)] = ()


class Said(_Loose):
    """One answer from elsewhere, by the digest of its question."""

    question: str
    value: float | None
    who: int | None = None
    seconds: float | None = None


def to_label_studio(judged: Judged, labels: Sequence[Label], words: Words) -> list[dict[str, object]]:
    """A task for each question, its answers as annotations.

    Args:
        judged: what was judged.
        labels: the same, item by item.
        words: its outcomes in words.
    """
    tasks: dict[str, dict[str, object]] = {}
    annotations: dict[str, list[object]] = {}
    for row, label in enumerate(labels):
        if label.question not in tasks:
            shown = {f"outcome_{place}": words(int(one)) for place, one in enumerate(_ends(judged, row), 1)}
            data = {
                "question": label.question,
                "kind": label.kind,
                "prompt": label.criterion,
                "part": label.part,
            }
            annotations[label.question] = []
            tasks[label.question] = {"data": {**data, **shown}, "annotations": annotations[label.question]}
        annotations[label.question].append(_annotate(label))
    return list(tasks.values())


def _ends(judged: Judged, row: int) -> list[int]:
    return [int(one) for one in judged.items.alternatives[row]]


def _annotate(label: Label) -> dict[str, object]:
    if label.kind == "rating" and label.answer is not None:
        result: dict[str, object] = {"type": "number", "value": {"number": label.answer}}
    else:
        known = {value: name for name, value in CHOICES.get(label.kind, {}).items()}
        chosen = CANNOT_TELL if label.answer is None else known.get(label.answer, f"{label.answer + 1:g}")
        result = {"type": "choices", "value": {"choices": [chosen]}}
    said: dict[str, object] = {"result": [{"from_name": "answer", "to_name": "outcome_1", **result}]}
    said |= {} if label.who is None else {"completed_by": label.who}
    return said | ({} if label.seconds is None else {"lead_time": label.seconds})


def from_label_studio(data: object, where: object) -> list[Said]:
    """The answers in Label Studio's JSON export.

    Raises:
        UsageError: it is no such export, or a choice means nothing.
    """
    try:
        tasks = TypeAdapter(tuple[_Task, ...]).validate_python(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(f"{where} is no export of Label Studio: {place}: {first['msg']}") from error
    return [
        Said(
            question=task.data.question,
            value=_meaning(task.data.kind, one.result, where),
            who=one.completed_by if isinstance(one.completed_by, int) else None,
            seconds=one.lead_time,
        )
        for task in tasks
        for one in task.annotations
        if one.result and not one.was_cancelled
    ]


def _meaning(kind: str, result: Sequence[_Result], where: object) -> float | None:
    value = result[0].value
    if value.choices:
        word = value.choices[0]
        if word == CANNOT_TELL:
            return None
        if word in CHOICES.get(kind, {}):
            return CHOICES[kind][word]
        if word.isdigit() and kind not in CHOICES:
            return float(word) - 1
        raise UsageError(f"{where}: '{word[:40]}' answers no {kind}")
    number = value.number if value.number is not None else value.rating
    if number is None or not math.isfinite(number):
        raise UsageError(f"{where}: an annotation says nothing; choices, numbers and ratings are read")
    return number


def from_lines(lines: Sequence[str], where: object) -> list[Said]:
    """The answers in lines of JSON as `rrm labels export` writes them.

    Raises:
        UsageError: a line is none.
    """
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            label = Label.model_validate_json(line)
        except (ValidationError, RecursionError) as error:
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UsageError(f"{where}:{number}: no judgment: {said}") from error
        found.append(Said(question=label.question, value=label.answer, who=label.who, seconds=label.seconds))
    return found


def to_trl(judged: Judged, labels: Sequence[Label], words: Words) -> Iterator[dict[str, str]]:
    """Preference pairs as TRL reads them; ties and what nobody could tell are left out."""
    for row, label in enumerate(labels):
        if label.kind == "preference" and label.answer in (0.0, 1.0):
            first, second = (words(one) for one in _ends(judged, row))
            chosen, rejected = (first, second) if label.answer else (second, first)
            yield {"prompt": label.criterion, "chosen": chosen, "rejected": rejected}


def put_together(shown: Judged, given: Sequence[Given], *, before: int) -> Judged:
    """Questions as they were put, an item for each answer that somebody has given.

    Args:
        shown: a batch of questions.
        given: answers to some of them.
        before: how many others stand in line, who are numbered before all people.
    """
    rows = np.array([one.item for one in given], np.int64)

    def each(read: Callable[[Given], float | None], nothing: float) -> Floats:
        found = [read(one) for one in given]
        return np.array([nothing if one is None else one for one in found], np.float64)

    answers = Answers(
        each(lambda one: one.value, np.nan),
        shown.answers.looks[rows],
        who=np.array([before + one.number for one in given], np.int64),
        reason=each(lambda one: one.reason, -1).astype(np.int64),
        at=each(lambda one: one.at, np.nan),
        seconds=each(lambda one: one.seconds, np.nan),
        hidden=each(lambda one: one.hidden, 0).astype(np.int64),
        confidence=each(lambda one: one.confidence, 0).astype(np.int64),
        gold=each(lambda one: one.gold, np.nan),
    )
    outcomes = replace(shown.outcomes, origin=None)
    return Judged(outcomes, shown.advice, shown.kind, shown.items.take(rows), answers)


def answer_again(judged: Judged, names: Sequence[str], said: Sequence[Said]) -> tuple[Judged, int]:
    """The questions of a batch with answers from elsewhere, an item an answer; how many answers fitted.

    Args:
        judged: questions with what they show; its own answers are dropped.
        names: the digest of each item's question.
        said: answers by those digests; others are left out.
    """
    rows_of: dict[str, int] = {}
    for row, name in enumerate(names):
        rows_of.setdefault(name, row)
    fitting = [one for one in said if one.question in rows_of]
    # Question by question, as overlapping answers stand in what we write ourselves.
    fitting.sort(key=lambda one: rows_of[one.question])
    rows = np.array([rows_of[one.question] for one in fitting], np.int64)
    people = {who: place for place, who in enumerate(dict.fromkeys(one.who for one in fitting))}
    values = np.array([np.nan if one.value is None else one.value for one in fitting], np.float64)
    seconds = np.array([np.nan if one.seconds is None else one.seconds for one in fitting], np.float64)
    answers = Answers(
        values,
        judged.answers.looks[rows],
        who=np.array([people[one.who] for one in fitting], np.int64),
        seconds=seconds,
    )
    items = judged.items.take(rows)
    return Judged(judged.outcomes, judged.advice, judged.kind, items, answers), len(fitting)
