"""How judgments and steps are shared out over the rounds, and what is said of queries that cannot serve."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrm_tree.errors import SpecError
from rrm_tree.graph import load_graph
from rrm_tree.node_spec import BudgetSpec, ScheduleSpec
from rrm_tree.purse import share_out

SPECS = Path(__file__).parents[2] / "task_specs"

schedules = st.builds(
    ScheduleSpec, first=st.floats(0.01, 1), then=st.sampled_from(["constant", "hyperbolic"])
)


def per_round(budget, schedule):
    """Judgments of each round, if every round asks all that it may."""
    until = [
        math.ceil(budget.judgments * share_out(budget, schedule, index).judgments)
        for index in range(budget.rounds)
    ]
    return [more - less for less, more in zip([0, *until], until, strict=False)]


@settings(deadline=None)
@given(st.integers(1, 2000), st.integers(1, 12), schedules)
def test_the_rounds_together_ask_for_the_whole_budget_and_none_gives_any_back(judgments, rounds, schedule):
    asked = per_round(BudgetSpec(judgments=judgments, rounds=rounds), schedule)
    assert sum(asked) == judgments
    assert min(asked) >= 0


@settings(deadline=None)
@given(st.integers(1, 10**6), st.integers(1, 12), schedules)
def test_steps_are_spent_at_the_end_and_half_of_them_at_most_on_collecting(steps, rounds, schedule):
    budget, spent, collected = BudgetSpec(steps=steps, rounds=rounds), 0, 0
    for index in range(rounds):
        share = share_out(budget, schedule, index)
        allowed = math.ceil(steps * share.steps) - spent
        spent, collected = spent + allowed, collected + math.ceil(allowed * share.collecting)
        assert 0 <= share.collecting <= 1
    assert spent == steps
    assert collected <= steps / 2 + 2 * rounds


def test_a_share_comes_first_and_the_rest_evenly():
    assert per_round(BudgetSpec(judgments=100, rounds=4), ScheduleSpec(first=0.4)) == [40, 20, 20, 20]


def test_a_hyperbolic_schedule_falls_as_one_over_one_and_a_growing_time():
    schedule = ScheduleSpec(first=0.1, then="hyperbolic")
    # t = 0, 1/2, 1: parts 1, 2/3, 1/2 of 13/6.
    assert per_round(BudgetSpec(judgments=1300, rounds=4), schedule) == [130, 540, 360, 270]


def test_collecting_takes_the_steps_of_the_judgments_that_a_round_asks_for():
    budget = BudgetSpec(steps=1000, rounds=5)
    share = share_out(budget, ScheduleSpec(first=0.6), 0)
    # 500 steps for collecting, 0.6 of them now; 500 for improving, a fifth of them now.
    assert 1000 * share.steps == 400
    assert share.collecting == Fraction(3, 4)


def test_without_a_schedule_rounds_are_even_and_collecting_takes_half():
    share = share_out(BudgetSpec(rounds=5), None, 1)
    assert (share.judgments, share.steps, share.collecting) == (0.4, 0.4, Fraction(1, 2))


@pytest.mark.parametrize("rounds", [1, 2])
def test_one_or_two_rounds_are_schedules_too(rounds):
    asked = per_round(BudgetSpec(judgments=10, rounds=rounds), ScheduleSpec(first=0.3, then="hyperbolic"))
    assert asked == ([10] if rounds == 1 else [3, 7])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("entropie", "no query is named 'entropie'; did you mean 'entropy'?"),
        ("information", "'information' compares the members of an ensemble, and there is one"),
        ("math:sqrt", "query 'math:sqrt' declares no `version`"),
        ("math:sqirt", "has no 'sqirt'"),
    ],
)
def test_a_query_that_cannot_serve_is_named_before_anything_trains(query, found):
    sets = [f"nodes.balance.judge.query={query}", "nodes.balance.reward_model.ensemble=1"]
    with pytest.raises(SpecError, match=re.escape(found)):
        load_graph(SPECS / "cartpole.yaml", sets)
