"""What may start now, found step by step, is what `ready` finds by looking at the whole plan."""

from hypothesis import given, settings
from hypothesis import strategies as some
from small_trees import make_plan, make_tree

from rrm_tree.frontier import Frontier
from rrm_tree.plan import ready


@some.composite
def shapes(draw):
    """Trees of up to eight nodes; each node but the root helps at least one that comes before it."""
    count = draw(some.integers(1, 8))
    helps = [draw(some.sets(some.integers(0, node - 1), min_size=1, max_size=3)) for node in range(1, count)]
    return {
        f"n{node}": [f"n{below + 1}" for below, above in enumerate(helps) if node in above]
        for node in range(count)
    }


@settings(max_examples=40, deadline=None)
@given(shapes(), some.randoms(use_true_random=False))
def test_entries_come_once_in_the_order_of_ready(shape, random):
    plan = make_plan(make_tree(shape, {"n0": {"arms": ["alone"]}}))
    frontier, done, taken = Frontier(plan), set(), set()
    while len(done) < len(plan.entries):
        new = [entry.name for entry in frontier.take_new()]
        assert new == [entry.name for entry in ready(plan, done, taken)]
        taken.update(new)
        ended = random.choice(sorted(taken - done))
        frontier.end(ended)
        done.add(ended)
    assert frontier.take_new() == []


def test_what_is_put_is_started_while_its_queue_has_room():
    plan = make_plan(make_tree({"root": ["a", "b", "c"], "a": [], "b": [], "c": []}))
    frontier, room = Frontier(plan), {"one": 1, "two": 5}
    for entry in frontier.take_new():
        frontier.put(entry, "two" if entry.name == "b" else "one")
    started = []
    for entry in frontier.start(lambda queue: room[queue] > 0):
        started.append(entry.name)
        room["one" if entry.name in "ac" else "two"] -= 1
    assert started == ["a", "b"]
    frontier.end("c")
    room["one"] = 1
    assert list(frontier.start(lambda queue: room[queue] > 0)) == []
    frontier.again("a")
    assert [entry.name for entry in frontier.take_new()] == ["a"]
