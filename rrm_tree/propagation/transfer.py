"""How a judge's error grows with its helpers' errors, and from where on help hurts.

In: what was measured with helpers corrupted on purpose. Out: values that stand in the store.
Touches nothing.
"""

from __future__ import annotations

from typing import Literal

from rrm_tree.propagation.intervals import Estimate
from rrm_tree.records import Distribution, Stored

TRANSFER_VERSION = "2"


class TransferPoint(Stored):
    """A judge whose helper errs so often."""

    rate: float
    """Share of the parts of the helper's answers that were replaced."""
    helper_error: float
    """Share of the parts that are then wrong; the rate itself where truth is no right or wrong."""
    judge_error: Estimate
    gain: Estimate
    """What the judge is then better than without helpers or than the simple rule, whichever is better."""


class BreakEven(Stored):
    """From which error of the helper on help hurts."""

    helper_error: float | None
    """None: nowhere in the range that was tried."""
    low: float | None
    """Where the lower end of the gain's 95% interval crosses 0, and the upper; None: not in the range."""
    high: float | None
    tried: float
    """The largest error that was tried."""


class Transfer(Stored):
    """A judge's error against the error of one helper, or of all of them at once."""

    helper: str | None
    """None: all helpers err alike, from ideal ones on."""
    distribution: Distribution
    start: Literal["ideal", "trained"]
    """What was corrupted: ideal answers, or the trained helper's where the domain knows no ideal ones.
    Other helpers stay as they are trained."""
    bar: Literal["alone", "heuristic"]
    """Whichever is right more often."""
    points: tuple[TransferPoint, ...]
    slope: Estimate | None
    """Judge's error for each unit of the helper's, least squares over errors up to .1."""
    trained_error: float | None
    """The helper's error as it is trained; the mean over helpers for all of them. None: not known."""
    break_even: BreakEven


class NodeTransfers(Stored):
    """Every edge into one node."""

    node: str
    transfers: tuple[Transfer, ...]
