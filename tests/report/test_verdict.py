"""The sentences must be right in every case."""

import pytest

from rrm_tree.propagation import analyse
from rrm_tree.records import Mean
from rrm_tree.report.arm_words import explain_gain, say_whether_helpers_pay
from rrm_tree.report.verdict import compare_looks, give_verdict, judge_worth, list_notes


def verdict_of(result):
    return give_verdict(result, analyse(result))


def notes_of(result):
    return [f"{note.kind}: {note.text}" for note in list_notes(result, analyse(result))]


@pytest.fixture
def two_nodes(make_run, make_node, make_record, make_shares):
    """A root with one helper; the root's shares and looks are given."""

    def build(*values, looks=(10.0, 4.0, 4.0), **fields):
        top = make_record("top", off=make_shares(*values, looks=looks), **fields)
        leaf = make_record("leaf", off=make_shares(0.99, 0.7, 0.99, None, 0.985))
        return make_run(make_node("top", 1, ("leaf",), rounds=(top,)), make_node("leaf", rounds=(leaf,)))

    return build


def test_the_chess_tree_is_told_in_one_sentence(chess_run):
    assert verdict_of(chess_run) == (
        "Helpers raise `player` from 0.78 to 0.94 (and 3 more nodes); `player` reaches a mean truth of 0.89"
        " (proposals 0.03, simple rule 0.12, trained on truth 0.90); weakest link: `verdict`, which adds 0.06"
        " of error, most of it the judge's own."
    )


def test_helpers_that_hurt_are_said_to(two_nodes):
    result = two_nodes(0.80, 0.67, 0.68, 0.95, 0.66)
    assert verdict_of(result).startswith("Helpers make `top` worse, 0.80 to 0.68; the reward model of `top`")
    assert notes_of(result) == [
        "finding: recursion does not pay at `top`: it hurts: the judge alone does better, though it saves"
        " looks: 4.0 looks a judgment instead of 10.0"
    ]


def test_a_simple_rule_that_beats_the_helpers_is_named(two_nodes):
    text = verdict_of(two_nodes(0.68, 0.82, 0.72, 0.95, 0.7))
    assert text.startswith("Helpers make `top` worse, 0.82 (the simple rule) to 0.72")


def test_no_difference_is_said_with_the_number_of_pairs(two_nodes):
    text = verdict_of(two_nodes(0.80, 0.67, 0.82, 0.95, 0.8))
    assert "Helpers make no difference that 400 pairs can show (most in `top`, 0.80 to 0.82)" in text


def test_the_same_accuracy_for_fewer_looks_is_worth_saying(two_nodes):
    top = analyse(two_nodes(0.80, 0.67, 0.82, 0.95, 0.8)).nodes[0]
    assert (
        judge_worth(top) == "no difference that 400 pairs can show, but 4.0 looks a judgment instead of 10.0"
    )


def test_the_same_accuracy_for_more_looks_does_not_pay(two_nodes):
    top = analyse(two_nodes(0.80, 0.67, 0.82, 0.95, 0.8, looks=(4.0, 9.0, 9.0))).nodes[0]
    assert judge_worth(top).startswith("does not pay: no difference that 400 pairs can show")


def test_without_ideal_advice_the_weakest_link_errs_in_judging(two_nodes):
    text = verdict_of(two_nodes(0.80, 0.67, 0.9, None, 0.85))
    assert text.endswith("weakest link: `top`, which adds 0.15 of error, most of it from judging.")


def test_a_node_whose_judge_was_not_measured_can_be_the_weakest_link(two_nodes):
    text = verdict_of(two_nodes(None, 0.99, None, None, 0.63))
    assert text.endswith(
        "weakest link: `top`, which adds 0.37 of error, undivided, as its judge was not measured."
    )


def test_a_single_node_is_told_without_helpers(make_run, make_node, make_record, make_shares):
    record = make_record(
        "spin",
        off=make_shares(0.97, 0.6, 0.97, None, 0.9),
        agent_truth=Mean(mean=-170.2, deviation=40, count=100),
        proposal_truth=Mean(mean=-1220, deviation=300, count=100),
    )
    assert verdict_of(make_run(make_node("spin", rounds=(record,)))) == (
        "`spin` reaches a mean truth of −170.2 (proposals −1220); its reward model orders 0.90 of pairs"
        " right, and most of the error is from distilling."
    )


def test_failures_come_first_with_their_reasons(make_run, make_node, two_nodes):
    done = two_nodes(0.80, 0.67, 0.95, 0.96, 0.94)
    failed = make_node("leaf", state="failed", rounds=(), reason="the judge raised ZeroDivisionError")
    waits = make_node("top", 1, ("leaf",), state="waiting", rounds=(), reason="waits for leaf")
    assert verdict_of(make_run(waits, failed)) == (
        "No node is finished: `leaf` failed and `top` waits. Nothing is measured yet."
    )
    assert notes_of(make_run(waits, failed))[1] == "failed: `leaf` failed: the judge raised ZeroDivisionError"
    mixed = make_run(done.nodes[0], failed)
    assert verdict_of(mixed).startswith("1 of 2 nodes is not finished: `leaf` failed. Helpers raise `top`")


def test_a_failed_arm_is_told_but_does_not_spoil_the_tree(make_node, chess_run):
    failed = make_node("player~other", 3, state="failed", rounds=(), reason="out of memory")
    result = chess_run.model_copy(update={"nodes": (*chess_run.nodes, failed)})
    assert verdict_of(result) == verdict_of(chess_run)
    assert "failed: `player~other` failed: out of memory" in notes_of(result)


def test_a_domain_without_truth_is_not_pretended_to_be_measured(make_run, make_node):
    assert (
        verdict_of(make_run(make_node("essay"))) == "No node has a truth that it could be measured against."
    )


def test_a_run_without_nodes_says_so(make_run):
    assert verdict_of(make_run()) == "This run has no nodes. Nothing is measured yet."


def test_judgments_that_say_nothing_are_warned_of(make_run, make_node, make_record):
    facts = make_record("pole").facts.model_copy(update={"informative": False})
    result = make_run(make_node("pole", rounds=(make_record("pole", facts=facts),)))
    assert notes_of(result) == ["warning: `pole`: its judgments carry no information"]


def test_a_warning_of_several_rounds_is_told_once(make_run, make_node, make_record):
    rounds = tuple(make_record("pole", round=i, warnings=("the loss rose",)) for i in range(3))
    assert notes_of(make_run(make_node("pole", rounds=rounds))) == [
        "warning: `pole`: the loss rose (round 1, 2, 3 of 3)"
    ]


def test_gates_that_were_missed_or_undecided_are_warned_of(chess_run):
    assert (
        notes_of(chess_run)[0]
        == "warning: `verdict` leaves its gate undecided: 240 of 300 fresh judgments right"
    )


def test_falls_on_policy_are_found_steepest_first(chess_run):
    fall = next(note for note in notes_of(chess_run) if "own outcomes" in note)
    assert "are worse: `verdict` from 0.93 to 0.74, `player` from 0.96 to 0.89" in fall


def test_the_gain_is_told_cause_by_cause(chess_run):
    first, second = explain_gain(analyse(chess_run).arms[0])
    assert "from 0.31 to 0.89 (+0.58), what the reward model sees makes +0.34 (0.31 → 0.65;" in first
    assert "and then better judgments make +0.24 (0.65 → 0.89;" in first
    assert second.startswith("In the other order, better judgments make +0.16 (0.31 → 0.47;")


def alone_at(run, truth, looks):
    """The chess tree whose player, trained alone, ends with this truth after this many looks."""

    def change(node):
        if node.name != "player~alone":
            return node
        last = node.rounds[-1]
        facts = last.facts.model_copy(update={"looks": looks})
        mean = Mean(mean=truth, deviation=(truth * (1 - truth)) ** 0.5, count=400, binary=True)
        record = last.model_copy(update={"facts": facts, "agent_truth": mean})
        return node.model_copy(update={"rounds": (record,)})

    return run.model_copy(update={"nodes": tuple(map(change, run.nodes))})


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (0.312, "recursion pays at `player` for the same"),
        (0.96, "recursion does not pay at `player` for the same"),
        (0.90, "no difference that so many outcomes can show at `player` for the same"),
    ],
)
def test_whether_helpers_pay_is_told_where_the_node_alone_was_trained_for_as_many_looks(
    chess_run, truth, words
):
    whole = next(row for row in analyse(chess_run).arms[0].rows if row.declared).all_looks
    sentence = next(note for note in notes_of(alone_at(chess_run, truth, whole)) if "looks: with" in note)
    assert sentence.startswith(f"finding: {words} {whole:,} looks")


def test_arms_of_unequal_effort_do_not_tell_whether_helpers_pay(chess_run):
    assert say_whether_helpers_pay(analyse(alone_at(chess_run, 0.9, 100)).arms[0]) is None


def test_judging_is_compared_with_solving(chess_run):
    words = {node.name: compare_looks(node) for node in analyse(chess_run).nodes}
    assert words["verdict"] == "judging takes 37% of the looks that solving takes"
    assert words["ray"] == "judging is no easier than solving"
