"""A trained node is measured again with its helpers, its judge and its reward model exchanged."""

import pytest
from small_nodes import artifacts_of, logic_tree, set_up, train_both

from rrm_tree.measure import Known
from rrm_tree.measured import PairSettings
from rrm_tree.node import NodeAtWork

HELPER = 0.12


@pytest.fixture(scope="module")
def trials():
    """The bit, whose agent errs at a known rate, and the root that it helps, each with its last record."""
    tree = logic_tree({"agent": {"use": "sloppy:Sloppy", "with": {"error": HELPER}}}, pairs=800)
    bit, root = train_both(tree)
    setups = {"bit": set_up(tree, "bit"), "root": set_up(tree, "root", {"bit": artifacts_of(bit)})}
    settings = PairSettings(round=0, pairs=800, agent_outcomes=40)
    rounds = {"bit": bit, "root": root}
    return {
        name: (NodeAtWork(setup).trial(rounds[name], settings), rounds[name][-1].record)
        for name, setup in setups.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bit", "root"])
def test_causes_sum_to_the_error_and_agree_with_the_record(trials, name):
    trial, record = trials[name]
    for distribution in ("off", "on"):
        causes, shares = trial.causes().at(distribution), getattr(record, distribution)
        size = {cause.kind: cause.size.value for cause in causes.causes}
        assert causes.error.value == pytest.approx(1 - shares.distilled.value)
        parts = sum(value for kind, value in size.items() if kind != "acting")
        assert parts == pytest.approx(causes.error.value)
        assert size["limits"] + size["slips"] == pytest.approx(1 - shares.ideal.value)
        assert size.get("helper", 0) == pytest.approx(shares.ideal.value - shares.assisted.value)
        assert size["distilling"] == pytest.approx(shares.assisted.value - shares.distilled.value)


@pytest.mark.slow
def test_an_agent_that_does_not_do_what_its_reward_model_says_loses_by_acting(trials):
    trial, record = trials["bit"]
    acting = next(cause.size for cause in trial.causes().off.causes if cause.kind == "acting")
    assert acting.value == pytest.approx(record.off.distilled.value - (1 - HELPER), abs=0.03)
    assert acting.low < acting.value < acting.high


@pytest.mark.slow
def test_a_curve_of_transfer_starts_at_ideal_advice_and_gets_worse_with_what_is_corrupted(trials):
    trial, record = trials["root"]
    off = next(one for one in trial.transfers().transfers if one.distribution == "off")
    errors = [point.judge_error.value for point in off.points]
    assert errors[0] == pytest.approx(1 - record.off.ideal.value)
    assert errors[-1] > 0.4
    # A majority of three whose places err alike: 3/2 near 0 for fair places.
    assert off.slope.low < 1.5 < off.slope.high
    assert off.trained_error == pytest.approx(HELPER, abs=0.03)
    assert off.break_even.low < off.break_even.helper_error < off.break_even.high


@pytest.mark.slow
def test_what_a_judge_gets_right_is_foretold_from_the_errors_of_its_helper(trials):
    bit = trials["bit"][0].predictions(Known({}, {}))
    assert bit.predictions == ()
    assert bit.confusion.error == pytest.approx(HELPER, abs=0.03)
    known = Known({"bit": bit.confusion}, {"bit": bit.composed})
    off = trials["root"][0].predictions(known).predictions[0]
    assert off.measured.value == pytest.approx(trials["root"][1].off.assisted.value)
    assert abs(off.predicted - off.measured.value) < 0.03
    assert off.composed == pytest.approx(off.predicted)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bit", "root"])
def test_the_best_of_many_proposals_is_right_as_often_as_the_reward_model_is(trials, name):
    trial, record = trials[name]
    found = trial.best_of_n()
    one, most = found.points[0], found.points[-1]
    assert (found.subjects, found.pool, one.n, most.n) == (40, 64, 1, 64)
    assert one.truth.value == pytest.approx(0.5, abs=0.05)
    assert one.score.value < most.score.value
    assert one.regret.value == pytest.approx(0, abs=1e-9)
    # Of two answers, both of which 64 proposals hold, the better by score is chosen.
    assert most.truth.low < record.off.distilled.value < most.truth.high
    assert most.regret.value == pytest.approx(1 - most.truth.value, abs=1e-6)


@pytest.mark.slow
def test_disagreements_are_drawn_with_the_advice_and_how_much_of_it_is_wrong(trials):
    trial = trials["root"][0]
    shown = trial.disagreements()
    for distribution in ("off", "on"):
        kept = trial.pairs.at(distribution)
        for one in shown.at(distribution):
            row = one.disagreement.pair
            assert one.disagreement.first_truth == kept.first_truth[row]
            wrong = kept.right("distilled")[row] < 0.5
            assert wrong or (kept.margins["distilled"][row] > 0) != (kept.margins["assisted"][row] > 0)
            assert one.first.startswith("<svg") and one.second.startswith("<svg")
            [said] = one.advice
            assert said.helper == "bit"
            assert 0 <= said.first <= 1
            # Both outcomes are about the same places, and the same question gets the same answer.
            assert said.first == said.second
    assert any(one.advice[0].first > 0 for one in (*shown.off, *shown.on))
