"""Weights that make judgments likely: all members of an ensemble trained together.

In: a fresh ensemble and cases. Out: the best weights on held-out cases, and what that took.
Touches nothing; randomness comes in as a generator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from rrm_tree.errors import TrainingError
from rrm_tree.learning.cases import Cases, Predicted, minibatches, predict, predict_all
from rrm_tree.learning.ensemble import Ensemble
from rrm_tree.learning.losses import LIKELIHOODS, mix_mistakes
from rrm_tree.learning.reward_model import blame
from rrm_tree.outcomes import Floats, Ints

LEAST_BATCHES = 8
"""Into how many batches an epoch is cut at least: a few dozen judgments need their steps too."""
WARM_UP = 0.05
"""Share of the steps in which the learning rate rises; then it falls along a cosine."""
LARGEST_GRADIENT = 1.0
"""Norm, of each member's gradient."""


@dataclass(frozen=True)
class DistillOptions:
    """How judgments are distilled."""

    ensemble: int = 3
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    batch: int = 256
    """Cases (outcomes, or pairs of them) per optimiser step, with all their items."""
    epochs: int = 60
    patience: int = 8
    """Epochs without a better held-out loss before training stops."""
    held_out: float = 0.1
    """Share of the cases by which training is stopped and judged."""
    mistakes: float = 0.1
    """Share of preferences and labels taken to be given at random."""
    optimiser_steps: int | None = None
    """Hard limit; None is no limit."""


@dataclass(frozen=True)
class HeldOut:
    """What an ensemble thinks of items it was not trained on."""

    scores: Floats
    """Mean over the members, [items]."""
    answers: Floats
    criterion: Ints


@dataclass(frozen=True)
class Fitted:
    """The best weights, and what the ensemble then thinks of the held-out items."""

    ensemble: Ensemble
    held_out: HeldOut
    optimiser_steps: int
    epochs: int


def fit(
    ensemble: Ensemble, cases: Cases, train: Ints, held: Ints, options: DistillOptions, rng: Generator
) -> Fitted:
    """Train on some cases until the loss on the others no longer falls.

    Every member has its own initial weights and its own order of the cases; one optimiser step
    moves all of them. Without held-out cases all epochs are run.

    Raises:
        TrainingError: a loss was not a number.
    """
    ensemble = ensemble.map(lambda weights: weights.detach().clone().requires_grad_())
    batch = min(options.batch, max(1, math.ceil(len(train) / LEAST_BATCHES)))
    per_epoch = math.ceil(len(train) / batch)
    planned = min(per_epoch * options.epochs, options.optimiser_steps or per_epoch * options.epochs)
    optimiser = torch.optim.AdamW(
        list(ensemble.weights.values()), options.learning_rate, weight_decay=options.weight_decay
    )
    best, best_loss, best_epoch = _copy(ensemble), math.inf, 0
    steps = epoch = 0
    while steps < planned and epoch - best_epoch < options.patience:
        epoch += 1
        orders = [rng.permutation(train) for _ in range(ensemble.members)]
        for chosen in minibatches(orders, batch):
            if steps == planned:
                break
            _set_rate(optimiser, options.learning_rate, steps / planned)
            _step(ensemble, optimiser, cases, chosen, options.mistakes, steps)
            steps += 1
        loss = held_out_loss(ensemble, cases, held, options.mistakes) if len(held) else -epoch
        if loss < best_loss:
            best, best_loss, best_epoch = _copy(ensemble), loss, epoch
    return Fitted(best, score_cases(best, cases, held), steps, epoch)


def held_out_loss(ensemble: Ensemble, cases: Cases, held: Ints, mistakes: float) -> float:
    """Loss of the members' mean on held-out items, in nats per item."""
    found = score_cases(ensemble, cases, held)
    scores, answers = torch.from_numpy(found.scores), torch.from_numpy(found.answers)
    return float(_nats(cases, scores, answers, mistakes).mean())


def _nats(cases: Cases, scores: Tensor, answers: Tensor, mistakes: float) -> Tensor:
    """Loss of each answer, some of the choices among them having been made at random."""
    expected = scores if cases.kind == "rating" else mix_mistakes(scores, mistakes)
    return LIKELIHOODS[cases.kind].loss(expected, answers)


def score_cases(ensemble: Ensemble, cases: Cases, chosen: Ints) -> HeldOut:
    """What the ensemble thinks of all items of the chosen cases."""
    if not len(chosen):
        return HeldOut(np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
    predicted = predict_all(ensemble, cases, chosen)
    return HeldOut(
        predicted.scores.double().mean(dim=0).numpy(),
        predicted.answers[0].double().numpy(),
        cases.criterion[cases.items_of(chosen)[0]],
    )


def _step(
    ensemble: Ensemble,
    optimiser: torch.optim.Optimizer,
    cases: Cases,
    chosen: Ints,
    mistakes: float,
    step: int,
) -> None:
    """One optimiser step of all members, each on its own batch."""
    optimiser.zero_grad()
    predicted = predict(ensemble, cases, chosen)
    loss = batch_loss(cases, predicted, mistakes)
    if not torch.isfinite(loss):
        raise TrainingError(
            f"the loss is {loss.item()} at optimiser step {step + 1}: {blame(cases.inputs)};"
            " lower the learning rate, or mend the input"
        )
    loss.backward()  # type: ignore[no-untyped-call]
    _clip(list(ensemble.weights.values()))
    optimiser.step()


def batch_loss(cases: Cases, predicted: Predicted, mistakes: float) -> Tensor:
    """Mean loss of each member's items, summed over the members so that none slows another."""
    nats = _nats(cases, predicted.scores, predicted.answers, mistakes)
    return ((nats * predicted.weights).sum(dim=1) / predicted.weights.sum(dim=1)).sum()


def _clip(weights: list[Tensor]) -> None:
    """Shorten each member's gradient to the largest norm; members do not touch each other."""
    squares = [weight.grad.flatten(1).square().sum(dim=1) for weight in weights if weight.grad is not None]
    factor = (LARGEST_GRADIENT / (torch.stack(squares).sum(dim=0).sqrt() + 1e-6)).clamp(max=1)
    for weight in weights:
        if weight.grad is not None:
            weight.grad *= factor.reshape(-1, *[1] * (weight.ndim - 1))


def _set_rate(optimiser: torch.optim.Optimizer, largest: float, progress: float) -> None:
    """Rise, then fall to 0 along a cosine, as the share of the steps that is done."""
    rising = (progress + 1e-3) / WARM_UP
    falling = 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))
    for group in optimiser.param_groups:
        group["lr"] = largest * (min(1.0, rising) if progress < WARM_UP else falling)


def _copy(ensemble: Ensemble) -> Ensemble:
    return ensemble.map(lambda weights: weights.detach().clone())
