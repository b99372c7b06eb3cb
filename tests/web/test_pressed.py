"""What was pressed, as each kind of judgment says it."""

from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest

from rrm_tree.asking import Asked
from rrm_tree.errors import UsageError
from rrm_tree.learning.losses import all_orders
from rrm_tree.outcomes import Items
from rrm_tree.web.pressed import Pressed, read_pressed
from rrm_tree.web.scene import Scene


def scene(kind, count, swapped=False):
    """A question of so many outcomes, without what they are."""
    asked = Asked("q", "node@0", 0, "run", "node", kind, count, 0, False, swapped, None)
    items = Items.among(np.arange(count)[None], np.zeros(1, np.int64), np.zeros(1, np.int64))
    return Scene(asked, None, None, SimpleNamespace(items=items))


def read(of, choice, **more):
    return read_pressed(of, "ann", Pressed(id="q", choice=choice, **more))


@pytest.mark.parametrize(("choice", "value"), [("left", 1.0), ("right", 0.0), ("tie", 0.5), ("cannot", None)])
def test_a_preference_is_for_what_stands_on_that_side(choice, value):
    assert read(scene("preference", 2), choice) == value
    assert read(scene("preference", 2, swapped=True), choice) == (value if value is None else 1 - value)


def test_a_pick_names_the_outcome_that_was_shown_there():
    best = scene("best", 4)
    order = best.order("ann")
    assert sorted(order) == [0, 1, 2, 3]
    assert [read(best, "pick", number=place) for place in range(4)] == order
    # Steps of one outcome stay in their order.
    assert [read(scene("critique", 4), "pick", number=place) for place in range(4)] == [0, 1, 2, 3]


def test_a_ranking_is_the_place_of_its_order_among_all():
    ranking = scene("ranking", 3)
    order = ranking.order("ann")
    for pressed in permutations(range(3)):
        place = int(read(ranking, "rank", order=pressed))
        assert all_orders(3)[place].tolist() == [order[one] for one in pressed]


@pytest.mark.parametrize(
    ("kind", "count", "choice", "more"),
    [
        ("preference", 2, "yes", {}),
        ("label", 1, "left", {}),
        ("best", 4, "pick", {"number": 4}),
        ("best", 4, "pick", {"number": 0.5}),
        ("best", 4, "pick", {"number": -1}),
        ("best", 4, "pick", {}),
        ("ranking", 3, "rank", {"order": (0, 1, 1)}),
        ("ranking", 3, "rank", {"order": (0, 1)}),
        ("rating", 1, "rate", {}),
    ],
)
def test_what_is_no_answer_is_refused(kind, count, choice, more):
    with pytest.raises(UsageError, match="answers no"):
        read(scene(kind, count), choice, **more)


def test_two_people_see_alternatives_in_orders_of_their_own():
    best = scene("best", 7)
    assert best.order("ann") == best.order("ann")
    assert best.order("ann") != best.order("bob")
