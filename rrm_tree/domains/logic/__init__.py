"""A world of bit strings: the smallest honest tree, for tests, tutorials and studies of depth.

`bit` asks whether a rule holds at one place of a string; `gate` asks whether enough of several
places hold, and may be helped by bits or by gates, so that trees can be as deep as one likes; a
`circuit` is the gate at the root, which starts by itself.
`person` is the judge whose error rates are declared, so that every share can be worked out by hand.

Holds doors alone: what they return is imported when they are called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from rrm_tree.contracts import declare

if TYPE_CHECKING:
    from rrm_tree.domains.logic.judging import Person
    from rrm_tree.domains.logic.task import LogicTask

Rule: TypeAlias = Literal["majority", "and", "or", "parity"]
Rate: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Width: TypeAlias = Annotated[int, Field(ge=2, le=62)]
Inputs: TypeAlias = Annotated[int, Field(ge=1, le=9)]
Looks: TypeAlias = Annotated[int, Field(ge=1)]


@declare(version="1", subject="logic.position", advice="logic.claim", accepts={})
def bit(*, width: Width = 12, window: Inputs = 2, rule: Rule = "parity", batch: Looks = 1024) -> LogicTask:
    """Does the rule hold for the bits that start at this place?

    Args:
        width: bits in a string.
        window: how many neighbouring bits the rule is about.
        rule: what must be true of them; parity of two asks whether a bit differs from the next.
        batch: episodes side by side.
    """
    from rrm_tree.domains.logic.task import LogicTask
    from rrm_tree.domains.logic.world import Circuit

    return LogicTask(Circuit(width=width, window=window, rule=rule), batch=batch)


@declare(
    version="1",
    subject="logic.position",
    advice="logic.claim",
    accepts={"logic.claim": "logic.position"},
)
def gate(
    *,
    gates: Annotated[tuple[Rule, ...], Field(min_length=1, max_length=6)] = ("majority",),
    fan_in: Inputs = 3,
    width: Width = 12,
    window: Inputs = 2,
    rule: Rule = "parity",
    batch: Looks = 1024,
) -> LogicTask:
    """Does the gate say yes, given what holds at the places below it?

    Args:
        gates: the node's own gate first, then those below it, down to the one above the bits.
        fan_in: inputs of every gate; also how many questions a helper is asked about one outcome.
        width: bits in a string, as for `bit`.
        window: as for `bit`.
        rule: as for `bit`.
        batch: episodes side by side.
    """
    from rrm_tree.domains.logic.task import LogicTask
    from rrm_tree.domains.logic.world import Circuit

    return LogicTask(Circuit(width, window, rule, gates, fan_in), batch=batch)


@declare(version="1", subject=None, advice=None, accepts={"logic.claim": "logic.position"})
def circuit(
    *,
    gates: Annotated[tuple[Rule, ...], Field(max_length=6)] = ("majority",),
    fan_in: Inputs = 3,
    width: Width = 12,
    window: Inputs = 2,
    rule: Rule = "parity",
    batch: Looks = 1024,
) -> LogicTask:
    """Does the circuit say yes about a random string? The root of a tree of gates and bits.

    Args:
        gates: as for `gate`; none at all for a root that asks about a single bit.
        fan_in: as for `gate`.
        width: as for `bit`.
        window: as for `bit`.
        rule: as for `bit`.
        batch: episodes side by side.
    """
    from rrm_tree.domains.logic.task import RootTask
    from rrm_tree.domains.logic.world import Circuit

    return RootTask(Circuit(width, window, rule, gates, fan_in), batch=batch)


@declare(
    version="1",
    kinds=("label", "preference"),
    direct=True,
    tasks=("logic.bit", "logic.gate", "logic.circuit"),
    noiseless={"look_error": 0.0, "read_error": 0.0},
)
def person(
    *,
    look_error: Rate = 0.05,
    read_error: Rate = 0.01,
    looks: Looks = 32,
    when_out: Literal["guess", "cannot tell"] = "guess",
) -> Person:
    """A person who knows the rules but misreads bits, and who runs out of patience.

    Args:
        look_error: chance of misreading one bit of the string.
        read_error: chance of misreading one claim of a helper.
        looks: bits or claims looked at per outcome, at most.
        when_out: what follows when the looks run out before everything was seen.
    """
    from rrm_tree.domains.logic.judging import Person

    return Person(look_error, read_error, looks, when_out)
