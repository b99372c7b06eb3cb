"""Scales and bars: where marks go, in percent of whatever width the page has.

In: estimates and splits. Out: places. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log10

from rrm_tree.propagation import Estimate, Split

MARGIN = 3.0
"""Percent of the width kept free at both ends, for marks and labels."""


@dataclass(frozen=True)
class Tick:
    """A labelled line of a scale."""

    place: float
    label: str


@dataclass(frozen=True)
class Scale:
    """Values to places between 0 and 100."""

    low: float
    high: float
    ticks: tuple[Tick, ...] = ()

    def place(self, value: float) -> float:
        """Where a value goes; what lies outside goes to the edge."""
        if self.high <= self.low:
            return 50.0
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(MARGIN + (100 - 2 * MARGIN) * share, 2)


def scale_shares(estimates: Iterable[Estimate | None]) -> Scale:
    """From half, or the lowest interval if that is lower, to 1."""
    lowest = min((estimate.low for estimate in estimates if estimate), default=0.5)
    return scale_values([min(lowest, 0.5), 1.0])


def scale_values(values: Iterable[float]) -> Scale:
    """A scale that holds the values, with two to six round ticks."""
    values = list(values)
    low, high = min(values, default=0.0), max(values, default=1.0)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    step = _round_step((high - low) / 4)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    bare = Scale(first * step, last * step)
    digits = max(0, -floor(log10(step) + 1e-9)) if step < 1 else 0
    labels = [
        (number * step, f"{number * step:.{digits}f}".replace("-", "−")) for number in range(first, last + 1)
    ]
    return Scale(bare.low, bare.high, tuple(Tick(bare.place(value), label) for value, label in labels))


def _round_step(step: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power: float = 10 ** floor(log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


@dataclass(frozen=True)
class Piece:
    """One part of an error as a piece of a bar."""

    part: str
    place: float
    width: float


def split_values(split: Split) -> dict[str, float]:
    """The parts that a bar is made of; judging stands for own where that is not known apart."""
    own = split.judging if split.own is None else split.own
    return {"own": own, "inherited": split.inherited or 0.0, "distilling": split.distilling}


def scale_splits(splits: Iterable[Split]) -> Scale:
    """A scale that holds every bar on both sides of 0."""
    ends = [0.0, 0.05]
    for split in splits:
        values = split_values(split).values()
        ends += [sum(value for value in values if value > 0), sum(value for value in values if value < 0)]
    return scale_values(ends)


def cut_bar(split: Split, scale: Scale) -> tuple[Piece, ...]:
    """Parts that add error go to the right of 0, those that take it away to the left."""
    ends = {True: 0.0, False: 0.0}
    pieces = []
    for part, value in split_values(split).items():
        if value == 0:
            continue
        start = ends[value > 0]
        ends[value > 0] = start + value
        left, right = sorted((scale.place(start), scale.place(start + value)))
        pieces.append(Piece(part, left, round(right - left, 2)))
    return tuple(pieces)
