"""What people answered, and what the helpers were worth to them: advice shown against advice hidden.

In: a node's station, its judgments. Out: PeopleFacts.
Reads truth where there is one; nothing here flows back into training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rrm_tree.contracts import Measurable
from rrm_tree.feedback import REASONS
from rrm_tree.learning.several_judges import questions_of
from rrm_tree.measure.judging import right_answers
from rrm_tree.measure.reading import astray
from rrm_tree.outcomes import Floats, Judged
from rrm_tree.records import PeopleFacts, PeoplePart, Share
from rrm_tree.station import Station

Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class _Answered:
    """Answers of people alone, those of judges next in line left out; every array is [answers]."""

    who: NDArray[np.int64]
    told: Rows
    hidden: Rows
    seconds: Floats
    reason: NDArray[np.int64]
    right: Floats
    """1, 0, or 0.5 for a tie; NaN where that is not known, or nothing is right."""
    agrees: Floats
    """Share of others who said the same; NaN where nobody else said anything."""
    trusted: Floats
    """1 where it is what somebody trusted says, 0 where not; NaN where that is not known."""
    misled: Floats
    """1 where the advice leads astray, 0 where not; NaN where that is not known (`reading.astray`)."""


def describe_people(station: Station, batches: Sequence[Judged]) -> PeopleFacts | None:
    """How right people are with and without advice, how often they can tell, and how long they take.

    Args:
        station: the node's; of its first kind.
        batches: all its judgments so far, of any kinds.
    """
    if station.line.people is None:
        return None
    every = [_read(station.asking(one.kind), one) for one in batches]
    joined = _Answered(
        *(np.concatenate([getattr(one, name) for one in every]) for name in _Answered.__dataclass_fields__)
    )
    whole = np.ones(len(joined.told), np.bool_)
    shown_advice = bool(station.shown.helpers)
    return PeopleFacts(
        people=len(np.unique(joined.who)),
        whole=_part(joined, whole),
        shown=_part(joined, ~joined.hidden) if shown_advice and joined.hidden.any() else None,
        hidden=_part(joined, joined.hidden) if shown_advice and joined.hidden.any() else None,
        reasons={
            REASONS[one]: int((joined.reason == one).sum()) for one in np.unique(joined.reason) if one >= 0
        },
    )


def _part(every: _Answered, rows: Rows) -> PeoplePart:
    """Some of the answers, counted."""
    seconds = every.seconds[rows & ~np.isnan(every.seconds)]
    return PeoplePart(
        answers=int(rows.sum()),
        told=int((rows & every.told).sum()),
        seconds=float(np.median(seconds)) if len(seconds) else None,
        right=_share(every.right[rows]),
        right_advice=_share(every.right[rows & (every.misled == 0)]),
        wrong_advice=_share(every.right[rows & (every.misled == 1)]),
        agreed=_share(every.agrees[rows]),
        trusted=_share(every.trusted[rows]),
    )


def _share(values: Floats) -> Share | None:
    known = values[~np.isnan(values)]
    return Share(right=float(known.sum()), pairs=len(known)) if len(known) else None


def _read(station: Station, judged: Judged) -> _Answered:
    """The answers of people in one batch."""
    answers, notes, asked_at = judged.answers, judged.answers.notes, station.line.people_at or 0
    count = len(judged.items)
    link = notes.get("link", np.where(np.isnan(answers.values), -1, 0))
    # Nobody came within the node's patience: that is no answer. Others may have answered before people.
    came = ~np.isnan(notes["at"]) & ((link < 0) | (link >= asked_at))
    # What was passed on carries the answer of who came next.
    values = np.where(link == asked_at, answers.values, np.nan)
    told = ~np.isnan(values)
    asked = questions_of(judged.items)
    agrees = np.full(count, np.nan)
    for row in np.flatnonzero(told):
        others = values[(asked == asked[row]) & told & (np.arange(count) != row)]
        agrees[row] = (others == values[row]).mean() if len(others) else np.nan
    trusted = np.where(told & ~np.isnan(notes["gold"]), values == notes["gold"], np.nan)
    found = _Answered(
        notes["who"],
        told,
        notes["hidden"] == 1,
        notes["seconds"],
        # Of what others left to people it says why those could not tell.
        notes["reason"] if asked_at == 0 else np.full(count, -1),
        np.where(told, _right(station, judged, values), np.nan),
        agrees,
        trusted,
        astray(station, judged),
    )
    return _Answered(*(getattr(found, name)[came] for name in _Answered.__dataclass_fields__))


def _right(station: Station, judged: Judged, values: Floats) -> Floats:
    """1 where an answer is as truth has it, 0 where not, 0.5 for a tie; NaN where truth says nothing."""
    if not isinstance(station.task, Measurable):
        return np.full(len(values), np.nan)
    return right_answers(station.task, replace(judged, answers=replace(judged.answers, values=values)))
