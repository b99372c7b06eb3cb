"""How a judge's error follows its helpers' errors: their advice really corrupted, at several rates.

In: a hearing. Out: a curve for each edge, its slope, and from where on help hurts.
Evaluation alone: nothing is trained.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from rrm_tree.contracts import Measurable, Task
from rrm_tree.corrupting import Answers, CorruptHelper
from rrm_tree.measure.hearing import Hearing
from rrm_tree.outcomes import Arrays, Floats, Outcomes
from rrm_tree.propagation.clustered import (
    estimate_clustered,
    estimate_clustered_share,
    find_crossing,
    weigh_slope,
)
from rrm_tree.propagation.transfer import BreakEven, Transfer, TransferPoint

RATES = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5)

LINEAR_UP_TO = 0.1
"""Errors of a helper over which a slope is taken: beyond, judges are at chance and curves bend."""

LEAST_POINTS = 3


@dataclass
class _Counting:
    """A helper whose answers are compared with truth as they are given."""

    helper: Answers
    wrong: float = 0.0
    parts: int = 0
    is_right_or_wrong: bool = True

    @property
    def task(self) -> Task:
        """What it answers questions about."""
        return self.helper.task

    def answer(self, subjects: Arrays) -> Outcomes:
        """Its answers, counted."""
        answers = self.helper.answer(subjects)
        truth = cast(Measurable, self.task).truth(answers) if isinstance(self.task, Measurable) else None
        if truth is None or not np.isin(truth, (0, 1)).all():
            self.is_right_or_wrong = False
        else:
            self.wrong, self.parts = self.wrong + float((1 - truth).sum()), self.parts + truth.size
        return answers

    @property
    def error(self) -> float | None:
        """Share of the parts that were wrong; None where truth is no right or wrong."""
        return self.wrong / self.parts if self.parts and self.is_right_or_wrong else None


@dataclass(frozen=True)
class _Tried:
    """A rate that was tried, and what came of it."""

    rate: float
    helper_error: float
    right: Floats


def find_transfers(hearing: Hearing, seed: int) -> tuple[Transfer, ...]:
    """A curve for each helper and, where there are several ideal ones, one for all of them at once."""
    if not len(hearing.pairs):
        return ()
    edges: list[tuple[str | None, Mapping[str, Answers]]] = [
        (name, {name: hearing.perfect.get(name, helper)}) for name, helper in hearing.helpers.items()
    ]
    if len(hearing.helpers) > 1 and len(hearing.perfect) == len(hearing.helpers):
        edges.append((None, hearing.perfect))
    return tuple(_transfer(hearing, name, who, seed) for name, who in edges)


def _transfer(hearing: Hearing, name: str | None, who: Mapping[str, Answers], seed: int) -> Transfer:
    bases = {"alone": hearing.alone, "heuristic": hearing.heuristic}
    known = {base: values for base, values in bases.items() if values is not None}
    bar = max(known, key=lambda base: known[base].mean())
    tried = sorted((_try(hearing, who, rate, seed) for rate in RATES), key=lambda one: one.helper_error)
    errors, root = np.array([one.helper_error for one in tried]), hearing.pairs.root
    points = tuple(
        TransferPoint(
            rate=one.rate,
            helper_error=one.helper_error,
            judge_error=estimate_clustered_share(1 - one.right, root),
            gain=estimate_clustered(one.right - known[bar], root),
        )
        for one in tried
    )
    start: Literal["ideal", "trained"] = "ideal" if set(who) <= set(hearing.perfect) else "trained"
    near = max(LEAST_POINTS, int((errors <= LINEAR_UP_TO).sum()))
    differs = len(np.unique(errors[:near])) > 1
    wrong = np.stack([1 - one.right for one in tried[:near]])
    return Transfer(
        helper=name,
        distribution=hearing.distribution,
        start=start,
        bar="alone" if bar == "alone" else "heuristic",
        points=points,
        slope=estimate_clustered(weigh_slope(errors[:near]) @ wrong, root) if differs else None,
        trained_error=_trained_error(hearing, who),
        break_even=_break_even(errors, points),
    )


def _try(hearing: Hearing, who: Mapping[str, Answers], rate: float, seed: int) -> _Tried:
    counting = {name: _Counting(CorruptHelper(helper, rate, seed)) for name, helper in who.items()}
    right = hearing.right(hearing.advise(counting))
    errors = [one.error for one in counting.values()]
    return _Tried(rate, float(np.mean([rate if error is None else error for error in errors])), right)


def _trained_error(hearing: Hearing, names: Collection[str]) -> float | None:
    counting = {name: _Counting(hearing.helpers[name]) for name in names}
    hearing.advise(counting)
    errors = [one.error for one in counting.values() if one.error is not None]
    return float(np.mean(errors)) if errors else None


def _break_even(errors: Floats, points: tuple[TransferPoint, ...]) -> BreakEven:
    gains = [point.gain for point in points]
    return BreakEven(
        helper_error=find_crossing(errors, np.array([gain.value for gain in gains])),
        low=find_crossing(errors, np.array([gain.low for gain in gains])),
        high=find_crossing(errors, np.array([gain.high for gain in gains])),
        tried=float(errors[-1]),
    )
