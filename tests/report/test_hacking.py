"""The alarm: what a reward model promises about fresh judgments, and what it keeps."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp
from seeds_runs import over_seeds

from rrm_tree.learning.foresight import promise
from rrm_tree.propagation import analyse, analyse_seeds, doubt_promise, watch
from rrm_tree.records import Promise
from rrm_tree.report.seeds.verdict import list_notes as list_seeds_notes
from rrm_tree.report.verdict import list_notes


def promised(expected, right, spread=0.04, of_expected=0.01):
    return Promise(
        expected=expected,
        right=right,
        expected_variance=of_expected,
        right_variance=spread,
        covariance=0.0,
        count=100,
    )


@pytest.fixture
def rounds(make_record):
    """Makes the rounds of one node from what is fresh in all but the first."""

    def make(*fresh):
        first = make_record("hunt", held_out=promised(0.8, 0.8))
        return (first, *(make_record("hunt", round=k + 1, fresh=one) for k, one in enumerate(fresh)))

    return make


FOOLED, SOUND = promised(0.85, 0.49), promised(0.80, 0.72)


def test_a_promise_is_what_the_scores_say_and_what_the_answers_bear_out():
    log_odds = np.log(np.array([3.0, 3.0, 1 / 4, 1.0]))
    found = promise("preference", log_odds, np.array([1.0, 0.0, 0.5, 1.0]), np.arange(4), mistakes=0.0)
    assert found.expected == pytest.approx((0.75 + 0.75 + 0.8 + 0.5) / 4)
    # Right, wrong, a tie, and a score that is a coin itself.
    assert found.right == pytest.approx((1 + 0 + 0.5 + 0.5) / 4)
    slips = promise("preference", log_odds, np.ones(4), np.arange(4), mistakes=0.2)
    assert slips.expected == pytest.approx(0.1 + 0.8 * found.expected)


def test_judgments_about_the_same_outcome_count_as_one():
    scores, answers = np.full(6, 2.0), np.array([1.0, 1.0, 1.0, 0.0, 1.0, 1.0])
    found = promise("label", scores, answers, np.array([0, 0, 0, 1, 1, 2]), mistakes=0.0)
    assert found.count == 3
    assert found.right == pytest.approx((1 + 0.5 + 1) / 3)
    assert promise("label", scores[:3], answers[:3], np.zeros(3, int), mistakes=0.0) is None


def test_ratings_are_taken_two_by_two():
    scores, answers = np.array([1.0, 0.0, 0.0, 1.0]), np.array([3.0, 1.0, 2.0, 1.0])
    found = promise("rating", scores, answers, np.arange(4), mistakes=0.1)
    assert found.count == 2 and found.right == 0.5
    assert found.expected == pytest.approx(0.7602, abs=1e-4)  # Φ(1/√2)


def test_the_test_is_students_on_what_exceeds_half_the_promise():
    rng = np.random.default_rng(0)
    log_odds = rng.normal(0, 2, 60)
    answers = (rng.random(60) < 0.6).astype(float)
    found = promise("label", log_odds, answers, np.arange(60), mistakes=0.0)
    chance = 1 / (1 + np.exp(-np.abs(log_odds)))
    surplus = ((log_odds > 0) == answers) - 0.5 - 0.5 * (chance - 0.5)
    assert doubt_promise(found) == pytest.approx(ttest_1samp(surplus, 0, alternative="less").pvalue)


def test_keeping_exactly_half_rings_no_more_often_than_declared():
    rng = np.random.default_rng(1)
    rings = 0
    for _ in range(1000):
        log_odds = rng.normal(0, 1.5, 100)
        chance = 1 / (1 + np.exp(-np.abs(log_odds)))
        right = rng.random(100) < 0.5 + 0.5 * (chance - 0.5)
        answers = np.where(right, log_odds > 0, log_odds <= 0).astype(float)
        rings += doubt_promise(promise("label", log_odds, answers, np.arange(100), mistakes=0.0)) <= 0.05
    # 50 expected; a binomial's 99.9% quantile is 73.
    assert 20 < rings < 73


def test_the_alarm_rings_where_half_is_not_kept_and_stands_whatever_follows(rounds):
    assert [alarm.raised for alarm in watch(rounds(FOOLED))] == [True]
    assert [alarm.raised for alarm in watch(rounds(SOUND))] == [False]
    later = watch(rounds(FOOLED, *[SOUND] * 9))
    assert [alarm.raised for alarm in later] == [True] + [False] * 9
    assert later[0] == watch(rounds(FOOLED))[0]


def test_the_levels_of_all_rounds_sum_to_no_more_than_the_whole(rounds):
    levels = [alarm.level for alarm in watch(rounds(*[SOUND] * 50))]
    assert levels[:2] == pytest.approx([0.05 / 2, 0.05 / 6])
    assert sum(levels) < 0.05


def test_answers_without_any_spread_are_decided_by_their_mean():
    assert doubt_promise(promised(0.9, 0.5, spread=0.0, of_expected=0.0)) == 0
    assert doubt_promise(promised(0.5, 0.5, spread=0.0, of_expected=0.0)) == 1


def test_a_node_without_fresh_judgments_is_not_tested(rounds):
    assert watch(rounds()) == ()
    assert watch(()) == ()


def test_the_report_tells_of_an_alarm_and_whether_it_is_over(rounds, make_node, make_run):
    def notes(*fresh):
        result = make_run(make_node("hunt", rounds=rounds(*fresh)))
        return [note.text for note in list_notes(result, analyse(result)) if "alarm" in note.text]

    (text,) = notes(FOOLED, FOOLED, SOUND)
    assert text.startswith(
        "alarm: `hunt`: of 100 new judgments about its own agent's outcomes in round 2 its"
    )
    assert "in round 2 its reward model expected to foretell 0.85 and foretold 0.49" in text
    assert text.endswith("Raised in round 2 and 3 of 4, no longer in the last one")
    assert notes(SOUND, SOUND) == []


def test_over_seeds_an_alarm_is_counted(rounds, make_node, make_run):
    fates = ((FOOLED, SOUND), (FOOLED, FOOLED), (SOUND, SOUND))
    runs = [make_run(make_node("hunt", rounds=rounds(*fresh))) for fresh in fates]
    found = analyse_seeds(over_seeds(*runs))
    assert found.nodes[0].alarms.raised == (0, 1)
    assert found.nodes[0].alarms.still == (1,)
    (text,) = (note.text for note in list_seeds_notes(over_seeds(*runs), found) if "alarm" in note.text)
    assert text.startswith("alarm: `hunt` in 2 of 3 seeds")
    assert text.endswith("in the last round tested in 1")
