"""Keys in a terminal: what is explained is what is read."""

import pytest

from rrm_tree.cli.answering import Keys, Press, explain_keys, name_alternatives, read_press
from rrm_tree.learning.losses import all_orders


class Typed(Keys):
    """Lines that somebody has typed."""

    def line(self):
        return self.waiting.pop(0) if self.waiting else None


def read(typed, kind, alternatives):
    return read_press(Typed([typed]), kind, alternatives)


@pytest.mark.parametrize("kind", ["best", "correction", "critique"])
@pytest.mark.parametrize("count", [2, 13, 14, 64])
def test_any_of_several_is_named_and_picked_by_its_name(kind, count):
    names = name_alternatives(count)
    assert len(set(names)) == count and f"[{names[0]} to {names[-1]}" in explain_keys(kind, count)
    assert [read(name, kind, count).value for name in names] == list(range(count))
    assert read("u", kind, count) == Press("undo") and read("0", kind, count) == Press("unknown")


def test_an_order_is_typed_best_first():
    orders = [read("".join("abc"[one] for one in order), "ranking", 3).value for order in all_orders(3)]
    assert orders == [0, 1, 2, 3, 4, 5]


def test_a_digit_says_how_sure_where_one_key_answers_and_is_the_answer_where_a_number_is_asked_for():
    assert "[1 2 3]" in explain_keys("preference", 2) and read("3", "preference", 2) == Press("sure", 3.0)
    assert "[1 2 3]" not in explain_keys("rating", 1) and read("3\n", "rating", 1) == Press("answer", 3.0)
