"""Where errors come from, how they pass on, and what was foretold: tables and sentences.

In: NodeStudies. Out: Tables and sentences. Names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rrm_tree.propagation import DISTRIBUTIONS, Distribution
from rrm_tree.propagation.causes import Cause, CauseChain, Kind, trace_cause
from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.propagation.prediction import Prediction
from rrm_tree.propagation.transfer import BreakEven, Transfer
from rrm_tree.report.tables import Table
from rrm_tree.report.words import code, count, gain_with_interval, share, with_interval

KINDS: Final[dict[Kind, str]] = {
    "limits": "the judge's limits, with perfect advice and no slip",
    "slips": "the judge's slips",
    "own": "the judge, with perfect advice",
    "helper": "what a helper gets wrong",
    "judging": "the judge and its helpers together",
    "distilling": "distilling",
    "acting": "acting: what the agent loses of its reward model",
}
SHORT: Final[dict[Kind, str]] = {
    "limits": "its judge's limits",
    "slips": "its judge's slips",
    "own": "its judge",
    "helper": "its helpers",
    "judging": "its judge and helpers",
    "distilling": "distilling",
    "acting": "its agent",
}


def find_chain(root: str, studies: Sequence[NodeStudy], policy: Distribution = "off") -> CauseChain | None:
    """Where the root's error goes back to; None where that was not measured."""
    known = {study.name: study.causes for study in studies if study.causes is not None}
    return trace_cause(root, known, policy)


def say_largest(root: str, studies: Sequence[NodeStudy]) -> str | None:
    """Which node is to be mended, off or on policy, wherever the root errs more; None where not measured."""
    known = [(p, chain) for p in DISTRIBUTIONS if (chain := find_chain(root, studies, p)) is not None]
    if not known:
        return None
    policy, chain = max(known, key=lambda one: sum(share.size for share in one[1].shares))
    return say_chain(chain, policy)


def say_chain(chain: CauseChain, policy: Distribution = "off") -> str:
    """Which node is to be mended, and what of it; half a sentence."""
    whole, ours = sum(one.size for one in chain.shares), chain.shares[0]
    digits = 2 if whole >= 0.1 else 3
    of = f"{share(ours.size, digits)} of the root's error of {share(whole, digits)} {policy} policy"
    way = f" (by way of {' → '.join(code(name) for name in chain.path)})" if len(chain.path) > 2 else ""
    return f"mend {code(chain.culprit)}: {of} goes back to it{way}, most to {SHORT[chain.kind]}"


def chain_table(root: str, studies: Sequence[NodeStudy]) -> Table:
    """What of the root's error goes back to each node."""
    chains = [(policy, find_chain(root, studies, policy)) for policy in DISTRIBUTIONS]
    rows = [
        (
            code(one.node),
            policy,
            share(one.size),
            "; ".join(f"{SHORT[kind]} {share(size)}" for kind, size in one.kinds.items() if size > 0.0005),
        )
        for policy, chain in chains
        for one in (chain.shares if chain else ())
        if one.size > 0.0005
    ]
    caption = "What of the root's error goes back to what each node does by itself; the parts sum to it."
    return Table(caption, ("node", "policy", "of the root's error", "of which"), tuple(rows), 2, words=1)


def cause_table(studies: Sequence[NodeStudy]) -> Table:
    """What each error is made of, found by exchanging its makers."""
    rows = [
        (
            code(study.name),
            policy,
            _name(cause),
            gain_with_interval(cause.size),
            share(found.error.value),
            count(cause.size.count),
        )
        for study in studies
        if study.causes is not None
        for policy in DISTRIBUTIONS
        if (found := study.causes.at(policy)) is not None
        for cause in found.causes
        if cause.size.low or cause.size.high
    ]
    return Table(
        "Causes, found by making helpers ideal in all orders (Shapley) and the judge one without slips;"
        " nothing is trained anew. All but acting sum to the error; a part below 0 makes up for others; parts"
        " that are 0 on every pair are left out.",
        ("node", "policy", "cause", "part", "error", "pairs"),
        tuple(rows),
        numeric=3,
    )


def _name(cause: Cause) -> str:
    return f"helper {code(cause.helper)}" if cause.helper is not None else KINDS[cause.kind]


def transfer_table(studies: Sequence[NodeStudy]) -> Table:
    """How each judge's error follows its helpers'."""
    rows = [
        (
            code(study.name),
            code(one.helper) if one.helper is not None else "all at once",
            one.distribution,
            share(one.trained_error),
            gain_with_interval(one.slope),
            _break_even(one.break_even),
            count(one.points[0].judge_error.count) if one.points else "–",
            one.bar,
        )
        for study, one in each_transfer(studies)
    ]
    return Table(
        "Transfer: the judge's error for each unit of a helper's, whose answers are really corrupted at"
        " several rates; break-even: the helper's error from which on help hurts, and where the interval of"
        " the gain crosses 0.",
        ("node", "helper", "policy", "its error as trained", "slope", "break-even", "pairs", "against"),
        tuple(rows),
        numeric=3,
        words=1,
    )


def each_transfer(studies: Sequence[NodeStudy]) -> Iterator[tuple[NodeStudy, Transfer]]:
    """Every edge that was measured."""
    for study in studies:
        for one in study.transfers.transfers if study.transfers else ():
            yield study, one


def _break_even(found: BreakEven) -> str:
    if found.helper_error is None:
        low = "" if found.low is None else f" (may be from {share(found.low)})"
        return f"none up to {share(found.tried)}{low}"
    if found.helper_error == 0:
        return "at 0 already"
    low, high = (share(end) if end is not None else "?" for end in (found.low, found.high))
    return f"{share(found.helper_error)} ({low}–{high})"


def prediction_table(studies: Sequence[NodeStudy]) -> Table:
    """What helpers' confusions foretell, and what was measured."""
    rows = [
        (
            code(study.name),
            one.distribution,
            with_interval(one.measured),
            share(one.predicted),
            gain_with_interval(one.unexplained),
            share(one.composed),
            count(one.measured.count),
            _alarm(one),
        )
        for study in studies
        if study.predictions is not None
        for one in study.predictions.predictions
    ]
    return Table(
        "Predicted and measured: the judge's share of pairs put right, as its helpers' confusions foretell it"
        " if every part errs by itself, and as it is. Composed: from confusions that were themselves"
        " foretold, from the leaves up.",
        ("node", "policy", "measured", "predicted", "unexplained", "composed", "pairs", "in words"),
        tuple(rows),
        numeric=2,
        words=1,
    )


def _alarm(one: Prediction) -> str:
    return "! more than noise: errors hang together, or have moved" if one.alarm else "explained"
