"""An alarm, without truth, when an agent has found what its reward model gets wrong.

A reward model says of every judgment how sure it is of the answer. Fresh judgments about what its own
agent has made of it show how much of that it keeps. It keeps little where the agent's outcomes are such
that the model errs about them and does not know it. Ties count half: an agent that repeats a trick that
is worth nothing leaves outcomes that a judge finds equal, and that the reward model does not.

In: the rounds of one entry. Out: one test a round.
Arithmetic only. Touches nothing; SciPy is loaded only for Student's t.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from rrm_tree.records import Promise, RoundRecord, Stored

ALPHA = 0.05
"""Chance of any false alarm over all rounds of a node, whose models keep half of what they promise."""
KEEPS = 0.5
"""Of its lead over a coin, a reward model must keep this share of what it promises. Not all: models
are a little too sure of what they have not seen, and more so on policy, with no harm done."""


class Alarm(Stored):
    """Whether a reward model keeps less than half of what it promises about its own agent's outcomes."""

    round: int
    """The round whose new judgments it was tested on, the model being that of the round before; from 0."""
    expected: float
    """How right the reward model expected to be about them."""
    right: float
    """How right it was; a coin is at one half."""
    judgments: int
    held_out: Promise | None
    """The same on the judgments that were held out from it, to compare."""
    p_value: float
    """One-sided: of keeping so little, were half the promise kept."""
    level: float
    """What the p-value must not exceed."""
    raised: bool


def watch(rounds: Sequence[RoundRecord], alpha: float = ALPHA) -> tuple[Alarm, ...]:
    """One test for every round that has fresh judgments.

    The k-th test has level alpha / (k (k + 1)). These sum to at most alpha over however many rounds,
    so that an alarm, once raised, stands whatever follows.
    """
    held_out = {record.round: record.held_out for record in rounds}
    found: list[Alarm] = []
    for record in rounds:
        if (fresh := record.fresh) is None:
            continue
        k = len(found) + 1
        p_value, level = doubt_promise(fresh), alpha / (k * (k + 1))
        found.append(
            Alarm(
                round=record.round,
                expected=fresh.expected,
                right=fresh.right,
                judgments=fresh.count,
                held_out=held_out.get(record.round - 1),
                p_value=p_value,
                level=level,
                raised=p_value <= level,
            )
        )
    return tuple(found)


def doubt_promise(promise: Promise, keeps: float = KEEPS) -> float:
    """Chance of keeping so little, were the given share of the promise kept: Student's t, one-sided.

    The mean of (right - 1/2) - keeps (expected - 1/2), judgment by judgment, against 0.
    """
    from scipy.special import stdtr  # noqa: PLC0415  SciPy takes longer to load than all else here

    surplus = (promise.right - 0.5) - keeps * (promise.expected - 0.5)
    spread = promise.right_variance + keeps**2 * promise.expected_variance - 2 * keeps * promise.covariance
    # On paper a variance is never below 0.
    error = sqrt(max(spread, 0.0) / promise.count)
    if error == 0:
        return 0.0 if surplus < 0 else 1.0
    return float(stdtr(promise.count - 1, surplus / error))
