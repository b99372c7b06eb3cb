"""The kinds of judgment, and why a judge cannot tell, by the names that specs, records and judges share.

Touches nothing.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal[
    "label",
    "preference",
    "rating",
    "best",
    "ranking",
    "demonstration",
    "correction",
    "goal",
    "critique",
]

DEMONSTRATED: Final[frozenset[Kind]] = frozenset({"demonstration", "goal"})
"""Kinds of which the judge makes the first alternative, which is then the chosen one."""

MOST_MOVES: Final = 1000
"""Of one demonstration by people: nobody takes more steps by hand."""

ALIKE, TOO_LONG, NONE_GOOD = 1, 5, 6
"""Places in REASONS of those that simulated judges give."""

REASONS: Final = (
    "no reason",
    "they are too much alike",
    "too little is shown",
    "the advice contradicts itself",
    "I do not know this",
    "it takes too long",
    "none of these is good enough to tell",
)
"""Why a judge cannot tell."""
