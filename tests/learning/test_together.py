"""Fits side by side end with the bits that each has alone."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from rrm_tree.contracts import Shapes
from rrm_tree.errors import TrainingError
from rrm_tree.learning import mlp
from rrm_tree.learning import together as module
from rrm_tree.learning.distill import Distilling, DistillOptions, distill, distill_together
from rrm_tree.learning.networks import MlpModule


def job(small, seed, count=90, noise=0.0, hidden=(16, 16), **options):
    what, inputs, _ = small.preferences(count, np.random.default_rng(seed), noise)
    options = DistillOptions(**{"epochs": 3, **options})
    return Distilling(what, inputs, mlp(hidden=hidden), small.VECTOR, options, False, seed)


def labels(small, seed, count=80):
    """Labels of one of three parts with two exclusive values."""
    rng = np.random.default_rng(seed)
    inputs, actions = rng.normal(size=(count, 1, 5)), rng.integers(0, 2, (count, 1, 3))
    part, rows = rng.integers(0, 3, count), np.arange(count)
    right = (inputs[:, 0, 0] > 0) == (actions[rows, 0, part] == 1)
    what = small.judged("label", right.astype(float), rows, part=part, actions=actions)
    shapes = Shapes({"x": (5,)}, parts=3, values=2, criteria=1)
    return Distilling(what, {"x": inputs}, mlp(hidden=(16,)), shapes, DistillOptions(epochs=3), True, seed)


def long_ones(small, seed):
    """Preferences between episodes of different lengths: hardly two passes agree in shape."""
    rng = np.random.default_rng(seed)
    inputs, lengths = rng.normal(size=(60, 7, 4)), rng.integers(2, 8, 60)
    scores = (inputs[:, :, 0] * (np.arange(7) < lengths[:, None])).sum(axis=1)
    first, second = np.arange(30), np.arange(30, 60)
    what = small.judged("preference", scores[first] > scores[second], first, second, steps=7, lengths=lengths)
    return Distilling(
        what, {"x": inputs}, mlp(hidden=(16,)), small.VECTOR, DistillOptions(epochs=3), False, seed
    )


def alone(what):
    fields = {field.name: getattr(what, field.name) for field in dataclasses.fields(what)}
    return distill(fields.pop("judged"), fields.pop("inputs"), **fields)


def told(distilled):
    """Everything that comes out, as bytes and facts."""
    arrays = {} if distilled.model is None else distilled.model.arrays()
    bits = {name: np.asarray(values).tobytes() for name, values in arrays.items()}
    return bits, distilled.facts, distilled.optimiser_steps, distilled.epochs, distilled.warnings


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(job, id="preferences"),
        pytest.param(
            lambda small, seed: job(small, seed, hidden=(128, 128), epochs=2), id="the default network"
        ),
        pytest.param(lambda small, seed: job(small, seed, ensemble=1), id="single members"),
        pytest.param(
            lambda small, seed: job(small, seed, noise=0.5, ensemble=2),
            id="coin flips, which are fitted crosswise",
        ),
        pytest.param(
            lambda small, seed: job(small, seed, count=80 + seed), id="as many batches, not all of one size"
        ),
        pytest.param(
            lambda small, seed: job(small, seed, optimiser_steps=9 + 4 * seed), id="budgets that end apart"
        ),
        pytest.param(labels, id="labels of parts"),
        pytest.param(long_ones, id="episodes of different lengths"),
    ],
)
def test_each_fit_among_others_has_the_bits_that_it_has_alone(small, make):
    jobs = [make(small, seed) for seed in range(3)]
    assert [told(found) for found in distill_together(jobs)] == [told(alone(what)) for what in jobs]


@pytest.mark.slow
def test_passes_of_equal_shapes_are_one_computation(small, monkeypatch):
    sizes = []
    run = module._run
    monkeypatch.setattr(module, "_run", lambda group: sizes.append(len(group)) or run(group))
    distill_together([job(small, seed) for seed in range(4)])
    assert sizes[0] == 4
    assert sizes.count(4) > 10


@pytest.mark.slow
def test_rows_that_would_not_stay_in_the_cache_are_run_in_lots(small, monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 200)
    jobs = [job(small, seed, epochs=2) for seed in range(3)]
    assert [told(found) for found in distill_together(jobs)] == [told(alone(what)) for what in jobs]


@dataclass
class Sigmoids:
    """A network that does not say that it stacks."""

    version: str = "1"

    def __call__(self, shapes):
        made = MlpModule(shapes, (16,))
        made.stacks = False
        made.layers = nn.Sequential(*[nn.Sigmoid() if isinstance(x, nn.ReLU) else x for x in made.layers])
        return made


@pytest.mark.slow
def test_a_network_that_does_not_say_that_it_stacks_is_trained_by_itself(small):
    jobs = [dataclasses.replace(job(small, seed), network=Sigmoids()) for seed in range(3)]
    assert [told(found) for found in distill_together(jobs)] == [told(alone(what)) for what in jobs]


@pytest.mark.slow
def test_a_fit_that_fails_stops_no_other(small):
    broken = job(small, 1)
    # Finite, but too large for a product.
    inputs = {"x": np.sign(broken.inputs["x"]) * 3e38}
    jobs = [job(small, 0), dataclasses.replace(broken, inputs=inputs), job(small, 2)]
    first, failed, last = distill_together(jobs)
    assert isinstance(failed, TrainingError)
    assert "the loss is" in str(failed)
    assert [told(first), told(last)] == [told(alone(jobs[0])), told(alone(jobs[2]))]


@pytest.mark.parametrize("shape", [(7, 3, 5), (23, 6, 128), (1150, 128, 1), (34, 32, 32), (256, 17, 64)])
@pytest.mark.parametrize("members", [2, 3, 5])
def test_batched_products_do_not_depend_on_how_many_there_are(shape, members):
    # What stacking rests on; if a torch release breaks it, this says so before any bytes differ.
    rows, width, out = shape
    generator = torch.Generator().manual_seed(0)

    def draw(*dims):
        return torch.randn(4 * members, *dims, generator=generator)

    seen, weights, back = draw(rows, width), draw(width, out), draw(rows, out)
    pairs = ((seen, weights), (back, weights.mT), (seen.mT, back))
    for one, other in pairs:
        whole = torch.bmm(one, other)
        for start in range(0, 4 * members, members):
            part = slice(start, start + members)
            assert torch.equal(whole[part], torch.bmm(one[part].clone(), other[part].clone()))
