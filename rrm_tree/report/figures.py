"""Figures for a paper: accuracy by level, causes, transfer, calibration, learning curves.

In: a Report. Out: files in a folder, one a figure.
Touches the folder that it is told to write to. Needs matplotlib (the extra `figures`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rrm_tree.errors import UsageError
from rrm_tree.propagation import DISTRIBUTIONS, ORDERERS, Estimate, Orderer
from rrm_tree.report.cause_tables import each_transfer
from rrm_tree.report.charts import split_values
from rrm_tree.report.document import Report
from rrm_tree.report.study_tables import round_analyses
from rrm_tree.report.tables import choose_nodes

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
NODES = 8
"""Nodes that a figure has room for."""


def write_figures(report: Report, folder: Path, form: str) -> list[Path]:
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
            if draw(figure, report):
                path = folder / f"{name}.{form}"
                dated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
                figure.savefig(path, metadata=dated.get(form), dpi=200)
                written.append(path)
    return written


def _levels(figure: Figure, report: Report) -> bool:
    levels = sorted(report.analysis.levels, key=lambda level: level.level)
    sides = [(policy, [one.off if policy == "off" else one.on for one in levels]) for policy in DISTRIBUTIONS]
    sides = [(policy, columns) for policy, columns in sides if any(columns)]
    for place, (policy, columns) in enumerate(sides):
        axes: Axes = figure.add_subplot(1, len(sides), place + 1)
        for shift, orderer in enumerate(ORDERERS):
            known = [
                (level.level, found)
                for level, one in zip(levels, columns, strict=True)
                if (found := one.get(orderer))
            ]
            colour, mark = STYLES[orderer]
            places, shares = [x + 0.06 * (shift - 2) for x, _ in known], [one for _, one in known]
            _draw_estimates(
                axes, places, shares, orderer, color=colour, marker=mark, markersize=4, linewidth=1
            )
        axes.set(title=f"{policy} policy", xlabel="level", ylabel="share of pairs put right")
        axes.set_xticks([level.level for level in levels])
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


def _errors(figure: Figure, report: Report) -> bool:
    splits = [
        (node.name, part.shown)
        for node in choose_nodes(report.analysis, NODES).nodes
        if (part := node.best_known) and part.shown
    ]
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


def _transfer(figure: Figure, report: Report) -> bool:
    known = [(study, one) for study, one in each_transfer(report.studies) if one.distribution == "off"][
        :NODES
    ]
    if not known:
        return False
    axes = figure.add_subplot()
    for study, one in known:
        points = sorted(one.points, key=lambda point: point.helper_error)
        label = f"{study.name} ← {one.helper or 'all'}"
        x, judged = [point.helper_error for point in points], [point.judge_error for point in points]
        _draw_estimates(axes, x, judged, label, marker="o", markersize=3)
    axes.set(xlabel="error of the helper", ylabel="error of the judge")
    axes.legend(frameon=False)
    return True


def _calibration(figure: Figure, report: Report) -> bool:
    known = [
        (s.name, part.calibration) for s in report.studies if (part := s.on or s.off) and part.calibration
    ][:NODES]
    if not known:
        return False
    axes = figure.add_subplot()
    axes.plot([0.5, 1], [0.5, 1], color="black", linewidth=0.8)
    for name, found in known:
        x, rights = [one.expected for one in found.bins], [one.right for one in found.bins]
        _draw_estimates(axes, x, rights, name, marker="^", markersize=3)
    axes.set(xlabel="how sure", ylabel="how often right")
    axes.legend(frameon=False)
    return True


def _rounds(figure: Figure, report: Report) -> bool:
    found = round_analyses(report.result, choose_nodes(report.analysis, NODES))
    axes = figure.add_subplot()
    drawn = False
    for name, rounds in found.items():
        for policy, line in (("off", "-"), ("on", "--")):
            both = [
                (one.rounds, part.distilled)
                for one in rounds
                if (part := one.at("off" if policy == "off" else "on")) and part.distilled
            ]
            if len(both) > 1:
                axes.plot(
                    [x for x, _ in both],
                    [e.value for _, e in both],
                    line,
                    marker="^",
                    markersize=3,
                    label=f"{name}, {policy}",
                )
                axes.fill_between(
                    [x for x, _ in both], [e.low for _, e in both], [e.high for _, e in both], alpha=0.15
                )
                drawn = True
    axes.set(xlabel="round", ylabel="share of pairs put right by the reward model")
    if drawn:
        axes.legend(frameon=False)
    return drawn


DRAWERS: Final[dict[str, Callable[[Figure, Report], bool]]] = {
    "accuracy-by-level": _levels,
    "where-the-error-comes-from": _errors,
    "transfer": _transfer,
    "calibration": _calibration,
    "rounds": _rounds,
}
