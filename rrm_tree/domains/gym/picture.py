"""Numbers over time as an SVG.

In: named series. Out: a drawing without scripts.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rrm_tree.outcomes import Array

WIDTH, HEIGHT, LEFT = 320, 48, 92
MOST_LINES = 8
COLOURS = ("#2b6cb0", "#c05621", "#2f855a", "#805ad5", "#b83280", "#2c7a7b", "#975a16", "#4a5568")


def draw_lines(series: Mapping[str, Array]) -> str:
    """One panel for each name, a line for each of its first eight numbers [steps, numbers]."""
    panels = "".join(
        _panel(name, values[:, :MOST_LINES], place) for place, (name, values) in enumerate(series.items())
    )
    size = f'viewBox="0 0 {LEFT + WIDTH + 8} {len(series) * (HEIGHT + 12) + 8}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">{panels}</svg>'


def _panel(name: str, values: Array, place: int) -> str:
    top = 8 + place * (HEIGHT + 12)
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    across = LEFT + WIDTH * np.linspace(0, 1, max(len(values), 2))[: len(values)]
    up = top + HEIGHT * (1 - (values - low) / (high - low or 1.0))
    lines = [
        f'<polyline fill="none" stroke="{COLOURS[number]}" points="{_points(across, up[:, number])}"/>'
        for number in range(values.shape[1])
    ]
    frame = f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="#fafafa" stroke="#cccccc"/>'
    texts = (
        f'<text x="4" y="{top + HEIGHT // 2}" font-size="11">{name}</text>'
        f'<text x="{LEFT - 4}" y="{top + 8}" font-size="9" text-anchor="end">{high:.3g}</text>'
        f'<text x="{LEFT - 4}" y="{top + HEIGHT}" font-size="9" text-anchor="end">{low:.3g}</text>'
    )
    return frame + "".join(lines) + texts


def _points(across: Array, up: Array) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, up, strict=True))
