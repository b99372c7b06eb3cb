"""Trees of many nodes fold, worst first; disagreements are seen with what the judge saw."""

import pytest

from rrm_tree.propagation import analyse
from rrm_tree.propagation.causes import Cause, ErrorCauses, NodeCauses
from rrm_tree.propagation.disagreements import AdviceErrors, Disagreement, NodeDisagreements, ShownPair
from rrm_tree.propagation.intervals import Estimate
from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.report import write_reports
from rrm_tree.report.drawing import draw_tree, inherited_by_edge
from rrm_tree.report.folding import MOST, fold_tree
from rrm_tree.report.pictures import PICTURES, choose_disagreements, each_disagreement
from rrm_tree.report.tables import Table, drop_empty

BOARD = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'>{}</svg>"


@pytest.fixture
def wide_run(make_run, make_node, make_record, make_shares):
    """A root over 20 gates over 20 leaves each; all gates ask the last leaf, which is the worst node."""

    def one(name, level, helpers, right):
        record = make_record(name, off=make_shares(0.6, 0.6, right, None, right))
        return make_node(name, level, helpers, rounds=(record,))

    gates = [f"g{i}" for i in range(20)]
    leaves = [f"l{i}" for i in range(400)]
    nodes = [one("root", 2, tuple(gates), 0.9)]
    nodes += [one(g, 1, (*leaves[20 * i : 20 * i + 20], "l399"), 0.9) for i, g in enumerate(gates)]
    nodes += [one(leaf, 0, (), 0.55 if leaf == "l399" else 0.7 + i / 2000) for i, leaf in enumerate(leaves)]
    return make_run(*nodes)


def walk(branch):
    yield branch
    for below in branch.branches:
        yield from walk(below)


def test_a_tree_that_can_be_drawn_whole_does_not_fold(chess_run):
    assert fold_tree(chess_run, analyse(chess_run)) == ()


def test_the_way_to_the_worst_node_stands_open_and_each_node_stands_in_full_once(wide_run):
    [root] = fold_tree(wide_run, analyse(wide_run))
    every = list(walk(root))
    assert root.is_open and "worst below: 0.55" in root.words
    assert root.branches[0].branches[0].name == "`l399`"
    assert sum("its helpers stand above" not in one.words for one in every if one.name == "`l399`") == 1
    assert len({one.name for one in every}) <= MOST + 2
    values = [one.words.partition("off ")[2][:4] for one in root.branches[0].branches]
    assert values == sorted(values)


def test_what_is_not_shown_is_counted(wide_run):
    [root] = fold_tree(wide_run, analyse(wide_run))
    asks = {f"`{node.name}`": len(node.helpers) for node in wide_run.nodes}
    for one in (root, *root.branches):
        left = int(one.remark.split()[0]) if one.remark else 0
        assert len(one.branches) + left == asks[one.name]
    assert any(one.remark for one in (root, *root.branches))


def test_a_page_of_hundreds_of_nodes_holds_the_lists_and_stays_small(wide_run, tmp_path):
    text = write_reports(wide_run, tmp_path).read_text(encoding="utf-8")
    assert text.count("<details open><summary><i") >= 2
    assert len(text) < 500_000


def test_lines_are_as_wide_as_what_each_helper_costs_where_that_was_measured(chess_run):
    def estimate(value):
        return Estimate(value=value, low=value - 0.01, high=value + 0.01, count=300)

    def cause(helper, value):
        return Cause(kind="helper", helper=helper, size=estimate(value))

    parts = ErrorCauses(
        error=estimate(0.1), causes=(cause("attacked", 0.1), cause("defended", -0.02)), orders=2
    )
    studies = [NodeStudy(name="verdict", causes=NodeCauses(node="verdict", off=parts, on=None))]
    edges = inherited_by_edge(studies)
    assert edges == {("verdict", "attacked"): 0.1, ("verdict", "defended"): -0.02}
    drawing = draw_tree(chess_run, analyse(chess_run), inherited=edges)
    # A tenth of inherited error is five pixels beside the 1.4 of any line; what makes up for others has none.
    assert {6.4, 1.4} <= set(drawing.widths)


def pair(number, drawing=BOARD, chance=0.03):
    one = Disagreement(
        pair=number,
        subject=number,
        part=0,
        first_truth=1,
        second_truth=0,
        first_by=1,
        second_by=-1,
        judge=0.5,
        reward=-2.0,
        chance=chance,
    )
    wrong = AdviceErrors(helper="attacked", first=0.03, second=0)
    return ShownPair(disagreement=one, first=drawing.format("1"), second=drawing.format("2"), advice=(wrong,))


def study(name, *pairs):
    return NodeStudy(name=name, disagreements=NodeDisagreements(node=name, off=pairs[1:], on=pairs[:1]))


def test_disagreements_are_shown_with_both_verdicts_and_the_advice(chess_run, tmp_path):
    studies = [study("player", pair(1), pair(2)), study("verdict", pair(3), pair(4))]
    views = choose_disagreements([each_disagreement(study) for study in studies])
    assert [view.title for view in views] == [
        "`player`, on policy",
        "`verdict`, on policy",
        "`player`, off policy",
        "`verdict`, off policy",
    ]
    assert views[0].sentences == (
        "Truth prefers the first.",
        "The judge prefers the first (right).",
        "The reward model prefers the second, 97% sure (wrong).",
        "Advice of `attacked`: 0.03 of it wrong about the first, 0.00 about the second.",
    )
    text = write_reports(chess_run, tmp_path, studies).read_text(encoding="utf-8")
    assert text.count("<img ") <= PICTURES
    assert "The reward model prefers the second, 97% sure (wrong)." in text


def test_twelve_pictures_stay_within_half_a_megabyte(chess_run, tmp_path):
    large = BOARD.replace("{}", "{}" + "<path d='M0 0h8v8z'/>" * 1000)
    nodes = tuple(
        node.model_copy(
            update={"pictures": tuple(p.model_copy(update={"svg": large}) for p in node.pictures)}
        )
        for node in chess_run.nodes
    )
    studies = [study(name, *(pair(n, large) for n in range(4))) for name in ("player", "verdict")]
    run = chess_run.model_copy(update={"nodes": nodes})
    text = write_reports(run, tmp_path, studies).read_text(encoding="utf-8")
    assert text.count("<img ") >= 6
    assert len(text) < 500_000


def test_columns_of_which_nothing_is_known_are_left_out():
    rows = (("a", "–", "1", "well"), ("b", "–", "–", ""))
    found = drop_empty(Table("t", ("node", "one", "two", "in words"), rows, words=1))
    assert found.columns == ("node", "two", "in words") and found.words == 1
    assert found.rows == (("a", "1", "well"), ("b", "–", ""))
