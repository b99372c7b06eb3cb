"""A run's records → terminal, Markdown, JSON and one self-contained HTML page.

In: a RunResult. Out: text, and four files in a folder.
Touches the folder that it is told to write to, and nothing else; the same records give the same bytes.
"""

from __future__ import annotations

import os
from pathlib import Path

from rrm_tree.propagation import analyse
from rrm_tree.records import RunResult
from rrm_tree.report.document import Report, build_report, report_schema
from rrm_tree.report.html import write_html
from rrm_tree.report.markdown import write_markdown
from rrm_tree.report.picture import draw_picture
from rrm_tree.report.terminal import write_terminal

__all__ = ["Report", "build_report", "report_picture", "report_schema", "terminal_report", "write_reports"]


def write_reports(result: RunResult, folder: Path) -> Path:
    """Writes `report.json`, `report.md`, `report.html`, and its top as a picture, `report.svg`.

    Returns:
        The path of the HTML page.
    """
    report = build_report(result)
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "report.json", report.model_dump_json(indent=1) + "\n")
    _replace(folder / "report.md", write_markdown(result, report.analysis))
    _replace(folder / "report.svg", draw_picture(report))
    page = folder / "report.html"
    _replace(page, write_html(report))
    return page


def _replace(path: Path, text: str) -> None:
    # Rename, not overwrite: a report that is open, or half written, is never half read.
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def terminal_report(result: RunResult) -> str:
    """The report in a screenful of text."""
    return write_terminal(result, analyse(result))


def report_picture(result: RunResult) -> str:
    """The top of the report as an SVG that stands alone: verdict, tree and shares."""
    return draw_picture(build_report(result))
