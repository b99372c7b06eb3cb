"""How commands print: JSON, marked-up text, reports.

In: values. Out: standard output, and the report files of a run.
Touches those alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rrm_tree.records import RunResult, SeedsResult
    from rrm_tree.store import Store

WIDTH = 120
"""Columns of a report that does not go to a terminal."""


def save_reports(result: RunResult | SeedsResult, store: Store) -> tuple[Path, str]:
    """Write all reports of a run, and those of its seeds, into its folder.

    Returns:
        The page to open in a browser, and the report for the terminal.
    """
    from rrm_tree.files import explained
    from rrm_tree.records import RunResult
    from rrm_tree.report import terminal_report, write_reports
    from rrm_tree.studies import study_run

    with explained("write the report", result.run):
        if isinstance(result, RunResult):
            studies = study_run(store, result)
            return write_reports(result, Path(result.run), studies), terminal_report(result, studies)
        by_seed = {one.seed: study_run(store, one) for one in result.results}
        for one in result.results:
            write_reports(one, Path(one.run), by_seed[one.seed])
        page = write_reports(result, Path(result.run), by_seed=by_seed)
        return page, terminal_report(result, by_seed=by_seed)


def save_figures(result: RunResult | SeedsResult, store: Store, form: str) -> list[Path]:
    """Figures of a run in figures/ beside its report; of several seeds the means, and those of each.

    Raises:
        UsageError: matplotlib is not installed.
    """
    from rrm_tree.records import RunResult
    from rrm_tree.report import build_report, build_seeds_report
    from rrm_tree.report.figures import write_figures
    from rrm_tree.report.plots import plot_report
    from rrm_tree.report.seeds.plots import plot_seeds_report
    from rrm_tree.studies import study_run

    results = (result,) if isinstance(result, RunResult) else result.results
    studies = {one.seed: study_run(store, one) for one in results}
    written = []
    if not isinstance(result, RunResult):
        plots = plot_seeds_report(build_seeds_report(result, studies))
        written += write_figures(plots, Path(result.run) / "figures", form)
    for one in results:
        plots = plot_report(build_report(one, studies[one.seed]))
        written += write_figures(plots, Path(one.run) / "figures", form)
    return written


def print_json(value: object) -> None:
    """One line of JSON."""
    import json

    click.echo(json.dumps(value, ensure_ascii=False))


def print_markup(text: str) -> None:
    """Text with rich's marks for colours."""
    from rich.console import Console

    # A pipe has no width: what is kept in a file shall not be folded.
    Console(width=None if sys.stdout.isatty() else WIDTH).print(text)


def print_rows(rows: Sequence[tuple[str, ...]]) -> None:
    """Columns of equal width, a little to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        click.echo(f"  {'  '.join(cells)}".rstrip())
