"""Where outcomes were cut out of their episodes, and what was done there before.

In: actions of episodes, which of them each outcome is of, and from which step. Out: the same, compact.
Touches nothing. It is what playing an episode again takes, beside its seed; people alone are shown that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Origin:
    """What was done before each outcome, once an episode however many outcomes were cut out of it."""

    actions: NDArray[Any]
    """Of all episodes, one after the other, each up to its last outcome's first step: [steps, ...]."""
    firsts: NDArray[np.int64]
    """Where among them the episode of each outcome begins, [n]."""
    starts: NDArray[np.int64]
    """At which step of its episode each outcome begins, [n]."""

    @classmethod
    def of(cls, actions: NDArray[Any], rows: NDArray[np.int64], starts: NDArray[np.int64]) -> Origin:
        """Outcomes of episodes rows[i] from step starts[i], [n], whose actions are [episodes, T, ...]."""
        flat = actions.reshape(-1, *actions.shape[2:])
        return cls(flat, rows * actions.shape[1], starts)._compact()

    def before(self, row: int) -> NDArray[Any]:
        """What was done in an outcome's episode before it, [steps, ...]."""
        first = int(self.firsts[row])
        return self.actions[first : first + int(self.starts[row])]

    def take(self, rows: NDArray[Any]) -> Origin:
        """That of the chosen outcomes, without episodes of which none is left."""
        return Origin(self.actions, self.firsts[rows], self.starts[rows])._compact()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by name; they are what it is made of."""
        return {"actions": self.actions, "firsts": self.firsts, "starts": self.starts}

    def _compact(self) -> Origin:
        firsts, which = np.unique(self.firsts, return_inverse=True)
        steps = np.zeros(len(firsts), np.int64)
        np.maximum.at(steps, which, self.starts)
        kept = [self.actions[:0]]
        kept += [self.actions[at : at + count] for at, count in zip(firsts, steps, strict=True)]
        return Origin(np.concatenate(kept), (np.cumsum(steps) - steps)[which], self.starts)


def join_origins(batches: Sequence[tuple[Origin | None, int]]) -> Origin | None:
    """Those of batches of so many outcomes each, one after the other; None stands for whole episodes."""
    known = [origin for origin, _ in batches if origin is not None]
    if not known:
        return None
    nothing = known[0].actions[:0]
    every = [
        Origin(nothing, np.zeros(count, np.int64), np.zeros(count, np.int64)) if origin is None else origin
        for origin, count in batches
    ]
    at = np.cumsum([0, *(len(origin.actions) for origin in every[:-1])])
    return Origin(
        np.concatenate([origin.actions for origin in every]),
        np.concatenate([origin.firsts + start for origin, start in zip(every, at, strict=True)]),
        np.concatenate([origin.starts for origin in every]),
    )
