"""A board as people see it: pieces, coloured tiles, and a line that says what the colours mean.

In: one outcome and its advice. Out: an SVG that reads well on light and dark pages, under 20 kB.
Touches nothing. Squares are filled or framed, so that nobody has to tell red from blue.
"""

from __future__ import annotations

import re
from zlib import crc32

import numpy as np
from chess import SQUARE_NAMES, svg

from rrm_tree.domains.chess import facts
from rrm_tree.outcomes import Advice, Array, Outcomes

SIDE = 45
"""Pixels of one square, as python-chess draws its pieces."""
MARGIN = 16
LIGHT, DARK, INK = "#f0d9b5", "#b58863", "#666"
RED, BLUE, GOLD = "#d62728", "#1f5fbf", "#e0a800"
LETTERS = " pnbrqk"
ANSWERED = {
    facts.ATTACKED: ("attacked by White", "not attacked by White"),
    facts.DEFENDED: ("open to a black piece", "not open to a black piece"),
    facts.REACH: ("in reach of the framed piece", "out of its reach"),
}
"""What yes and no about one square mean, by the type of a task's advice."""


def draw(task_advice: str | None, outcome: Outcomes, advice: Advice, tile: int | None = None) -> str:
    """One outcome: what was answered or moved, and on it what helpers say.

    Args:
        task_advice: which task it is, by the type of its advice; None for the player.
        outcome: a batch of one.
        advice: about that one.
        tile: the square that a question is about, which is marked.
    """
    board, action = outcome.observations["board"][0, -1], outcome.actions[0, 0]
    layers: list[str] = []
    legend: list[str] = []

    def colour(kind: str | None, tiles: Array, who: str) -> None:
        if kind == facts.ATTACKED:
            layers.append(_fills(tiles, RED))
            legend.append(f"red: {who} attacked by White")
        elif kind == facts.DEFENDED:
            layers.append(_frames(tiles, BLUE))
            legend.append(f"blue frame: {who} open to a black piece")
        elif kind == facts.REACH:
            layers.append(_fills(tiles, GOLD))
            legend.append(f"yellow: {who} in reach of the framed piece")
        elif kind == facts.VERDICT:
            legend.append(f"{who} {'mate' if tiles.ravel()[0] else 'not mate'}")

    for name, kind in advice.kinds.items():
        said = advice.values[name][0]
        if kind == facts.REACH and tile is not None:
            reaching = np.flatnonzero(said.reshape(64, 64)[:, tile])
            layers.append(_lines(reaching, tile))
            legend.append(f"lines: {len(reaching) or 'no'} pieces said to reach the ringed square")
        elif kind == facts.REACH:
            layers.append(_numbers(said.reshape(64, 64).sum(axis=0)))
            legend.append("number: pieces said to reach the square")
        else:
            colour(kind, said, "said to be")
    if task_advice is None:
        layers.append(_frames(_marks(action[:2]), GOLD))
        legend.insert(0, "yellow frames: the move")
    else:
        colour(task_advice, action, "answered:")
    if task_advice == facts.REACH:
        layers.append(_frames(_marks(outcome.observations["square"][0, -1:]), GOLD))
    if tile is not None and task_advice in ANSWERED:
        layers.append(_ring(tile))
        yes, no = ANSWERED[task_advice]
        legend.insert(0, f"ring: {SQUARE_NAMES[tile]}, answered: {yes if action[tile] else no}")
    return _frame(board, "".join(layers), legend)


def _marks(squares: Array) -> Array:
    tiles = np.zeros(64, np.uint8)
    tiles[squares] = 1
    return tiles


def _corner(square: int) -> tuple[int, int]:
    return MARGIN + SIDE * (square % 8), SIDE * (7 - square // 8)


def _path(tiles: Array, inset: int) -> str:
    side = SIDE - 2 * inset
    corners = [_corner(int(square)) for square in np.flatnonzero(tiles)]
    return "".join(f"M{x + inset} {y + inset}h{side}v{side}h-{side}z" for x, y in corners)


def _fills(tiles: Array, colour: str) -> str:
    return f'<path d="{_path(tiles, 0)}" fill="{colour}" fill-opacity=".5"/>'


def _frames(tiles: Array, colour: str) -> str:
    return f'<path d="{_path(tiles, 3)}" fill="none" stroke="{colour}" stroke-width="4"/>'


def _ring(square: int) -> str:
    """A ring that stands out from every colour beneath it: dark in white."""
    x, y = _corner(square)
    circle = f'<circle cx="{x + SIDE / 2}" cy="{y + SIDE / 2}" r="{SIDE / 2 - 3}" fill="none"'
    return f'{circle} stroke="#fff" stroke-width="7"/>{circle} stroke="#7a1fa2" stroke-width="4"/>'


def _lines(sources: Array, square: int) -> str:
    """From each piece to the square."""
    x, y = (one + SIDE / 2 for one in _corner(square))
    starts = (_corner(int(source)) for source in sources)
    path = "".join(f"M{left + SIDE / 2} {top + SIDE / 2}L{x} {y}" for left, top in starts)
    # Pieces are drawn after the layers, and so over the ends of the lines.
    return f'<path d="{path}" stroke="{BLUE}" stroke-width="3" stroke-opacity=".75" fill="none"/>'


def _numbers(counts: Array) -> str:
    texts = []
    for square in np.flatnonzero(counts):
        x, y = _corner(int(square))
        texts.append(f'<text x="{x + 6}" y="{y + 14}">{counts[square]}</text>')
    return f'<g font-size="10" fill="#222">{"".join(texts)}</g>'


def _pieces(board: Array) -> str:
    # Pages hold many boards: names are the board's own, so that none borrows another's pieces.
    own = f"b{crc32(board.tobytes()):x}"
    symbols, placed = [], []
    for piece in np.unique(board[board != 0]):
        letter = LETTERS[abs(piece)] if piece < 0 else LETTERS[piece].upper()
        symbols.append(re.sub(r' id="[^"]*" class="[^"]*"', f' id="{own}{letter}"', svg.PIECES[letter]))
        for square in np.flatnonzero(board == piece):
            x, y = _corner(int(square))
            placed.append(f'<use href="#{own}{letter}" x="{x}" y="{y}"/>')
    return f"<defs>{''.join(symbols)}</defs>{''.join(placed)}"


def _coordinates() -> str:
    names = [
        f'<text x="{MARGIN + SIDE * i + SIDE // 2 - 3}" y="{8 * SIDE + 13}">{letter}</text>'
        f'<text x="3" y="{SIDE * (7 - i) + SIDE // 2 + 4}">{i + 1}</text>'
        for i, letter in enumerate("abcdefgh")
    ]
    return f'<g font-size="11" fill="{INK}">{"".join(names)}</g>'


def _frame(board: Array, layers: str, legend: list[str]) -> str:
    dark = np.add.outer(np.arange(8), np.arange(8)).ravel() % 2 == 0
    width, height = 8 * SIDE + MARGIN + 2, 8 * SIDE + 22 + 14 * len(legend)
    lines = "".join(
        f'<text x="{MARGIN}" y="{8 * SIDE + 30 + 14 * i}">{line}</text>' for i, line in enumerate(legend)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img" font-family="sans-serif">'
        f"<title>Chess board. {'; '.join(legend)}</title>"
        f'<rect x="{MARGIN}" width="{8 * SIDE}" height="{8 * SIDE}" fill="{LIGHT}"/>'
        f'<path d="{_path(dark, 0)}" fill="{DARK}"/>{layers}{_pieces(board)}{_coordinates()}'
        f'<g font-size="11" fill="{INK}">{lines}</g></svg>'
    )
