"""Several judges: five people's errors recovered from what they say about the same questions."""

from __future__ import annotations

import numpy as np
import pytest

from rrm_tree.learning.several_judges import agree, fit_judges, mistakes_of
from rrm_tree.outcomes import Answers, Items

ERRORS = np.array([0.02, 0.1, 0.2, 0.3, 0.4])
QUESTIONS = 200


def ask(errors, seed, share=0.5):
    """Every judge's answer to every question, and how often each really erred."""
    rng = np.random.default_rng(seed)
    truth = rng.random(QUESTIONS) < share
    wrong = rng.random((len(errors), QUESTIONS)) < errors[:, None]
    values = np.where(wrong, ~truth, truth).astype(float)
    question = np.tile(np.arange(QUESTIONS), len(errors))
    who = np.repeat(np.arange(len(errors)), QUESTIONS)
    return question, who, values.ravel(), wrong.mean(axis=1), truth


@pytest.mark.parametrize("seed", range(5))
def test_five_judges_errors_are_recovered_from_200_questions_that_all_answer(seed):
    question, who, values, really, truth = ask(ERRORS, seed)
    found = fit_judges(question, who, values, 5)
    assert found.error == pytest.approx(really, abs=0.05)
    # A vote of the five is right on 0.92 of all questions.
    assert ((found.chance > 0.5) == truth).mean() >= 0.94


def test_on_average_the_errors_found_are_those_declared():
    # The mean over 40 seeds strays by 0.035 / √40 = 0.0055 for the worst judge; four of these.
    found = [fit_judges(*ask(ERRORS, seed)[:3], 5).error for seed in range(40)]
    assert np.mean(found, axis=0) == pytest.approx(ERRORS, abs=0.022)


def test_a_judge_who_leans_to_yes_is_found_out():
    question, who, values, _, _ = ask(np.array([0.05, 0.05, 0.1, 0.1]), 0)
    leaning = (who == 3) & (np.random.default_rng(1).random(len(who)) < 0.4)
    found = fit_judges(question, who, np.where(leaning, 1.0, values), 4)
    assert found.lean[3] == pytest.approx(0.36, abs=0.1)
    assert np.abs(found.lean[:3]).max() < 0.1


def test_a_judge_who_has_answered_nothing_is_taken_to_know_nothing():
    question, who, values, _, _ = ask(np.array([0.1, 0.1, 0.1]), 0)
    assert fit_judges(question, who, values, 4).error[3] == pytest.approx(0.5)


def test_alpha_is_krippendorffs_on_a_case_worked_out_by_hand():
    # Answers 11, 00, 10: of 6 pairable values 3 are 1. Disagreement seen 2/6, expected 2·3·3/(6·5).
    question = np.array([0, 0, 1, 1, 2, 2])
    found = agree(question, np.array([1.0, 1, 0, 0, 1, 0]), np.random.default_rng(0))
    assert found.alpha == pytest.approx(1 - (2 / 6) / (18 / 30))
    assert found.questions == 3


def test_judges_who_toss_coins_do_not_agree_beyond_chance_and_careful_ones_do():
    coins = ask(np.full(3, 0.5), 0)
    found = agree(coins[0], coins[2], np.random.default_rng(0))
    assert found.low < 0 < found.high < 0.2
    careful = ask(np.full(3, 0.1), 0)
    assert agree(careful[0], careful[2], np.random.default_rng(0)).low > 0.5


def test_answers_that_are_all_alike_show_no_agreement():
    found = agree(np.array([0, 0, 1, 1]), np.ones(4), np.random.default_rng(0))
    assert (found.alpha, found.low, found.high) == (0.0, 0.0, 0.0)


def test_questions_with_one_answer_each_tell_nothing_about_agreement():
    assert agree(np.arange(4), np.ones(4), np.random.default_rng(0)) is None


def test_an_answer_counts_for_as_much_as_its_judge_is_right():
    question, who, values, _, _ = ask(np.array([0.02, 0.02, 0.4]), 0)
    zeros = np.zeros(len(question), np.int64)
    items = Items(question, None, zeros, zeros)
    mistakes = mistakes_of("label", items, Answers(values, zeros, who=who))
    assert mistakes[who == 0].max() < 0.15
    assert mistakes[who == 2].min() > 0.65
    assert mistakes_of("label", items, Answers(values, zeros)) is None
    assert mistakes_of("rating", items, Answers(values, zeros, who=who)) is None
