"""Judgments as lines of JSON, each a question and its answer: to be read and counted elsewhere.

In: judged outcomes. Out: lines.
Touches nothing. A question is known by a digest of all that was shown: the kind, the criterion's words,
the outcomes, the advice.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

from pydantic import ConfigDict, Field

from rrm_tree.feedback import REASONS, Kind
from rrm_tree.outcomes import Advice, Items, Judged, Outcomes, digest_rows
from rrm_tree.records import Stored


class Label(Stored):
    """One answer to one question."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    question: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    """Digest of all that was shown."""
    kind: Kind
    criterion: str
    """Its question in words."""
    part: int = 0
    parts: tuple[int, ...] | None = None
    """Where parts of one outcome are chosen among; the answer is a place in this list."""
    answer: float | None
    """As the kind says; null: cannot tell."""
    looks: Annotated[int, Field(ge=0)] = 0
    who: Annotated[int, Field(ge=0)] | None = None
    link: int | None = None
    reason: Annotated[int, Field(ge=0, lt=len(REASONS))] | None = None
    """Why the judge cannot tell, a place in `feedback.REASONS`."""
    at: float | None = None
    """Seconds since 1970."""
    seconds: Annotated[float, Field(ge=0)] | None = None
    hidden: Annotated[int, Field(ge=0, le=1)] | None = None
    confidence: Annotated[int, Field(ge=1, le=3)] | None = None
    gold: float | None = None


def name_questions(
    kind: str, criteria: Sequence[str], outcomes: Outcomes, advice: Advice, items: Items
) -> list[str]:
    """A digest of what is shown with every item, 32 hexadecimal digits each."""
    # Truth is not shown, nor what an episode was about: the outcome shows that.
    shown = {f"seen.{name}": values for name, values in outcomes.observations.items()}
    shown |= {"acted": outcomes.actions, "lengths": outcomes.lengths}
    shown |= {f"advice.{name}": values for name, values in advice.values.items()}
    rows = range(len(outcomes))
    each = [digest_rows({name: values[row] for name, values in shown.items()}) for row in rows]
    found = []
    for row, alternatives in enumerate(items.alternatives):
        asked = f"{kind}\n{criteria[items.criterion[row]]}\n{_say_part(items, row)}\n".encode()
        digest = hashlib.blake2b(asked, digest_size=16)
        for one in alternatives:
            digest.update(each[one])
        found.append(digest.hexdigest())
    return found


def _say_part(items: Items, row: int) -> str:
    parts = items.part[row : row + 1] if items.parts is None else items.parts[row]
    return ",".join(map(str, parts.tolist()))


def labels_of(judged: Judged, criteria: Sequence[str], shown: Advice) -> Iterator[Label]:
    """The judgments as labels, in the order in which they were given.

    Args:
        judged: of a kind that is exported.
        criteria: their questions in words.
        shown: the advice that the judge saw with the outcomes.
    """
    items, answers = judged.items, judged.answers
    names = name_questions(judged.kind, criteria, judged.outcomes, shown, items)
    notes = {name: values.tolist() for name, values in answers.notes.items()}
    unknown = {"reason": -1, "confidence": 0}
    for row, name in enumerate(names):
        value = float(answers.values[row])
        yield Label(
            question=name,
            kind=judged.kind,
            criterion=criteria[items.criterion[row]],
            part=int(items.part[row]),
            parts=None if items.parts is None else tuple(items.parts[row].tolist()),
            answer=None if math.isnan(value) else value,
            looks=int(answers.looks[row]),
            **{
                note: values[row]
                for note, values in notes.items()
                if values[row] == values[row] and values[row] != unknown.get(note)
            },
        )


def write_labels(labels: Iterable[Label]) -> str:
    """Labels as lines of JSON; what is not known of one is left out."""
    rows = ({"answer": None, **label.model_dump(mode="json", exclude_none=True)} for label in labels)
    return "".join(json.dumps(row, sort_keys=True, ensure_ascii=False) + "\n" for row in rows)
