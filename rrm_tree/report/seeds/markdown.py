"""A report over seeds as Markdown that GitHub shows well.

In: a SeedsResult and its SeedsAnalysis. Out: text. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from rrm_tree.records import SeedsResult
from rrm_tree.report.chosen import choose_nodes
from rrm_tree.report.markdown import escape, write_section
from rrm_tree.report.seeds import judge_tables, run_tables, study_tables, sweep_tables, tables
from rrm_tree.report.seeds.allocation_table import allocation_table
from rrm_tree.report.seeds.document import SeedsReport
from rrm_tree.report.seeds.verdict import say_arms
from rrm_tree.report.seeds.words import READING, name_seeds
from rrm_tree.report.words import MEANINGS, PARTS, POLICIES, clean


def write_seeds_markdown(result: SeedsResult, report: SeedsReport) -> str:
    """The whole report: verdict, notes, tables, every seed's own figures, definitions."""
    return "\n".join(_lines(result, report)) + "\n"


def _lines(result: SeedsResult, report: SeedsReport) -> Iterator[str]:
    analysis, studies = report.analysis, report.studies
    chosen = choose_nodes(analysis)
    yield f"# {escape(clean(result.name, 80))}, {name_seeds(analysis.seeds)}"
    yield from ("", f"**{escape(report.verdict)}**")
    for one in report.answers:
        yield from ("", f"*{escape(one.question)}* {escape(one.answer)}")
    if notes := report.notes:
        yield ""
        yield from (f"- {escape(note.words)}" for note in notes)
    yield from write_section("The tree", run_tables.node_table(result, analysis, chosen))
    yield from write_section("Truth over seeds", tables.truth_table(chosen))
    yield from write_section(
        "Accuracy over seeds", tables.level_table(analysis), tables.accuracy_table(chosen)
    )
    causes = (study_tables.origin_table(report.origins), study_tables.cause_table(studies))
    yield from write_section("Where the error comes from", tables.split_table(chosen), *causes)
    yield from write_section("Transfer and break-even", study_tables.transfer_table(studies))
    if report.allocation is not None:
        yield from write_section("Where to label next", allocation_table(report.allocation))
        yield from ("", escape(report.allocation.words))
    yield from write_section("Predicted and measured", study_tables.prediction_table(studies))
    yield from write_section("Calibration", study_tables.calibration_table(studies))
    yield from write_section("Over-optimisation", study_tables.best_of_n_table(studies))
    yield from write_section("Shift", tables.shift_table(chosen))
    yield from write_section("Round by round", study_tables.round_table(studies))
    swept = (sweep_tables.sweep_table(result), sweep_tables.gain_table(studies))
    yield from write_section("Sweep by sweep", *swept)
    yield from write_section("Disagreements", study_tables.disagreement_table(studies))
    yield from write_section("What helpers are worth", tables.worth_table(chosen), tables.looks_table(chosen))
    for arms in analysis.arms:
        yield from write_section("Arms", tables.arms_table(arms))
        for sentence in say_arms(arms):
            yield from ("", escape(sentence))
    yield from write_section("Effort", run_tables.effort_table(analysis, chosen))
    people = (escape(sentence) for sentence in judge_tables.say_people(result, chosen))
    yield from write_section("People", judge_tables.people_table(result, chosen))
    for sentence in people:
        yield from ("", sentence)
    yield from write_section(
        "Judges",
        judge_tables.judges_table(result, chosen),
        judge_tables.agreement_table(result, chosen),
        judge_tables.reasons_table(result, chosen),
    )
    yield from write_section("Gates", run_tables.gate_table(chosen))
    yield from ("", "## Every seed", "", "<details><summary>Every seed's own figures</summary>")
    for table in run_tables.seed_tables(result, chosen):
        yield from write_section("", table)
    yield from ("", "</details>")
    yield from write_section("Configuration", study_tables.edit_table(result))
    yield from write_section("Provenance", run_tables.origin_table(result))
    yield from ("", "## How to read this", "")
    for meanings in (MEANINGS, PARTS, POLICIES):
        yield from (f"- **{word}**: {meaning}" for word, meaning in meanings.items())
    yield from ("", " ".join(READING))
