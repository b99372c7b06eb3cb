"""What the figures for a paper show, worked out from a report over seeds: means with their intervals.

In: a SeedsReport. Out: Plots. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rrm_tree.propagation import DISTRIBUTIONS, Distribution, Estimate, Orderer, OverSeeds
from rrm_tree.propagation.seeds_curves import SeedsPoint
from rrm_tree.propagation.seeds_studies import SeedsCalibration, SeedsStudy
from rrm_tree.report.chosen import choose_nodes
from rrm_tree.report.plots import NODES, PlotLevel, PlotLine, Plots, label_edge, line_of
from rrm_tree.report.seeds.document import SeedsReport


def plot_seeds_report(report: SeedsReport) -> Plots:
    """What there is to draw of several seeds."""
    nodes = choose_nodes(report.analysis, NODES).nodes
    best = [(study.name, study.best_of_n.points) for study in report.studies if study.best_of_n]
    return Plots(
        levels=[
            PlotLevel(level.level, _means(level.off), _means(level.on))
            for level in sorted(report.analysis.levels, key=lambda level: level.level)
        ],
        splits=[(node.name, part.shown) for node in nodes if (part := node.best_known) and part.shown],
        transfers=[
            _line(label_edge(study.name, one.helper), one.points)
            for study in report.studies
            for one in study.transfers
            if one.distribution == "off"
        ],
        calibrations=[
            _line(study.name, known.bins) for study in report.studies if (known := _calibration(study))
        ],
        rounds=[one for study in report.studies for one in _rounds(study)],
        scores=[line_of(name, [(p.root_kl, p.score.estimate) for p in points]) for name, points in best],
        truths=[line_of(name, [(p.root_kl, p.truth.estimate) for p in points]) for name, points in best],
    )


def _means(shares: Mapping[Orderer, OverSeeds]) -> dict[Orderer, Estimate]:
    return {orderer: over.estimate for orderer, over in shares.items()}


def _line(label: str, points: Iterable[SeedsPoint]) -> PlotLine:
    ordered = sorted(points, key=lambda point: point.x.mean)
    return line_of(label, [(one.x.mean, one.y.estimate) for one in ordered])


def _calibration(study: SeedsStudy) -> SeedsCalibration | None:
    """On policy where it is known, as of one seed."""
    known = {one.distribution: one for one in study.calibrations if one.bins}
    return known.get("on") or known.get("off")


def _rounds(study: SeedsStudy) -> Iterator[tuple[Distribution, PlotLine]]:
    for policy in DISTRIBUTIONS:
        overs = [(one.round + 1, one.off if policy == "off" else one.on) for one in study.rounds]
        known = [(number, over.estimate) for number, over in overs if over is not None]
        if len(known) > 1:
            yield policy, line_of(study.name, known)
