"""A reward function given as code, for `code.yaml`: how close a small grid comes to a square of four blocks.

In: observations [n, T + 1, cells] and actions [n, T]. Out: rewards [n, T].
Touches nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def closeness(observations: NDArray[np.int8], actions: NDArray[np.int64]) -> NDArray[np.float64]:
    """Cells that lie wrong after each step, as a loss: those in which the nearest square differs."""
    size = int(observations.shape[-1] ** 0.5)
    board = observations[:, 1:].reshape(*actions.shape, size, size).astype(np.int64)
    blocks = board.sum(axis=(-2, -1))
    # A square that covers k of the blocks differs in its 4 − k empty cells and in the other blocks.
    covered = board[..., :-1, :-1] + board[..., :-1, 1:] + board[..., 1:, :-1] + board[..., 1:, 1:]
    most = covered.max(axis=(-2, -1))
    return -(4.0 - most + blocks - most)
