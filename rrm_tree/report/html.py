"""A report as one HTML page: offline, without scripts, for light and dark, screen and paper.

In: a Report. Out: text. Reads the templates beside it and touches nothing else. Pictures come from
plug-ins and are shown as images, in which nothing runs and nothing loads.
"""

from __future__ import annotations

import csv
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from io import StringIO
from itertools import pairwise, zip_longest

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from rrm_tree.propagation import (
    DISTRIBUTIONS,
    ORDERERS,
    Accuracy,
    Analysis,
    Arms,
    Estimate,
    LevelSummary,
    NodeAnalysis,
    Orderer,
)
from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.records import Picture, RunResult
from rrm_tree.report import cause_tables, study_tables, tables
from rrm_tree.report.arm_words import compare_effort, explain_gain, say_recovered
from rrm_tree.report.charts import (
    Panel,
    Reliability,
    Scale,
    cut_bar,
    plot_levels,
    plot_reliability,
    plot_rounds,
    plot_transfer,
    scale_shares,
    scale_splits,
    scale_values,
)
from rrm_tree.report.document import Report
from rrm_tree.report.drawing import SHADES, draw_tree
from rrm_tree.report.tables import Chosen, Table
from rrm_tree.report.words import MEANINGS, PARTS, POLICIES, READING, clean, code, count, plural, share

PICTURES, PICTURE_BYTES = 12, 280_000
"""At most so many pictures, and so many bytes of drawings and clips, are put into the page."""

DIAGRAMS = 6
"""Nodes that get a diagram of their own; tables have the others."""

LEVELS = 16
"""More levels than this are told in a table alone."""

CODE = re.compile(r"`([^`]*)`")


@cache
def environment() -> Environment:
    """The templates, escaping everything that is not said to be safe."""
    made = Environment(
        loader=PackageLoader("rrm_tree.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "prose": prose,
        "share": share,
        "csv": write_csv,
        "unquoted": lambda text: text.replace("`", ""),
    }
    return made


def prose(text: str) -> Markup:
    """A sentence with the names between backticks as code."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))


def write_csv(table: Table) -> str:
    """A table to copy into a spreadsheet; names without backticks, minus signs that programs read."""
    stream = StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for row in (table.columns, *table.rows):
        writer.writerow(_guarded(cell.replace("`", "").replace("−", "-")) for cell in row)
    return stream.getvalue()


def _guarded(cell: str) -> str:
    # Spreadsheets take what begins so for a formula, unless it is a number.
    return f"'{cell}" if cell[:1] in "=+@\t" and not cell[1:2].isdigit() else cell


def write_html(report: Report) -> str:
    """The whole page."""
    result, analysis = report.result, report.analysis
    chosen = tables.choose_nodes(analysis)
    groups = list(_group_nodes(chosen.nodes))
    pictures = choose_pictures(result)
    size = f"{plural(len(analysis.nodes), 'node')} on {plural(len(analysis.levels), 'level')}"
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            title=clean(result.name, 80),
            subtitle=size,
            sections=_sections(report, groups, pictures),
            drawing=draw_tree(result, analysis),
            shades=list_shades(),
            meanings={**MEANINGS, **PARTS, **POLICIES},
            orderers=MEANINGS,
            parts=PARTS,
            policies=DISTRIBUTIONS,
            reading=READING,
            shares=scale_shares(estimate for group in groups for estimate in group.estimates),
            panels=_plot_panels(analysis.levels),
            groups=groups,
            remark=chosen.remark,
            bars=_draw_bars(chosen),
            all_arms=[_view_arms(arms) for arms in analysis.arms],
            transfers=_plot_transfers(report.studies),
            reliabilities=_plot_reliabilities(report.studies),
            rounds=_plot_rounds(result, chosen),
            has_previous=result.previous is not None,
            pictures=[view_picture(picture) for picture in pictures],
            left_out=_count_left_out(result, pictures),
            **_tables(result, analysis, chosen),
            **_study_tables(report, chosen),
        )
    )


def _tables(result: RunResult, analysis: Analysis, chosen: Chosen) -> dict[str, Table]:
    return {
        "node_table": tables.node_table(result, chosen),
        "level_table": tables.level_table(analysis.levels),
        "split_table": tables.split_table(chosen),
        "worth_table": tables.worth_table(chosen),
        "looks_table": tables.looks_table(chosen),
        "effort_table": tables.effort_table(analysis, chosen),
        "facts_table": tables.facts_table(result, chosen),
        "gate_table": tables.gate_table(chosen),
        "origin_table": tables.origin_table(result),
    }


def _study_tables(report: Report, chosen: Chosen) -> dict[str, Table]:
    studies, result = report.studies, report.result
    return {
        "chain_table": cause_tables.chain_table(cause_tables.find_chain(result.root, studies)),
        "cause_table": cause_tables.cause_table(studies),
        "transfer_table": cause_tables.transfer_table(studies),
        "prediction_table": cause_tables.prediction_table(studies),
        "calibration_table": study_tables.calibration_table(studies),
        "rank_table": study_tables.rank_table(studies),
        "paired_table": study_tables.paired_table(studies),
        "disagreement_table": study_tables.disagreement_table(studies),
        "shift_table": study_tables.shift_table(chosen),
        "round_table": study_tables.round_table(study_tables.round_analyses(result, chosen)),
        "edit_table": study_tables.edit_table(result),
        "setting_table": study_tables.setting_table(result),
    }


def _sections(report: Report, groups: Sequence[Group], pictures: Sequence[Picture]) -> list[tuple[str, str]]:
    """What the page's links lead to."""
    analysis = report.analysis
    every: list[tuple[str, str, object]] = [
        ("tree", "Tree", True),
        ("accuracy", "Accuracy", groups),
        (
            "error",
            "Error",
            any(part.shown for node in analysis.nodes for part in (node.off, node.on) if part),
        ),
        ("transfer", "Transfer", any(cause_tables.each_transfer(report.studies))),
        (
            "prediction",
            "Prediction",
            any(study.predictions and study.predictions.predictions for study in report.studies),
        ),
        ("worth", "Helpers' worth", groups),
        ("calibration", "Calibration", any(study.off or study.on for study in report.studies)),
        ("shift", "Shift", any(node.shift for node in analysis.nodes)),
        ("rounds", "Rounds", any(node.rounds > 1 for node in analysis.nodes)),
        ("disagreements", "Disagreements", any(study.off or study.on for study in report.studies)),
        ("arms", "Arms", analysis.arms),
        ("effort", "Effort", True),
        ("gates", "Gates", any(node.gate for node in analysis.nodes)),
        ("pictures", "Outcomes", pictures),
        ("configuration", "Configuration", True),
        ("provenance", "Provenance", True),
        ("reading", "How to read this", True),
    ]
    return [(name, words) for name, words, there in every if there]


def list_shades() -> list[tuple[str, str]]:
    """The classes of a tree's boxes, each with the accuracies that it stands for."""
    bounds = [f"{bound:.1f}" for bound in SHADES]
    middle = [f"{low} to {high}" for low, high in pairwise(bounds)]
    names = [f"below {bounds[0]}", *middle, f"{bounds[-1]} and more"]
    return [*((f"s{index}", name) for index, name in enumerate(names)), ("unknown", "not measured")]


# --- accuracy ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One orderer, off and on policy."""

    orderer: Orderer
    off: Estimate | None
    on: Estimate | None


@dataclass(frozen=True)
class Group:
    """A node with its lines."""

    title: str
    remarks: tuple[str, ...]
    lines: tuple[Line, ...]

    @property
    def estimates(self) -> Iterator[Estimate | None]:
        """Everything that is drawn."""
        for line in self.lines:
            yield from (line.off, line.on)


def _group_nodes(nodes: Sequence[NodeAnalysis]) -> Iterator[Group]:
    for node in nodes:
        both = [
            (o, node.off.of(o) if node.off else None, node.on.of(o) if node.on else None) for o in ORDERERS
        ]
        lines = tuple(Line(orderer, off, on) for orderer, off, on in both if off or on)
        if lines:
            counts = (_say_pairs(policy, node.at(policy)) for policy in DISTRIBUTIONS)
            yield Group(code(node.name), (f"level {node.level}", *filter(None, counts)), lines)


def _say_pairs(policy: str, accuracy: Accuracy | None) -> str | None:
    if accuracy is None:
        return None
    ties = f", {plural(accuracy.truth_ties, 'tie')} left out" if accuracy.truth_ties else ""
    return f"{policy}: {plural(tables.pairs_of(accuracy), 'pair')}{ties}"


# --- charts in tables --------------------------------------------------------------------------


def draw(name: str, *values: object) -> Markup:
    """What a macro of the chart templates draws."""
    drawn: Markup = getattr(environment().get_template("charts.svg.j2").module, name)(*values)
    return drawn


def _plot_panels(levels: Sequence[LevelSummary]) -> list[Panel]:
    """Accuracy over levels, where there are several and not too many to tell apart."""
    shown = levels if 2 <= len(levels) <= LEVELS else ()
    pooled = [
        (policy, level.off if policy == "off" else level.on) for level in shown for policy in DISTRIBUTIONS
    ]
    scale = scale_shares(estimate for _, estimates in pooled for estimate in estimates.values())
    there = [policy for policy in DISTRIBUTIONS if any(name == policy and known for name, known in pooled)]
    return [plot_levels(shown, policy, scale) for policy in there]


def _plot_transfers(studies: Sequence[NodeStudy]) -> list[tuple[str, Panel]]:
    """The steepest edges, off policy."""
    known = [
        (study, one)
        for study, one in cause_tables.each_transfer(studies)
        if one.distribution == "off" and one.slope is not None and len(one.points) > 1
    ]
    known.sort(key=lambda both: -(both[1].slope.value if both[1].slope else 0.0))
    return [
        (
            f"{code(study.name)} ← {code(one.helper) if one.helper else 'all helpers'}",
            plot_transfer(study.name, one),
        )
        for study, one in known[:DIAGRAMS]
    ]


def _plot_reliabilities(studies: Sequence[NodeStudy]) -> list[Reliability]:
    """Diagrams of the reward models that are furthest from being as sure as they are right."""
    known = [(s.name, part.calibration) for s in studies if (part := s.on or s.off) and part.calibration]
    known.sort(key=lambda one: -one[1].error.value)
    return [plot_reliability(name, found.bins) for name, found in known[:DIAGRAMS]]


def _plot_rounds(result: RunResult, chosen: Chosen) -> list[tuple[str, Panel]]:
    """Learning curves over rounds, of the nodes that were measured in several."""
    panels = []
    for name, rounds in list(study_tables.round_analyses(result, chosen).items())[:DIAGRAMS]:
        parts = [part for node in rounds for part in (node.off, node.on) if part]
        scale = scale_shares(part.of(orderer) for part in parts for orderer in ORDERERS)
        for policy in DISTRIBUTIONS:
            if sum(node.at(policy) is not None for node in rounds) > 1:
                panels.append((code(name), plot_rounds(clean(name, 60), rounds, policy, scale)))
    return panels


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


def _view_arms(arms: Arms) -> ArmsView:
    truths = [row.truth for row in arms.rows]
    scale: Scale = scale_values(end for truth in truths if truth for end in (truth.low, truth.high))
    charts = tuple(
        draw("dot", row.truth, scale, "distilled" if row.declared else "alone") for row in arms.rows
    )
    sentences = [*explain_gain(arms), say_recovered(arms), compare_effort(arms)]
    return ArmsView(
        code(arms.node),
        tuple(filter(None, sentences)),
        tables.arms_table(arms),
        draw("axis", scale),
        charts,
    )


# --- pictures ----------------------------------------------------------------------------------


def choose_pictures(result: RunResult) -> list[Picture]:
    """One picture of each node in turn, the root's first, while there is room."""
    nodes = sorted((node for node in result.nodes if node.pictures), key=lambda node: -node.level)
    turns = zip_longest(*(node.pictures for node in nodes))
    chosen: list[Picture] = []
    room = PICTURE_BYTES
    for picture in (picture for turn in turns for picture in turn if picture is not None):
        size = len(picture.svg.encode()) or len(picture.data)
        if len(chosen) < PICTURES and size <= room:
            chosen.append(picture)
            room -= size
    return chosen


@dataclass(frozen=True)
class PictureView:
    """A picture as an image, or a clip, that can do nothing but be seen."""

    source: str
    caption: str
    is_video: bool = False


def view_picture(picture: Picture) -> PictureView:
    """A picture as the page takes it."""
    data = picture.data or b64encode(picture.svg.encode()).decode()
    source = f"data:{picture.media};base64,{data}"
    return PictureView(source, clean(picture.caption, 200), picture.media.startswith("video/"))


def _count_left_out(result: RunResult, shown: Sequence[Picture]) -> str:
    rest = sum(len(node.pictures) for node in result.nodes) - len(shown)
    return f"{count(rest)} more {'is' if rest == 1 else 'are'}" if rest else ""
