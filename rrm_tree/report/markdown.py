"""A report as Markdown that GitHub shows well.

In: a RunResult and its Analysis. Out: text. Touches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rrm_tree.propagation import Analysis
from rrm_tree.records import RunResult
from rrm_tree.report import tables
from rrm_tree.report.arm_words import compare_effort, explain_gain
from rrm_tree.report.tables import Table
from rrm_tree.report.verdict import give_verdict, list_notes
from rrm_tree.report.words import MEANINGS, PARTS, POLICIES, READING, clean

SPECIAL = re.compile(r"([\\*_\[\]<>&#|~$!])")
CODE = re.compile(r"(`[^`]*`)")


def write_markdown(result: RunResult, analysis: Analysis) -> str:
    """The whole report: verdict, notes, tables, definitions."""
    return "\n".join(_lines(result, analysis)) + "\n"


def _lines(result: RunResult, analysis: Analysis) -> Iterator[str]:
    chosen = tables.choose_nodes(analysis)
    yield f"# {escape(clean(result.name, 80))}"
    yield from ("", f"**{escape(give_verdict(result, analysis))}**")
    if notes := list_notes(result, analysis):
        yield ""
        yield from (f"- {escape(note.words)}" for note in notes)
    yield from write_section("The tree", tables.node_table(result, chosen))
    yield from write_section("Accuracy", tables.level_table(analysis.levels), tables.accuracy_table(chosen))
    yield from write_section("Where the error comes from", tables.split_table(chosen))
    yield from write_section("What helpers are worth", tables.worth_table(chosen), tables.looks_table(chosen))
    for arms in analysis.arms:
        yield from write_section("Arms", tables.arms_table(arms))
        for sentence in (*explain_gain(arms), compare_effort(arms)):
            if sentence:
                yield from ("", escape(sentence))
    yield from write_section(
        "Effort", tables.effort_table(analysis, chosen), tables.facts_table(result, chosen)
    )
    yield from write_section("Gates", tables.gate_table(chosen))
    yield from write_section("Provenance", tables.origin_table(result))
    yield from ("", "## How to read this", "")
    for meanings in (MEANINGS, PARTS, POLICIES):
        yield from (f"- **{word}**: {meaning}" for word, meaning in meanings.items())
    yield from ("", " ".join(READING))


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
