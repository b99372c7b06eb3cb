import numpy as np
import pytest

from rrm_tree.advising import PerfectHelper
from rrm_tree.corrupting import CorruptHelper, corrupt
from rrm_tree.domains import logic, spider
from rrm_tree.learning.rollouts import rollout
from rrm_tree.outcomes import take_rows

BIT = logic.bit()


def questions(count):
    starts = BIT.starts(count, "train", np.random.default_rng(0))
    return {**starts, "index": np.arange(len(starts["index"])) % 12}


def share_wrong(answers):
    return 1 - BIT.truth(answers).mean()


@pytest.mark.parametrize("wrong", [0.0, 0.1, 0.5, 1.0])
def test_the_share_that_is_asked_for_is_wrong(wrong):
    answers = CorruptHelper(PerfectHelper(BIT), wrong).answer(questions(4000))
    # Four standard deviations of 1,500 or more coins.
    assert share_wrong(answers) == pytest.approx(wrong, abs=4 * np.sqrt(wrong * (1 - wrong) / len(answers)))


def test_a_question_gets_the_same_answer_whatever_is_asked_with_it():
    helper, asked = CorruptHelper(PerfectHelper(BIT), 0.3), questions(500)
    some = np.random.default_rng(1).permutation(len(asked["index"]))[:50]
    alone = helper.answer(take_rows(asked, some)).actions
    assert (alone == helper.answer(asked).actions[some]).all()


def test_what_is_wrong_at_one_share_is_wrong_at_every_larger_one():
    right = PerfectHelper(BIT).answer(questions(1000))
    few, many = (corrupt(BIT, right, wrong, seed=0).actions != right.actions for wrong in (0.1, 0.3))
    assert few.any() and many[few].all() and many.sum() > few.sum()


def test_another_seed_makes_other_mistakes():
    right = PerfectHelper(BIT).answer(questions(1000))
    one, other = (corrupt(BIT, right, 0.2, seed).actions != right.actions for seed in (0, 1))
    # Two independent fifths share a fifth of each.
    assert (one & other).sum() / one.sum() == pytest.approx(0.2, abs=0.12)


def test_whole_episodes_become_proposals():
    task, rng = spider.spider(), np.random.default_rng(0)
    about = task.starts(40, "train", rng)

    def wait(seen, subjects, rng, explore):
        return np.zeros(len(seen["observation"]), np.int64)

    still = rollout(task, wait, about, rng, explore=False).outcomes
    changed = corrupt(task, still, 0.5, seed=0)
    assert 8 <= (changed.actions != 0).any(axis=1).sum() <= 32
    assert (changed.subjects["seed"] == about["seed"]).all()
