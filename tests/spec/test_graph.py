from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrm_tree.contracts import declare
from rrm_tree.errors import SpecError
from rrm_tree.graph import Edge, build_graph, load_graph, shape_tree
from rrm_tree.mistakes import SpecMistakes
from rrm_tree.node_spec import CriterionSpec, JudgeSpec, NodeSpec, PluginSpec
from rrm_tree.registry import register
from rrm_tree.spec import TreeSpec, load_tree

CHESS = Path(__file__).parent / "chess.yaml"


def tree_of(helpers: dict[str, list[str]]) -> TreeSpec:
    nodes = {
        name: NodeSpec(
            doc=name,
            task=PluginSpec(use="logic.gate" if below else "logic.bit"),
            criteria={"right": CriterionSpec(question="Is it so?", helpers=tuple(below))},
            judge=JudgeSpec(use="logic.person"),
        )
        for name, below in helpers.items()
    }
    return TreeSpec(version=1, name="tree", nodes=nodes)


def test_levels_and_order_of_the_chess_tree_are_those_drawn_by_hand() -> None:
    graph = shape_tree(load_tree(CHESS))
    assert graph.order == ("ray", "attacked", "defended", "verdict", "player")
    assert [graph.level[name] for name in graph.order] == [0, 1, 1, 2, 3]
    assert graph.root == "player"
    assert graph.parents["ray"] == ("attacked", "defended")
    assert graph.descendants("verdict") == ("ray", "attacked", "defended")
    assert graph.ancestors("attacked") == ("verdict", "player")
    assert Edge("player", "mates", "verdict") in graph.edges


@given(st.lists(st.sets(st.integers(0, 30)), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_helpers_come_before_those_they_help_however_the_nodes_are_written(
    below: list[set[int]], order: st.random.Random
) -> None:
    helpers = {f"n{at}": [f"n{one % at}" for one in chosen] if at else [] for at, chosen in enumerate(below)}
    helpers = {name: list(dict.fromkeys(chosen)) for name, chosen in helpers.items()}
    names = list(helpers)
    order.shuffle(names)
    graph, same = shape_tree(tree_of(helpers)), shape_tree(tree_of({name: helpers[name] for name in names}))
    assert graph.order == same.order
    for name, chosen in helpers.items():
        assert all(graph.level[helper] < graph.level[name] for helper in chosen)
        assert graph.level[name] == 0 or any(graph.level[one] == graph.level[name] - 1 for one in chosen)


@pytest.mark.parametrize(
    ("helpers", "message"),
    [
        ({"a": ["a"]}, "helpers form a loop: a -> a"),
        ({"a": ["b"], "b": ["c"], "c": ["a"]}, "helpers form a loop: a -> b -> c -> a"),
        ({"a": ["b"], "b": ["b"], "c": []}, "helpers form a loop: b -> b"),
        ({"a": ["c"], "b": ["c"], "c": []}, "a tree has one root, but nobody names a, b as a helper"),
        ({"a": ["d"], "d": [], "b": ["c"], "c": ["b", "e"], "e": []}, "no root reaches 'e'"),
        ({"a": ["bb"], "b": []}, "no node is named 'bb'; did you mean 'b'?"),
    ],
)
def test_a_wrong_shape_is_named_in_trees_built_in_python_too(
    helpers: dict[str, list[str]], message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        build_graph(tree_of(helpers))
    assert message in str(caught.value)


def test_two_loops_are_both_shown() -> None:
    with pytest.raises(SpecMistakes) as caught:
        build_graph(tree_of({"r": ["a", "c"], "a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}))
    loops = [one.message for one in caught.value.mistakes if "loop" in one.message]
    assert loops == ["helpers form a loop: a -> b -> a", "helpers form a loop: c -> d -> c"]


def test_the_tree_of_a_file_keeps_its_places_when_it_is_checked_later(logic: Path) -> None:
    logic.write_text(logic.read_text().replace("helpers: [low]", "helpers: [top]"))
    with pytest.raises(
        SpecError, match=rf"{logic.name}:10:\d+: nodes.top.criteria.right.helpers: helpers form"
    ):
        build_graph(load_tree(logic))


@pytest.mark.slow
def test_a_thousand_nodes_take_seconds_not_minutes(tmp_path: Path) -> None:
    helpers = {
        f"n{at}": [f"n{below}" for below in (2 * at + 1, 2 * at + 2) if below < 1000] for at in range(1000)
    }
    file = tmp_path / "large.yaml"
    text = tree_of(helpers).to_yaml().replace("use: logic.gate", "use: large_root:root", 1)
    (tmp_path / "large_root.py").write_text(
        "from rrm_tree.contracts import declare\n"
        "@declare(version='1', subject=None, accepts={'logic.claim': 'logic.position'})\n"
        "def root():\n    ...\n"
    )
    file.write_text(text.replace("use: logic.person", "use: truth", 1))
    start = time.process_time()
    assert len(load_graph(file).order) == 1000
    assert time.process_time() - start < 10


def test_an_algorithm_for_one_step_is_refused_where_episodes_have_many() -> None:
    node = NodeSpec(
        doc="?",
        task=PluginSpec(use="CartPole-v1"),
        criteria={"better": CriterionSpec(question="?")},
        judge=JudgeSpec(use="teacher"),
    )
    tree = TreeSpec(version=1, name="pole", nodes={"only": node})
    with pytest.raises(SpecError, match=r"nodes\.only\.agent.*'greedy' is for tasks of one step.*use `ppo`"):
        build_graph(tree)


def test_names_that_differ_in_capital_letters_alone_are_refused_where_the_second_stands(logic: Path) -> None:
    text = logic.read_text()
    logic.write_text(text.replace("[low]", "[low, LOW]") + "  LOW:\n" + text.partition("  low:\n")[2])
    with pytest.raises(SpecMistakes) as caught:
        load_graph(logic)
    lines = {one.message: one.place.line for one in caught.value.mistakes if one.place}
    said = "'LOW' and 'low' differ in capital letters alone; choose another name"
    assert lines[said] == text.count("\n") + 1


def test_arms_that_differ_in_capital_letters_alone_are_refused(logic: Path) -> None:
    logic.write_text(logic.read_text() + "    arms: {alone: {}, Alone: {}}\n")
    with pytest.raises(SpecMistakes, match=r"nodes\.low\.arms\.Alone: 'Alone' and 'alone' differ"):
        load_graph(logic)


def test_demonstrations_of_a_judge_who_is_asked_for_none_cannot_be_imitated() -> None:
    node = NodeSpec(
        doc="?",
        task=PluginSpec(use="blocks"),
        criteria={"better": CriterionSpec(question="?")},
        judge=JudgeSpec(use="teacher", kind="demonstration"),
        agent=PluginSpec.model_validate({"use": "ppo", "with": {"demonstrations": "judged"}}),
    )
    tree = TreeSpec(version=1, name="square", nodes={"only": node})
    build_graph(tree)
    asks = node.model_copy(update={"judge": JudgeSpec(use="teacher", kind="preference")})
    with pytest.raises(SpecError, match=r"agent\.with\.demonstrations: 'judged' means those of the judge"):
        build_graph(tree.model_copy(update={"nodes": {"only": asks}}))


@register("judge", "shows_alone")
@declare(version="1", kinds=("demonstration",), direct=True, tasks=None)
def shows_alone() -> None:
    """Gives nothing but demonstrations."""


@register("judge", "of_no_version")
@declare(kinds=("label", "preference"), direct=True, tasks=None)
def of_no_version() -> None:
    """Has forgotten to say which version it is."""


def test_a_judge_who_gives_nothing_but_demonstrations_need_not_be_asked_for_them() -> None:
    node = NodeSpec(
        doc="?",
        task=PluginSpec(use="blocks"),
        criteria={"better": CriterionSpec(question="?")},
        judge=JudgeSpec(use="shows_alone"),
        agent=PluginSpec.model_validate({"use": "ppo", "with": {"demonstrations": "judged"}}),
    )
    assert build_graph(TreeSpec(version=1, name="square", nodes={"only": node})).order == ("only",)


def test_a_judge_next_in_line_declares_a_version_as_the_first_does() -> None:
    judge = JudgeSpec(use="truth", fallback=(PluginSpec(use="of_no_version"),))
    leaf = tree_of({"a": []}).nodes["a"].model_copy(update={"judge": judge})
    with pytest.raises(SpecError, match=r"judge\.fallback\.0\.use: .*declares no `version`"):
        build_graph(TreeSpec(version=1, name="tree", nodes={"a": leaf}))
