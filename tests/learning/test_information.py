"""Whether judgments carry information: the guard against training on coin flips, both ways."""

from __future__ import annotations

import numpy as np
import pytest

from rrm_tree.learning import mlp
from rrm_tree.learning.distill import DistillOptions, distill
from rrm_tree.learning.facts import Ordered, order_answers

OPTIONS = DistillOptions(ensemble=2, learning_rate=3e-3, epochs=15, patience=4)


def learn(judgments, inputs, shapes, seed=1):
    return distill(
        judgments,
        inputs,
        network=mlp(hidden=(32,)),
        shapes=shapes,
        options=OPTIONS,
        exclusive=False,
        seed=seed,
    )


def test_ties_alone_carry_no_information_and_nothing_is_trained(small):
    judgments, inputs, _ = small.preferences(60, np.random.default_rng(0))
    judgments.answers.values[:] = 0.5
    distilled = learn(judgments, inputs, small.VECTOR)
    assert distilled.model is None
    assert distilled.optimiser_steps == 0
    assert (distilled.facts.ties, distilled.facts.entropy, distilled.facts.informative) == (60, 0.0, False)
    assert "all 60 are ties" in distilled.warnings[0]


def test_labels_that_are_all_alike_carry_no_information(small):
    judgments = small.judged("label", np.ones(30), np.arange(30))
    inputs = {"x": np.random.default_rng(0).normal(size=(30, 1, 4))}
    assert learn(judgments, inputs, small.VECTOR).model is None


def test_a_judge_who_can_tell_nothing_leaves_no_model(small):
    judgments = small.judged("label", np.full(30, np.nan), np.arange(30))
    distilled = learn(judgments, {"x": np.zeros((30, 1, 4))}, small.VECTOR)
    assert distilled.model is None
    assert distilled.facts.cannot_tell == 30


def test_most_sets_of_coin_flips_are_found_out():
    flips = np.random.default_rng(0).binomial(800, 0.5, size=200)
    found = np.mean([Ordered(int(right), 800).only_chance for right in flips])
    # By the binomial distribution 0.95; under 0.88 once in 100,000 seeds.
    assert found > 0.88


@pytest.mark.slow
def test_coin_flips_end_without_a_model_and_with_the_reason(small):
    judgments, inputs, _ = small.preferences(600, np.random.default_rng(0), noise=0.5)
    distilled = learn(judgments, inputs, small.VECTOR, seed=0)
    assert not distilled.facts.informative
    assert distilled.model is None
    assert "no information" in distilled.warnings[0]


@pytest.mark.parametrize("seed", range(4))
def test_a_dozen_true_judgments_are_never_called_uninformative(small, seed):
    judgments, inputs, _ = small.preferences(12, np.random.default_rng(seed))
    assert learn(judgments, inputs, small.VECTOR, seed).facts.informative


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_noisy_judgments_that_say_something_are_used(small, seed):
    judgments, inputs, _ = small.preferences(300, np.random.default_rng(seed), noise=0.25)
    assert learn(judgments, inputs, small.VECTOR, seed).model is not None


def test_few_pairs_never_prove_that_there_is_nothing_but_chance():
    assert not any(Ordered(right, 20).only_chance for right in range(10, 21))
    assert Ordered(100, 200).only_chance
    assert not Ordered(115, 200).only_chance


def test_a_model_that_always_says_the_frequent_answer_is_not_taken_for_skilled():
    answers = np.r_[np.ones(5), np.zeros(95)]
    ordered = order_answers("label", np.zeros(100), answers, np.random.default_rng(0))
    assert (ordered.right, ordered.pairs) == (2, 5)
    assert not ordered.above_chance


def test_a_model_that_finds_the_few_mates_is_taken_for_skilled_whatever_its_accuracy():
    answers = np.r_[np.ones(5), np.zeros(95)]
    # All scores say "no mate": accuracy is that of the frequent answer, the order is perfect.
    ordered = order_answers("label", answers - 3, answers, np.random.default_rng(0))
    assert (ordered.right, ordered.pairs) == (5, 5)
    assert (ordered + Ordered(4, 4)).above_chance


def test_the_evidence_for_chance_is_the_ratio_of_both_likelihoods():
    # 1 of 2: chance 2/4; skill: 2 ∫ 2p(1-p) dp over (1/2, 1) = 1/3.
    assert Ordered(1, 2).odds_of_chance == pytest.approx(1.5)
