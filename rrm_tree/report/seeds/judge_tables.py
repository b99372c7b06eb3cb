"""Judges over seeds: who could tell what, how right each was, whether they agree, what advice is worth.

In: a SeedsResult and the nodes that there is room for. Out: Tables and sentences; names between backticks.
Touches nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from rrm_tree.propagation import Estimate, OverSeeds, estimate_share
from rrm_tree.propagation.over_seeds import average, average_estimates, pair, subtract_each
from rrm_tree.propagation.seeds_nodes import finished_of
from rrm_tree.records import AgreementFacts, NodeResult, PeopleFacts, PeoplePart, SeedsResult, Share
from rrm_tree.report.judge_tables import JudgeRow, each_kind, judges_of
from rrm_tree.report.people_tables import PARTS, PEOPLE, PEOPLE_COLUMNS
from rrm_tree.report.people_words import ASTRAY
from rrm_tree.report.seeds.tables import Chosen
from rrm_tree.report.seeds.words import chance, gain_over, quantity_over, share_over
from rrm_tree.report.tables import Table
from rrm_tree.report.words import code, count, plain

Found = TypeVar("Found")
Entries = Mapping[int, NodeResult]


def _each_node(result: SeedsResult, chosen: Chosen) -> Iterator[tuple[str, Entries]]:
    """The nodes that there is room for, in the seeds in which they are finished."""
    for node in chosen.nodes:
        found = {one.seed: entry for one in result.results for entry in one.nodes if entry.name == node.name}
        yield code(node.name), finished_of(found)


def _over(
    values: Mapping[int, Found], read: Callable[[Found], Share | None], *, wrong: bool = False
) -> OverSeeds | None:
    """A share over seeds, or its complement."""

    def estimate(found: Share | None) -> Estimate | None:
        if found is None or not wrong:
            return estimate_share(found)
        return estimate_share(Share(right=found.pairs - found.right, pairs=found.pairs))

    return average_estimates({seed: estimate(read(one)) for seed, one in values.items()}, is_share=True)


# --- one by one --------------------------------------------------------------------------------


def judges_table(result: SeedsResult, chosen: Chosen) -> Table:
    """Each judge where there are several, or one who may say "cannot tell"."""
    rows = [
        (f"{node}{about}", name, *_judge_cells(judges))
        for node, entries in _each_node(result, chosen)
        for (about, name), judges in _judges(entries).items()
    ]
    return Table(
        "Judges, in training, one by one; means over seeds with their 95% intervals over seeds. Coverage is"
        " the share of what one was asked that it could tell; risk, how often it was wrong then, by truth;"
        " error and lean are worked out from answers to the same questions, without truth. People have"
        " numbers in the order in which they came: a number need not be the same person in every seed."
        + chosen.remark,
        ("node", "judge", "seeds", "asked a seed", "coverage", "risk", "error", "lean", "looks an answer"),
        tuple(rows),
        numeric=2,
    )


def _judges(entries: Entries) -> dict[tuple[str, str], dict[int, JudgeRow]]:
    """Every judge of every kind of judgment, by seed."""
    turned: dict[tuple[str, str], dict[int, JudgeRow]] = {}
    for seed, entry in entries.items():
        record = entry.rounds[-1]
        for kind, facts in each_kind(record):
            for row in judges_of(entry, kind, facts, record.by_judge or ()):
                about = f", {kind}" if kind else ""
                turned.setdefault((about, row.name), {})[seed] = row
    return turned


def _judge_cells(judges: Mapping[int, JudgeRow]) -> tuple[str, ...]:
    errors = {seed: one.fitted.error if one.fitted else None for seed, one in judges.items()}
    error = average(errors, is_share=True)
    lean = average({seed: one.fitted.lean if one.fitted else None for seed, one in judges.items()})
    links = {seed: one.link for seed, one in judges.items() if one.link is not None}
    looks = average({seed: one.looks / one.answers if one.answers else None for seed, one in links.items()})
    return (
        f"{len(judges)}",
        count(round(sum(one.asked for one in judges.values()) / len(judges))),
        share_over(_over(judges, lambda one: Share(right=one.told, pairs=one.asked))),
        share_over(_over(judges, lambda one: one.right, wrong=True)),
        share_over(error),
        "–" if lean is None else plain(lean.mean, 2),
        quantity_over(looks),
    )


# --- together ----------------------------------------------------------------------------------


def agreement_table(result: SeedsResult, chosen: Chosen) -> Table:
    """How far several judges agree beyond chance."""
    rows = []
    for node, entries in _each_node(result, chosen):
        for kind, found in _agreements(entries).items():
            measured = {
                seed: Estimate(value=one.alpha, low=one.low, high=one.high, count=one.questions)
                for seed, one in found.items()
            }
            alpha = average_estimates(measured)
            beyond = sum(one.low > 0 for one in found.values())
            asked = sum(one.questions for one in found.values()) / len(found)
            rows.append((node, kind, share_over(alpha), f"{beyond} of {len(found)}", count(round(asked))))
    return Table(
        "Agreement of several judges on the same questions: Krippendorff's alpha, 1 where all agree, 0 where"
        " they agree as by chance; mean over seeds with its 95% interval over seeds, and in how many seeds"
        " its own interval lies above chance." + chosen.remark,
        ("node", "kind", "alpha", "seeds above chance", "questions a seed"),
        tuple(rows),
        numeric=2,
    )


def _agreements(entries: Entries) -> dict[str, dict[int, AgreementFacts]]:
    """By kind of judgment and seed."""
    turned: dict[str, dict[int, AgreementFacts]] = {}
    for seed, entry in entries.items():
        for kind, facts in each_kind(entry.rounds[-1]):
            if facts.agreement is not None:
                turned.setdefault(kind or "–", {})[seed] = facts.agreement
    return turned


def reasons_table(result: SeedsResult, chosen: Chosen) -> Table:
    """Why judges could not tell."""
    rows = []
    for node, entries in _each_node(result, chosen):
        counts = {seed: _reasons(entry) for seed, entry in entries.items()}
        given = {seed: one for seed, one in counts.items() if one[1]}
        names: Counter[str] = Counter()
        for reasons, _ in given.values():
            names.update(reasons)
        for reason, total in sorted(names.items(), key=lambda one: (-one[1], one[0])):
            shares = {seed: of.get(reason, 0) / judgments for seed, (of, judgments) in given.items()}
            rows.append((node, reason, count(total), share_over(average(shares, is_share=True))))
    return Table(
        "Why the judge could not tell; of what is passed on, why the first could not. Judgments of all seeds;"
        " shares are means over seeds." + chosen.remark,
        ("node", "reason", "judgments", "share of all"),
        tuple(rows),
        numeric=2,
    )


def _reasons(entry: NodeResult) -> tuple[dict[str, int], int]:
    """Why a node's judges could not tell, and all judgments of those who would say why."""
    found: dict[str, int] = {}
    judgments = 0
    for _, facts in each_kind(entry.rounds[-1]):
        if facts.reasons is not None:
            judgments += facts.judgments
            for reason, number in facts.reasons.items():
                found[reason] = found.get(reason, 0) + number
    return found, judgments


# --- people ------------------------------------------------------------------------------------


def _people(entries: Entries) -> dict[int, PeopleFacts]:
    last = {seed: [one.people for one in entry.rounds if one.people] for seed, entry in entries.items()}
    return {seed: found[-1] for seed, found in last.items() if found}


def people_table(result: SeedsResult, chosen: Chosen) -> Table:
    """How right people are, whom they agree with and how long they take, with advice and without."""
    rows = []
    for node, entries in _each_node(result, chosen):
        facts = _people(entries)
        for words, name in PARTS:
            known = {seed: part for seed, one in facts.items() if (part := getattr(one, name)) is not None}
            if known:
                rows.append((node, words, *_people_cells(known)))
    return Table(
        f"{PEOPLE} Answers of all seeds; shares and times are means over seeds with their 95% intervals over"
        f" seeds.{chosen.remark}",
        ("node", "of the answers", "seeds", *PEOPLE_COLUMNS),
        tuple(rows),
        numeric=2,
    )


def _people_cells(parts: Mapping[int, PeoplePart]) -> tuple[str, ...]:
    shares = [
        _over(parts, lambda one: Share(right=one.told, pairs=one.answers) if one.answers else None),
        _over(parts, lambda one: one.right),
        _over(parts, lambda one: one.agreed),
        _over(parts, lambda one: one.trusted),
    ]
    about_advice = [_over(parts, lambda one: one.right_advice), _over(parts, lambda one: one.wrong_advice)]
    return (
        f"{len(parts)}",
        count(sum(one.answers for one in parts.values())),
        *(share_over(one) for one in shares),
        quantity_over(average({seed: one.seconds for seed, one in parts.items()})),
        *(share_over(one) for one in about_advice),
    )


def say_people(result: SeedsResult, chosen: Chosen) -> Iterator[str]:
    """What the helpers were worth to people, a sentence or two a node."""
    for node, entries in _each_node(result, chosen):
        facts = _people(entries).items()
        both = {seed: (one.shown, one.hidden) for seed, one in facts if one.shown and one.hidden}
        shown = {seed: one for seed, (one, _) in both.items()}
        hidden = {seed: one for seed, (_, one) in both.items()}
        yield from _say_worth(node, shown, hidden)
        with_it, without = (_over(parts, lambda one: one.wrong_advice) for parts in (shown, hidden))
        if lost := _say_gain(hidden, shown, lambda one: one.wrong_advice):
            yield (
                f"{ASTRAY} they were right in {share_over(with_it)} of answers with it and in"
                f" {share_over(without)} without: that cost {lost}."
            )


def _say_worth(node: str, shown: Mapping[int, PeoplePart], hidden: Mapping[int, PeoplePart]) -> Iterator[str]:
    """By truth where there is one, or else by what other people said."""
    for read, words in ((_right, "were right"), (_agreed, "agreed with others")):
        with_it, without = _over(shown, read), _over(hidden, read)
        if with_it is not None and without is not None:
            gain = _say_gain(shown, hidden, read)
            yield (
                f"With the helpers' advice people at {node} {words} in {share_over(with_it)} of answers,"
                f" without it in {share_over(without)}{f': the helpers were worth {gain}' if gain else ''}."
            )
            return


def _right(part: PeoplePart) -> Share | None:
    return part.right


def _agreed(part: PeoplePart) -> Share | None:
    return part.agreed


def _say_gain(
    first: Mapping[int, PeoplePart],
    second: Mapping[int, PeoplePart],
    read: Callable[[PeoplePart], Share | None],
) -> str:
    """The first share minus the second, seed by seed; empty where fewer than three seeds have both."""
    measured = (
        {seed: estimate_share(read(part)) for seed, part in parts.items()} for parts in (first, second)
    )
    gain = pair(_over(first, read), _over(second, read), subtract_each(*measured))
    return "" if gain is None else f"{gain_over(gain, 2)}, p = {chance(gain)}"
