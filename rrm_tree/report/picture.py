"""The top of a report as an SVG that stands alone: verdict, tree and shares.

In: a Report. Out: text. Touches nothing but its template.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from rrm_tree.propagation import ORDERERS, Analysis, Estimate, Orderer
from rrm_tree.report.charts import Scale, scale_shares
from rrm_tree.report.chosen import choose_nodes
from rrm_tree.report.document import Report
from rrm_tree.report.drawing import Drawing, draw_tree, inherited_by_edge
from rrm_tree.report.rendering import environment
from rrm_tree.report.words import clean, share

WIDTH, EDGE, NODES = 1040, 28, 5
DOTS_LEFT, DOTS_RIGHT, NAMES_LEFT = 720, 960, 640
STEP, GROUP_GAP = 17, 12


@dataclass(frozen=True)
class Text:
    """Words at a place."""

    x: float
    y: float
    words: str
    style: str = ""


@dataclass(frozen=True)
class Dot:
    """An estimate at a height; places in percent of the scale."""

    y: float
    orderer: Orderer
    low: float
    value: float
    high: float


def draw_picture(report: Report) -> str:
    """Verdict, tree, and what each orderer gets right off policy."""
    return draw_top(
        report.verdict,
        draw_tree(report.result, report.analysis, inherited=inherited_by_edge(report.studies)),
        report.analysis,
    )


def draw_top(verdict: str, drawing: Drawing, analysis: Analysis) -> str:
    """The same of parts that are there already."""
    verdict = verdict.replace("`", "")
    lines = textwrap.wrap(verdict, 100)
    top = 44 + 27 * len(lines) + 26
    room = NAMES_LEFT - 2 * EDGE
    zoom = min(1.0, room / drawing.width)
    shown = [
        (node.name, {o: estimate for o in ORDERERS if node.off and (estimate := node.off.of(o))})
        for node in choose_nodes(analysis, NODES).nodes
    ]
    scale = scale_shares(estimate for _, shares in shown for estimate in shares.values())
    texts, dots, bottom = _place_dots([(name, shares) for name, shares in shown if shares], scale, top + 18)
    return (
        environment()
        .get_template("picture.svg.j2")
        .render(
            width=WIDTH,
            height=max(bottom, top + drawing.height * zoom) + EDGE,
            verdict=verdict,
            lines=lines,
            top=top,
            bottom=bottom,
            drawing=drawing,
            zoom=zoom,
            tree_left=EDGE + (room - drawing.width * zoom) / 2,
            edge=DOTS_RIGHT,
            shares=scale if dots else Scale(0, 1),
            x=lambda place: round(DOTS_LEFT + (DOTS_RIGHT - DOTS_LEFT) * place / 100, 1),
            texts=texts,
            dots=dots,
        )
    )


def _place_dots(
    shown: list[tuple[str, dict[Orderer, Estimate]]], scale: Scale, top: float
) -> tuple[list[Text], list[Dot], float]:
    texts, dots, y = [], [], top
    for name, shares in shown:
        y += GROUP_GAP
        texts.append(Text(NAMES_LEFT - 8, y + 4, clean(name, 24), "strong"))
        y += STEP
        for orderer, estimate in shares.items():
            texts.append(Text(NAMES_LEFT, y + 4, orderer, "soft"))
            texts.append(Text(DOTS_RIGHT + 14, y + 4, share(estimate.value)))
            ends = (scale.place(estimate.low), scale.place(estimate.value), scale.place(estimate.high))
            dots.append(Dot(y, orderer, *ends))
            y += STEP
    return texts, dots, y
