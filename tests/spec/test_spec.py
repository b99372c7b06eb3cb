from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from rrm_tree.errors import SpecError
from rrm_tree.node_spec import STANDARD_ARMS, CriterionSpec, JudgeSpec, NodeSpec, PluginSpec, edit_node
from rrm_tree.spec import TreeSpec, load_tree

CHESS = Path(__file__).parent / "chess.yaml"
Write = Callable[[str], Path]


def node(**changes: object) -> NodeSpec:
    base: dict[str, object] = {
        "doc": "Does it hold?",
        "task": "logic.bit",
        "criteria": {"right": {"question": "Is it so?"}},
        "judge": {"use": "logic.person", "with": {"looks": 20, "look_error": 0.1}},
    }
    return NodeSpec.model_validate(base | changes)


def test_defaults_are_merged_into_nodes_key_by_key() -> None:
    tree = load_tree(CHESS)
    assert (tree.nodes["player"].budget.judgments, tree.nodes["player"].budget.rounds) == (500, 2)
    assert (tree.nodes["ray"].budget.judgments, tree.nodes["ray"].budget.rounds) == (2000, 2)


def test_a_node_with_another_plugin_does_not_inherit_the_options_of_the_default(write_spec: Write) -> None:
    text = CHESS.read_text().replace(
        "task: chess.ray", "task: chess.ray\n    judge: {use: truth, kind: label}"
    )
    tree = load_tree(write_spec(text))
    assert tree.nodes["ray"].judge == JudgeSpec(use="truth", kind="label")
    assert tree.nodes["player"].judge.options == {"looks": 20}


def test_a_bare_text_is_short_for_a_plugin_without_options() -> None:
    assert node(task="logic.gate").task == PluginSpec(use="logic.gate")
    assert node(reward_model={"network": "board"}).reward_model.network == PluginSpec(use="board")


@pytest.mark.parametrize(
    ("budget", "wanted"),
    [("50k", 50_000), ("2M", 2_000_000), ("1_000", 1000), ("1.5k", 1500), (7.0, 7), ("3", 3)],
)
def test_counts_are_written_as_people_write_them(budget: object, wanted: int) -> None:
    judgments = node(budget={"judgments": budget}).budget.judgments
    assert judgments == wanted
    assert isinstance(judgments, int)


def test_sizes_and_times_have_units() -> None:
    resources = node(resources={"memory": "512MiB"}).resources
    assert resources.memory == 512 * 1024**2
    assert node(resources={"memory": "2GB"}).resources.memory == 2 * 10**9
    assert [node(budget={"cpu_seconds": text}).budget.cpu_seconds for text in ("90s", "10min", "2h", 5)] == [90, 600, 7200, 5]  # noqa: E501  # fmt: skip


@pytest.mark.parametrize("wrong", [True, "2x", "-", "50 kk", "1e400", [1], None, 1.5])
def test_what_is_no_count_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        node(budget={"judgments": wrong})


def test_arms_are_standard_ones_by_name_or_own_ones_with_edits() -> None:
    assert node(arms=["alone", "truth"]).arms == {name: STANDARD_ARMS[name] for name in ("alone", "truth")}
    own = node(arms={"ideal": None, "careful": {"judge": {"with": {"look_error": 0}}}}).arms
    assert list(own) == ["ideal", "careful"]
    careful = edit_node(node(), own["careful"])
    assert careful.judge.options == {"looks": 20, "look_error": 0}


def test_an_edit_that_changes_the_plugin_drops_its_options_and_nothing_else() -> None:
    edited = edit_node(node(judge={"use": "a", "with": {"x": 1}, "sees": ["outcome"]}), {"judge": "truth"})
    assert edited.judge == JudgeSpec(use="truth", sees=("outcome",))
    with pytest.raises(SpecError, match=r"judge\.sees: 'advise' is not known"):
        edit_node(node(), {"judge": {"sees": ["advise"]}})


def test_a_tree_goes_through_json_and_comes_back_the_same() -> None:
    tree = load_tree(CHESS)
    assert TreeSpec.model_validate_json(tree.model_dump_json(by_alias=True)) == tree


def test_a_tree_can_be_built_in_python_written_and_read_again(write_spec: Write) -> None:
    criteria = {"right": CriterionSpec(question="Is it so?")}
    bit = NodeSpec(
        doc="Does it hold?", task=PluginSpec(use="logic.bit"), criteria=criteria, judge=JudgeSpec(use="truth")
    )
    tree = TreeSpec(version=1, name="small", nodes={"bit": bit})
    assert load_tree(write_spec(tree.to_yaml())) == tree
    assert tree.source is None


def test_writing_an_unchanged_tree_gives_the_text_it_was_read_from() -> None:
    assert load_tree(CHESS).to_yaml() == CHESS.read_text()


def test_writing_a_changed_tree_keeps_comments_and_changes_what_changed(write_spec: Write) -> None:
    tree = load_tree(CHESS, ["seed=8"])
    ray = edit_node(tree.nodes["ray"], {"budget": {"looks": "9k"}, "gate": {"accept": 0.98}})
    changed = tree.model_copy(update={"nodes": {**tree.nodes, "ray": ray}})
    text = changed.to_yaml()
    assert "# all of them look at boards" in text
    assert load_tree(write_spec(text)) == changed
    kept = set(CHESS.read_text().splitlines()) & set(text.splitlines())
    assert len(kept) >= len(set(CHESS.read_text().splitlines())) - 2


def test_sets_change_values_below_shorthands_defaults_and_lists() -> None:
    sets = [
        "nodes.ray.task.with.size=3",
        "nodes.ray.budget.looks=2k",
        "defaults.budget.rounds=5",
        "nodes.verdict.criteria.mate.helpers.0=ray",
        "nodes.player.arms=[ideal]",
        "nodes.ray.gate=",
    ]
    nodes = load_tree(CHESS, sets).nodes
    assert nodes["ray"].task == PluginSpec.model_validate({"use": "chess.ray", "with": {"size": 3}})
    assert (nodes["ray"].budget.looks, nodes["ray"].budget.rounds, nodes["ray"].gate) == (2000, 5, None)
    assert nodes["verdict"].helpers == ("ray", "defended")
    assert list(nodes["player"].arms) == ["ideal"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("nodes.rya.budget.looks=3", "no node is named 'rya'; did you mean 'ray'?"),
        ("nodes.ray.budgte.looks=3", "there is no key 'budgte' here; did you mean 'budget'?"),
        ("nodes.ray.doc.more=3", "there is no 'more' in it"),
        ("nodes.player.criteria.mates.helpers.7=ray", "a list of 3"),
        ("nodes.ray.budget.looks", "must read path.to.key=value"),
        ("nodes.ray.budget.looks=[1", "cannot be read"),
        ("nodes.ray.budget.looks=many", "must be a number such as"),
        ("..=1", "must read path.to.key=value"),
    ],
)
def test_a_wrong_set_is_shown_as_it_was_typed(setting: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_tree(CHESS, [setting])
    assert str(caught.value).startswith(f"--set {setting}: ")
    assert message in str(caught.value)


def test_a_set_changes_one_node_where_two_share_an_anchor(write_spec: Write) -> None:
    text = CHESS.read_text().replace("budget: {judgments: 500}", "budget: *b")
    text = text.replace("task: chess.ray", "task: chess.ray\n    budget: &b {judgments: 9}")
    nodes = load_tree(write_spec(text), ["nodes.player.budget.judgments=5"]).nodes
    assert (nodes["ray"].budget.judgments, nodes["player"].budget.judgments) == (9, 5)


def test_free_keys_may_hold_anchors_that_nodes_merge(write_spec: Write) -> None:
    text = CHESS.read_text().replace("defaults:", "x-small: &small {judgments: 3, rounds: 1}\ndefaults:")
    text = text.replace("budget: {judgments: 500}", "budget: {<<: *small, rounds: 4}")
    budget = load_tree(write_spec(text)).nodes["player"].budget
    assert (budget.judgments, budget.rounds) == (3, 4)


def test_yaml_1_2_rules_decide_what_a_number_is(write_spec: Write) -> None:
    text = "version: 1\nname: no\nseed: 0x10\nnodes:\n  n:\n    doc: yes\n    task: {use: a, with: {a: 1e-3, b: 012, c: on, d: 0o17, e: 1_0, f: 12:30, g: ~, h: 2001-01-01}}\n    criteria: {q: {question: off}}\n    judge: j\n"  # noqa: E501
    tree = load_tree(write_spec(text))
    assert (tree.name, tree.seed, tree.nodes["n"].doc) == ("no", 16, "yes")
    assert tree.nodes["n"].task.options == {
        "a": 0.001, "b": 12, "c": "on", "d": 15, "e": 10, "f": "12:30", "g": None, "h": "2001-01-01",
    }  # fmt: skip
