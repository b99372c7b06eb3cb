"""Scales and bars: where marks go, in percent of whatever width the page has.

In: estimates and splits. Out: places. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Literal, Protocol

from rrm_tree.propagation import ORDERERS, Distribution, Estimate, NodeAnalysis, Orderer, Split
from rrm_tree.propagation.best_of_n import NodeBestOfN
from rrm_tree.propagation.transfer import Transfer

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


class Level(Protocol):
    """Accuracy on one level, of one seed or of several."""

    @property
    def level(self) -> int:
        """Leaves are level 0."""
        ...

    @property
    def off(self) -> Mapping[Orderer, Estimate]:
        """Off policy."""
        ...

    @property
    def on(self) -> Mapping[Orderer, Estimate]:
        """On policy."""
        ...


@dataclass(frozen=True)
class Point:
    """An estimate at a place, in pixels."""

    x: float
    low: float
    value: float
    high: float


@dataclass(frozen=True)
class Curve:
    """One orderer over the columns."""

    orderer: Orderer
    points: tuple[Point, ...]

    @property
    def path(self) -> str:
        """The line through the points."""
        return "M" + "L".join(f"{point.x} {point.value}" for point in self.points)


@dataclass(frozen=True)
class Panel:
    """Accuracy over levels or rounds on one distribution; all places in pixels."""

    policy: Distribution
    width: int
    height: int
    columns: tuple[Tick, ...]
    rows: tuple[Tick, ...]
    curves: tuple[Curve, ...]
    words: str
    """What a reader who does not see it should know."""


PANEL_WIDTH, PANEL_HEIGHT, PANEL_LEFT, PANEL_BELOW = 480, 230, 34, 24
DODGE = 6.0


def plot_levels(levels: Sequence[Level], policy: Distribution, scale: Scale) -> Panel:
    """A curve for each orderer, from the leaves on the left to the root on the right."""
    ordered = sorted(levels, key=lambda level: level.level)
    columns = [level.off if policy == "off" else level.on for level in ordered]
    words = f"Accuracy {policy} policy from level {ordered[0].level} up"
    return plot_shares([f"level {level.level}" for level in ordered], columns, policy, scale, words)


def plot_rounds(name: str, rounds: Sequence[NodeAnalysis], policy: Distribution, scale: Scale) -> Panel:
    """A curve for each orderer over the rounds of one node."""
    parts = [node.at(policy) for node in rounds]
    columns = [{o: found for o in ORDERERS if part and (found := part.of(o))} for part in parts]
    words = f"Accuracy of {name} {policy} policy, round by round"
    return plot_shares([f"round {node.rounds}" for node in rounds], columns, policy, scale, words)


def plot_shares(
    labels: Sequence[str],
    columns: Sequence[Mapping[Orderer, Estimate]],
    policy: Distribution,
    scale: Scale,
    words: str,
) -> Panel:
    """A curve for each orderer over the columns."""
    step = (PANEL_WIDTH - PANEL_LEFT) / len(columns)
    middle = [PANEL_LEFT + step * (index + 0.5) for index in range(len(columns))]
    dodge = min(DODGE, step / 10)

    def height(place: float) -> float:
        return round((PANEL_HEIGHT - PANEL_BELOW) * (1 - place / 100), 1)

    curves, told = [], []
    for index, orderer in enumerate(ORDERERS):
        known = [(place, found) for place, shares in enumerate(columns) if (found := shares.get(orderer))]
        points = tuple(
            Point(
                round(middle[place] + dodge * (index - 2), 1),
                *(height(scale.place(value)) for value in (estimate.low, estimate.value, estimate.high)),
            )
            for place, estimate in known
        )
        if points:
            curves.append(Curve(orderer, points))
            told.append(f"{orderer} {', '.join(f'{estimate.value:.3f}' for _, estimate in known)}")
    return Panel(
        policy,
        PANEL_WIDTH,
        PANEL_HEIGHT,
        tuple(Tick(place, label) for place, label in zip(middle, labels, strict=True)),
        tuple(Tick(height(tick.place), tick.label) for tick in scale.ticks),
        tuple(curves),
        f"{words}: {'; '.join(told)}",
    )


def plot_transfer(node: str, transfer: Transfer) -> Panel:
    """A judge's error over the error of a helper."""
    points = sorted(transfer.points, key=lambda point: point.helper_error)
    told = "; ".join(f"{point.helper_error:.3f}: {point.judge_error.value:.3f}" for point in points)
    return plot_curve(
        [(point.helper_error, point.judge_error) for point in points],
        "assisted",
        transfer.distribution,
        f"Error of the judge of {node} by the error of {transfer.helper or 'all helpers'}: {told}",
    )


def plot_best_of_n(found: NodeBestOfN, what: Literal["score", "truth"]) -> Panel:
    """What the best of n is worth over the square root of its divergence from the proposals."""
    points = [(one.root_kl, one.score if what == "score" else one.truth) for one in found.points]
    told = "; ".join(
        f"{one.n}: {value.value:.3f}" for one, (_, value) in zip(found.points, points, strict=True)
    )
    orderer: Orderer = "distilled" if what == "score" else "ideal"
    return plot_curve(points, orderer, "off", f"Mean {what} of the best of n of {found.node}, by n: {told}")


def plot_curve(
    points: Sequence[tuple[float, Estimate]], style: Orderer, policy: Distribution, words: str
) -> Panel:
    """Estimates over numbers, each axis with a scale of its own that holds 0."""
    across = scale_values([0.0, *(x for x, _ in points)])
    # Where nothing is below 0, an interval that reaches there is none of the scale's business.
    lows = [one.low for _, one in points] if any(one.value < 0 for _, one in points) else []
    up = scale_values([0.0, *lows, *(one.high for _, one in points)])

    def x(place: float) -> float:
        return round(PANEL_LEFT + (PANEL_WIDTH - PANEL_LEFT) * place / 100, 1)

    def y(place: float) -> float:
        return round((PANEL_HEIGHT - PANEL_BELOW) * (1 - place / 100), 1)

    drawn = tuple(
        Point(x(across.place(at)), *(y(up.place(v)) for v in (one.low, one.value, one.high)))
        for at, one in points
    )
    return Panel(
        policy,
        PANEL_WIDTH,
        PANEL_HEIGHT,
        tuple(Tick(x(tick.place), tick.label) for tick in across.ticks),
        tuple(Tick(y(tick.place), tick.label) for tick in up.ticks),
        (Curve(style, drawn),),
        words,
    )


@dataclass(frozen=True)
class Reliability:
    """How right a reward model is against how sure it was; all places in pixels."""

    name: str
    points: tuple[Point, ...]
    words: str


SQUARE = 150
"""Side of a reliability diagram; it goes from one half to 1 across, and from 0 to 1 up."""


def plot_reliability(name: str, bins: Sequence[tuple[float, Estimate]]) -> Reliability:
    """A point for each bin: how sure the reward model was, and how right."""

    def place(value: float) -> float:
        return round(SQUARE * (min(max(value, 0.5), 1.0) - 0.5) * 2, 1)

    points = tuple(
        Point(
            place(expected),
            *(round(SQUARE * (1 - v), 1) for v in (right.low, right.value, right.high)),
        )
        for expected, right in bins
    )
    told = (f"{expected:.2f} sure, {right.value:.2f} right (n = {right.count})" for expected, right in bins)
    return Reliability(name, points, f"Reliability of {name}: {'; '.join(told)}")
