"""How right everybody is over seeds, and what makes the difference: tables, the same in every format.

In: a SeedsResult and its SeedsAnalysis. Out: Tables. Names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from rrm_tree.propagation import (
    DISTRIBUTIONS,
    ORDERERS,
    Estimate,
    OverSeeds,
    SeedsAccuracy,
    SeedsAnalysis,
    SeedsArms,
    SeedsNode,
    SeedsSplit,
    SplitEstimates,
)
from rrm_tree.report.chosen import ROWS, ChosenNodes
from rrm_tree.report.seeds.verdict import judge_worth
from rrm_tree.report.seeds.words import chance, gain_over, less_over, quantity_over, share_over
from rrm_tree.report.tables import SPLIT_COLUMNS, Table, say_parts
from rrm_tree.report.words import (
    code,
    count,
    digits_for,
    looks,
    quantity,
    share,
)

Chosen: TypeAlias = ChosenNodes[SeedsNode]


def _each(chosen: Chosen) -> Iterator[tuple[SeedsNode, str, SeedsAccuracy]]:
    for node in chosen.nodes:
        for policy in DISTRIBUTIONS:
            if (accuracy := node.at(policy)) is not None:
                yield node, policy, accuracy


def truth_table(chosen: Chosen) -> Table:
    """The agents' truth over seeds, with its spread."""
    rows = [
        (
            code(node.name),
            quantity_over(truth),
            _spread(truth),
            quantity(truth.least, _digits(truth)),
            quantity(truth.most, _digits(truth)),
            f"{len(truth.by_seed)}",
            quantity_over(node.proposal_truth),
            quantity_over(node.heuristic_truth),
        )
        for node in chosen.nodes
        if (truth := node.agent_truth) is not None
    ]
    return Table(
        "Truth of the agents' own outcomes: mean over seeds with its 95% interval over seeds."
        + chosen.remark,
        ("node", "mean truth", "spread", "least", "most", "seeds", "proposals", "simple rule"),
        tuple(rows),
    )


def _digits(over: OverSeeds) -> int:
    return digits_for(over.least, over.most)


def _spread(over: OverSeeds | None) -> str:
    return "–" if over is None or over.deviation is None else quantity(over.deviation, _digits(over))


def accuracy_table(chosen: Chosen) -> Table:
    """Every share of every node over seeds, off and on apart."""
    rows = [
        (
            code(node.name),
            f"{node.level}",
            policy,
            *(share_over(accuracy.of(orderer)) for orderer in ORDERERS),
            _share_spread(accuracy.distilled),
            f"{len(node.seeds)}",
        )
        for node, policy, accuracy in _each(chosen)
    ]
    return Table(
        "Accuracy by node: share of pairs ordered as truth orders them; mean over seeds with its 95% interval"
        " over seeds." + chosen.remark,
        ("node", "level", "policy", *ORDERERS, "spread of distilled", "seeds"),
        tuple(rows),
        numeric=3,
    )


def _share_spread(over: OverSeeds | None) -> str:
    return "–" if over is None or over.deviation is None else share(over.deviation)


def level_table(analysis: SeedsAnalysis, limit: int = ROWS) -> Table:
    """Shares of each level over seeds, its nodes taken together in each seed."""
    rows = []
    for level in analysis.levels[:limit] if len(analysis.levels) > 1 else ():
        for policy, pooled in (("off", level.off), ("on", level.on)):
            if pooled:
                shares = (share_over(pooled.get(orderer)) for orderer in ORDERERS)
                seeds = max(len(over.by_seed) for over in pooled.values())
                rows.append((f"{level.level}", policy, count(level.nodes), *shares, f"{seeds}"))
    return Table(
        "Accuracy by level: mean over seeds with its 95% interval over seeds.",
        ("level", "policy", "nodes", *ORDERERS, "seeds"),
        tuple(rows),
        numeric=2,
    )


def split_table(chosen: Chosen) -> Table:
    """What each reward model's error is made of, in the mean."""
    rows = []
    for node, policy, accuracy in _each(chosen):
        if (split := accuracy.shown) is not None:
            parts = say_parts(split, _measured(accuracy.split), helped=node.helped)
            rows.append((code(node.name), policy, *parts, f"{len(node.seeds)}"))
    return Table(
        "The mean error of each reward model: error = own + inherited + distilling, with 95% intervals over"
        " seeds." + chosen.remark,
        (*SPLIT_COLUMNS, "seeds"),
        tuple(rows),
        numeric=2,
    )


def _measured(split: SeedsSplit | None) -> SplitEstimates:
    """The parts with their intervals, where there are seeds enough for any."""

    def estimate(over: OverSeeds | None) -> Estimate | None:
        return None if over is None or over.low is None else over.estimate

    if split is None:
        return SplitEstimates(None, None, None, None, None)
    parts = (split.error, split.own, split.inherited, split.judging, split.distilling)
    return SplitEstimates(*map(estimate, parts))


def shift_table(chosen: Chosen) -> Table:
    """What changes between the outcomes of proposals and those of the agents."""
    rows = [
        (
            code(node.name),
            share_over(node.off.distilled),
            share_over(node.on.distilled),
            gain_over(node.shift),
            chance(node.shift),
            share_over(node.off.assisted),
            share_over(node.on.assisted),
            f"{len(node.on.distilled.by_seed)}",
        )
        for node in chosen.nodes
        if node.off and node.on and node.off.distilled and node.on.distilled
    ]
    return Table(
        "Shift from off to on policy: the reward models and the judge on outcomes like those that were judged"
        " first, and on the agents' own. Means over seeds; the shift is taken within each seed."
        + chosen.remark,
        ("node", "distilled off", "distilled on", "shift", "p", "assisted off", "assisted on", "seeds"),
        tuple(rows),
    )


def worth_table(chosen: Chosen) -> Table:
    """What helpers are worth, seed by seed."""
    rows = []
    for node, policy, accuracy in _each(chosen):
        if (worth := accuracy.worth) is not None:
            before = f"{share(worth.before.mean)} ({worth.base})"
            gain = gain_over(worth.gain)
            rows.append(
                (
                    code(node.name),
                    policy,
                    before,
                    share(worth.after.mean),
                    gain,
                    chance(worth.gain),
                    judge_worth(worth),
                )
            )
    return Table(
        "Worth of the helpers: assisted − max(alone, heuristic), taken within each seed." + chosen.remark,
        ("node", "policy", "without", "assisted", "worth", "p", "in words"),
        tuple(rows),
        numeric=2,
        words=1,
    )


def looks_table(chosen: Chosen) -> Table:
    """The asymmetry: what judging and solving take, in the mean over seeds."""
    rows = [
        (
            code(node.name),
            policy,
            _looks(accuracy.looks_alone),
            _looks(accuracy.looks_assisted if node.helped else None),
            _looks(accuracy.looks_ideal if node.helped else None),
            _looks(node.solve_looks),
        )
        for node, policy, accuracy in _each(chosen)
        if accuracy.looks_alone or accuracy.looks_assisted or node.solve_looks
    ]
    return Table(
        "Looks: mean looks that one judgment takes, and that doing the task unaided takes." + chosen.remark,
        ("node", "policy", "to judge alone", "assisted", "with ideal helpers", "to solve"),
        tuple(rows),
        numeric=2,
    )


def _looks(over: OverSeeds | None) -> str:
    return looks(None if over is None else over.mean)


def arms_table(arms: SeedsArms) -> Table:
    """The arms of one node, compared seed by seed."""
    rows = [
        (
            f"{code(row.name)}, as declared" if row.declared else code(row.name),
            quantity_over(row.truth),
            _spread(row.truth),
            "–" if row.truth is None else f"{len(row.truth.by_seed)}",
            less_over(row.less),
            chance(row.less),
            "–" if row.judgments is None else count(row.judgments.mean),
            "–" if row.all_looks is None else count(row.all_looks.mean),
        )
        for row in arms.rows
    ]
    return Table(
        f"Arms of {code(arms.node)}: mean truth of the agent's outcomes over seeds; differences are taken"
        " within each seed. Judgments and looks are those of one seed, in the mean.",
        ("arm", "mean truth", "spread", "seeds", "declared minus this", "p", "judgments", "looks in all"),
        tuple(rows),
    )
