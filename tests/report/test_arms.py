"""What arms cost, what their gain comes from, and which node is weakest."""

import pytest

from rrm_tree.propagation import analyse
from rrm_tree.report.arm_words import say_recovered, say_result_gap


def rows_of(result):
    return {row.name: row for row in analyse(result).arms[0].rows}


def test_an_arm_is_charged_for_the_helpers_that_it_hears_and_for_theirs(chess_run):
    rows = rows_of(chess_run)
    helpers = sum(node.effort.all_looks for node in analyse(chess_run).nodes if node.name != "player")
    assert rows["player"].helpers_looks == helpers
    assert rows["alone_seeing_advice"].helpers_looks == helpers
    assert rows["assisted_seeing_outcome"].helpers_looks == helpers


def test_who_hears_no_trained_helper_is_charged_for_none(chess_run):
    rows = rows_of(chess_run)
    assert [rows[name].helpers_looks for name in ("alone", "ideal", "proposal")] == [0, 0, 0]


def test_gates_count_as_effort(chess_run):
    ray = next(node for node in analyse(chess_run).nodes if node.name == "ray")
    assert (ray.effort.judgments, ray.effort.gate_judgments, ray.effort.all_looks) == (4000, 120, 4800 + 720)


def test_both_orders_of_the_two_causes_make_the_same_gain(chess_run):
    first, second = analyse(chess_run).arms[0].paths
    assert [step.cause for step in first.steps] == ["seeing", "judging"]
    assert [step.cause for step in second.steps] == ["judging", "seeing"]
    for path in (first, second):
        assert sum(step.gain.value for step in path.steps) == pytest.approx(path.total.value)
    assert [step.gain.value for step in first.steps] == pytest.approx([0.341, 0.237])


def test_the_gain_is_not_split_by_arms_that_differ_in_more_than_what_is_seen(chess_run):
    # The arms judged by truth and with ideal helpers hear the advice too, and must not stand for the node.
    keep = [node for node in chess_run.nodes if node.arm in (None, "ideal", "truth", "alone")]
    arms = analyse(chess_run.model_copy(update={"nodes": tuple(keep)})).arms[0]
    assert arms.paths == ()
    assert arms.judging_alone is None


def test_without_a_whole_path_the_step_at_what_the_model_sees_is_told(chess_run):
    keep = [node for node in chess_run.nodes if node.arm in (None, "alone_seeing_advice")]
    arms = analyse(chess_run.model_copy(update={"nodes": tuple(keep)})).arms[0]
    assert arms.judging_alone.gain.value == pytest.approx(0.89 - 0.653)


def test_an_arm_that_edits_more_than_what_is_seen_splits_no_gain(chess_run):
    def edit(node):
        edits = ("judge.sees", "judge.with.slips") if node.arm == "alone_seeing_advice" else ("judge.sees",)
        return node.model_copy(update={"edits": edits}) if node.arm else node

    arms = analyse(chess_run.model_copy(update={"nodes": tuple(map(edit, chess_run.nodes))})).arms[0]
    assert [[step.cause for step in path.steps] for path in arms.paths] == [["judging", "seeing"]]


def test_the_declared_node_is_not_compared_with_itself(chess_run):
    rows = rows_of(chess_run)
    assert rows["player"].less is None
    assert rows["alone"].less.value == pytest.approx(0.89 - 0.312)


def test_the_weakest_link_is_judged_by_what_it_adds_not_by_what_it_inherits(
    make_run, make_node, make_record, make_shares
):
    top = make_record("top", off=make_shares(0.6, 0.6, 0.72, 0.99, 0.71))
    leaf = make_record("leaf", off=make_shares(0.8, 0.7, 0.8, None, 0.8))
    result = make_run(make_node("top", 1, ("leaf",), rounds=(top,)), make_node("leaf", rounds=(leaf,)))
    weakest = analyse(result).weakest
    assert (weakest.node, weakest.largest) == ("leaf", "own")
    assert weakest.added == pytest.approx(0.2)


def test_a_helper_missing_from_the_run_does_no_harm(make_run, make_node):
    result = make_run(make_node("top", 1, ("gone",)), make_node("top~alone", 1, ("gone",)))
    assert analyse(result).arms[0].rows[0].helpers_looks == 0


def test_levels_stand_root_first_and_nodes_worst_first(chess_run):
    analysis = analyse(chess_run)
    assert [level.level for level in analysis.levels] == [3, 2, 1, 0]
    assert [node.name for node in analysis.nodes] == ["player", "verdict", "defended", "attacked", "ray"]
    assert analysis.levels[2].off["assisted"].count == 800


def test_the_gap_recovered_stands_with_both_gaps(chess_run):
    arms = next(one for one in analyse(chess_run).arms if one.node == "player")
    # .89 − .312 of .90 − .312.
    said = say_recovered(arms.node, arms.recovered)
    assert "(PGR): 0.98 (95%: +0.9" in said
    assert "+0.58 (" in said and "of +0.59 (" in said
    assert arms.result_gap.value == pytest.approx(0.9 - 0.89)
    assert "no difference" in say_result_gap(arms.node, arms.result_gap)


def test_a_gap_that_may_be_nothing_is_not_divided_by(chess_run):
    on_truth = next(node for node in chess_run.nodes if node.arm == "truth")
    alone = next(node for node in chess_run.nodes if node.arm == "alone")
    same = on_truth.model_copy(update={"rounds": alone.rounds})
    nodes = tuple(same if node is on_truth else node for node in chess_run.nodes)
    arms = analyse(chess_run.model_copy(update={"nodes": nodes})).arms[0]
    assert arms.recovered.value is None
    assert "not known, since the gap itself may be 0" in say_recovered(arms.node, arms.recovered)
