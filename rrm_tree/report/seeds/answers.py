"""The three questions that a report is opened for, answered over seeds.

In: a SeedsResult, its SeedsAnalysis, SeedsOrigins. Out: Answers; names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rrm_tree.propagation import CLAIM_SEEDS, DISTRIBUTIONS, SeedsAnalysis, SeedsNode
from rrm_tree.propagation.over_seeds import OverSeeds
from rrm_tree.propagation.seeds_origins import SeedsOrigin
from rrm_tree.records import SeedsResult
from rrm_tree.report.answers import CHANCE, Answer
from rrm_tree.report.seeds.words import count_seeds, name_seeds, quantity_over, share_over
from rrm_tree.report.verdict import falls
from rrm_tree.report.words import code, listed, quantity, share


def answer_over_seeds(
    result: SeedsResult, analysis: SeedsAnalysis, origins: Sequence[SeedsOrigin] = ()
) -> tuple[Answer, ...]:
    """What can be said of the root, of where its error comes from, and of what better helpers would bring."""
    root = next((node for node in analysis.nodes if node.name == result.root), None)
    if root is None or not any(node.distilled is not None for node in analysis.nodes):
        return ()
    return (
        Answer(question="Can I trust the root?", answer=_say_trust(root, len(analysis.seeds))),
        Answer(question="Which node should I fix?", answer=_say_mend(result.root, analysis, origins)),
        Answer(question="What would I gain?", answer=_say_gain(analysis, root)),
    )


def _say_trust(root: SeedsNode, seeds: int) -> str:
    doubts = list(_doubts(root, seeds))
    if doubts:
        return f"Not as it is: {'; '.join(doubts)}."
    known = [f"its agents reach {quantity_over(root.agent_truth)}"] if root.agent_truth else []
    for policy in DISTRIBUTIONS:
        if (part := root.at(policy)) is not None and part.distilled is not None:
            known.append(f"its reward models put {share_over(part.distilled)} of pairs right {policy} policy")
    few = "" if len(root.seeds) >= CLAIM_SEEDS else f" A claim needs {CLAIM_SEEDS} seeds."
    return f"As far as {count_seeds(len(root.seeds), seeds)} can tell: {'; '.join(known)}.{few}"


def _doubts(root: SeedsNode, seeds: int) -> Iterator[str]:
    """What speaks against the root, the plainest first."""
    if root.unfinished:
        yield f"{code(root.name)} is finished in {count_seeds(len(root.seeds), seeds)}"
    others = (
        ("proposals", root.proposal_truth, root.above_proposals),
        ("the simple rule", root.heuristic_truth, root.above_heuristic),
    )
    for other, truth, apart in others:
        if apart is not None and apart.difference.low <= 0 and root.agent_truth and truth:
            worse = "worse than" if apart.difference.high < 0 else "not shown to be better than"
            both = f"{quantity(root.agent_truth.mean)} against {quantity(truth.mean)}"
            yield f"its agents are {worse} {other} ({both} in the mean, p = {apart.p_value:.2g})"
    on = root.on.distilled if root.on else None
    if on is not None and on.low is not None and on.low <= CHANCE:
        worse = "worse than" if on.high is not None and on.high < CHANCE else "not shown to be better than"
        yield f"on their own outcomes its reward models are {worse} a coin: {share_over(on)}"
    elif root.shift is not None and falls(root.shift.difference) and root.off:
        off = root.off.distilled
        yield (
            f"its reward models put {share(off.mean if off else None, 2)} of pairs right, but on their"
            f" agents' own outcomes {share_over(on)}"
        )
    if root.alarms is not None and root.alarms.still:
        yield f"the alarm rings in the last round of {count_seeds(len(root.alarms.still), seeds)}"
    if root.gate is not None and (root.gate.missed or root.gate.undecided):
        yield f"its gate is not passed in {name_seeds((*root.gate.missed, *root.gate.undecided))}"


def _say_mend(root: str, analysis: SeedsAnalysis, origins: Sequence[SeedsOrigin]) -> str:
    told = [_say_origins(policy, root, origins) for policy in DISTRIBUTIONS]
    if any(told):
        return " ".join(filter(None, told))
    how = "`rrm measure --what causes` finds what of the root's error goes back to which node."
    if analysis.weakest is None:
        return f"Not known: {how}"
    weakest = analysis.weakest
    where = count_seeds(len(weakest.seeds), weakest.of)
    return f"Weakest link: {code(weakest.node)}, which adds {share(weakest.added)} ({where}); {how}"


def _say_origins(policy: str, root: str, origins: Sequence[SeedsOrigin]) -> str:
    ranked = [one for one in origins if one.distribution == policy]
    if not ranked:
        return ""
    first = ranked[0]
    own = " itself" if first.node == root else ""
    whole = sum(one.size.mean for one in ranked)
    rest = [f"{code(one.node)} {share(one.size.mean)}" for one in ranked[1:3] if one.size.mean > 0.0005]
    then = f"; then {listed(rest)}" if rest else ""
    return (
        f"{policy.capitalize()} policy {code(first.node)}{own}: {share_over(first.size)} of the root's mean"
        f" error of {share(whole)} goes back to it, the largest part in"
        f" {count_seeds(len(first.largest), len(first.size.by_seed))}{then}."
    )


def _say_gain(analysis: SeedsAnalysis, root: SeedsNode) -> str:
    sentences = [*_judged_with_perfect_help(root), *_arms_beside(analysis, root)]
    sentences.append(
        "`rrm whatif SPEC --ideal NODE --seeds N` trains trees with one helper perfect, and compares them."
    )
    return " ".join(sentences)


def _judged_with_perfect_help(root: SeedsNode) -> Iterator[str]:
    known = (part for part in (root.off, root.on) if part and part.ideal and part.assisted and root.helped)
    if (part := next(known, None)) is not None:
        yield (
            f"With perfect helpers the root's judge would put {share_over(part.ideal)} of pairs right"
            f" {'off' if part is root.off else 'on'} policy instead of {share_over(part.assisted)}."
        )


def _arms_beside(analysis: SeedsAnalysis, root: SeedsNode) -> Iterator[str]:
    arms = next((arms for arms in analysis.arms if arms.node == root.name), None)
    rows: dict[str, OverSeeds | None] = {r.name: r.truth for r in arms.rows if not r.declared} if arms else {}
    names = {"ideal": "perfect helpers", "truth": "truth in the judge's place"}
    told = [f"with {words} {quantity_over(rows[name])}" for name, words in names.items() if rows.get(name)]
    if told and root.agent_truth:
        yield f"Its agents reach {quantity_over(root.agent_truth)}; trained {listed(told)}."
