"""A report as one HTML page: offline, without scripts, for light and dark, screen and paper.

In: a Report. Out: text. Reads the templates beside it and touches nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rrm_tree.propagation import (
    DISTRIBUTIONS,
    Analysis,
    Arms,
    NodeAnalysis,
)
from rrm_tree.records import Picture, RunResult
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
from rrm_tree.report.charted import ArmsView, draw_bars, group_lines
from rrm_tree.report.charts import (
    Scale,
    scale_shares,
    scale_values,
)
from rrm_tree.report.chosen import choose_nodes
from rrm_tree.report.diagrams import (
    draw_best_of_n,
    draw_levels,
    draw_reliabilities,
    draw_rounds,
    draw_transfers,
)
from rrm_tree.report.document import Report
from rrm_tree.report.drawing import draw_tree, inherited_by_edge
from rrm_tree.report.folding import fold_tree
from rrm_tree.report.people_words import say_people
from rrm_tree.report.pictures import (
    PICTURE_BYTES,
    PICTURES,
    choose_disagreements,
    choose_pictures,
    each_disagreement,
    view_picture,
)
from rrm_tree.report.rendering import draw, environment, list_shades
from rrm_tree.report.reward_tables import snapshot_table, step_table
from rrm_tree.report.tables import Chosen, Table
from rrm_tree.report.words import MEANINGS, PARTS, POLICIES, READING, clean, code, count, plural


def write_html(report: Report) -> str:
    """The whole page."""
    result, analysis = report.result, report.analysis
    chosen = choose_nodes(analysis)
    groups = [group for node in chosen.nodes for group in group_lines(node, *_remarks(node))]
    pairs = choose_disagreements([each_disagreement(study) for study in report.studies])
    taken = sum(pair.size for pair in pairs)
    pictures = choose_pictures(result, PICTURES - 2 * len(pairs), PICTURE_BYTES - taken)
    size = f"{plural(len(analysis.nodes), 'node')} on {plural(len(analysis.levels), 'level')}"
    drawn = {**_tables(result, analysis, chosen), **_study_tables(report, chosen)}
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            title=clean(result.name, 80),
            subtitle=size,
            sections=_sections(drawn, groups=groups, arms=analysis.arms, pictures=pictures, pairs=pairs),
            drawing=draw_tree(result, analysis, inherited=inherited_by_edge(report.studies)),
            branches=fold_tree(result, analysis),
            has_causes=any(study.causes for study in report.studies),
            shades=list_shades(),
            meanings={**MEANINGS, **PARTS, **POLICIES},
            orderers=MEANINGS,
            parts=PARTS,
            policies=DISTRIBUTIONS,
            reading=READING,
            shares=scale_shares(estimate for group in groups for estimate in group.numbers),
            panels=draw_levels(analysis.levels),
            groups=groups,
            remark=chosen.remark,
            bars=draw_bars(chosen.nodes),
            all_arms=[_view_arms(arms) for arms in analysis.arms],
            transfers=draw_transfers(report.studies),
            reliabilities=draw_reliabilities(report.studies),
            curves=draw_best_of_n(report.studies),
            rounds=draw_rounds(result, chosen),
            has_previous=result.previous is not None,
            people_sentences=tuple(say_people(result)),
            pairs=pairs,
            pictures=[view_picture(picture) for picture in pictures],
            left_out=_count_left_out(result, pictures),
            **drawn,
        )
    )


def _tables(result: RunResult, analysis: Analysis, chosen: Chosen) -> dict[str, Table]:
    return {
        "node_table": run_tables.node_table(result, chosen),
        "level_table": tables.level_table(analysis.levels),
        "split_table": tables.split_table(chosen),
        "worth_table": tables.worth_table(chosen),
        "looks_table": tables.looks_table(chosen),
        "effort_table": run_tables.effort_table(analysis, chosen),
        "facts_table": run_tables.facts_table(result, chosen),
        "judges_table": judge_tables.judges_table(result, chosen),
        "agreement_table": judge_tables.agreement_table(result, chosen),
        "reasons_table": judge_tables.reasons_table(result, chosen),
        "gate_table": run_tables.gate_table(chosen),
        "origin_table": run_tables.origin_table(result),
    }


def _study_tables(report: Report, chosen: Chosen) -> dict[str, Table]:
    studies, result = report.studies, report.result
    return {
        "chain_table": cause_tables.chain_table(result.root, studies),
        "cause_table": cause_tables.cause_table(studies),
        "transfer_table": cause_tables.transfer_table(studies),
        "prediction_table": cause_tables.prediction_table(studies),
        "calibration_table": study_tables.calibration_table(studies),
        "rank_table": study_tables.rank_table(studies),
        "paired_table": study_tables.paired_table(studies),
        "disagreement_table": study_tables.disagreement_table(studies),
        "best_of_n_table": choosing.best_of_n_table(studies),
        "over_optimisation_table": choosing.over_optimisation_table(studies),
        "alarm_table": choosing.alarm_table(chosen),
        "shift_table": study_tables.shift_table(chosen),
        "round_table": study_tables.round_table(study_tables.round_analyses(result, chosen)),
        "allocation_table": allocation_table(report.allocation),
        "step_table": step_table(studies),
        "snapshot_table": snapshot_table(studies),
        "arm_test_table": arm_test_table(studies),
        "sweep_table": sweep_tables.sweep_table(result),
        "sweep_gain_table": sweep_tables.gain_table(studies),
        "edit_table": study_tables.edit_table(result.edits, result.previous),
        "setting_table": study_tables.setting_table(result.configuration),
        "people_table": people_tables.people_table(result),
    }


def _sections(
    drawn: Mapping[str, Table], *, groups: object, arms: object, pictures: object, pairs: object
) -> list[tuple[str, str]]:
    """What the page's links lead to, in its order."""

    def rows(*names: str) -> bool:
        return any(drawn[name].rows for name in names)

    every: list[tuple[str, str, object]] = [
        ("tree", "Tree", True),
        ("accuracy", "Accuracy", groups),
        ("error", "Error", rows("split_table")),
        ("transfer", "Transfer", rows("transfer_table")),
        ("allocation", "Where to label next", rows("allocation_table")),
        ("prediction", "Prediction", rows("prediction_table")),
        ("worth", "Helpers' worth", rows("looks_table")),
        ("people", "People", rows("people_table")),
        ("arms", "Arms", arms),
        ("calibration", "Calibration", rows("calibration_table", "step_table")),
        ("choosing", "Over-optimisation", rows("over_optimisation_table")),
        ("shift", "Shift", rows("shift_table")),
        ("rounds", "Rounds", rows("round_table")),
        ("sweeps", "Sweeps", rows("sweep_table")),
        ("disagreements", "Disagreements", rows("paired_table", "disagreement_table") or pairs),
        ("effort", "Effort", True),
        ("judges", "Judges", rows("judges_table", "agreement_table", "reasons_table")),
        ("gates", "Gates", rows("gate_table")),
        ("pictures", "Outcomes", pictures),
        ("configuration", "Configuration", True),
        ("provenance", "Provenance", True),
        ("reading", "How to read this", True),
    ]
    return [(name, words) for name, words, there in every if there]


def _remarks(node: NodeAnalysis) -> Iterator[str]:
    """What stands below a node's name in the table of accuracies."""
    yield f"level {node.level}"
    for policy in DISTRIBUTIONS:
        if (accuracy := node.at(policy)) is not None:
            ties = f", {plural(accuracy.truth_ties, 'tie')} left out" if accuracy.truth_ties else ""
            yield f"{policy}: {plural(tables.pairs_of(accuracy), 'pair')}{ties}"


def _view_arms(arms: Arms) -> ArmsView:
    truths = [row.truth for row in arms.rows]
    scale: Scale = scale_values(end for truth in truths if truth for end in (truth.low, truth.high))
    charts = tuple(
        draw("dot", row.truth, scale, "distilled" if row.declared else "alone") for row in arms.rows
    )
    return ArmsView(
        code(arms.node),
        say_arms(arms),
        tables.arms_table(arms),
        draw("axis", scale),
        charts,
    )


def _count_left_out(result: RunResult, shown: Sequence[Picture]) -> str:
    rest = sum(len(node.pictures) for node in result.nodes) - len(shown)
    return f"{count(rest)} more {'is' if rest == 1 else 'are'}" if rest else ""
