"""Blocks on a small grid, to be arranged into a shape: one task for every kind of judgment.

The shape is known to the judge alone. A step puts a block into a cell, takes one away or waits, and
is worth the less the more cells lie wrong after it; so a single step, an episode, its end and what
another action would have led to can all be judged by the same measure.

Holds the door alone: gymnasium is imported when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from rrm_tree.contracts import declare

if TYPE_CHECKING:
    from rrm_tree.domains.blocks.task import BlocksTask

Shape: TypeAlias = Literal["square", "line", "corner", "plus", "ring"]
Cells: TypeAlias = Annotated[int, Field(ge=3, le=7)]
Steps: TypeAlias = Annotated[int, Field(ge=1)]


@declare(version="1", subject=None, advice=None, accepts={}, one_step=False)
def blocks(
    *,
    size: Cells = 4,
    shape: Shape = "square",
    steps: Steps = 6,
    segment: Steps | None = None,
    batch: Steps = 64,
) -> BlocksTask:
    """Arrange blocks into a shape, wherever on the grid.

    Args:
        size: cells along each side of the grid.
        shape: what is to be built: a square (2 by 2), a line (a cell shorter than the grid), a corner
            (3 cells), a plus (5), a ring (8).
        steps: of an episode; each puts a block, takes one away, or waits.
        segment: steps that a judge is shown of an episode; null for whole episodes.
        batch: episodes side by side.
    """
    from rrm_tree.domains.blocks.task import BlocksTask
    from rrm_tree.domains.blocks.world import World

    return BlocksTask(World.of(size, shape), steps, segment, batch)
