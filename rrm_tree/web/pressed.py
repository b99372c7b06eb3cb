"""What a person presses as the kind of judgment says it, and back.

In: a question, what was pressed. Out: a value, of the outcomes as the item names them.
Touches nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice, permutations
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rrm_tree.asking import SHOWN
from rrm_tree.errors import UsageError
from rrm_tree.feedback import MOST_MOVES, REASONS
from rrm_tree.web.scene import Scene
from rrm_tree.web.wheel import is_steered

Choice = Literal["left", "right", "tie", "yes", "no", "pick", "rate", "rank", "show", "cannot"]


class Pressed(BaseModel):
    """What a person answered, as the page tells it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(max_length=64)
    choice: Choice
    number: float | None = Field(default=None, allow_inf_nan=False)
    """Of `pick` the alternative shown there, of `rate` the rating."""
    order: tuple[int, ...] | None = Field(default=None, max_length=7)
    """Of `rank`: alternatives as shown, the best first."""
    moves: tuple[int, ...] | None = Field(default=None, max_length=MOST_MOVES)
    """Of `show`: what is done, as places of actions."""
    confidence: int | None = Field(default=None, ge=1, le=3)
    reason: int | None = Field(default=None, ge=0, lt=len(REASONS))
    seconds: float | None = Field(default=None, ge=0, le=86_400, allow_inf_nan=False)


def read_pressed(scene: Scene, person: str, pressed: Pressed) -> float | None:
    """What was pressed as the kind of judgment says it, of the outcomes as the item names them.

    Raises:
        UsageError: that cannot be pressed at such a question.
    """
    asked, choice = scene.asked, pressed.choice
    if choice == "show" and is_steered(asked.kind):
        return SHOWN
    plain = {"preference": {"left": 1.0, "right": 0.0, "tie": 0.5}, "label": {"yes": 1.0, "no": 0.0}}
    if choice == "cannot":
        return None
    if choice in plain.get(asked.kind, {}):
        return asked.turn(plain[asked.kind][choice])
    order = scene.order(person)
    if choice == "rate" and asked.kind == "rating" and pressed.number is not None:
        return pressed.number
    if choice == "pick" and asked.kind in {"best", "correction", "critique"} and pressed.number is not None:
        place = int(pressed.number)
        if place == pressed.number and 0 <= place < len(order):
            return float(order[place])
    is_order = pressed.order is not None and sorted(pressed.order) == list(range(len(order)))
    if choice == "rank" and asked.kind == "ranking" and is_order:
        return float(_number_order([order[place] for place in pressed.order or ()]))
    raise UsageError(f"that answers no {asked.kind} of {len(order)}")


def _number_order(order: Sequence[int]) -> int:
    """The place of an order among all in lexical order (`learning.losses.all_orders`)."""
    count, place = len(order), 0
    for index, one in enumerate(order):
        place += sum(later < one for later in order[index + 1 :]) * math.factorial(count - 1 - index)
    return place


def say_before(scene: Scene, person: str) -> str | None:
    """What was answered before it was undone, as it was pressed; None: nothing."""
    asked = scene.asked
    value = asked.turn(asked.value)
    if value is None:
        return None
    if asked.kind == "preference":
        return {1.0: "left", 0.0: "right"}.get(value, "tie")
    if asked.kind == "label":
        return "yes" if value else "no"
    if asked.kind == "ranking":
        places = scene.order(person)
        order = next(islice(permutations(range(len(places))), int(value), None))
        return " ".join(["rank", *(str(places.index(one) + 1) for one in order)])
    if asked.kind in {"best", "correction", "critique"}:
        return f"pick {scene.order(person).index(int(value)) + 1}"
    return f"rate {value:g}" if asked.kind == "rating" else None
