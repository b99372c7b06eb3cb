"""What choosing by a reward model is worth, and whether agents have found its mistakes: tables.

In: NodeStudies, an Analysis. Out: Tables. Names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rrm_tree.propagation.best_of_n import BestOfN, NodeBestOfN
from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.report.chosen import ROWS
from rrm_tree.report.tables import Chosen, Table
from rrm_tree.report.words import (
    chance,
    code,
    count,
    gain_with_interval,
    quantity,
    quantity_with_interval,
    share,
)


def each_best_of_n(studies: Sequence[NodeStudy]) -> Iterator[NodeBestOfN]:
    """Every node of which it was measured."""
    yield from (study.best_of_n for study in studies if study.best_of_n is not None)


def best_of_n_table(studies: Sequence[NodeStudy]) -> Table:
    """Score, truth and regret of the best of n."""
    rows = [
        (
            code(found.node),
            count(one.n),
            f"{one.root_kl:.2f}",
            quantity_with_interval(one.score),
            quantity_with_interval(one.truth),
            quantity_with_interval(one.regret),
            count(found.subjects),
        )
        for found in each_best_of_n(studies)
        for one in found.points[::2]
    ]
    return Table(
        "Best of n proposals by the reward model's score: its score, its truth, and how much truth the best"
        " of the same n by truth has more (regret). √KL in nats: how far choosing moves from the proposals;"
        " every other n, the others are in report.json.",
        ("node", "n", "√KL", "score", "truth", "regret", "subjects"),
        tuple(rows[: 3 * ROWS]),
    )


def over_optimisation_table(studies: Sequence[NodeStudy]) -> Table:
    """What was fitted to these curves, and the agents beside them."""
    rows = [
        (
            code(found.node),
            gain_with_interval(found.fit.alpha if found.fit else None),
            gain_with_interval(found.fit.beta if found.fit else None),
            quantity_with_interval(found.agent_score),
            quantity_with_interval(found.agent_truth),
            say_choosing(found),
        )
        for found in each_best_of_n(studies)
    ]
    return Table(
        "Over-optimisation: truth(d) − truth(0) = d (α − β d) with d = √KL, fitted to the curve above (Gao et"
        " al. 2022), and the agent, which was improved on the same reward model. β is above 0 also where"
        " truth can rise no further; whether it falls is measured, and said in words.",
        ("node", "α", "β", "agent's score", "agent's truth", "in words"),
        tuple(rows),
        words=1,
    )


def say_over_optimised(found: NodeBestOfN) -> str | None:
    """Where truth is highest, if choosing harder loses it beyond doubt; else None."""
    best, last = max(found.points, key=lambda one: one.truth.value), found.points[-1]
    if not _below(last, best):
        return None
    values = f"{quantity(best.truth.value)} at the best of {best.n}, {quantity(last.truth.value)} of {last.n}"
    return f"choosing harder by its reward model loses truth ({values})"


def say_choosing(found: NodeBestOfN) -> str:
    """Whether choosing harder by the reward model gains or loses truth."""
    first, last = found.points[0], found.points[-1]
    best = max(found.points, key=lambda one: one.truth.value)
    if _below(last, best):
        return f"over-optimised: truth is highest at the best of {best.n} and falls from there"
    change = f"{quantity(first.truth.value)} → {quantity(last.truth.value)} at the best of {last.n}"
    if _below(first, last):
        return f"choosing gains truth: {change}"
    if _below(last, first):
        return f"choosing loses truth: {change}"
    return f"no gain that {found.subjects} subjects can show: {change}"


def _below(one: BestOfN, other: BestOfN) -> bool:
    return one.truth.high < other.truth.low


def alarm_table(chosen: Chosen) -> Table:
    """Every test of the alarm."""
    rows = [
        (
            code(node.name),
            f"{alarm.round + 1}",
            share(alarm.expected),
            share(alarm.right),
            share(alarm.held_out.right) if alarm.held_out else "–",
            count(alarm.judgments),
            chance(alarm.p_value),
            f"{alarm.level:.3f}",
            "! raised" if alarm.raised else "quiet",
        )
        for node in chosen.nodes
        for alarm in node.alarms
    ]
    return Table(
        "The alarm: does a reward model keep less than half of its lead over a coin on fresh judgments about"
        " its own agent's outcomes? How often it rings, rightly and wrongly, over agents with and without"
        " planted exploits, and its ROC: docs/results/spider.md." + chosen.remark,
        (
            "node",
            "round",
            "expected",
            "right",
            "right on held-out",
            "judgments",
            "p",
            "level",
            "in words",
        ),
        tuple(rows[: 2 * ROWS]),
        words=1,
    )
