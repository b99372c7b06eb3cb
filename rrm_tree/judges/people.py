"""People as a judge: not asked here, but through the ledger, while their node is parked.

In: how they are asked. Out: nothing; their answers come later.
Touches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rrm_tree.asking import BY_PEOPLE, Asking
from rrm_tree.contracts import Request
from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Answers


@dataclass(frozen=True)
class People:
    """Whoever answers on the page or in the terminal."""

    version: ClassVar[str] = "1"
    kinds: ClassVar[tuple[str, ...]] = BY_PEOPLE
    direct: ClassVar[bool] = True
    tasks: ClassVar[tuple[str, ...] | None] = None
    deferred: ClassVar[bool] = True

    asking: Asking

    def answer(self, request: Request) -> Answers:
        """Never an answer at once.

        Raises:
            PluginError: always.
        """
        raise PluginError(
            f"judge person: {len(request.items):,} questions cannot be answered at once; people are asked"
            " while their node is trained, and by nothing else"
        )
