"""How right everybody is, and what makes the difference: tables as text, the same in every format.

In: a RunResult and its Analysis. Out: Tables. Names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from rrm_tree.propagation import (
    DISTRIBUTIONS,
    ORDERERS,
    Accuracy,
    ArmRow,
    Arms,
    LevelSummary,
    NodeAnalysis,
    Split,
    SplitEstimates,
    estimate_split,
)
from rrm_tree.report.arm_words import say_count, say_less
from rrm_tree.report.chosen import ROWS, ChosenNodes
from rrm_tree.report.verdict import compare_looks, judge_worth
from rrm_tree.report.words import (
    clean,
    code,
    count,
    gain_with_interval,
    looks,
    part_with_interval,
    plural,
    quantity_with_interval,
    share,
    with_interval,
)

Chosen: TypeAlias = ChosenNodes[NodeAnalysis]

SPLIT_COLUMNS = ("node", "policy", "error", "own", "inherited", "distilling")


@dataclass(frozen=True)
class Table:
    """A table with its caption; the columns from `numeric` on hold numbers."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: int = 1
    words: int = 0
    """How many of the last columns hold words."""


def drop_empty(table: Table) -> Table:
    """The table without columns of numbers that are not known of anything in it."""
    kept = [
        place
        for place in range(len(table.columns))
        if place < table.numeric or any(row[place] not in ("–", "") for row in table.rows)
    ]
    return replace(
        table,
        columns=tuple(table.columns[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in table.rows),
        words=sum(place >= len(table.columns) - table.words for place in kept),
    )


def _each(chosen: Chosen) -> Iterator[tuple[NodeAnalysis, str, Accuracy]]:
    for node in chosen.nodes:
        for policy in DISTRIBUTIONS:
            if (accuracy := node.at(policy)) is not None:
                yield node, policy, accuracy


def level_table(levels: Sequence[LevelSummary], limit: int = ROWS) -> Table:
    """Shares of each level, its nodes taken together."""
    rows = []
    for level in levels[:limit]:
        for policy, pooled in (("off", level.off), ("on", level.on)):
            if pooled:
                pairs = max(estimate.count for estimate in pooled.values())
                shares = (with_interval(pooled.get(orderer)) for orderer in ORDERERS)
                worst = code(level.worst) if level.worst else "–"
                rows.append((f"{level.level}", policy, count(level.nodes), *shares, count(pairs), worst))
    more = f" {plural(len(levels) - limit, 'more level')} in report.json." if len(levels) > limit else ""
    return Table(
        f"Accuracy by level: share of pairs ordered as truth orders them, with 95% intervals.{more}",
        ("level", "policy", "nodes", *ORDERERS, "pairs", "worst node"),
        tuple(rows),
        numeric=2,
        words=1,
    )


def accuracy_table(chosen: Chosen) -> Table:
    """Every share of every node, off and on apart."""
    rows = [
        (
            code(node.name),
            f"{node.level}",
            policy,
            *(with_interval(accuracy.of(orderer)) for orderer in ORDERERS),
            count(pairs_of(accuracy)),
            count(accuracy.truth_ties),
        )
        for node, policy, accuracy in _each(chosen)
    ]
    return Table(
        "Accuracy by node: share of pairs ordered as truth orders them, with 95% intervals." + chosen.remark,
        ("node", "level", "policy", *ORDERERS, "pairs", "ties left out"),
        tuple(rows),
        numeric=3,
    )


def pairs_of(accuracy: Accuracy) -> int:
    """On how many pairs these shares rest."""
    known = (accuracy.of(orderer) for orderer in ORDERERS)
    return max((estimate.count for estimate in known if estimate), default=0)


def split_table(chosen: Chosen) -> Table:
    """What each reward model's error is made of."""
    rows = []
    for node, policy, accuracy in _each(chosen):
        if (split := accuracy.shown) is not None:
            measured = estimate_split(accuracy, node.helped)
            parts = say_parts(split, measured, helped=node.helped)
            rows.append((code(node.name), policy, *parts, count(pairs_of(accuracy))))
    return Table(
        "The error of each reward model: error = own + inherited + distilling, with 95% intervals."
        + chosen.remark,
        (*SPLIT_COLUMNS, "pairs"),
        tuple(rows),
        numeric=2,
    )


def say_parts(split: Split, measured: SplitEstimates, *, helped: bool) -> tuple[str, str, str, str]:
    """The error, what it is made of as printed, and how sure each part is."""
    error = part_with_interval(split.error, measured.error)
    distilling = part_with_interval(split.distilling, measured.distilling)
    if split.own is None:
        judging = part_with_interval(split.judging, measured.judging)
        return error, f"{judging}, with inherited", "–", distilling
    inherited = part_with_interval(split.inherited, measured.inherited) if helped else "0 (no helpers)"
    return error, part_with_interval(split.own, measured.own), inherited, distilling


def worth_table(chosen: Chosen) -> Table:
    """What helpers are worth."""
    rows = []
    for node, policy, accuracy in _each(chosen):
        if (worth := accuracy.worth) is not None:
            before = f"{share(worth.before.value)} ({worth.base})"
            # The printed gain is the difference of the printed shares.
            value = round(worth.after.value, 3) - round(worth.before.value, 3)
            gain = gain_with_interval(worth.gain.model_copy(update={"value": value}))
            said = (
                judge_worth(node)
                if policy == "off" or node.off is None or node.off.worth is None
                else worth.verdict
            )
            rows.append(
                (
                    code(node.name),
                    policy,
                    before,
                    share(worth.after.value),
                    gain,
                    count(worth.after.count),
                    said,
                )
            )
    return Table(
        "Worth of the helpers: assisted − max(alone, heuristic), with 95% intervals." + chosen.remark,
        ("node", "policy", "without", "assisted", "worth", "pairs", "in words"),
        tuple(rows),
        numeric=2,
        words=1,
    )


def looks_table(chosen: Chosen) -> Table:
    """The asymmetry: what judging and solving take."""
    rows = [
        (
            code(node.name),
            policy,
            looks(accuracy.looks_alone),
            looks(accuracy.looks_assisted if node.helped else None),
            looks(accuracy.looks_ideal if node.helped else None),
            looks(node.solve_looks),
            compare_looks(node) if policy == "off" or node.off is None else "",
        )
        for node, policy, accuracy in _each(chosen)
    ]
    return Table(
        "Looks: mean looks that one judgment takes, and that doing the task unaided takes." + chosen.remark,
        ("node", "policy", "to judge alone", "assisted", "with ideal helpers", "to solve", "in words"),
        tuple(rows),
        numeric=2,
        words=1,
    )


def arms_table(arms: Arms) -> Table:
    """The arms of one node."""
    rows = [
        (
            f"{code(row.name)}, as declared" if row.declared else code(row.name),
            _say_seen(row),
            quantity_with_interval(row.truth),
            say_count(row.truth),
            say_less(row),
            count(row.judgments),
            count(row.all_looks),
            count(row.looks),
            count(row.helpers_looks),
        )
        for row in arms.rows
    ]
    return Table(
        f"Arms of {code(arms.node)}: mean truth of the agent's outcomes, and the human effort behind it.",
        (
            "arm",
            "advice seen by",
            "mean truth",
            "outcomes",
            "declared minus this",
            "judgments",
            "looks in all",
            "of its own",
            "of helpers",
        ),
        tuple(rows),
        numeric=2,
    )


def _say_seen(row: ArmRow) -> str:
    """Who is shown what helpers say, and whether it is perfect."""
    if row.judge_sees_advice is None:
        return "–"
    both = (row.judge_sees_advice, bool(row.reward_sees_advice))
    seen = {(True, True): "both", (True, False): "judge", (False, True): "reward model"}.get(both, "nobody")
    return f"{seen} ({clean(row.help, 20)})" if row.help not in (None, "trained") and any(both) else seen
