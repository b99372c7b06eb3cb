"""An episode of blocks as a row of grids.

In: grids and actions, step by step. Out: an SVG, or text.
Touches nothing.
"""

from __future__ import annotations

from rrm_tree.domains.blocks.world import Grids
from rrm_tree.outcomes import Array

CELL, GAP, TOP = 14, 16, 16
BLOCK, EMPTY, FRAME = "#3f6fb5", "#f2f2ee", "#d1495b"


def draw_steps(size: int, grids: Grids, actions: Array) -> str:
    """The grid before the first step and after each, [steps + 1, cells], with the cell changed framed."""
    side = size * CELL
    width, height = len(grids) * (side + GAP) - GAP + 8, side + TOP + 8
    drawn = [_draw_grid(size, grid, 4 + place * (side + GAP)) for place, grid in enumerate(grids)]
    drawn += [
        f'<text x="{4 + place * (side + GAP)}" y="11" font-size="9" fill="#555555">'
        f"{'start' if place == 0 else place}</text>"
        for place in range(len(grids))
    ]
    for place, action in enumerate(actions, 1):
        if action < size**2:
            x, y = 4 + place * (side + GAP) + action % size * CELL, TOP + action // size * CELL
            drawn.append(
                f'<rect x="{x + 1}" y="{y + 1}" width="{CELL - 2}" height="{CELL - 2}" fill="none"'
                f' stroke="{FRAME}" stroke-width="2"/>'
            )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" font-family="sans-serif">{"".join(drawn)}</svg>'
    )


def spell_steps(size: int, grids: Grids) -> str:
    """The same in letters: `#` for a block, `.` for none; the grids side by side, [steps + 1, cells]."""
    rows = grids.reshape(len(grids), size, size)
    titles = ("start" if place == 0 else str(place) for place in range(len(grids)))
    width = max(2 * size - 1, 5)
    lines = ["   ".join(title.ljust(width) for title in titles)]
    for row in range(size):
        drawn = (" ".join("#" if lies else "." for lies in grid[row]) for grid in rows)
        lines.append("   ".join(one.ljust(width) for one in drawn))
    return "\n".join(line.rstrip() for line in lines)


def _draw_grid(size: int, grid: Array, left: int) -> str:
    cells = (
        f'<rect x="{left + cell % size * CELL}" y="{TOP + cell // size * CELL}" width="{CELL}"'
        f' height="{CELL}" fill="{BLOCK if lies else EMPTY}" stroke="#c8c8c0"/>'
        for cell, lies in enumerate(grid)
    )
    return "".join(cells)
