"""A run's records → terminal, Markdown, JSON and one self-contained HTML page.

In: a RunResult, or a SeedsResult of several seeds. Out: text, and four files in a folder.
Touches the folder that it is told to write to, and nothing else; the same records give the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from rrm_tree.propagation import analyse, analyse_seeds
from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.records import RunResult, SeedsResult
from rrm_tree.report.cause_tables import find_chain, say_chain
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
from rrm_tree.report.tables import accuracy_table, choose_nodes, level_table
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


def write_reports(result: RunResult | SeedsResult, folder: Path, studies: Sequence[NodeStudy] = ()) -> Path:
    """Writes `report.json`, `report.md`, `report.html`, and its top as a picture, `report.svg`.

    Args:
        result: of one seed, or of several.
        folder: where to.
        studies: of one seed, what the kept pairs of its nodes say.

    Returns:
        The path of the HTML page.
    """
    texts = _write_seeds(result) if isinstance(result, SeedsResult) else _write(result, studies)
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


def _write_seeds(result: SeedsResult) -> dict[str, str]:
    report = build_seeds_report(result)
    return {
        "json": report.model_dump_json(indent=1) + "\n",
        "md": write_seeds_markdown(result, report.analysis),
        "svg": draw_means_picture(report),
        "html": write_seeds_html(report, result),
    }


def _replace(path: Path, text: str) -> None:
    # Rename, not overwrite: a report that is open, or half written, is never half read.
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def terminal_report(result: RunResult | SeedsResult, studies: Sequence[NodeStudy] = ()) -> str:
    """The report in a screenful of text."""
    if isinstance(result, SeedsResult):
        return write_seeds_terminal(result, analyse_seeds(result))
    chain = find_chain(result.root, studies)
    return write_terminal(result, analyse(result), say_chain(chain) if chain else None)


def notebook_report(result: RunResult | SeedsResult) -> str:
    """The report in a notebook's cell: HTML without styles or scripts."""
    if isinstance(result, SeedsResult):
        over = build_seeds_report(result)
        tables = [seeds_tables.accuracy_table(seeds_tables.choose_nodes(over.analysis))]
        return write_cell(result.name, over.verdict, tables)
    report = build_report(result)
    shown = [level_table(report.analysis.levels), accuracy_table(choose_nodes(report.analysis))]
    return write_cell(result.name, report.verdict, shown)


def report_picture(result: RunResult) -> str:
    """The top of the report as an SVG that stands alone: verdict, tree and shares."""
    return draw_picture(build_report(result))
