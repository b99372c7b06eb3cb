"""What measuring a node leaves behind, pair by pair: who ordered each pair how, and what is true of it.

In and out: NumPy arrays whose first axis counts pairs or outcomes; `arrays` and `from_arrays` for the store.
Touches nothing. Shares, calibration and tests between orderers are arithmetic on it (`propagation`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from rrm_tree.outcomes import Array, Arrays, Floats, Ints
from rrm_tree.records import Distribution, Share, Stored

PAIRS_VERSION = "1"
"""Of how pairs are drawn and ordered; raised when the same settings would give other numbers."""

PROPOSAL = -1
"""In place of a round: the outcome is what the node did before anything was trained."""

JUDGES = ("alone", "assisted", "ideal")
"""Orderers that are the judge, with other advice each: they alone may abstain."""


class PairSettings(Stored):
    """All that decides which pairs a trained key is measured on."""

    version: str = PAIRS_VERSION
    round: int
    """The round whose reward model and agent are measured, from 0."""
    pairs: int
    """Subjects for pairs on each distribution, before ties are left out."""
    agent_outcomes: int
    draw: int = 0
    """Which draw of held-out outcomes: 0 is that of the node's own record."""


@dataclass(frozen=True, slots=True)
class PairResults:
    """Pairs on one distribution, and who ordered them how; every array is [pairs]."""

    subject: Ints
    """Which of the subjects drawn the two outcomes are about: two orderers are compared pair by pair."""
    root: Ints
    """Which of the root's starting states that subject goes back to: pairs of one are one cluster."""
    part: Ints
    first_truth: Floats
    second_truth: Floats
    first_by: Ints
    """The round whose agent made the first outcome; `PROPOSAL` for none."""
    second_by: Ints
    margins: Mapping[str, Floats]
    """Orderer → above 0 where it prefers the first; 0 for a tie, or a judge who cannot tell."""
    abstained: Mapping[str, NDArray[np.bool_]]
    """Judge → whether any of its answers was "cannot tell"."""
    chance: Floats | None
    """The reward model's own probability that the first is better; None for several criteria."""
    ties: int
    """Subjects about which no two outcomes differed in truth; left out."""

    def __len__(self) -> int:
        return len(self.part)

    @property
    def first_better(self) -> NDArray[np.bool_]:
        """What truth says; no pair is a tie."""
        return np.asarray(self.first_truth > self.second_truth)

    def right(self, orderer: str) -> Floats:
        """1 where the orderer puts the pair as truth does, 0 where not, 0.5 for a tie."""
        margins = self.margins[orderer]
        return np.where(margins == 0, 0.5, (margins > 0) == self.first_better)

    def told(self, judge: str) -> Share | None:
        """The same of the pairs about which a judge could tell: its selective accuracy, at its coverage."""
        if judge not in self.abstained:
            return None
        right = self.right(judge)[~self.abstained[judge]]
        return Share(right=float(right.sum()), pairs=len(right))

    def share(self, orderer: str) -> Share | None:
        """Of how many pairs the orderer puts right; None for one that was not measured."""
        if orderer not in self.margins or not len(self):
            return None
        return Share(right=float(self.right(orderer).sum()), pairs=len(self))

    def take(self, rows: Array) -> PairResults:
        """The chosen pairs."""

        def chosen(value: object) -> object:
            if isinstance(value, Mapping):
                return {name: values[rows] for name, values in value.items()}
            return value[rows] if isinstance(value, np.ndarray) else value

        return PairResults(*(chosen(getattr(self, one.name)) for one in fields(self)))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class OutcomeResults:
    """Held-out outcomes, acted without exploring; every array is [outcomes]."""

    by: Ints
    """The round whose agent made it; `PROPOSAL` for none."""
    about: Ints
    """Which of the subjects drawn it is about: the agent and the proposal act on the same ones."""
    truth: Floats
    """Averaged over parts."""
    score: Floats
    """The reward model's."""


@dataclass(frozen=True, slots=True)
class NodeMeasurement:
    """One measurement of one trained key."""

    settings: PairSettings
    off: PairResults
    on: PairResults
    outcomes: OutcomeResults

    def at(self, distribution: Distribution) -> PairResults:
        """The pairs off or on policy."""
        return self.off if distribution == "off" else self.on

    def arrays(self) -> dict[str, Array]:
        """All arrays under flat names; `from_arrays` is the way back."""
        flat = {f"outcomes.{one.name}": getattr(self.outcomes, one.name) for one in fields(OutcomeResults)}
        for name in ("off", "on"):
            flat |= {f"{name}.{key}": values for key, values in _flatten(getattr(self, name))}
        return flat

    @classmethod
    def from_arrays(cls, settings: PairSettings, flat: Arrays) -> NodeMeasurement:
        """The measurement that `arrays` took apart."""
        off, on = (_pairs_from(_below(flat, name)) for name in ("off", "on"))
        return cls(settings, off, on, OutcomeResults(**_below(flat, "outcomes")))


def _flatten(pairs: PairResults) -> Iterator[tuple[str, Array]]:
    for one in fields(pairs):
        value = getattr(pairs, one.name)
        if isinstance(value, Mapping):
            yield from ((f"{one.name}.{name}", values) for name, values in value.items())
        elif value is not None:
            yield one.name, np.asarray(value)


def _pairs_from(flat: Arrays) -> PairResults:
    plain = {name: values for name, values in flat.items() if "." not in name}
    return PairResults(
        **{**plain, "chance": plain.get("chance"), "ties": int(plain["ties"])},  # type: ignore[arg-type]
        margins=_below(flat, "margins"),
        abstained=_below(flat, "abstained"),
    )


def _below(flat: Arrays, name: str) -> dict[str, Array]:
    start = f"{name}."
    return {key.removeprefix(start): values for key, values in flat.items() if key.startswith(start)}
