"""Keys, order and reasons: what a plan promises for every tree."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_trees import DIAMOND, make_plan, make_tree

from rrm_tree.plan import Plan, blocked_by, key_of, ready
from rrm_tree.records import Done
from rrm_tree.why import explain


@st.composite
def shapes(draw):
    """A tree by its helpers: every node but the root helps one above it, so that all are reached."""
    count = draw(st.integers(1, 7))
    helpers = {f"n{index}": set() for index in range(count)}
    for index in range(1, count):
        for parent in draw(st.sets(st.integers(0, index - 1), min_size=1, max_size=3)):
            helpers[f"n{parent}"].add(f"n{index}")
    return {name: sorted(below) for name, below in helpers.items()}


def finish(ticket, looks=20):
    """What training would leave behind, if equal inputs and nothing else gave equal bytes."""
    objects = {"agent": ticket.fingerprint, "reward": ticket.fingerprint}
    return Done(
        key=ticket.key,
        node=ticket.entry,
        fingerprint=ticket.fingerprint,
        rounds=1,
        judgments=10,
        looks=looks,
        gate_passed=None,
        objects=objects,
        content=ticket.fingerprint,
    )


def all_keys(plan):
    done, keys = {}, {}
    for entry in plan.entries:
        ticket = key_of(entry, done)
        keys[entry.name], done[entry.name] = ticket.key, finish(ticket)
    return keys


def above(shape, name):
    parents = {parent for parent, helpers in shape.items() if name in helpers}
    return parents.union(*(above(shape, parent) for parent in parents))


@settings(deadline=None)
@given(shapes(), st.data())
def test_an_edit_changes_the_keys_of_exactly_the_node_and_its_ancestors(shape, data):
    name = data.draw(st.sampled_from(sorted(shape)))
    before = all_keys(make_plan(make_tree(shape)))
    after = all_keys(make_plan(make_tree(shape, {name: {"budget": {"judgments": 11}}})))
    changed = {entry for entry in before if before[entry] != after[entry]}
    assert changed == {name} | above(shape, name)


@settings(deadline=None)
@given(shapes(), st.data(), st.sampled_from([{"wrong": 0.1}, {"ideal": True}]))
def test_what_a_helper_answers_changes_the_keys_of_exactly_those_who_hear_it(shape, data, answers):
    name = data.draw(st.sampled_from(sorted(shape)))
    before = all_keys(make_plan(make_tree(shape)))
    after = all_keys(make_plan(make_tree(shape, {name: {"answers": answers}})))
    assert {entry for entry in before if before[entry] != after[entry]} == above(shape, name)


def test_nobody_waits_for_a_helper_that_answers_ideally_nor_for_those_below_it():
    plan = make_plan(
        make_tree(edits={"left": {"answers": {"ideal": True}}, "right": {"answers": {"ideal": True}}})
    )
    assert plan.by_name["root"].waits == plan.by_name["root"].helpers == ()
    assert [entry.name for entry in make_plan(plan.tree, only="root").entries] == ["root"]


def test_a_helper_of_two_is_still_loaded_where_one_of_them_answers_ideally():
    plan = make_plan(make_tree(edits={"left": {"answers": {"ideal": True}}}))
    assert plan.by_name["root"].helpers == ("leaf", "right")


@settings(deadline=None)
@given(shapes(), st.data())
def test_the_order_in_the_file_changes_no_key(shape, data):
    other = dict(data.draw(st.permutations(sorted(shape.items()))))
    assert all_keys(make_plan(make_tree(shape))) == all_keys(make_plan(make_tree(other)))


def test_what_changes_no_bytes_changes_no_key():
    plain = all_keys(make_plan(make_tree()))
    edits = {"leaf": {"doc": "in other words", "resources": {"cpu": 2}, "arms": {"ideal": {"help": "ideal"}}}}
    assert plain.items() <= all_keys(make_plan(make_tree(edits=edits))).items()


@pytest.mark.parametrize("setting", [{"seed": 1}, {"measure": {"pairs": 7}}])
def test_a_setting_of_the_tree_changes_every_key(setting):
    plain, other = all_keys(make_plan(make_tree())), all_keys(make_plan(make_tree(**setting)))
    assert all(plain[name] != other[name] for name in plain)


def test_a_declared_version_changes_every_key():
    one, two = all_keys(make_plan(make_tree())), all_keys(make_plan(make_tree(), version="2"))
    assert all(one[name] != two[name] for name in one)


def test_the_task_of_a_parent_decides_what_its_helpers_are_asked_about():
    other = make_tree(edits={"left": {"task": {"use": "fake", "with": {"size": 2}}}})
    before, after = all_keys(make_plan(make_tree())), all_keys(make_plan(other))
    assert {name for name in before if before[name] != after[name]} == {"leaf", "left", "right", "root"}


def test_a_criterion_that_does_not_lead_to_a_helper_leaves_it_alone():
    one = {"question": "?", "helpers": ["leaf"]}
    edit = {"left": {"criteria": {"right": one, "other": {"question": "!"}}}}
    before, after = all_keys(make_plan(make_tree())), all_keys(make_plan(make_tree(edits=edit)))
    assert {name for name in before if before[name] != after[name]} == {"left", "root"}


def test_equal_bytes_of_a_helper_stop_an_edit_there():
    plan = make_plan(make_tree(edits={"leaf": {"budget": {"judgments": 99}}}))
    before, leaf = all_keys(make_plan(make_tree())), plan.by_name["leaf"]
    same = key_of(make_plan(make_tree()).by_name["leaf"], {}).fingerprint
    done = {"leaf": finish(key_of(leaf, {})).model_copy(update={"objects": {"agent": same, "reward": same}})}
    assert key_of(plan.by_name["left"], done).key == before["left"]


@settings(deadline=None)
@given(shapes(), st.integers(0, 2**32), st.data())
def test_everything_is_offered_once_and_only_when_its_helpers_are_done(shape, seed, data):
    arms = {name: {"arms": ["alone", "ideal"]} for name in data.draw(st.sets(st.sampled_from(sorted(shape))))}
    plan, rng = make_plan(make_tree(shape, arms)), np.random.default_rng(seed)
    done, started = set(), []
    while len(done) < len(plan.entries):
        started += [entry.name for entry in ready(plan, done, {*started} - done)][:2]
        assert all(set(plan.by_name[name].waits) <= done for name in started if name not in done)
        done.add(rng.choice(sorted(set(started) - done)))
    assert sorted(started) == sorted(plan.by_name)


def test_the_longest_remaining_path_comes_first_then_the_name():
    shape = {"root": ["a", "b", "middle"], "a": [], "b": [], "middle": ["z"], "z": []}
    names = [entry.name for entry in ready(make_plan(make_tree(shape)), set(), set())]
    assert names == ["z", "a", "b"]


def test_a_failure_stops_its_ancestors_and_nothing_else():
    assert blocked_by(make_plan(make_tree()), {"left"}) == {"root": "left"}


def test_an_arm_may_spend_the_looks_of_the_node_and_of_all_it_does_without():
    arms = ["alone", "alone_sees_advice", "ideal", "truth"]
    plan = make_plan(make_tree(edits={"root": {"arms": arms}}))
    limits, done = {}, {}
    for entry in plan.entries:
        ticket = key_of(entry, done)
        limits[entry.name] = ticket.inputs["looks_limit"]
        done[entry.name] = finish(ticket, looks={"leaf": 1, "left": 20, "right": 300}.get(entry.name, 4000))
    assert limits["root~alone"] == 4321
    assert limits["root~alone_sees_advice"] == 4000
    assert limits["root~ideal"] is limits["root~truth"] is limits["root"] is None


def test_an_arm_without_helpers_loads_none_but_waits_for_what_it_must_cost():
    plan = make_plan(make_tree(edits={"root": {"arms": ["alone", "ideal"]}}))
    alone, ideal = plan.by_name["root~alone"], plan.by_name["root~ideal"]
    assert (alone.helpers, set(alone.waits)) == ((), {"leaf", "left", "right", "root"})
    assert (ideal.helpers, ideal.waits) == ((), ())


@pytest.mark.slow
def test_another_process_gives_the_run_the_same_name():
    code = "from small_trees import *; print(make_plan(make_tree(edits={'root': {'arms': ['alone']}})).run)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    names = {
        subprocess.check_output([sys.executable, "-c", code], env={**environment, "PYTHONHASHSEED": seed})
        for seed in ("1", "2", "3")
    }
    assert names == {f"{make_plan(make_tree(edits={'root': {'arms': ['alone']}})).run}\n".encode()}


def test_only_keeps_a_node_and_what_it_needs():
    assert [entry.name for entry in make_plan(make_tree(), only="left").entries] == ["leaf", "left"]


def test_a_plan_survives_its_json_with_the_order_of_nodes_and_criteria():
    criteria = {"z": {"question": "?", "helpers": ["leaf"]}, "a": {"question": "!"}}
    plan = make_plan(make_tree(edits={"left": {"criteria": criteria}}))
    again = Plan.model_validate_json(plan.to_json())
    assert again == plan
    assert list(again.tree.nodes) == list(DIAMOND)
    assert list(again.by_name["left"].spec.criteria) == ["z", "a"]
    assert all_keys(again) == all_keys(plan)


def why(plan, done=None, latest=None, rounds=0):
    found = explain(plan, (done or {}).get, lambda key: rounds, latest or {})
    return {one.entry: list(one.reasons) for one in found}


def remember(plan):
    """What the store would say after a run of the plan: Done by key, inputs by entry."""
    done, by_key, latest = {}, {}, {}
    for entry in plan.entries:
        ticket = key_of(entry, done)
        done[entry.name] = by_key[ticket.key] = finish(ticket)
        latest[entry.name] = ticket.inputs
    return by_key, latest


def test_reasons_name_the_setting_that_changed_and_the_helpers_that_come_first():
    by_key, latest = remember(make_plan(make_tree()))
    changed = make_plan(make_tree(edits={"leaf": {"budget": {"judgments": 800, "rounds": 3}}}))
    assert why(changed, by_key, latest) == {
        "leaf": ["budget.judgments changed 10 → 800"],
        "left": ["leaf will be trained first"],
        "right": ["leaf will be trained first"],
        "root": ["leaf, left, right will be trained first"],
    }


def test_reasons_name_a_helper_that_learned_something_else():
    plan = make_plan(make_tree({"root": ["leaf"], "leaf": []}))
    _, latest = remember(plan)
    leaf = key_of(plan.by_name["leaf"], {})
    other = {leaf.key: finish(leaf).model_copy(update={"objects": {"agent": "x", "reward": "y"}})}
    assert why(plan, other, latest)["root"] == ["helper leaf learned something else"]


def test_reasons_for_what_was_never_trained_and_for_what_was_interrupted():
    plan = make_plan(make_tree({"leaf": []}))
    assert why(plan)["leaf"] == ["never trained"]
    assert why(plan, rounds=2)["leaf"] == ["2 of at most 3 rounds are stored"]
    assert why(plan, remember(plan)[0])["leaf"] == ["done"]


def test_a_notebook_shows_what_is_trained_in_which_order():
    plan = make_plan(make_tree(DIAMOND))
    names = re.findall(r"<tr><td>([^<]*)</td>", plan._repr_html_())
    assert names == [entry.name for entry in plan.entries]
