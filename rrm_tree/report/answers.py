"""The three questions that a report is opened for: trust the root, mend which node, gain what.

In: a RunResult, its Analysis, NodeStudies. Out: Answers in a sentence or two; names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rrm_tree.propagation import FINISHED, Analysis, Estimate, NodeAnalysis, subtract
from rrm_tree.propagation.causes import CauseChain
from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.records import RunResult, Stored
from rrm_tree.report.cause_tables import SHORT, find_chain
from rrm_tree.report.choosing import each_best_of_n, say_over_optimised
from rrm_tree.report.verdict import falls, say_gate, say_weakest
from rrm_tree.report.words import code, listed, quantity, share, with_interval

CHANCE = 0.5
"""A coin's share of pairs."""


class Answer(Stored):
    """A question that everybody has, and what the numbers say."""

    question: str
    answer: str


def answer_questions(
    result: RunResult, analysis: Analysis, studies: Sequence[NodeStudy] = ()
) -> tuple[Answer, ...]:
    """What can be said of the root, of where its error comes from, and of what better helpers would bring."""
    root = next((node for node in analysis.nodes if node.name == result.root), None)
    if root is None or not any(node.distilled is not None for node in analysis.nodes):
        return ()
    return (
        Answer(question="Can I trust the root?", answer=_say_trust(root, studies)),
        Answer(question="Which node should I fix?", answer=_say_mend(result, analysis, studies)),
        Answer(question="What would I gain?", answer=_say_gain(result, analysis, root)),
    )


# --- trust -------------------------------------------------------------------------------------


def _say_trust(root: NodeAnalysis, studies: Sequence[NodeStudy]) -> str:
    doubts = list(_doubts(root))
    curves = (found for found in each_best_of_n(studies) if found.node == root.name)
    doubts += filter(None, map(say_over_optimised, curves))
    if doubts:
        return f"Not as it is: {'; '.join(doubts)}."
    known = list(_reasons(root))
    if not known:
        return f"Not known: nothing was measured of {code(root.name)}."
    return f"As far as one seed can tell: {'; '.join(known)}. A claim needs at least ten seeds."


def _doubts(root: NodeAnalysis) -> Iterator[str]:
    """What speaks against the root, the plainest first."""
    name = code(root.name)
    if root.state not in FINISHED:
        yield f"{name} is not finished"
    for other, truth in (("proposals", root.proposal_truth), ("the simple rule", root.heuristic_truth)):
        if root.agent_truth and truth and not subtract(root.agent_truth, truth).low > 0:
            worse = (
                "worse than" if subtract(root.agent_truth, truth).high < 0 else "not shown to be better than"
            )
            both = f"{quantity(root.agent_truth.value)} against {quantity(truth.value)}"
            yield f"its agent is {worse} {other} ({both}, n = {root.agent_truth.count})"
    if (on := root.on.distilled if root.on else None) and on.low <= CHANCE:
        worse = "worse than" if on.high < CHANCE else "not shown to be better than"
        yield f"on its agent's own outcomes its reward model is {worse} a coin: {with_interval(on)}"
    elif falls(root.shift) and root.off and root.off.distilled and on:
        yield (
            f"its reward model puts {share(root.off.distilled.value, 2)} of pairs right, but on its agent's"
            f" own outcomes {with_interval(on)}"
        )
    if root.alarms and root.alarms[-1].raised:
        yield "the alarm rings in its last round"
    if root.gate is not None and not root.gate.accepted:
        yield f"its gate is {say_gate(root)}"


def _reasons(root: NodeAnalysis) -> Iterator[str]:
    """What speaks for the root."""
    if root.agent_truth:
        others = {"proposals": root.proposal_truth, "the simple rule": root.heuristic_truth}
        beside = listed([f"{word} {quantity(one.value)}" for word, one in others.items() if one])
        yield f"its agent reaches {_with_ends(root.agent_truth)}{f', {beside}' if beside else ''}"
    for policy, part in (("off", root.off), ("on", root.on)):
        if part is not None and part.distilled is not None:
            yield f"its reward model puts {with_interval(part.distilled)} of pairs right {policy} policy"


def _with_ends(estimate: Estimate) -> str:
    ends = f"{quantity(estimate.low)} to {quantity(estimate.high)}"
    return f"{quantity(estimate.value)} ({ends}; n = {estimate.count})"


# --- what to mend ------------------------------------------------------------------------------


def _say_mend(result: RunResult, analysis: Analysis, studies: Sequence[NodeStudy]) -> str:
    chains = {policy: find_chain(result.root, studies, policy) for policy in ("off", "on")}
    known = {policy: chain for policy, chain in chains.items() if chain is not None}
    if not known:
        weakest = say_weakest(analysis)
        how = "`rrm measure --what causes` finds what of the root's error goes back to which node"
        return f"{weakest[:1].upper()}{weakest[1:]}; {how}." if weakest else f"Not known: {how}."
    return " ".join(_say_chain(policy, chain, result.root) for policy, chain in known.items())


def _say_chain(policy: str, chain: CauseChain, root: str) -> str:
    whole, first = sum(one.size for one in chain.shares), chain.shares[0]
    own = " itself" if first.node == root else ""
    rest = [f"{code(one.node)} {share(one.size)}" for one in chain.shares[1:3] if one.size > 0.0005]
    then = f"; then {listed(rest)}" if rest else ""
    return (
        f"{policy.capitalize()} policy {code(first.node)}{own}: {share(first.size)} of the root's error of"
        f" {share(whole)} goes back to it, most to {SHORT[chain.kind]}{then}."
    )


# --- what there is to gain ---------------------------------------------------------------------


def _say_gain(result: RunResult, analysis: Analysis, root: NodeAnalysis) -> str:
    sentences = [*_judged_with_perfect_help(root), *_arms_beside(analysis, root)]
    sentences.append(
        "`rrm whatif SPEC --ideal NODE` trains the tree with one helper perfect, and compares the two."
    )
    return " ".join(sentences)


def _judged_with_perfect_help(root: NodeAnalysis) -> Iterator[str]:
    for policy, part in (("off", root.off), ("on", root.on)):
        if part is None or part.ideal is None or part.assisted is None or not root.helped:
            continue
        yield (
            f"With perfect helpers the root's judge would put {with_interval(part.ideal)} of pairs right"
            f" {policy} policy instead of {with_interval(part.assisted)}."
        )
        break


def _arms_beside(analysis: Analysis, root: NodeAnalysis) -> Iterator[str]:
    arms = next((arms for arms in analysis.arms if arms.node == root.name), None)
    names = {"ideal": "perfect helpers", "truth": "truth in the judge's place"}
    rows = {row.name: row.truth for row in arms.rows if not row.declared} if arms else {}
    told = [f"with {words} {_with_ends(truth)}" for name, words in names.items() if (truth := rows.get(name))]
    if told and root.agent_truth:
        yield f"Its agent reaches {quantity(root.agent_truth.value)}; trained {listed(told)}."
