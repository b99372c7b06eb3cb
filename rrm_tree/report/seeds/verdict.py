"""What the numbers of several seeds mean, in sentences.

In: a SeedsResult and its SeedsAnalysis. Out: sentences; names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rrm_tree.propagation import (
    CLAIM_SEEDS,
    DISTRIBUTIONS,
    LEAST_SEEDS,
    OverSeeds,
    SeedsAnalysis,
    SeedsArms,
    SeedsGainStep,
    SeedsNode,
    SeedsWorth,
)
from rrm_tree.propagation.seeds_origins import SeedsOrigin
from rrm_tree.records import SeedsResult
from rrm_tree.report.arm_words import say_recovered, say_result_gap
from rrm_tree.report.seeds.words import count_seeds, gain_over, name_seeds
from rrm_tree.report.verdict import STATES, Note, falls, say_link
from rrm_tree.report.words import clean, code, digits_for, listed, plural, quantity, share, signed

NUMBER = re.compile(r"\d[\d.,]*")


# --- the verdict -------------------------------------------------------------------------------


def give_verdict(result: SeedsResult, analysis: SeedsAnalysis, cause: str | None = None) -> str:
    """What did not finish, what helpers did and in how many seeds, how good the root is, what to mend.

    Args:
        result: the records.
        analysis: what they say.
        cause: half a sentence about the largest cause, where interventions have found it.
    """
    measured = [
        clause
        for clause in (_helpers(analysis), _root(result, analysis), cause or _weakest(analysis))
        if clause is not None
    ]
    unfinished = _unfinished(result, analysis)
    if measured:
        text = "; ".join(measured)
        return " ".join(filter(None, [unfinished, f"{text[:1].upper()}{text[1:]}."]))
    if any(node.seeds for node in analysis.nodes):
        return " ".join(filter(None, [unfinished, "No node has a truth that it could be measured against."]))
    return " ".join(filter(None, [unfinished, "Nothing is measured yet."]))


def _unfinished(result: SeedsResult, analysis: SeedsAnalysis) -> str | None:
    """Which seeds are not finished, and at which nodes it lies."""
    open_ = [seed for seed in analysis.seeds if seed not in analysis.finished]
    if not open_:
        return None
    each: dict[tuple[str, str], list[int]] = {}
    for node in analysis.nodes:
        for one in node.unfinished:
            each.setdefault((one.state, node.name), []).append(one.seed)
    # What others wait for comes first, and says enough where there is anything.
    worst = min((list(STATES).index(state) for state, _ in each), default=0)
    told = [
        f"{code(name)} {STATES[state]} in {name_seeds(seeds)}"
        for (state, name), seeds in each.items()
        if list(STATES).index(state) == worst
    ]
    return f"{len(analysis.finished)} of {len(analysis.seeds)} seeds are finished: {listed(told)}."


def worth_of(node: SeedsNode) -> SeedsWorth | None:
    """What helpers are worth off policy, or on policy where only that is known."""
    parts = (part.worth for part in (node.off, node.on) if part is not None)
    return next((worth for worth in parts if worth is not None), None)


def _helpers(analysis: SeedsAnalysis) -> str | None:
    """What helpers did, good and bad, each by its plainest case, and in how many seeds."""
    known = [(node.name, worth) for node in analysis.nodes if (worth := worth_of(node)) is not None]
    helped = [pair for pair in known if pair[1].verdict == "helps"]
    hurt = [pair for pair in known if pair[1].verdict == "hurts"]
    clauses = []
    if helped:
        name, worth = max(helped, key=lambda pair: _gain(pair[1]))
        more = f" (and {plural(len(helped) - 1, 'more node')})" if len(helped) > 1 else ""
        seeds = count_seeds(len(worth.better), len(worth.after.by_seed))
        clauses.append(f"in {seeds} helpers raise {code(name)}, in the mean {_change(worth)}{more}")
    if hurt:
        name, worth = min(hurt, key=lambda pair: _gain(pair[1]))
        more = f" (and {plural(len(hurt) - 1, 'more node')})" if len(hurt) > 1 else ""
        of = len(worth.after.by_seed)
        seeds = count_seeds(of - len(worth.better), of)
        clauses.append(f"in {seeds} helpers make {code(name)} no better, in the mean {_change(worth)}{more}")
    if not clauses and known:
        name, worth = max(known, key=lambda pair: abs(_gain(pair[1])))
        of = len(worth.after.by_seed)
        change = f"{code(name)}, {_change(worth)}, better in {count_seeds(len(worth.better), of)}"
        no_difference = f"helpers make no difference that {of} seeds can show (most in {change})"
        clauses.append(f"helpers change most {change}" if worth.gain is None else no_difference)
    return ", but ".join(clauses) or None


def _gain(worth: SeedsWorth) -> float:
    return worth.gain.difference.value if worth.gain else worth.after.mean - worth.before.mean


def _change(worth: SeedsWorth) -> str:
    rule = " (the simple rule)" if worth.base == "heuristic" else ""
    return f"from {share(worth.before.mean, 2)}{rule} to {share(worth.after.mean, 2)}"


def _root(result: SeedsResult, analysis: SeedsAnalysis) -> str | None:
    root = next((node for node in analysis.nodes if node.name == result.root), None)
    if root is None or not root.seeds:
        return None
    if root.agent_truth is None:
        right = root.distilled
        if right is None:
            return None
        return f"the reward model of {code(root.name)} orders {share(right, 2)} of pairs right in the mean"
    arms = next((arms for arms in analysis.arms if arms.node == root.name), None)
    others = {"proposals": root.proposal_truth, "simple rule": root.heuristic_truth}
    others["trained on truth"] = next(
        (row.truth for row in (arms.rows if arms else ()) if row.name == "truth"), None
    )
    beside = "; ".join(f"{word} {quantity(other.mean)}" for word, other in others.items() if other)
    reached = f"{code(root.name)} reaches a mean truth of {quantity(root.agent_truth.mean)}"
    details = "; ".join(filter(None, [_say_interval(root.agent_truth), beside]))
    return f"{reached} ({details}){_beats(root)}"


def _say_interval(over: OverSeeds) -> str:
    seeds = len(over.by_seed)
    if over.low is None or over.high is None:
        each = listed([quantity(value) for value in over.by_seed.values()])
        return f"{each}: fewer than {LEAST_SEEDS} seeds give no interval"
    digits = digits_for(over.mean, over.low, over.high)
    return f"95% over {seeds} seeds: {quantity(over.low, digits)} to {quantity(over.high, digits)}"


def _beats(root: SeedsNode) -> str:
    """In how many seeds the agent does better than what was there before it."""
    ours, before = root.agent_truth, root.proposal_truth
    if ours is None or before is None:
        return ""
    both = [seed for seed in ours.by_seed if seed in before.by_seed]
    better = sum(ours.by_seed[seed] > before.by_seed[seed] for seed in both)
    return f", above its proposals in {count_seeds(better, len(both))}" if both else ""


def _weakest(analysis: SeedsAnalysis) -> str | None:
    weakest = analysis.weakest
    if weakest is None or weakest.added <= 0:
        return None
    right = [node.distilled for node in analysis.nodes if node.distilled is not None]
    where = f" in {count_seeds(len(weakest.seeds), weakest.of)}"
    return say_link(
        weakest.node, weakest.added, weakest.largest, right[0] if len(right) == 1 else None, where
    )


# --- what to know before trusting it -----------------------------------------------------------


def list_notes(result: SeedsResult, analysis: SeedsAnalysis, limit: int = 20) -> tuple[Note, ...]:
    """Failures and why, too few seeds, missed gates, findings, warnings; at most `limit` of a kind."""
    kept: list[Note] = []
    notes = [
        *_failures(analysis),
        *_count(analysis),
        *_gates(analysis),
        *_alarms(analysis),
        *_findings(analysis),
        *_warnings(analysis),
    ]
    for kind in ("failed", "warning", "finding"):
        alike = [note for note in notes if note.kind == kind]
        kept += alike[:limit]
        if len(alike) > limit:
            kept.append(
                Note(kind=alike[0].kind, text=f"and {len(alike) - limit} more of these in report.json")
            )
    return tuple(kept)


def _failures(analysis: SeedsAnalysis) -> Iterator[Note]:
    for node in analysis.nodes:
        alike: dict[tuple[str, str], list[int]] = {}
        for one in node.unfinished:
            alike.setdefault((one.state, one.reason or ""), []).append(one.seed)
        for (state, reason), seeds in alike.items():
            why = f": {clean(reason, 400)}" if reason else ""
            yield Note(kind="failed", text=f"{code(node.name)} {STATES[state]} in {name_seeds(seeds)}{why}")


def _count(analysis: SeedsAnalysis) -> Iterator[Note]:
    seeds = len(analysis.seeds)
    if seeds < CLAIM_SEEDS:
        intervals = f"no intervals over fewer than {LEAST_SEEDS} seeds, and " if seeds < LEAST_SEEDS else ""
        more = f"a claim takes {CLAIM_SEEDS} (`--seeds {CLAIM_SEEDS}` keeps what is done)"
        yield Note(kind="warning", text=f"{seeds} seeds: {intervals}{more}")


def _gates(analysis: SeedsAnalysis) -> Iterator[Note]:
    for node in analysis.nodes:
        if node.gate is None:
            continue
        of = len(node.gate.passed) + len(node.gate.missed) + len(node.gate.undecided)
        cases = (("misses its gate", node.gate.missed), ("leaves its gate undecided", node.gate.undecided))
        for words, seeds in cases:
            if seeds:
                named = f": {name_seeds(seeds)}" if len(seeds) < of else ""
                text = f"{code(node.name)} {words} in {count_seeds(len(seeds), of)}{named}"
                yield Note(kind="warning", text=text)


def _alarms(analysis: SeedsAnalysis) -> Iterator[Note]:
    for node in analysis.nodes:
        if (alarms := node.alarms) is None or not alarms.raised:
            continue
        seeds = count_seeds(len(alarms.raised), len(alarms.tested))
        text = (
            f"alarm: {code(node.name)} in {seeds}: its reward model keeps less than half of what it promises"
            " about its own agent's outcomes, as where an agent has found what its reward model gets wrong;"
            f" in the last round tested in {len(alarms.still)}"
        )
        yield Note(kind="warning", text=text)


def _findings(analysis: SeedsAnalysis) -> Iterator[Note]:
    for node in analysis.nodes:
        worth = worth_of(node)
        if worth is not None and worth.verdict == "hurts":
            change = f"with helpers the judge's share changes by {gain_over(worth.gain)}"
            yield Note(kind="finding", text=f"recursion does not pay at {code(node.name)}: {change}")
    fallen = [node for node in analysis.nodes if node.shift and falls(node.shift.difference)]
    fallen.sort(key=lambda node: node.shift.difference.value if node.shift else 0.0)
    each = []
    for node in fallen:
        before, after = node.off and node.off.distilled, node.on and node.on.distilled
        if before and after:
            each.append(f"{code(node.name)} from {share(before.mean, 2)} to {share(after.mean, 2)}")
    if each:
        words = "on their agents' own outcomes reward models are worse"
        yield Note(kind="finding", text=f"{words}: {listed(each, 5)}")


def _warnings(analysis: SeedsAnalysis) -> Iterator[Note]:
    """Warnings that differ in their numbers alone are told once, with the seeds that have them."""
    for node in analysis.nodes:
        alike: dict[str, dict[int, str]] = {}
        for seed, warnings in node.warnings.items():
            for warning in warnings:
                alike.setdefault(NUMBER.sub("#", warning), {}).setdefault(seed, warning)
        for by_seed in alike.values():
            everywhere = len(by_seed) == len(node.seeds) > 2
            seeds = count_seeds(len(by_seed), len(by_seed)) if everywhere else name_seeds(tuple(by_seed))
            first, text = next(iter(by_seed.items()))
            example = f" (of seed {first})" if len(set(by_seed.values())) > 1 else ""
            yield Note(kind="warning", text=f"{code(node.name)} in {seeds}: {clean(text, 400)}{example}")


# --- one node, and its arms --------------------------------------------------------------------


def judge_worth(worth: SeedsWorth) -> str:
    """Whether asking the helpers pays at a node, in words."""
    of = len(worth.after.by_seed)
    said = {"helps": "helps", "hurts": "hurts", "unclear": f"no difference that {of} seeds can show"}
    return f"{said[worth.verdict]}: better in {count_seeds(len(worth.better), of)}"


def say_largest(root: str, origins: Sequence[SeedsOrigin]) -> str | None:
    """Which node is to be mended, off or on policy, wherever the root errs more; half a sentence."""
    totals = {
        policy: sum(one.size.mean for one in origins if one.distribution == policy)
        for policy in DISTRIBUTIONS
    }
    policy = max(totals, key=lambda one: totals[one])
    first = next((one for one in origins if one.distribution == policy), None)
    if first is None or not totals[policy]:
        return None
    digits = 2 if totals[policy] >= 0.1 else 3
    of = f"{share(first.size.mean, digits)} of the root's mean error of {share(totals[policy], digits)}"
    where = count_seeds(len(first.largest), len(first.size.by_seed))
    itself = " itself" if first.node == root else ""
    return (
        f"mend {code(first.node)}{itself}: {of} {policy} policy goes back to it, the largest part in {where}"
    )


def explain_gain(arms: SeedsArms) -> tuple[str, ...]:
    """Which part of the gain over working alone is better judgments, and which is seeing the advice."""
    if not arms.paths:
        return ()
    first = arms.paths[0]
    start, end = first[0].before, first[1].after
    digits = digits_for(start.mean, end.mean)
    gain = signed(round(end.mean, digits) - round(start.mean, digits), digits)
    whole = (
        f"Of the mean gain of {code(arms.node)} from {quantity(start.mean)} to {quantity(end.mean)} ({gain})"
    )
    return (
        f"{whole}, {_say_path(first)}.",
        *(f"In the other order, {_say_path(path)}." for path in arms.paths[1:]),
    )


def say_arms(arms: SeedsArms) -> tuple[str, ...]:
    """Everything that the arms of a node say over seeds, a sentence each."""
    gap = None if arms.result_gap is None else arms.result_gap.difference
    more = (say_recovered(arms.node, arms.recovered), say_result_gap(arms.node, gap))
    return (*explain_gain(arms), *(sentence for sentence in more if sentence))


def _say_path(path: Sequence[SeedsGainStep]) -> str:
    return " and then ".join(_say_step(step) for step in path)


def _say_step(step: SeedsGainStep) -> str:
    digits = digits_for(step.before.mean, step.after.mean)
    gain = signed(round(step.after.mean, digits) - round(step.before.mean, digits), digits)
    cause = "better judgments make" if step.cause == "judging" else "what the reward model sees makes"
    change = f"{quantity(step.before.mean, digits)} → {quantity(step.after.mean, digits)}"
    if step.gain is None:
        return f"{cause} {gain} ({change})"
    low, high = (signed(end, digits) for end in (step.gain.difference.low, step.gain.difference.high))
    return f"{cause} {gain} ({change}; 95% over seeds: {low} to {high})"
