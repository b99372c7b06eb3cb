"""What the helpers were worth to people who judged, in sentences.

In: a RunResult. Out: sentences. Names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from rrm_tree.propagation.intervals import Difference, estimate_share, subtract
from rrm_tree.records import NodeResult, PeopleFacts, PeoplePart, RunResult, Share
from rrm_tree.report.words import code, count, gain_with_interval, share

ASTRAY = "Where the advice leads astray who reads it without slips"


def people_of(result: RunResult) -> Iterator[tuple[NodeResult, PeopleFacts]]:
    """Entries whose judge is people, with what is known of them."""
    for node in result.nodes:
        measured = [one.people for one in node.rounds if one.people is not None]
        if measured:
            yield node, measured[-1]


def say_people(result: RunResult) -> Iterator[str]:
    """What the helpers were worth to people, a sentence or two a node."""
    for node, facts in people_of(result):
        if facts.shown is None or facts.hidden is None:
            continue
        shown, hidden, words = _compared(facts.shown, facts.hidden)
        first, second = estimate_share(shown), estimate_share(hidden)
        if first is None or second is None:
            continue
        yield (
            f"With the helpers' advice people at {code(node.name)} {words} in {share(first.value, 2)} of"
            f" {count(first.count)} answers, without it in {share(second.value, 2)} of {count(second.count)}:"
            f" the helpers were worth {gain_with_interval(subtract(first, second), 2)}."
        )
        wrong = [estimate_share(part.wrong_advice) for part in (facts.shown, facts.hidden)]
        if wrong[0] is not None and wrong[1] is not None:
            lost = subtract(wrong[1], wrong[0])
            verdict = _judge_loss(lost)
            cost = gain_with_interval(lost, 2)
            yield (
                f"{ASTRAY} they were right in {share(wrong[0].value, 2)} of {count(wrong[0].count)} answers"
                f" with it and in {share(wrong[1].value, 2)} of {count(wrong[1].count)} without: that cost"
                f" {cost}; {verdict}."
            )


def _judge_loss(lost: Difference) -> str:
    """What it means that people lost so much where advice leads astray."""
    if lost.low > 0:
        return "people relied on it too much"
    return "it helped all the same" if lost.high < 0 else "no more than chance may do"


def _compared(shown: PeoplePart, hidden: PeoplePart) -> tuple[Share | None, Share | None, str]:
    """What both parts are compared by: truth where there is one, or else the other people."""
    if shown.right is not None and hidden.right is not None:
        return shown.right, hidden.right, "were right"
    return shown.agreed, hidden.agreed, "agreed with others"
