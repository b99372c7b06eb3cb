"""Which diagrams a page has room for, and whose.

In: levels, NodeStudies, a RunResult. Out: Panels and Reliabilities, with their titles. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rrm_tree.propagation import DISTRIBUTIONS, ORDERERS
from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.records import RunResult
from rrm_tree.report import cause_tables, choosing, study_tables
from rrm_tree.report.charts import (
    Level,
    Panel,
    Reliability,
    plot_best_of_n,
    plot_levels,
    plot_reliability,
    plot_rounds,
    plot_transfer,
    scale_shares,
)
from rrm_tree.report.tables import Chosen
from rrm_tree.report.words import clean, code

DIAGRAMS = 6
"""Nodes that get a diagram of their own; tables have the others."""

CHOSEN_BY: tuple[Literal["score", "truth"], ...] = ("score", "truth")

LEVELS = 16
"""More levels than this are told in a table alone."""


def draw_levels(levels: Sequence[Level]) -> list[Panel]:
    """Accuracy over levels, where there are several and not too many to tell apart."""
    shown = levels if 2 <= len(levels) <= LEVELS else ()
    pooled = [
        (policy, level.off if policy == "off" else level.on) for level in shown for policy in DISTRIBUTIONS
    ]
    scale = scale_shares(estimate for _, estimates in pooled for estimate in estimates.values())
    there = [policy for policy in DISTRIBUTIONS if any(name == policy and known for name, known in pooled)]
    return [plot_levels(shown, policy, scale) for policy in there]


def draw_transfers(studies: Sequence[NodeStudy]) -> list[tuple[str, Panel]]:
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


def draw_best_of_n(studies: Sequence[NodeStudy]) -> list[tuple[str, Panel]]:
    """Score and truth over √KL, of the nodes highest up."""
    return [
        (f"{code(found.node)}: {what}", plot_best_of_n(found, what))
        for found in list(choosing.each_best_of_n(studies))[: DIAGRAMS // 2]
        for what in CHOSEN_BY
    ]


def draw_reliabilities(studies: Sequence[NodeStudy]) -> list[Reliability]:
    """Diagrams of the reward models that are furthest from being as sure as they are right."""
    known = [(s.name, part.calibration) for s in studies if (part := s.on or s.off) and part.calibration]
    known.sort(key=lambda one: -one[1].error.value)
    return [
        plot_reliability(name, [(one.expected, one.right) for one in found.bins])
        for name, found in known[:DIAGRAMS]
    ]


def draw_rounds(result: RunResult, chosen: Chosen) -> list[tuple[str, Panel]]:
    """Learning curves over rounds, of the nodes that were measured in several."""
    panels = []
    for name, rounds in list(study_tables.round_analyses(result, chosen).items())[:DIAGRAMS]:
        parts = [part for node in rounds for part in (node.off, node.on) if part]
        scale = scale_shares(part.of(orderer) for part in parts for orderer in ORDERERS)
        for policy in DISTRIBUTIONS:
            if sum(node.at(policy) is not None for node in rounds) > 1:
                panels.append((code(name), plot_rounds(clean(name, 60), rounds, policy, scale)))
    return panels
