"""Grids of blocks: shapes and where they may lie, how far a grid is from one, what an action does.

In: grids as rows of 0 and 1, cell by cell. Out: the same, and distances.
Touches nothing: pure NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Array, Ints

Grids = NDArray[np.int8]
"""[..., cells]; 1 where a block lies."""

SHAPES: Mapping[str, tuple[str, ...]] = {
    "square": ("##", "##"),
    "corner": ("#.", "##"),
    "plus": (".#.", "###", ".#."),
    "ring": ("###", "#.#", "###"),
}
"""Drawn; a line is as long as the grid less one."""


@dataclass(frozen=True)
class World:
    """A square grid and every place, turned every way, where the shape may lie on it."""

    size: int
    places: Grids
    """The grids that are right, [places, cells]."""

    @classmethod
    def of(cls, size: int, shape: str) -> World:
        """The world of a named shape."""
        drawn = SHAPES.get(shape, ("#" * (size - 1),))
        pattern = np.array([[cell == "#" for cell in row] for row in drawn], np.int8)
        if max(pattern.shape) > size:
            raise PluginError(f"blocks: a {shape} does not fit on a grid of {size} cells; raise `size`")
        return cls(size, np.unique(_lay(pattern, size), axis=0))

    @property
    def cells(self) -> int:
        """Cells of the grid; the action of this number waits."""
        return self.size**2

    @cached_property
    def blocks(self) -> int:
        """Blocks of the shape."""
        return int(self.places[0].sum())

    def wrong(self, grids: Array) -> Ints:
        """Cells that lie wrong, of the place where fewest do, [..., cells] → [...]."""
        return np.asarray(self._differences(grids).min(axis=-1), np.int64)

    def act(self, grids: Grids, actions: Ints) -> Grids:
        """The grids with one cell changed; the last action changes none. [n, cells], [n] → [n, cells]."""
        changed = np.arange(self.cells) == actions[:, None]
        return np.asarray(np.where(changed, 1 - grids, grids), np.int8)

    def best(self, grids: Grids) -> Ints:
        """An action after which fewest cells lie wrong, [n]: the first such cell of the nearest place."""
        place = self.places[self._differences(grids).argmin(axis=-1)]
        differs = place != grids
        return np.where(differs.any(axis=1), differs.argmax(axis=1), self.cells)

    def neighbours(self, grids: Array) -> Ints:
        """Pairs of blocks side by side, [..., cells] → [...]."""
        board = grids.reshape(*grids.shape[:-1], self.size, self.size).astype(np.int64)
        across = board[..., :, 1:] * board[..., :, :-1]
        down = board[..., 1:, :] * board[..., :-1, :]
        return np.asarray(across.sum(axis=(-2, -1)) + down.sum(axis=(-2, -1)))

    def _differences(self, grids: Array) -> Ints:
        """Cells in which grids differ from every place, [..., places]."""
        # |a - b| of zeros and ones is a + b - 2ab, so that all places take one product of matrices.
        seen, places = grids.astype(np.int64), self.places.astype(np.int64)
        return np.asarray(seen.sum(axis=-1, keepdims=True) + places.sum(axis=1) - 2 * seen @ places.T)


def _lay(pattern: Grids, size: int) -> Grids:
    """The pattern at every place, turned every way; some may be there twice, [places, cells]."""
    grids = []
    for turns in range(4):
        turned = np.rot90(pattern, turns)
        height, width = turned.shape
        for row in range(size - height + 1):
            for column in range(size - width + 1):
                grid = np.zeros((size, size), np.int8)
                grid[row : row + height, column : column + width] = turned
                grids.append(grid.ravel())
    return np.stack(grids)
