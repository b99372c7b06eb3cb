"""What the arms of a node say, in sentences.

In: the arms of one node. Out: sentences; names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

from rrm_tree.propagation import ArmRow, Arms, Difference, Estimate, GainPath, GainStep
from rrm_tree.propagation.recovered import Recovered
from rrm_tree.report.words import code, count, digits_for, gain_with_interval, listed, quantity, signed

UNEQUAL = 0.1
"""Arms whose total effort differs by more than this share are called unequal."""


def say_whether_helpers_pay(arms: Arms) -> str | None:
    """Whether the same human effort does more with helpers than without; None where that is not known."""
    declared = next(row for row in arms.rows if row.declared)
    alone = next((row for row in arms.rows if _works_alone(row, declared)), None)
    if alone is None or alone.less is None or not (alone.truth and declared.truth):
        return None
    apart = alone.less
    verdict = "no difference that so many outcomes can show"
    if apart.low > 0 or apart.high < 0:
        verdict = "recursion pays" if apart.low > 0 else "recursion does not pay"
    digits = digits_for(declared.truth.value, alone.truth.value)
    return (
        f"{verdict} at {code(arms.node)} for the same {count(declared.all_looks)} looks: with helpers it"
        f" reaches {quantity(declared.truth.value, digits)} from {count(declared.judgments)} judgments of"
        f" its own, alone {quantity(alone.truth.value, digits)} from {count(alone.judgments)}"
        f" ({gain_with_interval(apart, digits)})"
    )


def _works_alone(row: ArmRow, declared: ArmRow) -> bool:
    """Neither its judge nor its reward model has heard a helper, and it has cost as much."""
    equal = declared.all_looks and abs(row.all_looks / declared.all_looks - 1) <= UNEQUAL
    return (
        not row.declared
        and row.judge == declared.judge
        and row.judge_sees_advice is False
        and row.reward_sees_advice is False
        and declared.judge_sees_advice is True
        and bool(equal)
    )


def say_recovered(node: str, found: Recovered | None) -> str | None:
    """How much of the way from working alone to being trained on truth is covered; None where unknown."""
    if found is None:
        return None
    digits = digits_for(found.numerator.value, found.denominator.value)
    gaps = f"{gain_with_interval(found.numerator, digits)} of {gain_with_interval(found.denominator, digits)}"
    if found.value is None or found.low is None or found.high is None:
        below = found.denominator.high < 0
        why = "training on truth is worse than working alone" if below else "the gap itself may be 0"
        return f"Gap recovered at {code(node)} (PGR): not known, since {why} ({gaps})."
    ends = f"95%: {signed(found.low, 2)} to {signed(found.high, 2)}"
    return f"Gap recovered at {code(node)} (PGR): {found.value:.2f} ({ends}), {gaps}."


def say_result_gap(node: str, gap: Difference | None) -> str | None:
    """What an agent trained on truth reaches beyond that of the tree; None where there is none."""
    if gap is None:
        return None
    if gap.low <= 0 <= gap.high:
        words = "training on truth makes no difference that these outcomes can show"
    else:
        words = f"training on truth instead is {'better' if gap.value > 0 else 'worse'}"
    digits = digits_for(gap.value, gap.low, gap.high)
    return f"Reward-result gap at {code(node)}: {words} ({gain_with_interval(gap, digits)})."


def explain_gain(arms: Arms) -> tuple[str, ...]:
    """Which part of the gain over working alone is better judgments, and which is seeing the advice."""
    if arms.paths:
        first = arms.paths[0]
        start, end = first.steps[0].before, first.steps[1].after
        digits = digits_for(start.value, end.value)
        gain = signed(round(end.value, digits) - round(start.value, digits), digits)
        whole = (
            f"Of the gain of {code(arms.node)} from {quantity(start.value)} to {quantity(end.value)} ({gain})"
        )
        return (
            f"{whole}, {_say_path(first)}.",
            *(f"In the other order, {_say_path(p)}." for p in arms.paths[1:]),
        )
    if arms.judging_alone is not None:
        return (f"For {code(arms.node)}, {_say_step(arms.judging_alone)} at what its reward model sees.",)
    return ()


def _say_path(path: GainPath) -> str:
    return " and then ".join(_say_step(step) for step in path.steps)


def _say_step(step: GainStep) -> str:
    digits = digits_for(step.before.value, step.after.value)
    gain = signed(round(step.after.value, digits) - round(step.before.value, digits), digits)
    cause = "better judgments make" if step.cause == "judging" else "what the reward model sees makes"
    change = f"{quantity(step.before.value, digits)} → {quantity(step.after.value, digits)}"
    return f"{cause} {gain} ({change}; 95%: {_interval(step, digits)})"


def _interval(step: GainStep, digits: int) -> str:
    return f"{signed(step.gain.low, digits)} to {signed(step.gain.high, digits)}"


def say_arms(arms: Arms) -> tuple[str, ...]:
    """Everything that the arms of a node say, a sentence each."""
    recovered, gap = say_recovered(arms.node, arms.recovered), say_result_gap(arms.node, arms.result_gap)
    every = (*explain_gain(arms), recovered, gap, compare_effort(arms))
    return tuple(sentence for sentence in every if sentence)


def compare_effort(arms: Arms) -> str | None:
    """Which arms did not cost what the tree as declared cost; None where all did."""
    declared = next(row for row in arms.rows if row.declared)
    unequal = [
        f"{code(row.name)} {row.all_looks / declared.all_looks:.2f}×"
        for row in arms.rows
        if _comparable(row, declared) and abs(row.all_looks / declared.all_looks - 1) > UNEQUAL
    ]
    if not unequal:
        return None
    whole = f"{count(declared.all_looks)} looks of the tree as declared"
    return f"Not all arms cost the {whole}: {listed(unequal, 6)}."


def _comparable(row: ArmRow, declared: ArmRow) -> bool:
    return (
        not row.declared
        and row.judge == declared.judge
        and row.help == declared.help
        and bool(declared.all_looks)
    )


def say_less(row: ArmRow) -> str:
    """How much better the tree as declared is than this arm."""
    if row.less is None:
        return "–"
    return gain_with_interval(row.less, digits_for(row.less.value, row.less.low, row.less.high))


def say_count(estimate: Estimate | None) -> str:
    """On how many an estimate rests."""
    return "–" if estimate is None else count(estimate.count)
