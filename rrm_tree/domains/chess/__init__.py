"""Chess: choose a mating move, and judge it with coloured boards.

    player ← verdict ← attacked, defended ← ray

Doors alone, light to import; the rules, tasks and the person behind them load when called. No module
may have a door's name: importing it would put the module in the door's place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from rrm_tree.contracts import declare
from rrm_tree.domains.chess import facts

if TYPE_CHECKING:
    from rrm_tree.contracts import Judge, Task

__all__ = ["attacked", "defended", "person", "player", "ray", "verdict"]


Rate: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Looks: TypeAlias = Annotated[int, Field(ge=1)]


@declare(**vars(facts.RAY))
def ray() -> Task:
    """Which squares does this piece reach?"""
    from rrm_tree.domains.chess.tasks import Ray

    return Ray()


@declare(**vars(facts.ATTACKED_SQUARES))
def attacked() -> Task:
    """Which squares does White attack, the black king being transparent?"""
    from rrm_tree.domains.chess.tasks import Attacked

    return Attacked()


@declare(**vars(facts.DEFENDED_SQUARES))
def defended() -> Task:
    """Which squares can an unpinned black piece, not the king, move to?"""
    from rrm_tree.domains.chess.tasks import Defended

    return Defended()


@declare(**vars(facts.MATE))
def verdict() -> Task:
    """Is Black mated?"""
    from rrm_tree.domains.chess.tasks import Verdict

    return Verdict()


@declare(**vars(facts.PLAYER))
def player(*, proposal_mates: Rate = 0.5) -> Task:
    """Choose White's move; mating is what is wanted.

    Args:
        proposal_mates: how often the proposal plays the recorded mate; otherwise any legal move.
    """
    from rrm_tree.domains.chess.play import Player

    return Player(proposal_mates)


@declare(
    version="1",
    kinds=("label", "preference", "critique"),
    direct=True,
    tasks=("chess.ray", "chess.attacked", "chess.defended", "chess.verdict", "chess.player"),
    noiseless={"look_error": 0.0, "read_error": 0.0},
)
def person(
    *,
    look_error: Rate = 0.02,
    read_error: Rate = 0.005,
    looks: Looks | None = None,
    out_of_looks: Literal["guess", "cannot_tell"] = "guess",
) -> Judge:
    """Someone who knows the rules, overlooks things, and has only so much attention.

    Args:
        look_error: how often one look at a piece is wrong.
        read_error: how often one square of the advice is misread.
        looks: looks for one judgment; None for as many as it takes.
        out_of_looks: what to say when they run out.
    """
    from rrm_tree.domains.chess.people import Person

    return Person(look_error, read_error, looks, out_of_looks)
