"""What to do about judgments that carry no information, in words that fit the case.

In: a station and the facts of its judgments. Out: half a sentence.
Touches nothing; knows no truth.
"""

from __future__ import annotations

from rrm_tree.contracts import Absorbing, Segmented
from rrm_tree.records import JudgmentFacts
from rrm_tree.station import Station


def name_cure(station: Station, facts: JudgmentFacts) -> str:
    """What may help, to stand after what was found."""
    told = facts.judgments - facts.cannot_tell
    if not told:
        return "let another judge answer, or show this one more (judge.sees)"
    if station.kind == "preference":
        return _of_preferences(station, all_tie=facts.ties == told)
    if facts.entropy == 0:
        return "ask which of two outcomes is better (judge.kind: preference), or ask another judge"
    return "ask another judge, or give the reward model what the judge goes by (reward_model.sees, network)"


def _of_preferences(station: Station, *, all_tie: bool) -> str:
    task = station.task
    if not isinstance(task, Segmented) or task.segment is None:
        why = "the judge sees no difference between these outcomes" if all_tie else "as if by tossing a coin"
        other = "ask for labels or ratings" if len(station.line.judge.kinds) > 1 else "ask for something else"
        return f"{why}: {other}, ask another judge, or let other outcomes be proposed"
    ways = ["compare whole episodes (leave out task.with.segment)"]
    if isinstance(task, Absorbing) and task.absorbing() is None:
        ways.append("let ended episodes go on, so that windows show ends (task.with.horizon: absorbing)")
    ways.append("ask another judge")
    listed = f"{', '.join(ways[:-1])}, or {ways[-1]}"
    return f"windows of one length are all worth the same where every step is: {listed}"
