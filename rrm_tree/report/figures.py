"""Figures for a paper: accuracy by level, causes, transfer, calibration, learning curves.

In: Plots, of one seed or of several. Out: files in a folder, one a figure.
Touches the folder that it is told to write to. Needs matplotlib (the extra `figures`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rrm_tree.errors import UsageError
from rrm_tree.propagation import DISTRIBUTIONS, ORDERERS, Estimate, Orderer
from rrm_tree.report.charts import split_values
from rrm_tree.report.plots import NODES, Plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by all; marks differ as well, for print without colour.
STYLES: Final[dict[Orderer, tuple[str, str]]] = {
    "alone": ("#999999", "o"),
    "heuristic": ("#666666", "s"),
    "assisted": ("#0072b2", "o"),
    "ideal": ("#009e73", "D"),
    "distilled": ("#d55e00", "^"),
}
PARTS: Final = {"own": "#5b6b7c", "inherited": "#0072b2", "distilling": "#e69f00"}


def write_figures(plots: Plots, folder: Path, form: str) -> list[Path]:
    """Every figure of which there are numbers, as `pdf`, `svg` or `png`.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context  # noqa: PLC0415 - an extra, and slow to import
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise UsageError("figures need matplotlib: `pip install 'rrm-tree[figures]'`") from error
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    # Text stays text; the same numbers give the same bytes.
    fixed = {"svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": "rrm-tree", "font.size": 9}
    with rc_context(fixed):
        for name, draw in DRAWERS.items():
            figure = Figure(figsize=(6.4, 2.9), layout="constrained")
            if draw(figure, plots):
                path = folder / f"{name}.{form}"
                dated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
                figure.savefig(path, metadata=dated.get(form), dpi=200)
                written.append(path)
    return written


def _levels(figure: Figure, plots: Plots) -> bool:
    sides = [policy for policy in DISTRIBUTIONS if any(level.at(policy) for level in plots.levels)]
    for place, policy in enumerate(sides):
        axes: Axes = figure.add_subplot(1, len(sides), place + 1)
        for shift, orderer in enumerate(ORDERERS):
            known = [
                (level.level, found) for level in plots.levels if (found := level.at(policy).get(orderer))
            ]
            colour, mark = STYLES[orderer]
            places, shares = [x + 0.06 * (shift - 2) for x, _ in known], [one for _, one in known]
            _draw_estimates(
                axes, places, shares, orderer, color=colour, marker=mark, markersize=4, linewidth=1
            )
        axes.set(title=f"{policy} policy", xlabel="level", ylabel="share of pairs put right")
        axes.set_xticks([level.level for level in plots.levels])
        if not place:
            axes.legend(frameon=False)
    return bool(sides)


def _draw_estimates(
    axes: Axes, x: Sequence[float], estimates: Sequence[Estimate], label: str, **style: str | float
) -> None:
    """Values with their intervals, in a style of matplotlib's."""
    if not x:
        return
    values = [one.value for one in estimates]
    reach = [[one.value - one.low for one in estimates], [one.high - one.value for one in estimates]]
    axes.errorbar(x, values, reach, label=label, **style)  # type: ignore[arg-type]


def _errors(figure: Figure, plots: Plots) -> bool:
    splits = plots.splits[:NODES]
    if not splits:
        return False
    axes = figure.add_subplot()
    ends = {name: [0.0, 0.0] for name, _ in splits}
    for kind, colour in PARTS.items():
        for place, (name, split) in enumerate(splits):
            value = split_values(split)[kind]
            axes.barh(
                place, value, left=ends[name][value > 0], color=colour, label=kind if not place else None
            )
            ends[name][value > 0] += value
    axes.set_yticks(range(len(splits)), [name for name, _ in splits])
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(xlabel="error")
    axes.legend(frameon=False)
    return True


def _transfer(figure: Figure, plots: Plots) -> bool:
    if not plots.transfers:
        return False
    axes = figure.add_subplot()
    for line in plots.transfers[:NODES]:
        _draw_estimates(axes, line.x, line.y, line.label, marker="o", markersize=3)
    axes.set(xlabel="error of the helper", ylabel="error of the judge")
    axes.legend(frameon=False)
    return True


def _calibration(figure: Figure, plots: Plots) -> bool:
    if not plots.calibrations:
        return False
    axes = figure.add_subplot()
    axes.plot([0.5, 1], [0.5, 1], color="black", linewidth=0.8)
    for line in plots.calibrations[:NODES]:
        _draw_estimates(axes, line.x, line.y, line.label, marker="^", markersize=3)
    axes.set(xlabel="how sure", ylabel="how often right")
    axes.legend(frameon=False)
    return True


def _rounds(figure: Figure, plots: Plots) -> bool:
    if not plots.rounds:
        return False
    axes = figure.add_subplot()
    for policy, line in plots.rounds:
        dashes, values = {"off": "-", "on": "--"}[policy], [one.value for one in line.y]
        label = f"{line.label}, {policy}"
        axes.plot(line.x, values, dashes, marker="^", markersize=3, label=label)
        axes.fill_between(line.x, [one.low for one in line.y], [one.high for one in line.y], alpha=0.15)
    axes.set(xlabel="round", ylabel="share of pairs put right by the reward model")
    axes.legend(frameon=False)
    return True


def _choosing(figure: Figure, plots: Plots) -> bool:
    both = {"score": plots.scores, "truth": plots.truths}
    for place, (what, lines) in enumerate(both.items() if plots.scores else ()):
        axes: Axes = figure.add_subplot(1, 2, place + 1)
        for line in lines[:NODES]:
            _draw_estimates(axes, line.x, line.y, line.label, marker="o", markersize=3)
        axes.set(title=f"{what} of the best of n", xlabel="√KL, nats")
        if not place:
            axes.legend(frameon=False)
    return bool(plots.scores)


DRAWERS: Final[dict[str, Callable[[Figure, Plots], bool]]] = {
    "accuracy-by-level": _levels,
    "where-the-error-comes-from": _errors,
    "transfer": _transfer,
    "calibration": _calibration,
    "over-optimisation": _choosing,
    "rounds": _rounds,
}
