"""Numbers and names as people read them.

In: numbers, and text that anybody may have written. Out: short text that is safe to show anywhere
once it is escaped: no control characters, no change of direction, no megabytes.
Touches nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from math import isfinite

from rrm_tree.propagation import Difference, Estimate, Orderer

MEANINGS: dict[Orderer, str] = {
    "alone": "the judge with no helpers",
    "heuristic": "the domain's strongest simple rule",
    "assisted": "the judge with this run's helpers",
    "ideal": "the judge with perfect advice",
    "distilled": "the reward model, trained on the judgments",
}
"""Who orders the pairs: the share of pairs that each orders as truth does."""

PARTS = {
    "own": "1 − ideal: errors that perfect helpers would leave",
    "inherited": "ideal − assisted: what the helpers' errors cost the judge",
    "distilling": "assisted − distilled: what the reward model loses of the judgments",
}
"""What the error of a reward model is made of."""

POLICIES = {
    "off": "off policy: outcomes like those that the judge was asked about first",
    "on": "on policy: the newest agent's outcomes beside those of its earlier rounds and beside proposals",
}

READING = (
    "Every share is counted on held-out pairs of outcomes about the same subject, never judged in training;"
    " pairs that truth ties are left out.",
    "An orderer's ties count half.",
    "Shares have Wilson's 95% intervals, means Student's. Intervals of differences are Newcombe's, as if both"
    " sides had been measured on different pairs: they err on the wide side where these were the same."
    " Differences with a p beside them are taken pair by pair.",
    "A level's share counts every pair of its nodes alike.",
    "Parts of an error are differences of the shares as printed, so that they sum; a part may be negative, as"
    " when a reward model averages out its judge's slips.",
    "Looks are the elementary acts of attention that a judge spends: one square, one frame, one reading.",
)
"""What else one needs to know to read the numbers."""

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def clean(text: str, limit: int = 300) -> str:
    """One line of visible text: control and direction characters are shown as what they are."""
    shown = " ".join(text[: 4 * limit].split())
    shown = "".join(_visible(character) for character in shown)
    return shown if len(shown) <= limit and len(text) <= 4 * limit else shown[: limit - 1].rstrip() + "…"


def _visible(character: str) -> str:
    # Joiners are part of how many scripts and emoji are written, and turn nothing around.
    if unicodedata.category(character) in HIDDEN and character not in "\u200c\u200d":
        return f"\\u{ord(character):04x}"
    return character


def code(name: str, limit: int = 60) -> str:
    """A name between backticks, which each format shows in its own way."""
    return f"`{clean(name, limit).replace('`', 'ʼ')}`"


def share(value: float | None, digits: int = 3) -> str:
    """A share; never 0 or 1 unless it is exactly that."""
    if value is None or not isfinite(value):
        return "–"
    text = f"{value:.{digits}f}".replace("-0." + "0" * digits, "0." + "0" * digits)
    if value not in (0.0, 1.0) and float(text) in (0.0, 1.0) and digits < 4:
        return share(value, digits + 1)
    return text


def signed(value: float | None, digits: int = 3) -> str:
    """A difference with its sign, and a real minus."""
    if value is None or not isfinite(value):
        return "–"
    text = f"{value:+.{digits}f}"
    return f"{0:.{digits}f}" if float(text) == 0 else text.replace("-", "−")


def plain(value: float | None, digits: int = 3) -> str:
    """A part of a sum: no plus sign, a real minus."""
    return signed(value, digits).removeprefix("+")


def with_interval(estimate: Estimate | None) -> str:
    """A share with its interval."""
    if estimate is None:
        return "–"
    return f"{share(estimate.value)} ({estimate.low:.3f}–{estimate.high:.3f})"


def gain_with_interval(gain: Difference | Estimate | None, digits: int = 3) -> str:
    """A difference with its interval."""
    if gain is None:
        return "–"
    return f"{signed(gain.value, digits)} ({signed(gain.low, digits)} to {signed(gain.high, digits)})"


def part_with_interval(value: float | None, measured: Difference | Estimate | None) -> str:
    """A part of a sum as printed, with the interval of what it was measured to be."""
    if value is None or measured is None:
        return plain(value)
    between = "–" if measured.low >= 0 else " to "
    return f"{plain(value)} ({plain(measured.low)}{between}{plain(measured.high)})"


def digits_for(*values: float) -> int:
    """Decimals with which values of this size are told apart."""
    size = max((abs(value) for value in values if isfinite(value)), default=0.0)
    return 2 if size < 10 else 1 if size < 1000 else 0


def quantity(value: float, digits: int | None = None) -> str:
    """A truth, which may have any scale."""
    if not isfinite(value):
        return "–"
    return plain(value, digits_for(value) if digits is None else digits)


def quantity_with_interval(estimate: Estimate | None) -> str:
    """A mean truth with its interval."""
    if estimate is None:
        return "–"
    digits = digits_for(estimate.value, estimate.low, estimate.high)
    low, high = quantity(estimate.low, digits), quantity(estimate.high, digits)
    return f"{quantity(estimate.value, digits)} ({low} to {high})"


def chance(p_value: float) -> str:
    """A p-value."""
    return f"{p_value:.1g}" if p_value < 0.095 else f"{p_value:.2f}"


def count(number: float) -> str:
    """A whole number with thousands apart."""
    return f"{round(number):,}"


def looks(number: float | None) -> str:
    """Looks a judgment."""
    return "–" if number is None or not isfinite(number) else f"{number:,.1f}"


def seconds(number: float) -> str:
    """A duration."""
    if number < 120:
        return f"{number:.0f} s"
    return f"{number / 60:.0f} min" if number < 7200 else f"{number / 3600:.1f} h"


def size(number: float) -> str:
    """Bytes of memory."""
    return f"{number / 1e6:,.0f} MB" if number < 1e9 else f"{number / 1e9:.1f} GB"


def plural(number: int, word: str) -> str:
    """`1 node`, `5 nodes`."""
    return f"{count(number)} {word}{'' if number == 1 else 's'}"


def listed(names: Sequence[str], limit: int = 4) -> str:
    """`a, b and 3 more`."""
    names = list(names)
    if len(names) > limit:
        return f"{', '.join(names[: limit - 1])} and {len(names) - limit + 1} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
