"""Any callable is a judge."""

from pathlib import Path

import numpy as np
import pytest

from rrm_tree.contracts import Request
from rrm_tree.domains import gym
from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Advice, Items, Outcomes
from rrm_tree.registry import find
from rrm_tree.testing import check_judge

LENGTHS = np.array([2, 5])


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)


def ask(judge):
    outcomes = Outcomes({"observation": np.zeros((2, 6))}, np.zeros((2, 5)), LENGTHS, {})
    items = Items(np.array([0, 1]), np.array([1, 0]), np.zeros(2, np.int64), np.zeros(2, np.int64))
    return judge.answer(
        Request(None, "preference", ("?",), outcomes, Advice(), items, np.random.default_rng(0))
    )


def test_a_function_that_gives_numbers_is_a_judge_whose_looks_are_the_steps_shown():
    plugin = find("judge", "scripted:prefers_short")
    answers = ask(plugin.build({}))
    assert answers.values.tolist() == [1, 0]
    assert answers.looks.tolist() == [7, 7]
    facts = plugin.facts
    assert (facts.version, facts.kinds[0], facts.direct, facts.tasks) == ("0", "preference", True, None)
    assert plugin.doc == "Prefers the outcome with fewer steps."


def test_a_functions_other_arguments_are_the_judges_options():
    plugin = find("judge", "scripted:prefers_short")
    assert ask(plugin.build({"sure": 0.75})).values.tolist() == [0.75, 0.25]
    assert [one.path for one in plugin.check({"sure": "very", "mood": 1})] == [("sure",), ("mood",)]


def test_what_a_function_declares_goes_before_what_is_taken_for_granted():
    plugin = find("judge", "scripted:declares")
    assert (plugin.facts.version, plugin.facts.kinds, plugin.facts.tasks) == (
        "4",
        ("label",),
        ("CartPole-v1",),
    )
    assert ask(plugin.build({})).looks.tolist() == [7, 7]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("talks", "judge scripted:talks returned a str; return one number an item, or Answers"),
        ("stumbles", "judge scripted:stumbles raised ValueError: no idea"),
    ],
)
def test_a_function_that_is_no_judge_is_told_why(name, said):
    with pytest.raises(PluginError, match=said):
        ask(find("judge", f"scripted:{name}").build({}))


def test_the_kit_checks_functions_too():
    import scripted

    task = gym.environment(id="CartPole-v1")
    check_judge(scripted.prefers_short, task, kinds=["preference"])
    with pytest.raises(PluginError, match="differs under equal generators"):
        check_judge(scripted.answers_by_chance, task, kinds=["preference"])
