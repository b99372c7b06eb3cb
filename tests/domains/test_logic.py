from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrm_tree.contracts import Request
from rrm_tree.domains import logic
from rrm_tree.domains.logic.world import RULES, Circuit
from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Advice, Items

RULE_NAMES = ("majority", "and", "or", "parity")


def cases(count):
    return np.array(list(product((False, True), repeat=count)))


def labels(task, person, outcomes, advice, rng):
    rows = np.arange(len(outcomes))
    items = Items(rows, None, np.zeros_like(rows), np.zeros_like(rows))
    return person.answer(Request(task, "label", ("Right?",), outcomes, advice, items, rng))


def acted(task, count, seed):
    rng = np.random.default_rng(seed)
    some = task.starts(64, "judge", rng)
    rows = rng.integers(0, len(some["index"]), count)
    subjects = {"bits": some["bits"][rows], "index": rng.integers(0, some["bits"].shape[1], count)}
    return task.imagine(subjects, task.propose(subjects, subjects, rng), subjects)


def advised(task, helper, outcomes, error, rng):
    questions = task.questions(outcomes, "right", "logic.claim")
    answers = helper.ideal(questions.subjects)
    answers.actions[rng.random(answers.actions.shape) < error] ^= 1
    return Advice(
        {"helper": task.lay_out("logic.claim", questions, answers, len(outcomes))}, {"helper": "logic.claim"}
    )


def share_right_despite(flip, gates, rule_of_three):
    """Worked out by summing over all inputs and all ways of misreading them."""
    inputs = cases(3 ** len(gates))
    right = wrong_by = 0.0
    for misread in inputs:
        chance = np.prod(np.where(misread, flip, 1 - flip))
        same = rule_of_three(inputs ^ misread) == rule_of_three(inputs)
        right += chance * same.mean()
        wrong_by += chance
    assert wrong_by == pytest.approx(1)
    return right


def test_the_four_rules_say_what_their_names_say():
    inputs = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]], bool)
    expected = {"majority": [0, 0, 1, 1], "and": [0, 0, 0, 1], "or": [0, 1, 1, 1], "parity": [0, 1, 0, 1]}
    for rule, values in expected.items():
        assert RULES[rule](inputs).tolist() == [bool(value) for value in values]


def test_a_gate_is_worked_out_by_hand():
    bits = np.array([[1, 0, 0, 0, 1, 1, 0, 1]])
    differs = [True, False, False, True, False, True, True, False]  # from its right neighbour, round the end
    bit, gate = Circuit(8), Circuit(8, gates=("or",), fan_in=2)
    for place, value in enumerate(differs):
        assert bit.value(bits, np.array([place]))[0] == value
    assert [bool(gate.value(bits, np.array([place]))[0]) for place in range(4)] == [True, True, True, True]
    assert not Circuit(8, gates=("and",), fan_in=2).value(bits, np.array([0]))[0]


@given(
    gates=st.lists(st.sampled_from(RULE_NAMES), min_size=1, max_size=3),
    fan_in=st.integers(2, 3),
    seed=st.integers(0, 999),
)
def test_at_any_depth_a_gate_over_right_claims_about_its_places_is_right(gates, fan_in, seed):
    width = max(12, fan_in ** len(gates))
    task = logic.gate(gates=tuple(gates), fan_in=fan_in, width=width)
    helper = logic.gate(gates=tuple(gates[1:]), fan_in=fan_in, width=width)
    outcomes = acted(task, 20, seed)
    advice = advised(task, helper, outcomes, 0.0, np.random.default_rng(0))
    claims = task.ideal(outcomes.subjects).actions[:, 0, 0]
    assert np.array_equal(RULES[gates[0]](advice.values["helper"] != 0), claims == 1)


# 20,000 labels: a share strays by more than 0.016 from its expectation once in 10^5 seeds.
@pytest.mark.parametrize("rule", RULE_NAMES)
def test_an_assisted_judge_is_as_right_as_the_error_rates_of_helper_and_reading_say(rule):
    helper_error, read_error, count = 0.1, 0.05, 20_000
    task, rng = logic.gate(gates=(rule,)), np.random.default_rng(1)
    outcomes = acted(task, count, 2)
    advice = advised(task, logic.bit(), outcomes, helper_error, rng)
    answers = labels(task, logic.person(read_error=read_error), outcomes, advice, rng)
    flip = helper_error * (1 - read_error) + read_error * (1 - helper_error)
    expected = share_right_despite(flip, (rule,), RULES[rule])
    assert (answers.values == task.truth(outcomes)[:, 0]).mean() == pytest.approx(expected, abs=0.016)
    assert set(answers.looks) == {3}


def test_a_judge_alone_is_as_right_as_its_error_a_look_says_and_looks_at_every_bit():
    look_error, count = 0.06, 20_000
    task, rng = logic.gate(gates=("majority", "or")), np.random.default_rng(3)
    outcomes = acted(task, count, 4)
    answers = labels(task, logic.person(look_error=look_error), outcomes, Advice(), rng)
    expected = share_right_despite(
        2 * look_error * (1 - look_error),
        ("majority", "or"),
        lambda leaves: RULES["majority"](RULES["or"](leaves.reshape(-1, 3, 3))),
    )
    assert (answers.values == task.truth(outcomes)[:, 0]).mean() == pytest.approx(expected, abs=0.016)
    assert set(answers.looks) == {18}
    assert set(logic.person().solve_looks(task, outcomes.subjects, rng)) == {18.0}


def test_what_the_looks_do_not_reach_is_guessed_or_not_answered():
    task, outcomes = logic.gate(), acted(logic.gate(), 20_000, 5)
    guess = labels(task, logic.person(look_error=0, looks=4), outcomes, Advice(), np.random.default_rng(6))
    # Two of three are known: the third decides half of the time, and is then guessed.
    assert (guess.values == task.truth(outcomes)[:, 0]).mean() == pytest.approx(0.75, abs=0.016)
    silent = labels(
        task, logic.person(looks=4, when_out="cannot tell"), outcomes, Advice(), np.random.default_rng(6)
    )
    assert np.isnan(silent.values).all()
    assert set(guess.looks) == set(silent.looks) == {4}


def test_a_flawless_person_prefers_the_right_claim_and_ties_equal_ones():
    task = logic.bit()
    outcomes = acted(task, 200, 7)
    subjects = {name: np.concatenate([values, values]) for name, values in outcomes.subjects.items()}
    actions = np.concatenate([outcomes.actions[:, 0], np.ones((200, 1), np.int64)])
    both = task.imagine(subjects, actions, subjects)
    rows = np.arange(200)
    items = Items(rows, rows + 200, np.zeros(200, np.int64), np.zeros(200, np.int64))
    request = Request(task, "preference", ("Right?",), both, Advice(), items, np.random.default_rng(0))
    answers = logic.person(look_error=0).answer(request)
    truth = task.truth(both)[:, 0]
    assert np.array_equal(answers.values, 0.5 + 0.5 * (truth[:200] - truth[200:]))
    assert set(answers.looks) == {2}, "one place is worked out once"


def test_helpers_asked_the_same_are_outvoted():
    task = logic.gate()
    outcomes = acted(task, 5000, 8)
    rng = np.random.default_rng(9)
    three = [advised(task, logic.bit(), outcomes, error, rng).values["helper"] for error in (0, 0.5, 0)]
    advice = Advice(dict(zip("abc", three, strict=True)), dict.fromkeys("abc", "logic.claim"))
    answers = labels(task, logic.person(read_error=0), outcomes, advice, rng)
    assert np.array_equal(answers.values, task.truth(outcomes)[:, 0])
    assert set(answers.looks) == {9}


def test_the_simple_rule_takes_the_likelier_answer_given_the_first_input():
    bits = np.array([[1, 1, 0, 0], [0, 1, 0, 0]])
    index = np.zeros(2, np.int64)
    assert Circuit(4).first_input_rule(bits, index).tolist() == [True, False]
    assert Circuit(4, rule="or").first_input_rule(bits, index).tolist() == [True, False]
    most = Circuit(4, gates=("majority",), fan_in=3)
    assert most.first_input_rule(bits, index).tolist() == [False, True]
    assert Circuit(4, gates=("or",), fan_in=3).first_input_rule(bits, index).all()


def test_no_string_is_in_two_splits_and_every_string_is_in_one():
    task, rng = logic.bit(width=8), np.random.default_rng(0)
    drawn = [task.starts(1000, split, rng)["bits"] for split in ("train", "judge", "gate", "measure")]
    assert len(np.unique(np.concatenate(drawn), axis=0)) == sum(map(len, drawn)) == 256


def test_widths_that_do_not_fit_are_named():
    with pytest.raises(PluginError, match=r"need 27 places, but a string has 12; make `width` larger"):
        logic.gate(gates=("or", "or", "or"))
    with pytest.raises(PluginError, match=r"window of 4 does not fit into 3 bits"):
        logic.bit(width=3, window=4)
    subjects = logic.bit(width=9).starts(4, "train", np.random.default_rng(0))
    with pytest.raises(PluginError, match=r"'bits' has shape \(4, 9\), expected \(4, 12\)"):
        logic.bit().make_vec(4).reset(options={"subject": subjects})


def test_a_helpers_name_cannot_smuggle_markup_into_the_picture():
    task = logic.gate()
    outcomes = acted(task, 1, 0)
    claims = {"<script>": np.ones((1, 3), np.int8)}
    drawing = task.picture(outcomes, 0, Advice(claims, {"<script>": "logic.claim"}))
    assert "<script>" not in drawing
    assert "&lt;script&gt;" in drawing
