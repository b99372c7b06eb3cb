"""The drawn tree: nothing overlaps, lines end at their boxes, large trees fold."""

import re
from itertools import combinations

import pytest

from rrm_tree.propagation import analyse
from rrm_tree.report.charts import cut_bar, scale_shares, scale_splits, scale_values
from rrm_tree.report.drawing import draw_tree


def draw(result):
    return draw_tree(result, analyse(result))


def overlap(one, other):
    return abs(one.x - other.x) < one.width and abs(one.y - other.y) < one.height


def test_boxes_stand_apart_with_helpers_below(chess_run):
    drawing = draw(chess_run)
    assert not any(overlap(one, other) for one, other in combinations(drawing.boxes, 2))
    height = {box.title: box.y for box in drawing.boxes}
    assert height["player"] < height["verdict"] < height["attacked"] == height["defended"] < height["ray"]


def test_every_line_runs_from_a_helpers_top_to_its_parents_bottom(chess_run):
    drawing = draw(chess_run)
    tops = {(box.x + box.width / 2, box.y): box.title for box in drawing.boxes}
    bottoms = {(box.x + box.width / 2, box.y + box.height): box.title for box in drawing.boxes}
    lines = set()
    for path in drawing.paths:
        numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", path)]
        lines.add((tops[tuple(numbers[:2])], bottoms[tuple(numbers[-2:])]))
    assert lines == {
        (helper, node.name) for node in chess_run.nodes if not node.arm for helper in node.helpers
    }


def test_a_line_is_the_wider_the_more_error_its_parent_inherits(chess_run):
    drawing = draw(chess_run)
    inherited = {n.name: n.off.split.inherited or 0 for n in analyse(chess_run).nodes if n.off.split}
    helpers = {node.name: len(node.helpers) for node in chess_run.nodes}
    # A tenth of inherited error is five pixels, shared by the helpers, beside the 1.4 of any line.
    wide = round(1.4 + 50 * inherited["attacked"], 1)
    assert drawing.widths.count(wide) >= 1 and inherited["attacked"] == pytest.approx(0.028, abs=0.001)
    assert max(drawing.widths) <= 9 and min(drawing.widths) >= 1.4
    assert round(1.4 + 50 * inherited["player"] / helpers["player"], 1) in drawing.widths


def test_helpers_stand_under_their_parents_without_needless_crossings(make_run, make_node):
    parents = [make_node(name, 1, (f"of_{name}",)) for name in "abc"]
    leaves = [make_node(f"of_{name}") for name in "cab"]
    drawing = draw(make_run(make_node("root", 2, ("a", "b", "c")), *parents, *leaves))
    place = {box.title: box.x for box in drawing.boxes}
    assert [place[name] for name in "abc"] == [place[f"of_{name}"] for name in "abc"]


def test_of_a_wide_level_the_worst_are_drawn_and_the_rest_counted(
    make_run, make_node, make_record, make_shares
):
    def leaf(number):
        record = make_record(f"n{number}", off=make_shares(0.9, 0.8, 0.9, None, 0.6 + number / 200))
        return make_node(f"n{number}", rounds=(record,))

    leaves = [leaf(number) for number in range(60)]
    drawing = draw(make_run(make_node("root", 1, tuple(node.name for node in leaves)), *leaves))
    assert [box.title for box in drawing.boxes if box.title in ("n0", "n5", "n6", "n59")] == ["n0", "n5"]
    rest = next(box for box in drawing.boxes if box.shade == "rest")
    assert rest.lines == ("54 more nodes", "0.63 to 0.90")
    assert (len(drawing.paths), len(drawing.faint)) == (6, 1)


def test_a_chain_of_forty_levels_is_drawn_with_gaps(make_run, make_node):
    nodes = [make_node(f"n{level}", level, (f"n{level - 1}",) if level else ()) for level in range(40)]
    drawing = draw(make_run(*reversed(nodes)))
    assert len(drawing.rows) == 12
    assert (drawing.rows[0].label, drawing.rows[-1].label) == ("level 39", "level 0")


def test_a_run_without_nodes_draws_nothing(make_run):
    assert draw(make_run()).boxes == ()


def test_ticks_are_round_and_hold_all_values():
    scale = scale_values([-1213.0, -160.0])
    assert [tick.label for tick in scale.ticks] == ["−1500", "−1000", "−500", "0"]
    assert scale.place(-1500) < scale.place(-1213) < scale.place(-160) < scale.place(0)


def test_shares_are_drawn_from_chance_up_or_from_the_lowest_interval(chess_run):
    off = analyse(chess_run).nodes[0].off
    assert scale_shares([off.heuristic, None]).ticks[0].label == "0.4"
    assert scale_shares([off.assisted, None]).ticks[0].label == "0.4"
    assert scale_shares([]).place(1.0) > scale_shares([]).place(0.5)


def test_a_negative_part_of_an_error_goes_to_the_left_of_zero(chess_run):
    split = analyse(chess_run).nodes[0].off.split
    scale = scale_splits([split])
    own, inherited, distilling = cut_bar(split, scale)
    assert own.place == scale.place(0)
    assert inherited.place == round(own.place + own.width, 2)
    assert distilling.place + distilling.width == scale.place(0)
