"""Weights that make judgments likely: all members of an ensemble trained together.

In: a fresh ensemble and cases. Out: the best weights on held-out cases, and what that took.
Touches nothing; randomness comes in as a generator.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
import torch
from torch import Tensor
from torch.optim.adamw import adamw

from rrm_tree.errors import TrainingError
from rrm_tree.learning.cases import Cases, Predicted, View, minibatches, predict_all, view
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
    level_members: bool = False
    """Work out how far each member's level lies from the others': cautious rewards need it."""


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


@dataclass(frozen=True)
class Pass:
    """One optimiser step's way through the network and back; `run` leaves gradients in the weights."""

    ensemble: Ensemble
    shown: View
    mistakes: float
    step: int

    def loss(self, table: Tensor) -> Tensor:
        """The batch's loss, from what every member says.

        Raises:
            TrainingError: it was not a number.
        """
        loss = batch_loss(self.shown.cases, self.shown.read(table), self.mistakes)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss.item()} at optimiser step {self.step + 1}:"
                f" {blame(self.shown.cases.inputs)}; lower the learning rate, or mend the input"
            )
        return loss

    def run(self) -> None:
        """Gradients of all members' weights, each on its own batch."""
        self.loss(self.ensemble.scores(self.shown.inputs(), shared=False)).backward()  # type: ignore[no-untyped-call]


Fitting: TypeAlias = Generator[Pass, None, Fitted]
"""A fit that stops at every pass until somebody has run it."""


def fit(
    ensemble: Ensemble,
    cases: Cases,
    train: Ints,
    held: Ints,
    options: DistillOptions,
    rng: np.random.Generator,
) -> Fitting:
    """Train on some cases until the loss on the others no longer falls.

    Every member has its own initial weights and its own order of the cases; one optimiser step
    moves all of them. Without held-out cases all epochs are run.
    """
    ensemble = ensemble.map(lambda weights: weights.detach().clone().requires_grad_())
    weights = list(ensemble.weights.values())
    batch = min(options.batch, max(1, math.ceil(len(train) / LEAST_BATCHES)))
    per_epoch = math.ceil(len(train) / batch)
    planned = min(per_epoch * options.epochs, options.optimiser_steps or per_epoch * options.epochs)
    optimiser = AdamW(weights, options.weight_decay)
    best, best_loss, best_epoch = _copy(ensemble), math.inf, 0
    steps = epoch = 0
    while steps < planned and epoch - best_epoch < options.patience:
        epoch += 1
        orders = [rng.permutation(train) for _ in range(ensemble.members)]
        for chosen in minibatches(orders, batch):
            if steps == planned:
                break
            yield Pass(ensemble, view(cases, chosen), options.mistakes, steps)
            clip_gradients(weights)
            optimiser.step(options.learning_rate * rise_and_fall(steps / planned))
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


class AdamW:
    """`torch.optim.AdamW` without its class, which imports torch's compiler: 2 s for nothing."""

    def __init__(self, weights: list[Tensor], weight_decay: float) -> None:
        self.weights, self.weight_decay = weights, weight_decay
        self.means = [torch.zeros_like(weight) for weight in weights]
        self.squares = [torch.zeros_like(weight) for weight in weights]
        self.steps = [torch.zeros(()) for _ in weights]

    def step(self, rate: float) -> None:
        """Move the weights along their gradients, which are spent."""
        moved = [place for place, weight in enumerate(self.weights) if weight.grad is not None]
        of = [
            [kept[place] for place in moved] for kept in (self.weights, self.means, self.squares, self.steps)
        ]
        with torch.no_grad():
            adamw(
                of[0],
                [cast(Tensor, weight.grad) for weight in of[0]],
                of[1],
                of[2],
                [],
                of[3],
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=rate,
                weight_decay=self.weight_decay,
                eps=1e-8,
                maximize=False,
            )
        for weight in self.weights:
            weight.grad = None


def batch_loss(cases: Cases, predicted: Predicted, mistakes: float) -> Tensor:
    """Mean loss of each member's items, summed over the members so that none slows another."""
    nats = _nats(cases, predicted.scores, predicted.answers, mistakes)
    return ((nats * predicted.weights).sum(dim=1) / predicted.weights.sum(dim=1)).sum()


def clip_gradients(weights: list[Tensor]) -> None:
    """Shorten each member's gradient to the largest norm; members do not touch each other."""
    squares = [weight.grad.flatten(1).square().sum(dim=1) for weight in weights if weight.grad is not None]
    factor = (LARGEST_GRADIENT / (torch.stack(squares).sum(dim=0).sqrt() + 1e-6)).clamp(max=1)
    for weight in weights:
        if weight.grad is not None:
            weight.grad *= factor.reshape(-1, *[1] * (weight.ndim - 1))


def rise_and_fall(progress: float) -> float:
    """Share of the learning rate: rises to 1, then falls to 0 along a cosine, as the steps are done."""
    if progress < WARM_UP:
        return min(1.0, (progress + 1e-3) / WARM_UP)
    return 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


def _copy(ensemble: Ensemble) -> Ensemble:
    return ensemble.map(lambda weights: weights.detach().clone())
