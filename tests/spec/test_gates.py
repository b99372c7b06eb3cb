from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrm_tree.gates import count_tries, holm, least_judgments, sprt
from rrm_tree.node_spec import BudgetSpec, GateSpec


def test_the_log_ratio_and_bounds_are_those_worked_out_by_hand() -> None:
    # Right: log(.85/.75) = .12516; wrong: log(.15/.25) = -.51083; bounds log(.9/.05), log(.1/.95).
    verdict = sprt(right=10, wrong=2, reject=0.75, accept=0.85, alpha=0.05, beta=0.1)
    assert verdict.log_ratio == pytest.approx(10 * 0.125163 - 2 * 0.510826, abs=1e-5)
    assert (verdict.upper, verdict.lower) == pytest.approx((2.890372, -2.251292), abs=1e-6)
    assert verdict.accepted is None


def test_the_test_decides_at_the_judgment_that_crosses_a_bound() -> None:
    # 2.890372 / .125163 = 23.1 right answers pass; 2.251292 / .510826 = 4.4 wrong ones miss.
    decisions = [sprt(right, 0, 0.75, 0.85, 0.05, 0.1).accepted for right in (23, 24)]
    assert decisions == [None, True]
    assert [sprt(0, wrong, 0.75, 0.85, 0.05, 0.1).accepted for wrong in (4, 5)] == [None, False]
    assert least_judgments(0.75, 0.85, 0.05, 0.1) == 24


@given(st.floats(0.05, 0.9), st.floats(0.02, 0.5), st.floats(0.001, 0.2), st.floats(0.001, 0.2))
def test_the_least_judgments_are_the_first_that_pass(
    reject: float, share: float, alpha: float, beta: float
) -> None:
    accept = reject + share * (1 - reject)
    least = least_judgments(reject, accept, alpha, beta)
    assert sprt(least + 1, 0, reject, accept, alpha, beta).accepted
    assert not sprt(least - 1, 0, reject, accept, alpha, beta).accepted


def simulate(accuracy: float, trees: int) -> tuple[float, float]:
    """Share of gates passed, and mean judgments taken, at this true accuracy."""
    rng = np.random.default_rng(5)
    answers = rng.random((trees, 3000)) < accuracy
    right = answers.cumsum(axis=1)
    wrong = (~answers).cumsum(axis=1)
    ratio = right * math.log(0.85 / 0.75) + wrong * math.log(0.15 / 0.25)
    bounds = sprt(0, 0, 0.75, 0.85, 0.05, 0.1)
    decided = (ratio >= bounds.upper) | (ratio <= bounds.lower)
    first = decided.argmax(axis=1)
    assert decided.any(axis=1).all()
    return float((ratio[np.arange(trees), first] > 0).mean()), float(first.mean() + 1)


@pytest.mark.slow
def test_error_rates_stay_within_walds_bounds_and_judgments_are_saved() -> None:
    # Wald: at most α/(1-β) = .0556 and β/(1-α) = .105. With 4,000 simulated gates four standard
    # errors are .0145 and .0194; the seed is fixed, so this cannot flake, only break.
    passed_wrongly, _ = simulate(0.75, 4000)
    passed_rightly, judgments = simulate(0.85, 4000)
    assert passed_wrongly < 0.0556 + 0.0145
    assert 1 - passed_rightly < 0.105 + 0.0194
    # A test of fixed size with these errors takes ((1.645·√(.75·.25) + 1.282·√(.85·.15)) / .1)² = 137.
    assert judgments < 0.65 * 137


def test_alpha_is_shared_by_the_gates_that_are_left() -> None:
    assert [holm(0.06, 3, passed) for passed in range(3)] == pytest.approx([0.02, 0.03, 0.06])


def test_a_gate_that_may_be_tried_after_every_round_shares_its_alpha_among_them() -> None:
    budget = BudgetSpec(rounds=5)
    assert count_tries(GateSpec(on_miss="more"), budget) == 5
    assert count_tries(GateSpec(on_miss="warn"), budget) == count_tries(GateSpec(on_miss="stop"), budget) == 1


@pytest.mark.slow
def test_a_node_that_never_improves_passes_a_retried_gate_no_more_often_than_once_tried() -> None:
    # Ten tries at `reject`, each at alpha / 10: wrongly passed in at most .05 / (1 - .1) = .0556 of the
    # nodes; of 300 that is ± .053 (four standard errors), and one alpha for every try gives 0.3.
    # The seed is fixed, so this cannot flake, only break.
    rng, alpha = np.random.default_rng(7), 0.05 / 10

    def passes() -> bool:
        right = asked = 0
        bounds = sprt(0, 0, 0.75, 0.85, alpha, 0.1)
        while bounds.accepted is None:
            right, asked = right + int(rng.random() < 0.75), asked + 1
            bounds = sprt(right, asked - right, 0.75, 0.85, alpha, 0.1)
        return bool(bounds.accepted)

    wrongly = sum(any(passes() for _ in range(10)) for _ in range(300))
    assert wrongly / 300 < 0.0556 + 0.053
