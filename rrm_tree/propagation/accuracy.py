"""How right each orderer is on one distribution, where the error comes from, what helpers are worth.

In: a node's Shares. Out: numbers with intervals. Touches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rrm_tree.propagation.intervals import Difference, Estimate, estimate_share, subtract
from rrm_tree.records import Share, Shares, Stored

Orderer = Literal["alone", "heuristic", "assisted", "ideal", "distilled"]
ORDERERS: tuple[Orderer, ...] = ("alone", "heuristic", "assisted", "ideal", "distilled")


class Split(Stored):
    """What the error of a reward model is made of; parts may be negative."""

    error: float
    """1 − distilled."""
    own: float | None
    """1 − ideal: errors that perfect helpers would leave. None: not separated from inherited."""
    inherited: float | None
    """ideal − assisted: what the helpers' errors cost."""
    judging: float
    """1 − assisted: own and inherited together."""
    distilling: float
    """assisted − distilled."""


def split_error(shares: Shares | None, helped: bool, digits: int | None = None) -> Split | None:
    """1 − distilled = (1 − ideal) + (ideal − assisted) + (assisted − distilled).

    A judge whom nobody helps inherits nothing: own is 1 − alone. Where the domain knows no ideal
    advice, own and inherited stay together in `judging`.

    Args:
        shares: measured on one distribution.
        helped: whether the judge sees the advice of helpers.
        digits: round the shares first, so that the printed parts are differences of the printed
            shares and sum to the printed error.

    Returns:
        None where the judge or the reward model was not measured.
    """
    if shares is None:
        return None
    assisted = _value(shares.assisted if helped else shares.assisted or shares.alone, digits)
    distilled = _value(shares.distilled, digits)
    ideal = _value(shares.ideal, digits) if helped else assisted
    if assisted is None or distilled is None:
        return None
    return Split(
        error=1 - distilled,
        own=None if ideal is None else 1 - ideal,
        inherited=None if ideal is None else ideal - assisted,
        judging=1 - assisted,
        distilling=assisted - distilled,
    )


def _value(share: Share | None, digits: int | None) -> float | None:
    if share is None or share.pairs == 0:
        return None
    return share.value if digits is None else round(share.value, digits)


class Worth(Stored):
    """What the helpers are worth to a judge: assisted − max(alone, heuristic)."""

    base: Literal["alone", "heuristic"]
    """The better of the two."""
    before: Estimate
    after: Estimate
    gain: Difference
    verdict: Literal["helps", "hurts", "unclear"]


def value_helpers(shares: Shares | None) -> Worth | None:
    """How much better the judge is with helpers than alone or than the domain's simple rule.

    The interval is that of the smaller of the two differences, from the lower of their lower ends
    to the lower of their upper ends. "helps" (all of it above 0) therefore means better than each,
    and needs no allowance for having picked the stronger one (an intersection-union test); "hurts"
    is wrong at most twice as often as a single difference would be.
    """
    if shares is None or (after := estimate_share(shares.assisted)) is None:
        return None
    bases = {name: estimate_share(getattr(shares, name)) for name in ("alone", "heuristic")}
    measured = {name: base for name, base in bases.items() if base is not None}
    if not measured:
        return None
    gaps = [subtract(after, base) for base in measured.values()]
    base = "heuristic" if "alone" not in measured else max(measured, key=lambda name: measured[name].value)
    gain = Difference(
        value=min(gap.value for gap in gaps),
        low=min(gap.low for gap in gaps),
        high=min(gap.high for gap in gaps),
    )
    verdict: Literal["helps", "hurts", "unclear"] = "unclear"
    if gain.low > 0:
        verdict = "helps"
    elif gain.high < 0:
        verdict = "hurts"
    return Worth(
        base="heuristic" if base == "heuristic" else "alone",
        before=measured[base],
        after=after,
        gain=gain,
        verdict=verdict,
    )


class Accuracy(Stored):
    """How right each orderer is on one distribution, and what follows from it."""

    alone: Estimate | None
    heuristic: Estimate | None
    assisted: Estimate | None
    ideal: Estimate | None
    distilled: Estimate | None
    split: Split | None
    shown: Split | None
    """The split of shares rounded to three digits, as reports print it."""
    worth: Worth | None
    """None also for a judge whom nobody helps."""
    truth_ties: int
    looks_alone: float | None
    looks_assisted: float | None
    looks_ideal: float | None
    abstained: float | None

    def of(self, orderer: Orderer) -> Estimate | None:
        """The share of pairs that this orderer puts right."""
        estimate: Estimate | None = getattr(self, orderer)
        return estimate


@dataclass(frozen=True)
class SplitEstimates:
    """The parts of an error with their intervals; see `Split`."""

    error: Estimate | None
    own: Estimate | None
    inherited: Estimate | None
    judging: Estimate | None
    distilling: Estimate | None


def estimate_split(accuracy: Accuracy, helped: bool) -> SplitEstimates:
    """How sure each part of an error is; differences as if their sides had been measured on other pairs."""
    ideal, nothing = accuracy.assisted, None
    if helped:
        ideal = accuracy.ideal
    elif ideal is not None:
        # Whom nobody helps inherits nothing, whatever was measured.
        nothing = Estimate(value=0, low=0, high=0, count=ideal.count)
    return SplitEstimates(
        error=_wrong(accuracy.distilled),
        own=_wrong(ideal),
        inherited=_less(ideal, accuracy.assisted) if helped else nothing,
        judging=_wrong(accuracy.assisted),
        distilling=_less(accuracy.assisted, accuracy.distilled),
    )


def _wrong(right: Estimate | None) -> Estimate | None:
    if right is None:
        return None
    return Estimate(value=1 - right.value, low=1 - right.high, high=1 - right.low, count=right.count)


def _less(first: Estimate | None, second: Estimate | None) -> Estimate | None:
    if first is None or second is None:
        return None
    return Estimate(**subtract(first, second).model_dump(), count=min(first.count, second.count))


def analyse_shares(shares: Shares | None, helped: bool) -> Accuracy | None:
    """Everything that one distribution's shares say."""
    if shares is None:
        return None
    estimates = {orderer: estimate_share(getattr(shares, orderer)) for orderer in ORDERERS}
    if not helped and estimates["assisted"] is None:
        estimates["assisted"] = estimates["alone"]
    return Accuracy(
        **estimates,
        split=split_error(shares, helped),
        shown=split_error(shares, helped, digits=3),
        worth=value_helpers(shares) if helped else None,
        truth_ties=shares.truth_ties,
        looks_alone=shares.looks_alone,
        looks_assisted=shares.looks_assisted,
        looks_ideal=shares.looks_ideal,
        abstained=shares.abstained,
    )
