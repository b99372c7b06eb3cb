"""Trees of gates of any depth whose truth is drawn from the top down: for studies of how errors travel.

A place is true or not. What holds at the places below it is drawn, alike among all that its gate turns into
what holds at the place, so that nothing needs to be known of the levels beneath: a tree may be as deep as
one likes, and its formulas are exact. Whoever looks at a place sees what holds there, but for slips.

Holds doors alone: what they return is imported when they are called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from rrm_tree.contracts import declare

if TYPE_CHECKING:
    from rrm_tree.domains.synthetic.judging import Person
    from rrm_tree.domains.synthetic.task import Gate

Rule: TypeAlias = Literal["vote", "majority", "and", "or", "parity"]
Rate: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Inputs: TypeAlias = Annotated[int, Field(ge=1, le=9)]
Count: TypeAlias = Annotated[int, Field(ge=1)]


@declare(version="1", subject="synthetic.place", advice="synthetic.claim", accepts={})
def leaf(*, batch: Count = 4096) -> Gate:
    """Is it true of this place?

    Args:
        batch: episodes side by side.
    """
    from rrm_tree.domains.synthetic.task import Gate

    return Gate(None, 1, batch)


@declare(
    version="1",
    subject="synthetic.place",
    advice="synthetic.claim",
    accepts={"synthetic.claim": "synthetic.place"},
)
def gate(*, rule: Rule = "vote", fan_in: Inputs = 3, batch: Count = 4096) -> Gate:
    """Is it true of this place, given what holds at the places below it?

    Args:
        rule: what must hold below. `vote` is a majority of places which all hold or all do not: the same
            asked several times over.
        fan_in: places below; also how many questions a helper is asked about one outcome.
        batch: episodes side by side.
    """
    from rrm_tree.domains.synthetic.task import Gate

    return Gate(rule, fan_in, batch)


@declare(version="1", subject=None, advice=None, accepts={"synthetic.claim": "synthetic.place"})
def root(*, rule: Rule = "vote", fan_in: Inputs = 3, batch: Count = 4096) -> Gate:
    """The same at the root, which starts by itself: true of every other place.

    Args:
        rule: as for `gate`.
        fan_in: as for `gate`.
        batch: episodes side by side.
    """
    from rrm_tree.domains.synthetic.task import Root

    return Root(rule, fan_in, batch)


@declare(
    version="1",
    kinds=("label", "preference"),
    direct=True,
    tasks=("synthetic.leaf", "synthetic.gate", "synthetic.root"),
    noiseless={"look_error": 0.0, "read_error": 0.0},
)
def person(*, look_error: Rate = 0.05, read_error: Rate = 0.01) -> Person:
    """Someone who knows the gate and misreads now and then.

    Args:
        look_error: chance of misreading one place.
        read_error: chance of misreading one claim of a helper.
    """
    from rrm_tree.domains.synthetic.judging import Person

    return Person(look_error, read_error)
