"""Distilling judgments into reward models."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rrm_tree.contracts import Shapes
from rrm_tree.errors import TrainingError
from rrm_tree.learning import mlp
from rrm_tree.learning.cases import make_cases, predict, split_cases
from rrm_tree.learning.distill import DistillOptions, distill
from rrm_tree.learning.ensemble import Ensemble
from rrm_tree.learning.fit import batch_loss
from rrm_tree.learning.reward_model import RewardModel

ONCE = np.ones(1)


def learn(judgments, inputs, shapes, *, exclusive=False, seed=1, hidden=(32,), **options):
    return distill(
        judgments,
        inputs,
        network=mlp(hidden=hidden),
        shapes=shapes,
        options=DistillOptions(**{"ensemble": 2, "learning_rate": 1e-2, "epochs": 20, **options}),
        exclusive=exclusive,
        seed=seed,
    )


def tiles(count, rng):
    """Labels about a copy task: value v of part p is right if bit p of the input is v."""
    bits = rng.integers(0, 2, (count, 1, 6))
    actions = rng.integers(0, 2, (count, 1, 6))
    first, part = rng.integers(0, count, 4 * count), rng.integers(0, 6, 4 * count)
    right = actions[first, 0, part] == bits[first, 0, part]
    return bits, actions, first, part, right


def test_preferences_by_a_linear_score_are_learned_to_a_correlation_of_095(small):
    judgments, inputs, _ = small.preferences(400, np.random.default_rng(0))
    model = learn(judgments, inputs, small.VECTOR).model
    fresh = np.random.default_rng(1).normal(size=(500, 1, 4))
    found = model.rewards({"x": fresh}, None, np.ones((500, 1), bool), ONCE)[:, 0]
    assert np.corrcoef(found, fresh[:, 0] @ small.WEIGHTS)[0, 1] > 0.95


def test_exclusive_labels_of_single_parts_colour_every_part(small):
    bits, actions, first, part, right = tiles(300, np.random.default_rng(0))
    judgments = small.judged("label", right, first, part=part, actions=actions)
    model = learn(judgments, {"x": bits}, Shapes({"x": (6,)}, 6, 2, 1), exclusive=True).model
    table, _ = model.table({"x": bits})
    assert (table[:, 0, :, :, 0].argmax(axis=2) == bits[:, 0]).mean() > 0.99
    assert np.exp(table).sum(axis=3) == pytest.approx(np.ones((300, 1, 6, 1)), abs=1e-5)


def test_ratings_are_learned_up_to_shift_and_scale(small):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(400, 1, 4))
    ratings = inputs[:, 0] @ small.WEIGHTS
    model = learn(small.judged("rating", ratings, np.arange(400)), {"x": inputs}, small.VECTOR).model
    found = model.rewards({"x": inputs}, None, np.ones((400, 1), bool), ONCE)[:, 0]
    assert np.corrcoef(found, ratings)[0, 1] > 0.95


def test_a_score_is_summed_over_the_steps_really_taken(small):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(600, 5, 4))
    lengths = rng.integers(2, 6, 600)
    mask = np.arange(5) < lengths[:, None]
    inputs[~mask] = 100.0  # padding that would spoil everything if it were looked at
    scores = ((inputs @ small.WEIGHTS) * mask).sum(axis=1)
    first, second = np.arange(300), np.arange(300, 600)
    judgments = small.judged(
        "preference", scores[first] > scores[second], first, second, steps=5, lengths=lengths
    )
    rewards = learn(judgments, {"x": inputs}, small.VECTOR).model.rewards({"x": inputs}, None, mask, ONCE)
    assert not rewards[~mask].any()
    assert np.corrcoef(rewards.sum(axis=1), scores)[0, 1] > 0.95


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(small):
    judgments, inputs, _ = small.preferences(60, np.random.default_rng(0))
    one, same, other = (
        learn(judgments, inputs, small.VECTOR, seed=seed, epochs=3).model.arrays() for seed in (5, 5, 6)
    )
    assert {name: values.tobytes() for name, values in one.items()} == {
        name: values.tobytes() for name, values in same.items()
    }
    assert any(one[name].tobytes() != other[name].tobytes() for name in one)


def test_training_leaves_the_global_generators_as_they_were(small):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002 - looks, draws nothing
    judgments, inputs, _ = small.preferences(40, np.random.default_rng(0))
    learn(judgments, inputs, small.VECTOR, epochs=2)
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()  # noqa: NPY002


def test_noise_in_the_judgments_is_not_learned_for_all_epochs(small):
    judgments, inputs, _ = small.preferences(80, np.random.default_rng(0), noise=0.3)
    stopped = learn(judgments, inputs, small.VECTOR, epochs=400, patience=5, hidden=(128, 128))
    assert stopped.epochs < 100


def test_optimiser_steps_stop_at_their_limit(small):
    judgments, inputs, _ = small.preferences(100, np.random.default_rng(0))
    assert learn(judgments, inputs, small.VECTOR, optimiser_steps=7).optimiser_steps == 7


def test_cannot_tell_is_counted_and_left_out(small):
    judgments, inputs, _ = small.preferences(100, np.random.default_rng(0))
    judgments.answers.values[:40] = np.nan
    distilled = learn(judgments, inputs, small.VECTOR)
    assert (distilled.facts.judgments, distilled.facts.cannot_tell) == (100, 40)
    assert distilled.model is not None


def test_an_input_that_is_no_number_is_named(small):
    judgments, inputs, _ = small.preferences(50, np.random.default_rng(0))
    inputs["x"][3, 0, 2] = np.nan
    with pytest.raises(TrainingError, match=r"input 'x'.*outcome 3 has nan"):
        learn(judgments, inputs, small.VECTOR)


def test_a_loss_that_is_no_number_stops_training_and_says_when(small):
    judgments, inputs, _ = small.preferences(50, np.random.default_rng(0))
    inputs["x"][:] = 3e38  # finite, and too much for float32 sums
    with pytest.raises(TrainingError, match=r"loss is .* at optimiser step 1"):
        learn(judgments, inputs, small.VECTOR)


def test_a_model_comes_back_from_its_arrays_with_the_same_scores(small):
    judgments, inputs, _ = small.preferences(50, np.random.default_rng(0))
    model = learn(judgments, inputs, small.VECTOR, epochs=3).model
    back = RewardModel.from_arrays(mlp(hidden=(32,)), model.arrays())
    assert all((a == b).all() for a, b in zip(model.table(inputs), back.table(inputs), strict=True))


def test_all_labels_about_one_outcome_share_one_pass(small):
    bits, actions, first, part, right = tiles(64, np.random.default_rng(0))
    judgments = small.judged("label", right, first, part=part, actions=actions)
    cases = make_cases(judgments, {"x": bits}, actions, True)
    items, case = cases.items_of(np.arange(len(cases)))
    assert len(cases) == len(np.unique(first))
    assert sorted(items) == list(range(256))
    assert sorted(zip(cases.rows[case, 0], cases.part[items], strict=True)) == sorted(
        zip(first, part, strict=True)
    )


def test_outcomes_about_the_same_subject_are_held_out_together(small):
    rng = np.random.default_rng(0)
    subjects = {"seed": np.repeat(np.arange(20), 5)}
    judgments = small.judged("label", rng.integers(0, 2, 100), np.arange(100), subjects=subjects)
    cases = make_cases(judgments, {"x": np.zeros((100, 1, 4))}, None, False)
    folds = split_cases(cases, 0.1, rng)
    subjects_of = [set(subjects["seed"][cases.rows[fold, 0]]) for fold in folds]
    assert sum(len(some) for some in subjects_of) == len(set.union(*subjects_of)) == 20
    assert sorted(np.concatenate(folds)) == list(range(100))


def test_batched_members_say_what_each_says_alone(small):
    judgments, inputs, _ = small.preferences(50, np.random.default_rng(0))
    ensemble = learn(judgments, inputs, small.VECTOR, ensemble=3, epochs=3).model.ensemble
    x = torch.from_numpy(inputs["x"][:, 0]).float()
    together = ensemble.scores({"x": x}, shared=True)
    for member in range(3):
        weights = {name: values[member] for name, values in ensemble.weights.items()}
        alone = torch.func.functional_call(ensemble.module, weights, ({"x": x},))
        assert torch.allclose(alone, together[member], atol=1e-6)


def test_a_member_trained_in_company_is_the_member_trained_alone(small):
    judgments, inputs, _ = small.preferences(64, np.random.default_rng(0))
    cases = make_cases(judgments, inputs, None, False)
    ensemble = Ensemble.build(mlp(hidden=(8,)), small.VECTOR, 2, 1)
    order = np.stack([np.arange(64), np.arange(64)[::-1]])
    together = batch_loss(cases, predict(ensemble, cases, order), DistillOptions())
    losses = []
    for member in range(2):
        alone = Ensemble(
            ensemble.module,
            small.VECTOR,
            {name: values[member : member + 1] for name, values in ensemble.weights.items()},
            {},
        )
        own = predict(alone, cases, order[member : member + 1])
        losses.append(batch_loss(cases, own, DistillOptions()).item())
    assert together.item() == pytest.approx(sum(losses))
