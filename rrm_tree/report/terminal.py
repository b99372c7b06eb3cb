"""A report for the terminal: short, aligned, 100 columns.

In: a RunResult and its Analysis. Out: text without colours. Touches nothing.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence

from rrm_tree.propagation import DISTRIBUTIONS, ORDERERS, Analysis, Arms, Estimate, NodeAnalysis
from rrm_tree.records import RunResult
from rrm_tree.report.arm_words import explain_gain, say_less
from rrm_tree.report.chosen import choose_nodes
from rrm_tree.report.tables import pairs_of
from rrm_tree.report.verdict import give_verdict, list_notes, say_gate
from rrm_tree.report.words import (
    clean,
    count,
    looks,
    plain,
    plural,
    quantity_with_interval,
    seconds,
    share,
)

COLUMNS = 100
NODES = 6
"""Of more nodes than this, the worst are shown."""
NOTES = 4
NAME = 24


def write_terminal(result: RunResult, analysis: Analysis, cause: str | None = None) -> str:
    """Verdict, notes, accuracy with the error's parts, arms and totals."""
    return "\n".join(_lines(result, analysis, cause)) + "\n"


def _lines(result: RunResult, analysis: Analysis, cause: str | None) -> Iterator[str]:
    size = f"{plural(len(analysis.nodes), 'node')} on {plural(len(analysis.levels), 'level')}"
    yield f"{clean(result.name, 60)}: {size}"
    yield from wrap(give_verdict(result, analysis, cause))
    notes = list_notes(result, analysis, limit=NOTES)
    for note in notes:
        yield from wrap(note.words, mark="- ")
    chosen = choose_nodes(analysis, NODES)
    if accuracy := list(_accuracy(chosen.nodes)):
        yield ""
        yield from align(accuracy, left=2)
        if chosen.left_out:
            yield f"the worst of {plural(len(analysis.nodes), 'node')}; all of them are in the report"
    for arms in analysis.arms[:2]:
        yield from ("", *align(list(_arms(arms)), left=1))
        for sentence in explain_gain(arms)[:1]:
            yield from wrap(sentence)
    yield from ("", *wrap(_totals(analysis)))


def _accuracy(nodes: Sequence[NodeAnalysis]) -> Iterator[tuple[str, ...]]:
    """One line a node and policy: shares, split, looks, gate."""
    body = []
    for node in nodes:
        for policy in DISTRIBUTIONS:
            if (accuracy := node.at(policy)) is None:
                continue
            split, asked = accuracy.shown, (accuracy.looks_alone, accuracy.looks_assisted)
            parts = (split.own, split.inherited, split.distilling) if split else (None, None, None)
            shares = [share(estimate.value) if (estimate := accuracy.of(o)) else "–" for o in ORDERERS]
            half = _half_width(accuracy.distilled)
            spent = looks(asked[1]) if not node.helped else f"{looks(asked[0])}→{looks(asked[1])}"
            gate = say_gate(node) if node.gate and (policy == "off" or node.off is None) else ""
            own = (clean(node.name, NAME), policy, *shares, half, count(pairs_of(accuracy)))
            body.append((*own, *(plain(part) for part in parts), spent, gate))
    if body:
        orderers = ("alone", "heur.", "assist.", "ideal", "distilled")
        yield ("node", "", *orderers, "±", "n", "own", "inh.", "dist.", "looks", "gate")
        yield from body


def _half_width(estimate: Estimate | None) -> str:
    """Half the 95% interval."""
    return "" if estimate is None else f"{(estimate.high - estimate.low) / 2:.3f}"


def _arms(arms: Arms) -> Iterator[tuple[str, ...]]:
    yield (
        f"arms of {clean(arms.node, NAME)}",
        "mean truth (95%)",
        "declared minus this (95%)",
        "judgments",
        "looks in all",
    )
    for row in arms.rows:
        less = "" if row.less is None else say_less(row)
        name = "as declared" if row.declared else clean(row.name, NAME)
        yield (name, quantity_with_interval(row.truth), less, count(row.judgments), count(row.all_looks))


def _totals(analysis: Analysis) -> str:
    tree, arms = analysis.effort, analysis.arms_effort
    spent = f"{count(tree.all_judgments)} judgments, {count(tree.all_looks)} looks, {count(tree.steps)} steps"
    besides = (
        f"; arms besides: {count(arms.all_looks)} looks, {seconds(arms.cpu_seconds)}" if analysis.arms else ""
    )
    return f"whole tree: {spent}, {seconds(tree.cpu_seconds)} of CPU{besides}"


def wrap(text: str, mark: str = "") -> list[str]:
    """The text in lines that fit, a mark before the first."""
    return textwrap.wrap(
        text, COLUMNS, initial_indent=mark, subsequent_indent=" " * len(mark), break_on_hyphens=False
    )


def align(rows: Sequence[tuple[str, ...]], left: int) -> Iterator[str]:
    """Columns of equal width: the first `left` to the left, the rest to the right."""
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = []
        for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - _width(cell))
            cells.append(cell + space if column < left else space + cell)
        yield "  ".join(cells).rstrip()


def _width(text: str) -> int:
    """Columns that a terminal gives the text."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(bool(unicodedata.combining(character)) for character in text)
