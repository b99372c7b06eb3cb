"""A report over seeds as one HTML page: offline, without scripts, for light and dark, screen and paper.

In: a SeedsReport and its SeedsResult. Out: text. Reads the templates and touches nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from rrm_tree.propagation import (
    DISTRIBUTIONS,
    LEAST_SEEDS,
    ORDERERS,
    Orderer,
    OverSeeds,
    SeedsAnalysis,
    SeedsArms,
    SeedsNode,
)
from rrm_tree.records import SeedsResult
from rrm_tree.report.charts import Scale, cut_bar, scale_splits, scale_values
from rrm_tree.report.drawing import Drawing, draw_tree
from rrm_tree.report.html import choose_pictures, draw, environment, list_shades, view_picture
from rrm_tree.report.picture import draw_top
from rrm_tree.report.seeds import tables
from rrm_tree.report.seeds.document import SeedsReport
from rrm_tree.report.seeds.means import analyse_means
from rrm_tree.report.seeds.tables import Chosen
from rrm_tree.report.seeds.verdict import explain_gain
from rrm_tree.report.seeds.words import READING, name_seeds
from rrm_tree.report.tables import Table
from rrm_tree.report.words import MEANINGS, PARTS, POLICIES, clean, code, plural


def write_seeds_html(report: SeedsReport, result: SeedsResult) -> str:
    """The whole page.

    Args:
        report: what the page says.
        result: the same records with their pictures.
    """
    analysis = report.analysis
    chosen = tables.choose_nodes(analysis)
    groups = list(_group_nodes(chosen))
    size = f"{plural(len(analysis.nodes), 'node')} on {plural(len(analysis.levels), 'level')}"
    shown = next((one for one in result.results if any(node.pictures for node in one.nodes)), None)
    pictures = choose_pictures(shown) if shown else []
    drawn = _tables(result, analysis, chosen)
    return (
        environment()
        .get_template("seeds.html.j2")
        .render(
            report=report,
            title=clean(result.name, 80),
            seeds=name_seeds(analysis.seeds),
            subtitle=f"{size}, {name_seeds(analysis.seeds)}",
            sections=_sections(analysis, drawn, has_groups=bool(groups), has_pictures=bool(pictures)),
            drawing=draw_means(result, analysis),
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
            truths=[_strip_row(node) for node in chosen.nodes if node.agent_truth is not None],
            bars=_draw_bars(chosen),
            all_arms=[_view_arms(arms) for arms in analysis.arms],
            seed_tables=[_view_seeds(table) for table in tables.seed_tables(result, chosen)],
            pictures=[view_picture(picture) for picture in pictures],
            picture_seed=shown.seed if shown else 0,
            **drawn,
        )
    )


def draw_means(result: SeedsResult, analysis: SeedsAnalysis) -> Drawing:
    """The tree with the nodes' means over seeds; who is not finished everywhere says so."""
    every = len(analysis.seeds)
    remarks = {
        node.name: f"✕ {len(node.seeds)} of {every} seeds" for node in analysis.nodes if node.unfinished
    }
    return draw_tree(result.results[0], analyse_means(analysis), remarks)


def draw_means_picture(report: SeedsReport) -> str:
    """The top of the report as an SVG that stands alone: verdict, tree and shares over seeds."""
    return draw_top(
        report.verdict, draw_means(report.result, report.analysis), analyse_means(report.analysis)
    )


def _tables(result: SeedsResult, analysis: SeedsAnalysis, chosen: Chosen) -> dict[str, Table]:
    return {
        "node_table": tables.node_table(result, analysis, chosen),
        "truth_table": tables.truth_table(chosen),
        "level_table": tables.level_table(analysis),
        "split_table": tables.split_table(chosen),
        "worth_table": tables.worth_table(chosen),
        "looks_table": tables.looks_table(chosen),
        "effort_table": tables.effort_table(analysis, chosen),
        "gate_table": tables.gate_table(chosen),
        "origin_table": tables.origin_table(result),
    }


def _sections(
    analysis: SeedsAnalysis, drawn: Mapping[str, Table], *, has_groups: bool, has_pictures: bool
) -> list[tuple[str, str]]:
    """What the page's links lead to."""
    every: list[tuple[str, str, object]] = [
        ("truth", "Truth", drawn["truth_table"].rows),
        ("tree", "Tree", True),
        ("accuracy", "Accuracy", has_groups),
        ("error", "Error", drawn["split_table"].rows),
        ("worth", "Helpers' worth", drawn["worth_table"].rows or drawn["looks_table"].rows),
        ("arms", "Arms", analysis.arms),
        ("effort", "Effort", True),
        ("gates", "Gates", drawn["gate_table"].rows),
        ("seeds", "Every seed", True),
        ("pictures", "Outcomes", has_pictures),
        ("reading", "How to read this", True),
        ("provenance", "Provenance", True),
    ]
    return [(name, words) for name, words, there in every if there]


# --- accuracy ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One orderer, off and on policy."""

    orderer: Orderer
    off: OverSeeds | None
    on: OverSeeds | None


@dataclass(frozen=True)
class Group:
    """A node with its lines."""

    title: str
    remarks: tuple[str, ...]
    lines: tuple[Line, ...]

    @property
    def numbers(self) -> Iterator[OverSeeds | None]:
        """Everything that is drawn."""
        for line in self.lines:
            yield from (line.off, line.on)


def _group_nodes(chosen: Chosen) -> Iterator[Group]:
    for node in chosen.nodes:
        both = [
            (o, node.off.of(o) if node.off else None, node.on.of(o) if node.on else None) for o in ORDERERS
        ]
        lines = tuple(Line(orderer, off, on) for orderer, off, on in both if off or on)
        if lines:
            yield Group(code(node.name), (f"level {node.level}", name_seeds(node.seeds)), lines)


def _scale_shares(numbers: Iterable[OverSeeds | None]) -> Scale:
    """From half, or the lowest that is drawn if that is lower, to 1."""
    lowest = min((min(_ends(over)) for over in numbers if over), default=0.5)
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


def _draw_bars(chosen: Chosen) -> tuple[Markup, list[Markup]]:
    """The scale, and one bar for each row of the split table."""
    parts = [part for node in chosen.nodes for policy in DISTRIBUTIONS if (part := node.at(policy))]
    splits = [part.shown for part in parts if part.shown]
    scale = scale_splits(splits)
    return draw("axis", scale), [draw("bar", cut_bar(split, scale), scale) for split in splits]


@dataclass(frozen=True)
class ArmsView:
    """The arms of one node, ready to show."""

    name: str
    sentences: tuple[str, ...]
    table: Table
    axis: Markup
    charts: tuple[Markup, ...]


def _view_arms(arms: SeedsArms) -> ArmsView:
    scale = scale_values(_ends(*(row.truth for row in arms.rows)))
    charts = (draw("strip", row.truth, scale, "distilled" if row.declared else "alone") for row in arms.rows)
    sentences = explain_gain(arms)
    return ArmsView(code(arms.node), sentences, tables.arms_table(arms), draw("axis", scale), tuple(charts))


@dataclass(frozen=True)
class SeedsView:
    """A table of every seed, one click down."""

    summary: str
    table: Table


def _view_seeds(table: Table) -> SeedsView:
    return SeedsView(table.caption.partition(",")[0], table)
