"""A report over seeds as Markdown that GitHub shows well.

In: a SeedsResult and its SeedsAnalysis. Out: text. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from rrm_tree.propagation import SeedsAnalysis
from rrm_tree.records import SeedsResult
from rrm_tree.report.markdown import escape, write_section
from rrm_tree.report.seeds import tables
from rrm_tree.report.seeds.verdict import explain_gain, give_verdict, list_notes
from rrm_tree.report.seeds.words import READING, name_seeds
from rrm_tree.report.words import MEANINGS, PARTS, POLICIES, clean


def write_seeds_markdown(result: SeedsResult, analysis: SeedsAnalysis) -> str:
    """The whole report: verdict, notes, tables, every seed's own figures, definitions."""
    return "\n".join(_lines(result, analysis)) + "\n"


def _lines(result: SeedsResult, analysis: SeedsAnalysis) -> Iterator[str]:
    chosen = tables.choose_nodes(analysis)
    yield f"# {escape(clean(result.name, 80))}, {name_seeds(analysis.seeds)}"
    yield from ("", f"**{escape(give_verdict(result, analysis))}**")
    if notes := list_notes(result, analysis):
        yield ""
        yield from (f"- {escape(note.words)}" for note in notes)
    yield from write_section("The tree", tables.node_table(result, analysis, chosen))
    yield from write_section("Truth over seeds", tables.truth_table(chosen))
    yield from write_section(
        "Accuracy over seeds", tables.level_table(analysis), tables.accuracy_table(chosen)
    )
    yield from write_section("Where the error comes from", tables.split_table(chosen))
    yield from write_section("What helpers are worth", tables.worth_table(chosen), tables.looks_table(chosen))
    for arms in analysis.arms:
        yield from write_section("Arms", tables.arms_table(arms))
        for sentence in explain_gain(arms):
            yield from ("", escape(sentence))
    yield from write_section("Effort", tables.effort_table(analysis, chosen))
    yield from write_section("Gates", tables.gate_table(chosen))
    yield from ("", "## Every seed", "", "<details><summary>Every seed's own figures</summary>")
    for table in tables.seed_tables(result, chosen):
        yield from write_section("", table)
    yield from ("", "</details>")
    yield from write_section("Provenance", tables.origin_table(result))
    yield from ("", "## How to read this", "")
    for meanings in (MEANINGS, PARTS, POLICIES):
        yield from (f"- **{word}**: {meaning}" for word, meaning in meanings.items())
    yield from ("", " ".join(READING))
