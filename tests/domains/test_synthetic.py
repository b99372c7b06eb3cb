"""The synthetic world: truth from the top down, and errors that grow as arithmetic says."""

import numpy as np
import pytest

from rrm_tree.domains.synthetic.task import Gate
from rrm_tree.measure.declared import DeclaredTeam
from rrm_tree.propagation.depth import bound_of_votes, foretell_levels, foretell_sums, pass_through
from rrm_tree.registry import find
from rrm_tree.spec import TreeSpec


def a_tree(rule, fan_in):
    node = {
        "doc": "is it true?",
        "criteria": {"right": {"question": "is it right?"}},
        "judge": {"use": "synthetic.person", "with": {"look_error": 0.0, "read_error": 0.0}},
    }
    right = {"question": "is it right?", "helpers": ["leaf"]}
    options = {"use": "synthetic.root", "with": {"rule": rule, "fan_in": fan_in}}
    nodes = {
        "root": {**node, "task": options, "criteria": {"right": right}},
        "leaf": {**node, "task": "synthetic.leaf"},
    }
    return TreeSpec.model_validate({"version": 1, "name": "two", "nodes": nodes})


@pytest.mark.parametrize("rule", ["vote", "majority", "and", "or", "parity"])
def test_what_holds_below_a_place_gives_what_holds_at_it(rule):
    task = Gate(rule, 3, 64)
    places = task.starts(400, "measure", np.random.default_rng(0))
    below = task.below(places)
    assert (task.says(below) == (places["value"] != 0)).all()
    assert len(np.unique(below, axis=0)) == (2 if rule == "vote" else 8)
    asked = task.questions(task.ideal(places), "right", "synthetic.claim")
    assert (asked.subjects["value"] == below.reshape(-1)).all()
    assert len(np.unique(asked.subjects["code"])) == 1200


@pytest.mark.parametrize(("rule", "fan_in"), [("vote", 3), ("and", 2), ("or", 2)])
def test_a_declared_tree_errs_as_often_as_arithmetic_says(rule, fan_in):
    team = DeclaredTeam(a_tree(rule, fan_in), {"leaf": 0.1, "root": 0.05})
    agent = team.declared("root")
    places = agent.task.starts(3000, "measure", np.random.default_rng(1))
    wrong = agent.task.truth(agent.answer(places))[:, 0] == 0
    patterns = tuple([tuple(one) for one in some] for some in agent.task.patterns)
    rates = pass_through(lambda said: bool(agent.task.says(np.array([said]))[0]), patterns, (0.1, 0.1), 0.05)
    for value, rate in enumerate(rates):
        # Four standard errors.
        assert wrong[places["value"] == value].mean() == pytest.approx(rate, abs=4 * 0.5 / np.sqrt(1500))


def test_two_inputs_of_an_and_gate_by_hand():
    patterns = ([(False, False), (False, True), (True, False)], [(True, True)])
    no, yes = pass_through(all, patterns, (0.1, 0.2), 0.0)
    # Of "no": both wrong, or the false one wrong and the true one right; of "yes": not both right.
    assert no == pytest.approx((0.1 * 0.1 + 2 * 0.1 * 0.8) / 3)
    assert yes == pytest.approx(1 - 0.8**2)
    assert pass_through(all, patterns, (0.0, 0.0), 0.03) == pytest.approx((0.03, 0.03))


def test_votes_of_three_stay_bounded_below_a_sixth_and_are_lost_above():
    patterns = ([(False,) * 3], [(True,) * 3])
    deep = [foretell_levels(lambda said: sum(said) > 1, patterns, noise, 200)[-1] for noise in (0.15, 0.18)]
    assert deep == pytest.approx([bound_of_votes(0.15), 0.5], abs=0.002)
    # FIELD's prototypes: .10 ends at .146, .15 at .311.
    assert [round(bound_of_votes(noise), 3) for noise in (0.1, 0.15)] == [0.146, 0.311]


def test_a_person_without_slips_is_always_right():
    person, leaf = find("judge", "synthetic.person"), find("task", "synthetic.leaf").build({})
    assert person.facts.noiseless == {"look_error": 0.0, "read_error": 0.0}
    with pytest.raises(Exception, match="accepts no helpers"):
        leaf.questions(leaf.ideal(leaf.starts(4, "measure", np.random.default_rng(0))), "right", "any")


@pytest.mark.parametrize("shared", [0.0, 0.6])
def test_sums_of_two_levels_err_as_the_formula_says_common_errors_included(shared):
    rng, places, noise = np.random.default_rng(3), 60_000, 0.2
    leaves = rng.standard_normal((places, 2))
    common = np.sqrt(noise * shared) * rng.standard_normal((places, 1))
    heard = leaves + common + np.sqrt(noise * (1 - shared)) * rng.standard_normal((places, 2))
    worth = leaves.sum(axis=1) / np.sqrt(2)
    said = heard.sum(axis=1) / np.sqrt(2) + np.sqrt(noise) * rng.standard_normal(places)
    wrong = (worth[::2] > worth[1::2]) != (said[::2] > said[1::2])
    assert wrong.mean() == pytest.approx(foretell_sums(2, noise, shared, 1)[1], abs=0.006)
