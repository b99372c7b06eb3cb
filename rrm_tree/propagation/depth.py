"""How errors should grow from level to level of a tree of gates whose nodes err by themselves.

In: a gate, error rates. Out: error rates. Pure arithmetic, in the setting of Evans and Pippenger (1998):
formulas whose gates are noisy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import asin, pi, prod, sqrt

Rates = tuple[float, float]
"""Chance of saying yes where no is true, and of saying no where yes is true."""

Gate = Callable[[Sequence[bool]], bool]

Patterns = tuple[Sequence[Sequence[bool]], Sequence[Sequence[bool]]]
"""What may hold below a place of which it is not true, and below one of which it is; alike likely."""


def pass_through(gate: Gate, patterns: Patterns, below: Rates, noise: float) -> Rates:
    """Error rates of a node whose helpers err so often, by what is true of it.

    Inputs err independently; what the judge finds is then turned round with the node's own noise.
    """
    found = []
    for is_true, possible in enumerate(patterns):
        wrong = 0.0
        for pattern in possible:
            sayings = product((False, True), repeat=len(pattern))
            wrong += sum(_chance(pattern, said, below) for said in sayings if gate(said) != bool(is_true))
        found.append(_turn(wrong / len(possible), noise))
    return found[0], found[1]


def foretell_levels(gate: Gate, patterns: Patterns, noise: float, depth: int) -> list[float]:
    """Error of each level from the leaves up, yes and no counted alike: depth + 1 numbers.

    Leaves err by their own noise alone.
    """
    rates = (noise, noise)
    errors = [noise]
    for _ in range(depth):
        rates = pass_through(gate, patterns, rates, noise)
        errors.append(sum(rates) / 2)
    return errors


def bound_of_votes(noise: float) -> float:
    """Where the error of votes of three ends, however deep the tree; 1/2 from a noise of 1/6 on.

    The fixed point of e = noise + (1 − 2 noise)(3e² − 2e³): von Neumann (1956).
    """
    if noise >= 1 / 6:
        return 0.5
    return 0.5 * (1 - sqrt((1 - 6 * noise) / (1 - 2 * noise)))


def foretell_sums(fan_in: int, noise: float, shared: float, depth: int) -> list[float]:
    """How often two outcomes of each level are put in the wrong order by trees of sums; depth + 1 numbers.

    Each place is worth the sum of the `fan_in` below it, over √fan_in, leaves standard normal. Each node says
    what it finds with an error of that variance, of which the part `shared` is common to all its answers
    to one question of its parent (they come from one helper), which is the covariance that does not
    average out: below a sum over √k it counts k times. Sheppard (1899): an impression whose error has
    the variance v orders two normal values wrongly with the chance 1/2 − asin(1 / √(1 + v)) / π.

    Args:
        fan_in: how many are added up.
        noise: variance of each node's own error; values have the variance 1.
        shared: share of it that all answers about one place above have in common.
        depth: levels above the leaves.
    """
    own, common = noise * (1 - shared), noise * shared
    found, errors = [], 0.0
    for _ in range(depth + 1):
        # What reaches a judge: the errors below, each node's own part averaged, the common one added up.
        below = errors
        found.append(0.5 - asin(1 / sqrt(1 + below + noise)) / pi)
        errors = below + own + fan_in * common
    return found


def _chance(true: Sequence[bool], said: Sequence[bool], rates: Rates) -> float:
    pairs = zip(true, said, strict=True)
    return prod((rates[int(one)] if one != other else 1 - rates[int(one)] for one, other in pairs), start=1.0)


def _turn(wrong: float, noise: float) -> float:
    return wrong * (1 - noise) + (1 - wrong) * noise
