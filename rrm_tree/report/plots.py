"""What the figures for a paper show, worked out from a report of one seed.

In: a Report. Out: Plots: lines of estimates, which a report over seeds has as well. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rrm_tree.propagation import DISTRIBUTIONS, Distribution, Estimate, Orderer, Split
from rrm_tree.report.cause_tables import each_transfer
from rrm_tree.report.choosing import each_best_of_n
from rrm_tree.report.chosen import choose_nodes
from rrm_tree.report.document import Report
from rrm_tree.report.study_tables import round_analyses

NODES = 8
"""Nodes that a figure has room for."""


@dataclass(frozen=True)
class PlotLevel:
    """Accuracy on one level."""

    level: int
    off: Mapping[Orderer, Estimate]
    on: Mapping[Orderer, Estimate]

    def at(self, distribution: Distribution) -> Mapping[Orderer, Estimate]:
        """Off or on policy."""
        return self.off if distribution == "off" else self.on


@dataclass(frozen=True)
class PlotLine:
    """Estimates over numbers."""

    label: str
    x: Sequence[float]
    y: Sequence[Estimate]

    @property
    def points(self) -> list[tuple[float, Estimate]]:
        """Both together."""
        return list(zip(self.x, self.y, strict=True))


def line_of(label: str, points: Sequence[tuple[float, Estimate]]) -> PlotLine:
    """A line through the points, from the left to the right."""
    return PlotLine(label, [x for x, _ in points], [y for _, y in points])


@dataclass(frozen=True)
class Plots:
    """Everything that there is to draw; empty where nothing was measured."""

    levels: Sequence[PlotLevel]
    """The leaves first."""
    splits: Sequence[tuple[str, Split]]
    """Nodes and what their error is made of."""
    transfers: Sequence[PlotLine]
    """A judge's error by a helper's, off policy."""
    calibrations: Sequence[PlotLine]
    """How right by how sure."""
    rounds: Sequence[tuple[Distribution, PlotLine]]
    """The reward models' shares."""
    scores: Sequence[PlotLine]
    """Of the best of n, by √KL."""
    truths: Sequence[PlotLine]


def plot_report(report: Report) -> Plots:
    """What there is to draw of one seed."""
    nodes = choose_nodes(report.analysis, NODES).nodes
    chosen = list(each_best_of_n(report.studies))
    return Plots(
        levels=[
            PlotLevel(level.level, level.off, level.on)
            for level in sorted(report.analysis.levels, key=lambda level: level.level)
        ],
        splits=[(node.name, part.shown) for node in nodes if (part := node.best_known) and part.shown],
        transfers=list(_transfers(report)),
        calibrations=[
            line_of(study.name, [(one.expected, one.right) for one in found.calibration.bins])
            for study in report.studies
            if (found := study.on or study.off) and found.calibration
        ],
        rounds=list(_rounds(report)),
        scores=[line_of(one.node, [(p.root_kl, p.score) for p in one.points]) for one in chosen],
        truths=[line_of(one.node, [(p.root_kl, p.truth) for p in one.points]) for one in chosen],
    )


def label_edge(node: str, helper: str | None) -> str:
    """An edge from a helper, or from all, to the judge that hears it."""
    return f"{node} ← {helper or 'all'}"


def _transfers(report: Report) -> Iterator[PlotLine]:
    for study, one in each_transfer(report.studies):
        if one.distribution == "off":
            points = sorted(one.points, key=lambda point: point.helper_error)
            both = [(point.helper_error, point.judge_error) for point in points]
            yield line_of(label_edge(study.name, one.helper), both)


def _rounds(report: Report) -> Iterator[tuple[Distribution, PlotLine]]:
    found = round_analyses(report.result, choose_nodes(report.analysis, NODES))
    for name, rounds in found.items():
        for policy in DISTRIBUTIONS:
            known = [
                (one.rounds, part.distilled) for one in rounds if (part := one.at(policy)) and part.distilled
            ]
            if len(known) > 1:
                yield policy, line_of(name, known)
