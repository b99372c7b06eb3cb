"""A board in letters, for a terminal and for those who listen: pieces, squares, what helpers say.

In: one outcome and its advice. Out: text.
Touches nothing.
"""

from __future__ import annotations

import numpy as np

from rrm_tree.domains.chess import facts
from rrm_tree.domains.chess.picture import LETTERS
from rrm_tree.outcomes import Advice, Array, Outcomes

SAYS = {
    facts.ATTACKED: "attacked by White",
    facts.DEFENDED: "open to a black piece",
    facts.REACH: "in reach of the piece",
}
"""What coloured squares mean, by the type of the advice."""


def spell(task_advice: str | None, outcome: Outcomes, part: int, advice: Advice) -> str:
    """One outcome: the board, what was answered or moved, and what helpers say.

    Args:
        task_advice: which task it is, by the type of its advice; None for the player.
        outcome: a batch of one.
        part: the square that is asked about, where squares are.
        advice: about that one.
    """
    board, action = outcome.observations["board"][0, -1], outcome.actions[0, 0]
    lines = [*_board(board), "White: capital letters. Black: small letters."]
    if task_advice is None:
        lines.append(f"the move: {_square(int(action[0]))} to {_square(int(action[1]))}")
    elif task_advice == facts.VERDICT:
        lines.append(f"the verdict: {'mate' if action.ravel()[0] else 'not mate'}")
    else:
        if "square" in outcome.observations:
            lines.append(f"the piece: {_square(int(outcome.observations['square'][0, -1]))}")
        said = "" if action.ravel()[part] else "not "
        lines.append(f"the square asked about: {_square(part)}, said to be {said}{SAYS[task_advice]}")
    for name, kind in advice.kinds.items():
        lines.append(f"{name}: {_say(kind, advice.values[name][0])}")
    return "\n".join(lines)


def _say(kind: str, said: Array) -> str:
    """What one helper says of the board."""
    if kind == facts.VERDICT:
        return "mate" if said.ravel()[0] else "not mate"
    tiles = said.reshape(-1, 64)
    if len(tiles) > 1:
        told = [
            f"{_square(int(one))} reaches {_list(tiles[one])}" for one in np.flatnonzero(tiles.any(axis=1))
        ]
        return "; ".join(told) or "nothing reaches anything"
    return f"{SAYS.get(kind, kind)}: {_list(tiles[0]) or 'none'}"


def _list(tiles: Array) -> str:
    return " ".join(_square(int(one)) for one in np.flatnonzero(tiles))


def _square(index: int) -> str:
    return f"{'abcdefgh'[index % 8]}{index // 8 + 1}"


def _board(board: Array) -> list[str]:
    rows = []
    for rank in range(7, -1, -1):
        pieces = [int(one) for one in board[8 * rank : 8 * rank + 8]]
        letters = (
            LETTERS[piece].upper() if piece > 0 else LETTERS[-piece] if piece else "." for piece in pieces
        )
        rows.append(f"{rank + 1} {' '.join(letters)}")
    return [*rows, "  a b c d e f g h"]
