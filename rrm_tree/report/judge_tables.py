"""Tables of judges: who could tell what, how right each was, what it cost, and whether they agree.

In: a RunResult and the nodes that there is room for. Out: Tables. Names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rrm_tree.propagation import estimate_share
from rrm_tree.records import (
    JudgeFacts,
    JudgeRight,
    JudgmentFacts,
    LinkFacts,
    NodeResult,
    RoundRecord,
    RunResult,
    Share,
)
from rrm_tree.report.tables import Chosen, Table
from rrm_tree.report.words import clean, code, count, looks, plain, share, with_interval

SLIGHT = 0.2
"""Krippendorff's alpha up to which agreement is called slight (Landis and Koch 1977)."""


@dataclass(frozen=True)
class JudgeRow:
    """One judge of one kind of judgment at one node."""

    name: str
    asked: int
    told: int
    right: Share | None = None
    fitted: JudgeFacts | None = None
    link: LinkFacts | None = None


def each_kind(record: RoundRecord) -> Iterator[tuple[str, JudgmentFacts]]:
    """Facts of every kind of judgment, the only one without a name."""
    kinds = record.facts.kinds
    yield from kinds.items() if kinds else [("", record.facts)]


def last_rounds(result: RunResult, chosen: Chosen) -> Iterator[tuple[NodeResult, RoundRecord]]:
    """The nodes that there is room for, as their last rounds left them."""
    entries = {node.name: node for node in result.nodes}
    for one in chosen.nodes:
        if (entry := entries.get(one.name)) is not None and entry.rounds:
            yield entry, entry.rounds[-1]


def judges_table(result: RunResult, chosen: Chosen) -> Table:
    """Each judge where there are several, or one who may say "cannot tell"."""
    rows = []
    for entry, record in last_rounds(result, chosen):
        for kind, facts in each_kind(record):
            who = f"{code(entry.name)}{f', {kind}' if kind else ''}"
            rows += [(who, *_cells(row)) for row in judges_of(entry, kind, facts, record.by_judge or ())]
    return Table(
        "Judges, in training: coverage is the share of what one was asked that it could tell; risk, how often"
        " it was wrong then, by truth, with 95% intervals; error and lean are worked out from answers to the"
        " same questions, without truth; looks are those of an answer, with all that was spent on it by"
        " judges who could not tell." + chosen.remark,
        (
            "node",
            "judge",
            "asked",
            "told",
            "coverage",
            "risk",
            "error",
            "lean",
            "looks an answer",
        ),
        tuple(rows),
        numeric=2,
    )


def judges_of(
    entry: NodeResult, kind: str, facts: JudgmentFacts, measured: tuple[JudgeRight, ...]
) -> Iterator[JudgeRow]:
    """Who judged at a node, one by one; nobody where there is one judge, who always tells."""
    of_kind = [one for one in measured if not kind or one.kind == kind]
    known = {one.judge: one for one in of_kind}
    if facts.links:
        left = facts.judgments
        for place, link in enumerate(facts.links):
            # By its place, as two in line may have one name.
            right = of_kind[place].right if place < len(of_kind) else None
            name = code(clean(link.judge, 60))
            yield JudgeRow(f"then {name}" if place else name, left, link.answers, right, link=link)
            left -= link.answers
    elif facts.judges:
        for number, fitted in enumerate(facts.judges, 1):
            one = known.get(f"{number}")
            asked = one.asked if one else fitted.answers
            yield JudgeRow(f"{number}", asked, fitted.answers, one.right if one else None, fitted)
    elif facts.reasons is not None:
        told, one = facts.judgments - facts.cannot_tell, known.get("")
        yield JudgeRow(code(clean(entry.judge, 60)), facts.judgments, told, one.right if one else None)


def _cells(row: JudgeRow) -> tuple[str, ...]:
    right = row.right
    wrong = Share(right=right.pairs - right.right, pairs=right.pairs) if right else None
    return (
        row.name,
        count(row.asked),
        count(row.told),
        with_interval(estimate_share(Share(right=row.told, pairs=row.asked))),
        with_interval(estimate_share(wrong)),
        share(row.fitted.error, 2) if row.fitted else "–",
        plain(row.fitted.lean, 2) if row.fitted else "–",
        looks(row.link.looks / row.link.answers) if row.link and row.link.answers else "–",
    )


def agreement_table(result: RunResult, chosen: Chosen) -> Table:
    """How far several judges agree beyond chance."""
    rows = [
        (
            code(entry.name),
            kind or "–",
            plain(found.alpha, 2),
            f"{plain(found.low, 2)} to {plain(found.high, 2)}",
            count(found.questions),
            _say_agreement(found.low, found.high),
        )
        for entry, record in last_rounds(result, chosen)
        for kind, facts in each_kind(record)
        if (found := facts.agreement) is not None
    ]
    return Table(
        "Agreement of several judges on the same questions: Krippendorff's alpha, 1 where all agree, 0 where"
        " they agree as by chance." + chosen.remark,
        ("node", "kind", "alpha", "95% interval", "questions", "in words"),
        tuple(rows),
        numeric=2,
        words=1,
    )


def _say_agreement(low: float, high: float) -> str:
    if high < SLIGHT:
        return "hardly more than by chance"
    return "more than by chance" if low > 0 else "not shown to be more than by chance"


def reasons_table(result: RunResult, chosen: Chosen) -> Table:
    """Why judges could not tell."""
    rows = [
        (code(entry.name), reason, count(number), share(number / facts.judgments, 2))
        for entry, record in last_rounds(result, chosen)
        for _, facts in each_kind(record)
        for reason, number in sorted((facts.reasons or {}).items(), key=lambda one: (-one[1], one[0]))
    ]
    return Table(
        "Why the judge could not tell; of what is passed on, why the first could not." + chosen.remark,
        ("node", "reason", "judgments", "share of all"),
        tuple(rows),
        numeric=2,
    )
