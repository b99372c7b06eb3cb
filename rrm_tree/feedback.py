"""The kinds of judgment, by the names that specs, records and judges share.

Touches nothing.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

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
