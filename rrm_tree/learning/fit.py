"""Weights that make judgments likely: all members of an ensemble trained together.

In: a fresh ensemble and cases. Out: the best weights on held-out cases, and what that took.
Touches nothing; randomness comes in as a generator.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, cast

import numpy as np
import torch
from torch import Tensor
from torch.optim.adamw import adamw

from rrm_tree.errors import TrainingError
from rrm_tree.learning.cases import Cases, Predicted, View, minibatches, predict_all, view
from rrm_tree.learning.ensemble import Ensemble
from rrm_tree.learning.kinds import kind_of
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
    """Share of all answers but ratings taken to be given at random."""
    ties: float = 0.0
    """Weight of ties among preferences; 0 counts a tie as half of either answer."""
    optimiser_steps: int | None = None
    """Hard limit; None is no limit."""
    level_members: bool = False
    """Work out how far each member's level lies from the others': cautious rewards need it."""


@dataclass(frozen=True)
class Readout:
    """How answers of one kind follow from scores whose scale another kind has set: a line for each member.

    Two kinds of judgment need not be as exact as each other, nor be right above the same score.
    """

    log_slope: Tensor
    """[members, 1]"""
    shift: Tensor
    """[members, 1]; choices do not depend on it."""

    @classmethod
    def fresh(cls, members: int) -> Readout:
        """Scores as they are."""
        return cls(torch.zeros(members, 1, requires_grad=True), torch.zeros(members, 1, requires_grad=True))

    def copy(self) -> Readout:
        """The same, whatever is learned from here on."""
        return Readout(self.log_slope.detach().clone(), self.shift.detach().clone())

    def read(self, scores: Tensor) -> Tensor:
        """Scores as the kind's likelihood takes them, [members, items, ...]."""
        shape = (-1, *[1] * (scores.ndim - 1))
        return self.log_slope.exp().reshape(shape) * scores + self.shift.reshape(shape)


@dataclass(frozen=True)
class Lesson:
    """Cases of one kind: what is learned from, and what tells when to stop."""

    cases: Cases
    train: Ints
    held: Ints


@dataclass(frozen=True)
class HeldOut:
    """What an ensemble thinks of items it was not trained on."""

    scores: Floats
    """Mean over the members, [items]; of choices among several [items, alternatives]."""
    answers: Floats
    criterion: Ints
    mistakes: Floats | None = None
    """Of each answer's judge, where several judge, [items]."""

    @property
    def predicted(self) -> Predicted:
        """The same as a likelihood takes it."""
        scores, answers = torch.from_numpy(self.scores), torch.from_numpy(self.answers)
        mistakes = None if self.mistakes is None else torch.from_numpy(self.mistakes)
        return Predicted(scores, answers, torch.ones_like(answers), mistakes)


@dataclass(frozen=True)
class Fitted:
    """The best weights, and what the ensemble then thinks of the held-out items."""

    ensemble: Ensemble
    readouts: tuple[Readout | None, ...]
    """Of each lesson; None for the first, whose kind sets the scale."""
    held_out: tuple[HeldOut, ...]
    """Of each lesson."""
    optimiser_steps: int
    epochs: int


@dataclass(frozen=True)
class Pass:
    """One optimiser step's way through the network and back; `run` leaves gradients in the weights."""

    ensemble: Ensemble
    shown: View
    readout: Readout | None
    options: DistillOptions
    step: int

    def loss(self, table: Tensor) -> Tensor:
        """The batch's loss, from what every member says.

        Raises:
            TrainingError: it was not a number.
        """
        loss = batch_loss(self.shown.cases, self.shown.read(table), self.options, self.readout)
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
    ensemble: Ensemble, lessons: Sequence[Lesson], options: DistillOptions, rng: np.random.Generator
) -> Fitting:
    """Train on some cases of every lesson until the loss on its others no longer falls.

    Every member has its own initial weights and its own order of the cases; one optimiser step
    moves all of them, by a batch of one kind. Without held-out cases all epochs are run.
    """
    ensemble = ensemble.map(lambda weights: weights.detach().clone().requires_grad_())
    readouts = [None, *(Readout.fresh(ensemble.members) for _ in lessons[1:])]
    lines = [line for readout in readouts if readout for line in (readout.log_slope, readout.shift)]
    weights = [*ensemble.weights.values(), *lines]
    count = sum(len(lesson.train) for lesson in lessons)
    batch = min(options.batch, max(1, math.ceil(count / LEAST_BATCHES)))
    per_epoch = sum(math.ceil(len(lesson.train) / batch) for lesson in lessons)
    planned = min(per_epoch * options.epochs, options.optimiser_steps or per_epoch * options.epochs)
    optimiser = AdamW(weights, options.weight_decay)
    best, best_loss, best_epoch = _copy(ensemble, readouts), math.inf, 0
    steps = epoch = 0
    while steps < planned and epoch - best_epoch < options.patience:
        epoch += 1
        for place, chosen in _batches(lessons, ensemble.members, batch, rng):
            if steps == planned:
                break
            yield Pass(ensemble, view(lessons[place].cases, chosen), readouts[place], options, steps)
            clip_gradients(weights)
            optimiser.step(options.learning_rate * rise_and_fall(steps / planned))
            steps += 1
        held = [score_cases(ensemble, *_held(one), at) for one, at in zip(lessons, readouts, strict=True)]
        loss = _held_out_loss(lessons, held, options) if any(len(one.answers) for one in held) else -epoch
        if loss < best_loss:
            best, best_loss, best_epoch = _copy(ensemble, readouts), loss, epoch
    kept, at_best = best
    told = (score_cases(kept, *_held(one), at) for one, at in zip(lessons, at_best, strict=True))
    return Fitted(kept, at_best, tuple(told), steps, epoch)


def _batches(
    lessons: Sequence[Lesson], members: int, batch: int, rng: np.random.Generator
) -> list[tuple[int, Ints]]:
    """One epoch: which lesson each batch is of, and its cases, [members, ≤ batch]."""
    found: list[tuple[int, Ints]] = []
    for place, lesson in enumerate(lessons):
        orders = [rng.permutation(lesson.train) for _ in range(members)]
        found += [(place, chosen) for chosen in minibatches(orders, batch)]
    return [found[at] for at in rng.permutation(len(found))] if len(lessons) > 1 else found


def _held(lesson: Lesson) -> tuple[Cases, Ints]:
    return lesson.cases, lesson.held


def _held_out_loss(lessons: Sequence[Lesson], held: Sequence[HeldOut], options: DistillOptions) -> float:
    """Loss of the members' mean on held-out items, in nats per item."""
    nats = [
        _nats(lesson.cases, told.predicted, options)
        for lesson, told in zip(lessons, held, strict=True)
        if len(told.answers)
    ]
    return float((nats[0] if len(nats) == 1 else torch.cat(nats)).mean())


def _nats(cases: Cases, told: Predicted, options: DistillOptions) -> Tensor:
    """Loss of each answer, some of them having been given at random."""
    mistakes = options.mistakes if told.mistakes is None else told.mistakes
    return kind_of(cases.kind, options.ties).loss(told.scores, told.answers, mistakes)


def score_cases(ensemble: Ensemble, cases: Cases, chosen: Ints, readout: Readout | None = None) -> HeldOut:
    """What the ensemble thinks of all items of the chosen cases."""
    if not len(chosen):
        return HeldOut(np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
    predicted = predict_all(ensemble, cases, chosen)
    scores = predicted.scores if readout is None else readout.copy().read(predicted.scores)
    items = cases.items_of(chosen)[0]
    return HeldOut(
        scores.double().mean(dim=0).numpy(),
        predicted.answers[0].double().numpy(),
        cases.criterion[items],
        None if cases.mistakes is None else cases.mistakes[items],
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


def batch_loss(
    cases: Cases, predicted: Predicted, options: DistillOptions, readout: Readout | None = None
) -> Tensor:
    """Mean loss of each member's items, summed over the members so that none slows another."""
    told = predicted if readout is None else replace(predicted, scores=readout.read(predicted.scores))
    nats = _nats(cases, told, options)
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


def _copy(
    ensemble: Ensemble, readouts: Sequence[Readout | None]
) -> tuple[Ensemble, tuple[Readout | None, ...]]:
    kept = tuple(None if readout is None else readout.copy() for readout in readouts)
    return ensemble.map(lambda weights: weights.detach().clone()), kept
