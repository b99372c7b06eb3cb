"""What a spec may be at most: just so much is read, one more is refused, and places are named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrm_tree.errors import SpecError
from rrm_tree.graph import load_graph
from rrm_tree.limits import MAX_ENTRIES, MAX_MERGED
from rrm_tree.mistakes import LONGEST, MOST, Mistake, SpecMistakes, suggest
from rrm_tree.spec import draft_tree
from rrm_tree.yaml_source import (
    LONGEST_TAG,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_LINES,
    MAX_VALUES,
    read_file,
    read_text,
)

HEAD = "version: 1\nname: big\n"
NODE = """
    doc: Does the rule hold at most of these three places?
    task: {use: logic.gate, with: {gates: [majority], fan_in: 3}}
    criteria: {right: {question: Is the claim about these three places right?, helpers: [%s]}}
    judge: {use: logic.person, with: {looks: 8, look_error: 0.1}}
    budget: {judgments: 600, steps: 20_000, rounds: 2}
"""


def test_the_reference_says_the_limits():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "spec.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([0-9,]+) \| ", page, re.MULTILINE)
    limits = (MAX_BYTES, MAX_LINES, MAX_VALUES, MAX_DEPTH, MAX_ENTRIES, MAX_MERGED)
    assert rows == [f"{one:,}" for one in limits]


def said_of(text):
    with pytest.raises(SpecError) as caught:
        draft_tree(read_text(text)).finish()
    return str(caught.value)


@pytest.mark.slow
def test_a_thousand_nodes_written_out_are_read(tmp_path):
    nodes = (
        f"  n{one}:" + NODE % ", ".join(f"n{below}" for below in (2 * one + 1, 2 * one + 2) if below < 1_000)
        for one in range(1_000)
    )
    file = tmp_path / "spec.yaml"
    text = HEAD + "nodes:\n" + "".join(nodes)
    file.write_text(text.replace("logic.gate", "logic.circuit", 1))
    assert len(load_graph(file).order) == 1_000


@pytest.mark.slow
def test_so_many_bytes_and_no_more(tmp_path):
    file, start = tmp_path / "spec.yaml", b"x-a: 1 #"
    file.write_bytes(start.ljust(MAX_BYTES, b"c"))
    read_file(file)
    file.write_bytes(start.ljust(MAX_BYTES + 1, b"c"))
    with pytest.raises(SpecError, match=r"at most 1,000,000 bytes"):
        read_file(file)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028"])
def test_so_many_lines_and_no_more(end):
    read_text("x-a: 1" + end * MAX_LINES)
    with pytest.raises(SpecError, match=r":50001:1: a spec holds at most 50,000 lines"):
        read_text("x-a: 1" + end * (MAX_LINES + 1))


@pytest.mark.slow
def test_so_many_values_and_no_more():
    # The mapping, its key and the list are values too.
    read_text("x-a: [" + "1," * (MAX_VALUES - 3) + "]")
    with pytest.raises(SpecError, match=r"more than 45,000 values"):
        read_text("x-a: [" + "1," * (MAX_VALUES - 2) + "]")


def test_so_deep_and_no_deeper():
    read_text("x-a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1))
    with pytest.raises(SpecError, match=f"nested more than {MAX_DEPTH} deep"):
        read_text("x-a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH)


def test_a_tag_that_is_too_long_to_be_read_is_refused_where_it_starts():
    assert "the tag '!ttt" in said_of("name: !" + "t" * (LONGEST_TAG - 1) + " x")
    with pytest.raises(SpecError, match=r":2:7: '!' begins a tag, and a spec has none"):
        read_text("version: 1\nname: !" + "t" * LONGEST_TAG + " x")


@pytest.mark.parametrize("text", ["name: No!" + "n" * 2_000, "name: '[x!" + "n" * 2_000 + "'"])
def test_a_long_word_with_an_exclamation_mark_is_no_tag(text):
    assert read_text(text).root.content["name"].content.endswith("nnn")


def nodes_and_arms(nodes, last):
    """A spec of so many nodes with an arm each, and a last node."""
    return (
        HEAD + "nodes:\n" + "".join(f"  n{one}: {{arms: [alone]}}\n" for one in range(nodes)) + f"  z: {last}"
    )


def test_so_many_nodes_and_arms_and_no_more():
    most = MAX_ENTRIES // 2 - 1
    assert "nodes and arms" not in said_of(nodes_and_arms(most, "{arms: [alone]}"))
    large = said_of(nodes_and_arms(most, "{arms: [alone, ideal]}"))
    assert f":{most + 4}:3: nodes.z: with this node the tree has more than 3,000 nodes and arms" in large
    in_defaults = f"defaults: {{arms: [alone]}}\n{nodes_and_arms(most, '{arms: [alone]}')}"
    assert "nodes and arms" in said_of(in_defaults)


def test_so_many_settings_with_defaults_merged_in_and_no_more():
    def spec(nodes):
        # 1 for the mapping under `defaults`, 2 for its only key and value, 997 items: 1,000 with every node.
        defaults = "defaults: {task: [" + "1," * 997 + "]}\n"
        return HEAD + defaults + "nodes:\n" + "".join(f"  n{one}: 1\n" for one in range(nodes))

    most = MAX_MERGED // 1_001
    assert "`defaults` counted" not in said_of(spec(most))
    assert f":{most + 5}:3: nodes.n{most}: with this node" in said_of(spec(most + 1))


def test_with_more_mistakes_than_are_shown_no_more_are_looked_for():
    few = said_of(HEAD + "nodes:\n" + "".join(f"  n{one}: 1\n" for one in range(MOST)))
    assert few.endswith(f"\n{MOST} mistakes in <text>")
    many = said_of(HEAD + "nodes:\n" + "".join(f"  n{one}: 1\n" for one in range(50 * MOST // 2)))
    assert many.endswith(f"\nmore than {MOST} mistakes in <text>; {MOST} are shown")
    assert many.count(": nodes.n") == MOST


def test_a_mistake_in_the_defaults_is_one_mistake_however_many_nodes_there_are():
    nodes = "".join(f"  n{one}: {{}}\n" for one in range(3 * MOST))
    text = HEAD + "defaults: {doc: x, task: t, judge: j, criteria: {c: {question: q}}, budget: 3}\nnodes:\n"
    assert said_of(text + nodes).count("must be a mapping") == 1


def test_a_message_that_quotes_something_huge_keeps_its_ends():
    word = "k" * 100_000
    (mistake,) = SpecMistakes([Mistake((), f"no node is named '{word}'; see `rrm list`")]).mistakes
    assert len(mistake.message) <= LONGEST + 3
    assert mistake.message.startswith("no node is named 'kkk")
    assert mistake.message.endswith("kkk'; see `rrm list`")


NAMES = [f"{part}_{number}" for part in ("judgments", "steps", "rounds", "looks") for number in range(200)]


@given(st.sampled_from(NAMES), st.data())
def test_among_many_words_the_meant_one_is_found_after_a_slip(name, data):
    place = data.draw(st.integers(0, len(name) - 5))
    slip = name[:place] + name[place + 1] + name[place] + name[place + 2 :]
    assert suggest(slip, NAMES) == f"; did you mean '{name}'?"


def test_what_is_meant_by_a_word_longer_than_any_name_is_not_guessed():
    assert suggest("judgments" * 10, ["judgments" * 10 + "s"] * 2) == "; there is " + "judgments" * 10 + "s"
