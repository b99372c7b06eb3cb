"""A report over seeds for the terminal: short, aligned, 100 columns.

In: a SeedsResult and its SeedsAnalysis. Out: text without colours. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rrm_tree.propagation import DISTRIBUTIONS, ORDERERS, OverSeeds, SeedsAnalysis, SeedsArms, SeedsNode
from rrm_tree.records import SeedsResult
from rrm_tree.report.chosen import choose_nodes
from rrm_tree.report.seeds.verdict import explain_gain, give_verdict, list_notes
from rrm_tree.report.seeds.words import chance, less_over, name_seeds, quantity_over
from rrm_tree.report.terminal import NAME, NODES, NOTES, align, wrap
from rrm_tree.report.words import clean, count, digits_for, plain, plural, quantity, seconds, share

EACH = 12
"""Of so many seeds the root's truth is told one by one."""


def write_seeds_terminal(result: SeedsResult, analysis: SeedsAnalysis, cause: str | None = None) -> str:
    """Verdict, notes, accuracy over seeds with the error's parts, truth, arms and totals."""
    return "\n".join(_lines(result, analysis, cause)) + "\n"


def _lines(result: SeedsResult, analysis: SeedsAnalysis, cause: str | None) -> Iterator[str]:
    size = f"{plural(len(analysis.nodes), 'node')} on {plural(len(analysis.levels), 'level')}"
    yield f"{clean(result.name, 60)}: {size}, {name_seeds(analysis.seeds)}"
    yield from wrap(give_verdict(result, analysis, cause))
    for note in list_notes(result, analysis, limit=NOTES):
        yield from wrap(note.words, mark="- ")
    chosen = choose_nodes(analysis, NODES)
    for rows in (list(_accuracy(chosen.nodes)), list(_truths(chosen.nodes))):
        if rows:
            yield ""
            yield from align(rows, left=2 if rows[0][1] == "" else 1)
    if chosen.left_out:
        yield f"the worst of {plural(len(analysis.nodes), 'node')}; all of them are in the report"
    yield from _each_seed(result, analysis)
    for arms in analysis.arms[:2]:
        yield from ("", *align(list(_arms(arms)), left=1))
        for sentence in explain_gain(arms)[:1]:
            yield from wrap(sentence)
    yield from ("", *wrap(_totals(analysis)))


def _accuracy(nodes: Sequence[SeedsNode]) -> Iterator[tuple[str, ...]]:
    """One line a node and policy: mean shares, split, seeds."""
    body = []
    for node in nodes:
        for policy in DISTRIBUTIONS:
            if (accuracy := node.at(policy)) is None:
                continue
            shares = [share(over.mean) if (over := accuracy.of(orderer)) else "–" for orderer in ORDERERS]
            split = accuracy.shown
            parts = (split.own, split.inherited, split.distilling) if split else (None, None, None)
            body.append(
                (
                    clean(node.name, NAME),
                    policy,
                    *shares,
                    _half_width(accuracy.distilled),
                    _spread(accuracy.distilled),
                    *(plain(part) for part in parts),
                    f"{len(node.seeds)}",
                )
            )
    if body:
        orderers = ("alone", "heur.", "assist.", "ideal", "distilled")
        yield ("mean over seeds", "", *orderers, "±", "spread", "own", "inh.", "dist.", "seeds")
        yield from body


def _half_width(over: OverSeeds | None) -> str:
    """Half the 95% interval over seeds."""
    if over is None or over.low is None or over.high is None:
        return ""
    return f"{(over.high - over.low) / 2:.3f}"


def _spread(over: OverSeeds | None) -> str:
    return "" if over is None or over.deviation is None else f"{over.deviation:.3f}"


def _truths(nodes: Sequence[SeedsNode]) -> Iterator[tuple[str, ...]]:
    known = [(node.name, node.agent_truth) for node in nodes if node.agent_truth is not None]
    if known:
        yield ("truth of", "mean over seeds (95%)", "spread", "least", "most", "seeds")
    for name, truth in known:
        digits = digits_for(truth.least, truth.most)
        spread = "–" if truth.deviation is None else quantity(truth.deviation, digits)
        ends = (quantity(truth.least, digits), quantity(truth.most, digits))
        yield (clean(name, NAME), quantity_over(truth), spread, *ends, f"{len(truth.by_seed)}")


def _each_seed(result: SeedsResult, analysis: SeedsAnalysis) -> Iterator[str]:
    """The root's truth, or its share where truth has no agent, in every seed."""
    root = next((node for node in analysis.nodes if node.name == result.root), None)
    accuracy = root.best_known if root else None
    over = (root.agent_truth or (accuracy.distilled if accuracy else None)) if root else None
    if root is None or over is None:
        return
    digits = digits_for(over.least, over.most)
    told = [f"{seed}: {quantity(value, digits)}" for seed, value in list(over.by_seed.items())[:EACH]]
    more = f", and {len(over.by_seed) - EACH} more in the report" if len(over.by_seed) > EACH else ""
    yield from ("", *wrap(f"{clean(root.name, NAME)} by seed: {', '.join(told)}{more}"))


def _arms(arms: SeedsArms) -> Iterator[tuple[str, ...]]:
    yield (
        f"arms of {clean(arms.node, NAME)}",
        "mean truth (95%)",
        "declared minus this (95%)",
        "p",
        "looks a seed",
    )
    for row in arms.rows:
        less = "" if row.less is None else less_over(row.less)
        name = "as declared" if row.declared else clean(row.name, NAME)
        spent = "–" if row.all_looks is None else count(row.all_looks.mean)
        yield (name, quantity_over(row.truth), less, "" if row.less is None else chance(row.less), spent)


def _totals(analysis: SeedsAnalysis) -> str:
    tree, arms = analysis.effort, analysis.arms_effort
    spent = f"{count(tree.all_judgments)} judgments, {count(tree.all_looks)} looks, {count(tree.steps)} steps"
    besides = (
        f"; arms besides: {count(arms.all_looks)} looks, {seconds(arms.cpu_seconds)}" if analysis.arms else ""
    )
    seeds = plural(len(analysis.seeds), "seed")
    return f"whole tree, {seeds} together: {spent}, {seconds(tree.cpu_seconds)} of CPU{besides}"
