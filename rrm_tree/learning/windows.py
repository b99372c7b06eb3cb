"""Where windows of episodes start, how they are paired, and what they score.

In: for each episode the last step at which a window may start. Out: rows, starts, pairs, sums.
Touches nothing; randomness comes in as a generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from rrm_tree.outcomes import Floats, Ints


@dataclass(frozen=True)
class Windows:
    """Stretches of one length out of a batch of episodes."""

    rows: Ints
    """Which episode each is of, [windows]."""
    starts: Ints
    """At which of its steps each begins, [windows]."""

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, chosen: Ints) -> Windows:
        """The chosen windows."""
        return Windows(self.rows[chosen], self.starts[chosen])


def place_windows(last_start: Ints, segment: int, each: int | None, rng: Generator) -> Windows:
    """Windows at random places, episode by episode; those of one episode overlap only if they must.

    Args:
        last_start: last step of each episode at which a window may start, [n].
        segment: steps of a window.
        each: windows of each episode; None for as many as fit side by side, and at least one.
        rng: where they start.
    """
    counts = 1 + last_start // segment if each is None else np.full(len(last_start), each)
    rows = np.repeat(np.arange(len(last_start)), counts)
    number = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    # The steps between windows, shared out at random: sorted places, each moved on by those before.
    free = last_start[rows] - (counts[rows] - 1) * segment
    places = rng.random(len(rows))
    places = places[np.lexsort((places, rows))]
    apart = (places * (free + 1)).astype(np.int64) + number * segment
    anywhere = (places * (last_start[rows] + 1)).astype(np.int64)
    return Windows(rows, np.where(free >= 0, apart, anywhere))


def pair_up(windows: Windows, rng: Generator) -> tuple[Ints, Ints]:
    """Pairs of windows, each in one of them at most, and never one against its own double."""
    order = rng.permutation(len(windows))
    half = len(order) // 2
    first, second = order[:half], order[half : 2 * half]
    one, other = windows.take(first), windows.take(second)
    differ = (one.rows != other.rows) | (one.starts != other.starts)
    return first[differ], second[differ]


def window_sums(rewards: Floats, windows: Windows, segment: int) -> Floats:
    """Sums over windows from one cumulative sum over each episode.

    Args:
        rewards: 0 past an episode's end, [..., n, T].
        windows: which; what lies past the end counts 0.
        segment: steps of a window.

    Returns:
        Shape [..., windows].
    """
    sums = np.zeros((*rewards.shape[:-1], rewards.shape[-1] + 1))
    np.cumsum(rewards, axis=-1, out=sums[..., 1:])
    ends = np.minimum(windows.starts + segment, rewards.shape[-1])
    return np.asarray(sums[..., windows.rows, ends] - sums[..., windows.rows, windows.starts])
