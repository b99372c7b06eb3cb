"""An episode in the tunnel as a strip: time runs down, the cells across.

In: observations, actions and kills of one episode. Out: an SVG without scripts.
Touches nothing.
"""

from __future__ import annotations

from rrm_tree.domains.spider.vector import AHEAD, BEHIND, FACING, PLACE, SHOT
from rrm_tree.outcomes import Array, Floats

CELL, LINE, LEFT = 16, 12, 36
WORDS = ("walk", "turn", "shoot")
AGENT, SPIDER, SHOT_COLOUR, KILL = "#2b6cb0", "#1a202c", "#dd6b20", "#c53030"


def draw_strip(width: int, seen: Array, actions: Array, kills: Floats) -> str:
    """The agent as a wedge, a spider that it sees as a dot, shots as dashes, kills as crosses."""
    rows = [_line(width, step, seen[step], int(action)) for step, action in enumerate(actions)]
    # A kill is seen where the spider was.
    crosses = [_cross(step, _spider_cell(seen[step])) for step, kill in enumerate(kills) if kill > 0]
    size = f'viewBox="0 0 {LEFT + width * CELL + 44} {len(actions) * LINE + 8}"'
    frame = (
        f'<rect x="{LEFT}" y="2" width="{width * CELL}" height="{len(actions) * LINE + 4}"'
        ' fill="#fafafa" stroke="#cccccc"/>'
    )
    body = frame + "".join(rows) + "".join(crosses)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">{body}</svg>'


def _line(width: int, step: int, seen: Array, action: int) -> str:
    y = 4 + step * LINE + LINE / 2
    place, towards = int(seen[PLACE]), 1 if seen[FACING] else -1
    x = LEFT + (place + 0.5) * CELL
    marks = [
        f'<text x="2" y="{y + 3}" font-size="8" fill="#888888">{step}</text>',
        f'<path d="M{x - 5 * towards} {y - 4}L{x + 5 * towards} {y}L{x - 5 * towards} {y + 4}z"'
        f' fill="{AGENT}"/>',
        f'<text x="{LEFT + width * CELL + 6}" y="{y + 3}" font-size="8">{WORDS[action]}</text>',
    ]
    spider = _spider_cell(seen)
    if spider is not None:
        marks.append(f'<circle cx="{LEFT + (spider + 0.5) * CELL}" cy="{y}" r="4" fill="{SPIDER}"/>')
    if seen[SHOT]:
        marks.append(
            f'<line x1="{x + 6 * towards}" y1="{y}" x2="{x + 14 * towards}" y2="{y}"'
            f' stroke="{SHOT_COLOUR}" stroke-width="2"/>'
        )
    return "".join(marks)


def _spider_cell(seen: Array) -> int | None:
    """Where a spider is seen; None where none is."""
    towards = 1 if seen[FACING] else -1
    distance = int(seen[AHEAD]) - int(seen[BEHIND])
    return int(seen[PLACE]) + towards * distance if distance else None


def _cross(step: int, cell: int | None) -> str:
    """A kill; also where the spider was hit behind the agent's back, at the strip's edge."""
    x = LEFT - 8 if cell is None else LEFT + (cell + 0.5) * CELL
    y = 4 + step * LINE + LINE / 2
    return (
        f'<path d="M{x - 5} {y - 5}L{x + 5} {y + 5}M{x - 5} {y + 5}L{x + 5} {y - 5}"'
        f' stroke="{KILL}" stroke-width="2"/>'
    )
