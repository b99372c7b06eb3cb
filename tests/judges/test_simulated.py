import numpy as np
import pytest
import torch

from rrm_tree import judges
from rrm_tree.contracts import Request
from rrm_tree.errors import PluginError
from rrm_tree.learning.losses import preference_loss
from rrm_tree.outcomes import Advice, Items, Outcomes

COUNT = 20_000
# A share of 20,000 answers strays by more than 0.016 from its expectation once in 10^5 seeds.
STRAY = 0.016


class Paid:
    """A task whose truth is the sum of its rewards."""

    parts = 1

    def truth(self, outcomes):
        return (outcomes.hidden["rewards"] * outcomes.mask).sum(axis=1, keepdims=True)


def ask(judge, kind, first, second=None, lengths=None, seed=0):
    """Answers about COUNT copies of one outcome, or of one pair, with these rewards step by step."""
    rewards = np.array([first] if second is None else [first, second], float)
    steps = rewards.shape[1]
    lengths = np.full(len(rewards), steps) if lengths is None else np.array(lengths)
    outcomes = Outcomes(
        {"observation": np.zeros((len(rewards), steps + 1))},
        np.zeros((len(rewards), steps)),
        lengths,
        {},
        {"rewards": rewards},
    )
    zeros = np.zeros(COUNT, np.int64)
    items = Items(zeros, None if second is None else zeros + 1, zeros, zeros)
    rng = np.random.default_rng(seed)
    return judge.answer(Request(Paid(), kind, ("?",), outcomes, Advice(), items, rng))


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


@pytest.mark.parametrize(("beta", "margin"), [(1.0, 0.7), (2.0, -0.5), (0.1, 3.0)])
def test_a_stochastic_teacher_prefers_as_often_as_bradley_terry_says(beta, margin):
    answers = ask(judges.teacher(beta=beta), "preference", [1.0 + margin, 0], [0.5, 0.5])
    assert answers.values.mean() == pytest.approx(sigmoid(beta * margin), abs=STRAY)
    assert set(answers.values) == {0, 1}


def test_a_rational_teacher_never_errs_and_ties_what_is_equal():
    assert (ask(judges.teacher(beta=None), "preference", [2], [1]).values == 1).all()
    assert (ask(judges.teacher(beta=None), "preference", [1], [2]).values == 0).all()
    assert (ask(judges.teacher(beta=None), "preference", [1], [1]).values == 0.5).all()


def test_a_mistaken_teacher_turns_its_answer_round_as_often_as_declared():
    answers = ask(judges.teacher(beta=None, mistake=0.1), "preference", [2], [1])
    assert answers.values.mean() == pytest.approx(0.9, abs=STRAY)


def test_mistakes_come_on_top_of_irrational_choices():
    answers = ask(judges.teacher(beta=1, mistake=0.2), "preference", [2], [1])
    expected = 0.8 * sigmoid(1) + 0.2 * sigmoid(-1)
    assert answers.values.mean() == pytest.approx(expected, abs=STRAY)


def test_a_teacher_skips_where_neither_outcome_is_above_the_threshold():
    teacher = judges.teacher(beta=None, skip_below=3)
    assert np.isnan(ask(teacher, "preference", [3], [1]).values).all()
    assert (ask(teacher, "preference", [1], [3.1]).values == 0).all()


def test_a_teacher_ties_what_differs_by_less_than_the_threshold_even_if_it_would_err():
    teacher = judges.teacher(beta=None, equal_within=0.5, mistake=1.0)
    assert (ask(teacher, "preference", [2], [1.6]).values == 0.5).all()
    assert (ask(teacher, "preference", [2], [1.5]).values == 0).all()


def test_thresholds_of_the_mean_scale_with_what_is_asked_about():
    # The mean utility is 6: a tenth of it is 0.6.
    teacher = judges.teacher(beta=None, equal_within=0.1, thresholds="of the mean")
    assert (ask(teacher, "preference", [6.25], [5.75]).values == 0.5).all()
    assert (ask(teacher, "preference", [6.35], [5.65]).values == 1).all()


def test_thresholds_are_not_squared_when_asked_again():
    teacher = judges.teacher(beta=None, equal_within=0.1, thresholds="of the mean")
    first = ask(teacher, "preference", [6.25], [5.75]).values
    assert all(np.array_equal(ask(teacher, "preference", [6.25], [5.75]).values, first) for _ in range(3))


def test_a_myopic_teacher_weighs_the_last_steps_most():
    # 0.5^1 · 1 + 0 against 0 + 0.8: the later reward wins although it is smaller.
    assert (ask(judges.teacher(beta=None, gamma=0.5), "preference", [1, 0], [0, 0.8]).values == 0).all()
    assert (ask(judges.teacher(beta=None), "preference", [1, 0], [0, 0.8]).values == 1).all()


def test_a_myopic_teacher_counts_back_from_where_each_episode_ends():
    # The first episode ends after one step, so that its reward is the last one: 1 against 0.9.
    teacher = judges.teacher(beta=None, gamma=0.5)
    answers = ask(teacher, "preference", [1, 0], [0, 0.9], lengths=[1, 2])
    assert (answers.values == 1).all()


def test_labels_and_ratings_follow_their_likelihoods():
    labels = ask(judges.teacher(beta=2, right_above=1), "label", [1.5]).values
    assert labels.mean() == pytest.approx(sigmoid(2 * 0.5), abs=STRAY)
    ratings = ask(judges.teacher(beta=2), "rating", [1.5]).values
    # Deviation 1/β = 0.5: the mean of 20,000 strays by 0.016 once in 10^5 seeds.
    assert ratings.mean() == pytest.approx(1.5, abs=STRAY)
    assert ratings.std() == pytest.approx(0.5, abs=STRAY)


def test_a_reward_model_that_equals_truth_finds_the_answers_as_likely_as_they_are():
    answers = ask(judges.teacher(beta=1), "preference", [1.0], [0.3]).values
    chance = sigmoid(0.7)
    entropy = -chance * np.log(chance) - (1 - chance) * np.log(1 - chance)
    nats = preference_loss(torch.full((COUNT,), 0.7), torch.tensor(answers, dtype=torch.float32))
    assert nats.mean().item() == pytest.approx(entropy, abs=STRAY)


def test_looks_are_the_steps_that_were_shown():
    assert set(ask(judges.teacher(), "preference", [1, 1, 1], [1, 1, 1], lengths=[3, 2]).looks) == {5}
    assert set(ask(judges.teacher(), "label", [1, 1, 1]).looks) == {3}


def test_truth_as_a_judge_orders_labels_and_rates_without_looking():
    truth = judges.truth()
    assert set(ask(truth, "preference", [2], [1]).values) == {1.0}
    assert set(ask(truth, "preference", [1], [1]).values) == {0.5}
    assert set(ask(truth, "preference", [0], [1]).values) == {0.0}
    assert set(ask(truth, "label", [1]).values) == {1.0}
    assert set(ask(truth, "label", [0.5]).values) == {0.0}
    assert set(ask(truth, "rating", [1.25]).values) == {1.25}
    assert set(ask(truth, "rating", [1]).looks) == {0}


def test_a_task_without_truth_is_told_what_it_lacks():
    class Plain:
        parts = 1

    zeros = np.zeros(1, np.int64)
    outcomes = Outcomes({"observation": np.zeros((1, 2))}, np.zeros((1, 1)), np.ones(1, np.int64), {})
    items = Items(zeros, None, zeros, zeros)
    request = Request(Plain(), "label", ("?",), outcomes, Advice(), items, np.random.default_rng(0))
    with pytest.raises(PluginError, match=r"Plain cannot compute truth.*give it a `truth` method"):
        judges.truth().answer(request)
    with pytest.raises(PluginError, match="Plain cannot compute truth"):
        judges.teacher().answer(request)
