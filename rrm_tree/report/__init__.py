"""A run's records → terminal, Markdown, JSON and one self-contained HTML page.

In: a RunResult, or a SeedsResult of several seeds. Out: text, and four files in a folder.
Touches the folder that it is told to write to, and nothing else; the same records give the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from rrm_tree.propagation import analyse, analyse_seeds
from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.propagation.seeds_origins import trace_causes
from rrm_tree.records import RunResult, SeedsResult
from rrm_tree.report.cause_tables import say_largest
from rrm_tree.report.chosen import choose_nodes
from rrm_tree.report.document import Report, build_report, report_schema
from rrm_tree.report.html import write_html
from rrm_tree.report.markdown import write_markdown
from rrm_tree.report.notebook import write_cell
from rrm_tree.report.picture import draw_picture
from rrm_tree.report.seeds import tables as seeds_tables
from rrm_tree.report.seeds.document import SeedsReport, build_seeds_report, seeds_report_schema
from rrm_tree.report.seeds.markdown import write_seeds_markdown
from rrm_tree.report.seeds.page import draw_means_picture, write_seeds_html
from rrm_tree.report.seeds.terminal import write_seeds_terminal
from rrm_tree.report.seeds.verdict import say_largest as say_largest_over_seeds
from rrm_tree.report.tables import accuracy_table, level_table
from rrm_tree.report.terminal import write_terminal

__all__ = [
    "Report",
    "SeedsReport",
    "build_report",
    "build_seeds_report",
    "notebook_report",
    "report_picture",
    "report_schema",
    "seeds_report_schema",
    "terminal_report",
    "write_reports",
]


def write_reports(
    result: RunResult | SeedsResult,
    folder: Path,
    studies: Sequence[NodeStudy] = (),
    by_seed: Mapping[int, Sequence[NodeStudy]] = MappingProxyType({}),
) -> Path:
    """Writes `report.json`, `report.md`, `report.html`, and its top as a picture, `report.svg`.

    Args:
        result: of one seed, or of several.
        folder: where to.
        studies: of one seed, what was measured of its nodes beside their records.
        by_seed: of several, the same of each.

    Returns:
        The path of the HTML page.
    """
    texts = _write_seeds(result, by_seed) if isinstance(result, SeedsResult) else _write(result, studies)
    folder.mkdir(parents=True, exist_ok=True)
    for kind, text in texts.items():
        _replace(folder / f"report.{kind}", text)
    return folder / "report.html"


def _write(result: RunResult, studies: Sequence[NodeStudy]) -> dict[str, str]:
    report = build_report(result, studies)
    return {
        "json": report.model_dump_json(indent=1) + "\n",
        "md": write_markdown(report),
        "svg": draw_picture(report),
        "html": write_html(report),
    }


def _write_seeds(result: SeedsResult, by_seed: Mapping[int, Sequence[NodeStudy]]) -> dict[str, str]:
    report = build_seeds_report(result, by_seed)
    return {
        "json": report.model_dump_json(indent=1) + "\n",
        "md": write_seeds_markdown(result, report),
        "svg": draw_means_picture(report),
        "html": write_seeds_html(report, result, by_seed),
    }


def _replace(path: Path, text: str) -> None:
    # Rename, not overwrite: a report that is open, or half written, is never half read.
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def terminal_report(
    result: RunResult | SeedsResult,
    studies: Sequence[NodeStudy] = (),
    by_seed: Mapping[int, Sequence[NodeStudy]] = MappingProxyType({}),
) -> str:
    """The report in a screenful of text; arguments as of `write_reports`."""
    if isinstance(result, SeedsResult):
        cause = say_largest_over_seeds(result.root, trace_causes(result.root, by_seed))
        return write_seeds_terminal(result, analyse_seeds(result), cause)
    return write_terminal(result, analyse(result), say_largest(result.root, studies))


def notebook_report(result: RunResult | SeedsResult) -> str:
    """The report in a notebook's cell: HTML without styles or scripts."""
    if isinstance(result, SeedsResult):
        over = build_seeds_report(result)
        tables = [seeds_tables.accuracy_table(choose_nodes(over.analysis))]
        return write_cell(result.name, over.verdict, tables)
    report = build_report(result)
    shown = [level_table(report.analysis.levels), accuracy_table(choose_nodes(report.analysis))]
    return write_cell(result.name, report.verdict, shown)


def report_picture(result: RunResult) -> str:
    """The top of the report as an SVG that stands alone: verdict, tree and shares."""
    return draw_picture(build_report(result))
