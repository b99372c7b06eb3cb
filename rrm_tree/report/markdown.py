"""A report as Markdown that GitHub shows well.

In: a Report. Out: text. Touches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rrm_tree.report import (
    cause_tables,
    choosing,
    judge_tables,
    people_tables,
    run_tables,
    study_tables,
    sweep_tables,
    tables,
)
from rrm_tree.report.allocation_table import allocation_table
from rrm_tree.report.arm_tests import arm_test_table
from rrm_tree.report.arm_words import say_arms
from rrm_tree.report.chosen import choose_nodes
from rrm_tree.report.document import Report
from rrm_tree.report.people_words import say_people
from rrm_tree.report.reward_tables import snapshot_table, step_table
from rrm_tree.report.tables import Chosen, Table
from rrm_tree.report.words import MEANINGS, PARTS, POLICIES, READING, clean

SPECIAL = re.compile(r"([\\*_\[\]<>&#|~$!])")
CODE = re.compile(r"(`[^`]*`)")


def write_markdown(report: Report) -> str:
    """The whole report: verdict, notes, tables, definitions."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    result, analysis = report.result, report.analysis
    chosen = choose_nodes(analysis)
    yield f"# {escape(clean(result.name, 80))}"
    yield from ("", f"**{escape(report.verdict)}**")
    for one in report.answers:
        yield from ("", f"*{escape(one.question)}* {escape(one.answer)}")
    if report.notes:
        yield ""
        yield from (f"- {escape(note.words)}" for note in report.notes)
    yield from write_section("The tree", run_tables.node_table(result, chosen))
    yield from write_section("Accuracy", tables.level_table(analysis.levels), tables.accuracy_table(chosen))
    chain = cause_tables.chain_table(result.root, report.studies)
    causes = (chain, cause_tables.cause_table(report.studies))
    yield from write_section("Where the error comes from", tables.split_table(chosen), *causes)
    yield from write_section("Transfer and break-even", cause_tables.transfer_table(report.studies))
    if report.allocation is not None:
        yield from write_section("Where to label next", allocation_table(report.allocation))
        yield from ("", escape(report.allocation.words))
    yield from write_section("Predicted and measured", cause_tables.prediction_table(report.studies))
    yield from _studies(report, chosen)
    yield from write_section("What helpers are worth", tables.worth_table(chosen), tables.looks_table(chosen))
    yield from write_section("People", people_tables.people_table(result))
    yield from (line for sentence in say_people(result) for line in ("", escape(sentence)))
    for arms in analysis.arms:
        yield from write_section("Arms", tables.arms_table(arms))
        for sentence in say_arms(arms):
            yield from ("", escape(sentence))
    yield from write_section("Arms, item by item", arm_test_table(report.studies))
    yield from write_section(
        "Effort", run_tables.effort_table(analysis, chosen), run_tables.facts_table(result, chosen)
    )
    yield from write_section(
        "Judges",
        judge_tables.judges_table(result, chosen),
        judge_tables.agreement_table(result, chosen),
        judge_tables.reasons_table(result, chosen),
    )
    yield from write_section("Gates", run_tables.gate_table(chosen))
    if result.edits:
        yield from write_section("Configuration", study_tables.edit_table(result.edits, result.previous))
    yield from write_section("Provenance", run_tables.origin_table(result))
    yield from ("", "## How to read this", "")
    for meanings in (MEANINGS, PARTS, POLICIES):
        yield from (f"- **{word}**: {meaning}" for word, meaning in meanings.items())
    yield from ("", " ".join(READING))


def _studies(report: Report, chosen: Chosen) -> Iterator[str]:
    """What kept pairs and rounds say."""
    studies = report.studies
    calibration = (study_tables.calibration_table(studies), study_tables.rank_table(studies))
    yield from write_section("Calibration", *calibration, step_table(studies))
    chosen_by = (choosing.over_optimisation_table(studies), choosing.best_of_n_table(studies))
    yield from write_section("Over-optimisation", *chosen_by)
    yield from write_section("Shift", study_tables.shift_table(chosen), snapshot_table(studies))
    rounds = study_tables.round_analyses(report.result, chosen)
    yield from write_section("Round by round", study_tables.round_table(rounds), choosing.alarm_table(chosen))
    gains = sweep_tables.gain_table(studies)
    yield from write_section("Sweep by sweep", sweep_tables.sweep_table(report.result), gains)
    disagreements = study_tables.disagreement_table(studies)
    yield from write_section("Disagreements", study_tables.paired_table(studies), disagreements)


def write_section(title: str, *parts: Table) -> Iterator[str]:
    """A heading, if there is one, and the tables that have rows; nothing without any."""
    known = [part for part in parts if part.rows]
    if not known:
        return
    if title:
        yield from ("", f"## {title}")
    for part in known:
        yield from ("", escape(part.caption), "")
        yield _row(part.columns)
        yield _row([_rule(part, column) for column in range(len(part.columns))], escaped=True)
        yield from (_row(row) for row in part.rows)


def _rule(table: Table, column: int) -> str:
    return "---:" if table.numeric <= column < len(table.columns) - table.words else "---"


def _row(cells: tuple[str, ...] | list[str], escaped: bool = False) -> str:
    return f"| {' | '.join(cells if escaped else [escape(cell) for cell in cells])} |"


def escape(text: str) -> str:
    """Text of which Markdown makes nothing but text; names between backticks stay code."""
    pieces = CODE.split(text)
    return "".join(
        piece.replace("|", r"\|")
        if CODE.fullmatch(piece)
        else SPECIAL.sub(r"\\\1", piece).replace("`", r"\`")
        for piece in pieces
    )
