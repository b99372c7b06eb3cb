"""What validation reads of the chess tasks, and the names of the types along their edges.

Touches nothing and loads nothing heavy: the doors carry these facts, the tasks repeat them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PIECE = "chess.piece"
"""Subject: `board` int8 [n, 64] and `square` int64 [n], a piece on it."""
BOARD = "chess.board"
"""Subject: `board` int8 [n, 64], Black to move."""

REACH = "chess.reach"
"""Advice: who reaches what, uint8 [n, 64 sources, 8, 8]."""
ATTACKED = "chess.attacked"
"""Advice: squares that White attacks, uint8 [n, 1, 8, 8]."""
DEFENDED = "chess.defended"
"""Advice: squares that an unpinned black piece reaches, uint8 [n, 1, 8, 8]."""
VERDICT = "chess.verdict"
"""Advice: is it mate? uint8 [n, 1, 8, 8], all alike."""


@dataclass(frozen=True)
class Facts:
    """The attributes of a task that are read before anything trains; see `contracts.Task`."""

    subject: str | None
    advice: str | None
    parts: int
    accepts: Mapping[str, str] = field(default_factory=dict)
    batch: int = 4096
    version: str = "1"


RAY = Facts(subject=PIECE, advice=REACH, parts=64)
ATTACKED_SQUARES = Facts(subject=BOARD, advice=ATTACKED, parts=64, accepts={REACH: PIECE})
DEFENDED_SQUARES = Facts(subject=BOARD, advice=DEFENDED, parts=64, accepts={REACH: PIECE})
MATE = Facts(subject=BOARD, advice=VERDICT, parts=1, accepts={ATTACKED: BOARD, DEFENDED: BOARD})
PLAYER = Facts(
    subject=None,
    advice=None,
    parts=1,
    accepts={VERDICT: BOARD, ATTACKED: BOARD, DEFENDED: BOARD},
    batch=2048,
)
