"""Which diagrams a page over seeds has room for: means with their intervals over seeds.

In: Plots. Out: Panels and Reliabilities, with their titles. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rrm_tree.propagation import Estimate, Orderer
from rrm_tree.report.charts import (
    Panel,
    Reliability,
    plot_curve,
    plot_reliability,
    plot_shares,
    scale_shares,
)
from rrm_tree.report.diagrams import DIAGRAMS
from rrm_tree.report.plots import PlotLine, Plots
from rrm_tree.report.words import clean


def draw_transfers(plots: Plots) -> list[tuple[str, Panel]]:
    """A judge's error by a helper's, of the nodes highest up."""
    return [_curve(line, "assisted", "Error of a judge by a helper's") for line in plots.transfers[:DIAGRAMS]]


def draw_best_of_n(plots: Plots) -> list[tuple[str, Panel]]:
    """Score and truth over √KL, of the nodes highest up."""
    both = zip(plots.scores, plots.truths, strict=True)
    styles: tuple[tuple[str, Orderer], ...] = (("score", "distilled"), ("truth", "ideal"))
    drawn = [
        _curve(line, style, f"Mean {what} of the best of n by √KL", f": {what}")
        for pair in both
        for line, (what, style) in zip(pair, styles, strict=True)
    ]
    return drawn[:DIAGRAMS]


def _curve(line: PlotLine, style: Orderer, words: str, more: str = "") -> tuple[str, Panel]:
    told = "; ".join(f"{x:.3f}: {y.value:.3f}" for x, y in line.points)
    name = clean(line.label, 120)
    return f"{name}{more}", plot_curve(line.points, style, "off", f"{words}, {name}, mean over seeds: {told}")


def draw_reliabilities(plots: Plots) -> list[Reliability]:
    """How right reward models are by how sure, of the nodes highest up."""
    return [plot_reliability(clean(one.label, 60), one.points) for one in plots.calibrations[:DIAGRAMS]]


def draw_rounds(plots: Plots) -> list[tuple[str, Panel]]:
    """The reward models' shares over rounds, of the nodes highest up."""
    return [(clean(line.label, 60), panel) for line, panel in _rounds(plots)][:DIAGRAMS]


def _rounds(plots: Plots) -> Iterator[tuple[PlotLine, Panel]]:
    for policy, line in plots.rounds:
        columns: list[dict[Orderer, Estimate]] = [{"distilled": share} for share in line.y]
        labels: Sequence[str] = [f"round {number:g}" for number in line.x]
        words = f"Accuracy of the reward model of {clean(line.label, 60)} {policy} policy, mean over seeds"
        yield line, plot_shares(labels, columns, policy, scale_shares(line.y), words)
