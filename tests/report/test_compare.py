"""Two runs side by side: every verdict from numbers that can be worked out by hand."""

import json
from math import erf, sqrt

import pytest
from scipy.stats import ttest_1samp

from rrm_tree.propagation import compare_seeds
from rrm_tree.propagation.changes import chance_of, reject
from rrm_tree.propagation.comparing import compare_runs
from rrm_tree.propagation.intervals import Difference
from rrm_tree.records import Edit, GateResult
from rrm_tree.report.comparing import write_comparison


@pytest.fixture
def one(make_run, make_node, make_record, make_shares):
    """A run of one node whose reward model has a share, named by its key."""

    def build(share, seed=0, key="a", **fields):
        rounds = (make_record("leaf", off=make_shares(0.8, None, 0.8, None, share), **fields),)
        return make_run(make_node("leaf", key=f"leaf@{key}", rounds=rounds), seed=seed, run=f"runs/{key}")

    return build


def gate(accepted):
    return GateResult(
        accepted=accepted, right=90, judgments=100, looks=100, log_ratio=1, upper=2.9, lower=-2.2
    )


def distilled(found):
    return next(change for change in found.nodes[0].changes if change.measure == "distilled off")


def test_a_fall_far_beyond_the_intervals_is_worse(one):
    found = compare_runs([one(0.95)], [one(0.80, key="b")])
    # Wilson: 380 of 400 is .9243 to .9673, 320 of 400 is .7580 to .8362; Newcombe puts them together.
    low = -0.15 - sqrt((0.8 - 0.7580) ** 2 + (0.9673 - 0.95) ** 2)
    high = -0.15 + sqrt((0.8362 - 0.8) ** 2 + (0.95 - 0.9243) ** 2)
    change = distilled(found)
    assert (change.difference.low, change.difference.high) == pytest.approx((low, high), abs=5e-4)
    assert change.verdict == found.verdict == "worse"


def test_runs_of_several_seeds_go_by_their_own_names_not_by_those_of_their_first_seeds(one):
    before, after = ([one(0.9, seed, key) for seed in (0, 1)] for key in "ab")
    found = compare_runs(before, after, names=("store/runs/a", "store/runs/b"))
    assert write_comparison(found).splitlines()[:2] == ["A: store/runs/a", "B: store/runs/b"]


def test_a_small_fall_is_the_same_within_noise(one):
    found = compare_runs([one(0.90)], [one(0.89, key="b")])
    assert distilled(found).verdict == found.verdict == "same"
    assert "same within noise" in write_comparison(found)


def test_what_has_the_same_key_is_not_compared(one):
    found = compare_runs([one(0.9)], [one(0.9)])
    assert found.nodes[0].same_keys and found.tests == 0
    assert "nothing differs" in write_comparison(found)


def test_seeds_are_paired_where_three_are_shared(one):
    before = [one(share, seed) for seed, share in enumerate((0.80, 0.90, 0.95, 0.70))]
    after = [one(share - 0.01, seed, "b") for seed, share in enumerate((0.80, 0.90, 0.95, 0.70))]
    change = distilled(compare_runs(before, after))
    assert change.paired_by == "seed" and change.before.count == 4
    assert change.difference.value == pytest.approx(-0.01)
    # Every seed agrees, but each has seen 400 pairs, which leave more open than the seeds do.
    assert change.difference.low < -0.02 and change.verdict == "same"


def test_three_seeds_are_no_surer_than_students_tails_allow(one):
    before = [one(0.95, seed) for seed in range(3)]
    after = [one(0.95 - fall, seed, "b") for seed, fall in enumerate((0.085, 0.12, 0.155))]
    found = compare_runs(before, after)
    # t = .12 / (.035 / √3) with 2 degrees of freedom; the first of two numbers must not exceed .025 (Holm).
    assert distilled(found).p_value == pytest.approx(ttest_1samp((0.085, 0.12, 0.155), 0).pvalue)
    assert found.tests == 2 and distilled(found).difference.high < 0
    assert distilled(found).verdict == found.verdict == "same"


def test_a_gate_that_is_missed_comes_first_and_is_worse_whatever_the_shares(one, make_run, make_node):
    before = [one(0.9, gate=gate(True))]
    after = [one(0.9, key="b", gate=gate(False))]
    found = compare_runs(before, after)
    assert found.nodes[0].gate.flipped == found.verdict == "worse"
    assert "the gate of leaf: passed in A, not passed in B" in write_comparison(found)


def test_a_node_that_is_not_finished_any_more_is_worse(one):
    after = one(0.9, key="b")
    lost = after.model_copy(update={"nodes": (after.nodes[0].model_copy(update={"state": "failed"}),)})
    assert compare_runs([one(0.9)], [lost]).verdict == "worse"


def test_a_node_of_one_run_alone_is_named(chess_run, make_run):
    fewer = make_run(*chess_run.nodes[:-1])
    text = write_comparison(compare_runs([chess_run], [fewer]))
    assert "Only in A: player~truth." in text


def test_the_settings_that_differ_are_told_with_both_values(one):
    edits = [Edit(path="nodes.leaf.task.with.width", before=8, after=None)]
    found = compare_runs([one(0.9)], [one(0.9, key="b")], edits)
    assert "nodes.leaf.task.with.width: 8 → (none)" in write_comparison(found)
    assert found.nodes[0].task_differs and "truth may mean something else: leaf" in write_comparison(found)


def test_holm_stops_at_the_first_that_stands():
    # .05/4 = .0125, .05/3 = .0167, .05/2 = .025: the third stands, and with it the fourth.
    assert reject([0.03, 0.01, 0.04, 0.015], 0.05) == [False, True, False, True]


@pytest.mark.parametrize("z", [0.5, 1.0, 1.959963984540054, 3.0])
def test_a_p_value_is_that_of_its_interval(z):
    value, error = 0.3, 0.3 / z
    interval = Difference(value=value, low=value - 1.959963984540054 * error, high=9)
    assert chance_of(interval) == pytest.approx(1 - erf(z / sqrt(2)))


@pytest.mark.parametrize("seeds", [3, 10])
def test_a_p_value_over_seeds_is_that_of_students_test(seeds):
    gaps = [0.02 + 0.01 * (seed % 3) for seed in range(seeds)]
    interval = compare_seeds(gaps, [0.0] * seeds).difference
    assert chance_of(interval, seeds - 1) == pytest.approx(ttest_1samp(gaps, 0).pvalue)


def test_everything_is_in_the_json(one):
    found = compare_runs([one(0.95)], [one(0.80, key="b")])
    told = json.loads(found.model_dump_json())
    assert told["nodes"][0]["changes"][0]["verdict"] == "worse"
