"""A report over seeds as one HTML page: offline, without scripts, for light and dark, screen and paper.

In: a SeedsReport and its SeedsResult. Out: text. Reads the templates and touches nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from markupsafe import Markup

from rrm_tree.propagation import (
    DISTRIBUTIONS,
    LEAST_SEEDS,
    OverSeeds,
    SeedsAnalysis,
    SeedsArms,
    SeedsNode,
)
from rrm_tree.propagation.disagreements import rank_disagreement
from rrm_tree.propagation.seeds_studies import SeedsStudy, Studies
from rrm_tree.records import SeedsResult
from rrm_tree.report.charted import ArmsView, draw_bars, group_lines
from rrm_tree.report.charts import Scale, scale_values
from rrm_tree.report.chosen import choose_nodes
from rrm_tree.report.diagrams import draw_levels
from rrm_tree.report.drawing import Drawing, Edge, draw_tree
from rrm_tree.report.picture import draw_top
from rrm_tree.report.pictures import (
    PICTURE_BYTES,
    PICTURES,
    SHOWN_FIRST,
    FoundPair,
    choose_disagreements,
    choose_pictures,
    each_disagreement,
    view_picture,
)
from rrm_tree.report.rendering import draw, environment, list_shades
from rrm_tree.report.seeds import diagrams, judge_tables, run_tables, study_tables, sweep_tables, tables
from rrm_tree.report.seeds.allocation_table import allocation_table
from rrm_tree.report.seeds.document import SeedsReport
from rrm_tree.report.seeds.means import analyse_means
from rrm_tree.report.seeds.plots import plot_seeds_report
from rrm_tree.report.seeds.tables import Chosen
from rrm_tree.report.seeds.verdict import say_arms
from rrm_tree.report.seeds.words import READING, name_seeds
from rrm_tree.report.tables import Table
from rrm_tree.report.words import MEANINGS, PARTS, POLICIES, clean, code, plural

JUDGES = ("judges_table", "agreement_table", "reasons_table")
"""What stands in the section on judges."""


def write_seeds_html(
    report: SeedsReport, result: SeedsResult, studies: Studies = MappingProxyType({})
) -> str:
    """The whole page.

    Args:
        report: what the page says.
        result: the same records with their pictures.
        studies: what was measured of the nodes of each seed, with its pictures.
    """
    analysis = report.analysis
    chosen = choose_nodes(analysis)
    groups = [group for node in chosen.nodes for group in group_lines(node, *_remarks(node))]
    size = f"{plural(len(analysis.nodes), 'node')} on {plural(len(analysis.levels), 'level')}"
    shown = next((one for one in result.results if any(node.pictures for node in one.nodes)), None)
    pairs = choose_disagreements(_find_pairs(report, studies))
    room = PICTURE_BYTES - sum(pair.size for pair in pairs)
    pictures = choose_pictures(shown, PICTURES - 2 * len(pairs), room) if shown else []
    plots = plot_seeds_report(report)
    drawn = {**_tables(result, analysis, chosen), **_study_tables(report)}
    return (
        environment()
        .get_template("seeds.html.j2")
        .render(
            report=report,
            title=clean(result.name, 80),
            seeds=name_seeds(analysis.seeds),
            subtitle=f"{size}, {name_seeds(analysis.seeds)}",
            sections=_sections(drawn, groups=groups, arms=analysis.arms, pictures=pictures, pairs=pairs),
            drawing=draw_means(result, analysis, inherited_over_seeds(report.studies)),
            has_causes=any(study.causes for study in report.studies),
            shades=list_shades(),
            meanings={**MEANINGS, **PARTS, **POLICIES},
            orderers=MEANINGS,
            parts=PARTS,
            policies=DISTRIBUTIONS,
            reading=READING,
            least_seeds=LEAST_SEEDS,
            shares=_scale_shares(over for group in groups for over in group.numbers),
            groups=groups,
            remark=chosen.remark,
            people_sentences=list(judge_tables.say_people(result, chosen)),
            truths=[_strip_row(node) for node in chosen.nodes if node.agent_truth is not None],
            bars=draw_bars(chosen.nodes),
            panels=draw_levels(plots.levels),
            transfers=diagrams.draw_transfers(plots),
            reliabilities=diagrams.draw_reliabilities(plots),
            curves=diagrams.draw_best_of_n(plots),
            rounds=diagrams.draw_rounds(plots),
            all_arms=[_view_arms(arms) for arms in analysis.arms],
            seed_tables=[_view_seeds(table) for table in run_tables.seed_tables(result, chosen)],
            pictures=[view_picture(picture) for picture in pictures],
            picture_seed=shown.seed if shown else 0,
            pairs=pairs,
            has_previous=result.results[0].previous is not None,
            **drawn,
        )
    )


def _find_pairs(report: SeedsReport, studies: Studies) -> list[list[FoundPair]]:
    """Of each node the disagreements that were drawn in any seed, the worst first, on policy before off."""
    found: dict[str, list[FoundPair]] = {study.name: [] for study in report.studies}
    for seed, each in studies.items():
        for study in each:
            found[study.name] += each_disagreement(study, seed)
    for pairs in found.values():
        pairs.sort(key=lambda one: (SHOWN_FIRST.index(one.policy), rank_disagreement(one.pair.disagreement)))
    return list(found.values())


def inherited_over_seeds(studies: Sequence[SeedsStudy]) -> dict[Edge, float]:
    """What each helper's errors cost its parent's judge off policy, in the mean over seeds."""
    return {
        (study.name, cause.helper): cause.size.mean
        for study in studies
        for cause in study.causes
        if cause.helper is not None and cause.distribution == "off"
    }


def draw_means(
    result: SeedsResult, analysis: SeedsAnalysis, inherited: Mapping[Edge, float] = MappingProxyType({})
) -> Drawing:
    """The tree with the nodes' means over seeds; who is not finished everywhere says so."""
    every = len(analysis.seeds)
    remarks = {
        node.name: f"✕ {len(node.seeds)} of {every} seeds" for node in analysis.nodes if node.unfinished
    }
    return draw_tree(result.results[0], analyse_means(analysis), remarks, inherited)


def draw_means_picture(report: SeedsReport) -> str:
    """The top of the report as an SVG that stands alone: verdict, tree and shares over seeds."""
    drawing = draw_means(report.result, report.analysis, inherited_over_seeds(report.studies))
    return draw_top(report.verdict, drawing, analyse_means(report.analysis))


def _study_tables(report: SeedsReport) -> dict[str, Table]:
    studies = report.studies
    return {
        "chain_table": study_tables.origin_table(report.origins),
        "cause_table": study_tables.cause_table(studies),
        "transfer_table": study_tables.transfer_table(studies),
        "allocation_table": allocation_table(report.allocation),
        "prediction_table": study_tables.prediction_table(studies),
        "calibration_table": study_tables.calibration_table(studies),
        "best_of_n_table": study_tables.best_of_n_table(studies),
        "round_table": study_tables.round_table(studies),
        "disagreement_table": study_tables.disagreement_table(studies),
        "sweep_gain_table": sweep_tables.gain_table(studies),
    }


def _tables(result: SeedsResult, analysis: SeedsAnalysis, chosen: Chosen) -> dict[str, Table]:
    return {
        "node_table": run_tables.node_table(result, analysis, chosen),
        "truth_table": tables.truth_table(chosen),
        "level_table": tables.level_table(analysis),
        "split_table": tables.split_table(chosen),
        "shift_table": tables.shift_table(chosen),
        "sweep_table": sweep_tables.sweep_table(result),
        "worth_table": tables.worth_table(chosen),
        "looks_table": tables.looks_table(chosen),
        "effort_table": run_tables.effort_table(analysis, chosen),
        "people_table": judge_tables.people_table(result, chosen),
        "judges_table": judge_tables.judges_table(result, chosen),
        "agreement_table": judge_tables.agreement_table(result, chosen),
        "reasons_table": judge_tables.reasons_table(result, chosen),
        "gate_table": run_tables.gate_table(chosen),
        "edit_table": study_tables.edit_table(result),
        "setting_table": study_tables.setting_table(result),
        "origin_table": run_tables.origin_table(result),
    }


def _sections(
    drawn: Mapping[str, Table], *, groups: object, arms: object, pictures: object, pairs: object
) -> list[tuple[str, str]]:
    """What the page's links lead to."""
    every: list[tuple[str, str, object]] = [
        ("truth", "Truth", drawn["truth_table"].rows),
        ("tree", "Tree", True),
        ("accuracy", "Accuracy", groups),
        ("error", "Error", drawn["split_table"].rows or drawn["cause_table"].rows),
        ("transfer", "Transfer", drawn["transfer_table"].rows),
        ("allocation", "Where to label next", drawn["allocation_table"].rows),
        ("prediction", "Prediction", drawn["prediction_table"].rows),
        ("calibration", "Calibration", drawn["calibration_table"].rows),
        ("choosing", "Over-optimisation", drawn["best_of_n_table"].rows),
        ("shift", "Shift", drawn["shift_table"].rows),
        ("rounds", "Rounds", drawn["round_table"].rows),
        ("sweeps", "Sweeps", drawn["sweep_table"].rows),
        ("disagreements", "Disagreements", drawn["disagreement_table"].rows or pairs),
        ("worth", "Helpers' worth", drawn["worth_table"].rows or drawn["looks_table"].rows),
        ("arms", "Arms", arms),
        ("effort", "Effort", True),
        ("people", "People", drawn["people_table"].rows),
        ("judges", "Judges", any(drawn[name].rows for name in JUDGES)),
        ("gates", "Gates", drawn["gate_table"].rows),
        ("seeds", "Every seed", True),
        ("pictures", "Outcomes", pictures),
        ("configuration", "Configuration", True),
        ("provenance", "Provenance", True),
        ("reading", "How to read this", True),
    ]
    return [(name, words) for name, words, there in every if there]


# --- accuracy ----------------------------------------------------------------------------------


def _remarks(node: SeedsNode) -> tuple[str, ...]:
    return (f"level {node.level}", name_seeds(node.seeds))


def _scale_shares(numbers: Iterable[OverSeeds]) -> Scale:
    """From half, or the lowest that is drawn if that is lower, to 1."""
    lowest = min((min(_ends(over)) for over in numbers), default=0.5)
    return scale_values([min(lowest, 0.5), 1.0])


def _ends(*numbers: OverSeeds | None) -> list[float]:
    """Every value that a strip shows."""
    known = [over for over in numbers if over is not None]
    seeds = [value for over in known for value in over.by_seed.values()]
    return [*seeds, *(end for over in known for end in (over.low, over.high) if end is not None)]


# --- charts in tables --------------------------------------------------------------------------


def _strip_row(node: SeedsNode) -> Markup:
    """A node's truths on a scale of its own: nodes count in units of their own."""
    over = node.agent_truth
    scale = scale_values(_ends(over))
    return draw("strip", over, Scale(scale.low, scale.high), "distilled")


def _view_arms(arms: SeedsArms) -> ArmsView:
    scale = scale_values(_ends(*(row.truth for row in arms.rows)))
    charts = (draw("strip", row.truth, scale, "distilled" if row.declared else "alone") for row in arms.rows)
    sentences = say_arms(arms)
    return ArmsView(code(arms.node), sentences, tables.arms_table(arms), draw("axis", scale), tuple(charts))


@dataclass(frozen=True)
class SeedsView:
    """A table of every seed, one click down."""

    summary: str
    table: Table


def _view_seeds(table: Table) -> SeedsView:
    return SeedsView(table.caption.partition(",")[0], table)
