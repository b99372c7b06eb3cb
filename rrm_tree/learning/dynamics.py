"""A learned model of what a world does next: an ensemble of networks, fitted to transitions.

In: states and actions as flat numbers, and what followed. Out: what follows others.
Touches torch's global generator only within `fork_rng`, which puts it back; CPU, float32.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, silu

from rrm_tree.errors import TrainingError
from rrm_tree.learning.fit import LEAST_BATCHES, AdamW, clip_gradients, rise_and_fall
from rrm_tree.outcomes import Array, Arrays

LEAST_DEVIATION = 1e-6
"""Numbers that vary less than this are taken not to vary at all."""


@dataclass(frozen=True)
class Transitions:
    """What has been seen of a world, one row a step; float32."""

    states: Array
    """[n, features]"""
    actions: Array
    """[n, action features]"""
    following: Array
    """The states that came next, [n, features]."""
    ended: Array
    """1 where the episode then came to its own end, otherwise 0, [n]."""

    def __len__(self) -> int:
        return len(self.states)

    @classmethod
    def none(cls, features: int, action_features: int) -> Transitions:
        """Nothing seen yet."""
        sizes = ((0, features), (0, action_features), (0, features), (0,))
        return cls(*(np.zeros(size, np.float32) for size in sizes))

    def and_then(self, more: Transitions) -> Transitions:
        """Both, one after the other."""
        pairs = zip(self.arrays().values(), more.arrays().values(), strict=True)
        return Transitions(*(np.concatenate(pair).astype(np.float32) for pair in pairs))

    def arrays(self) -> dict[str, Array]:
        """For the store; `from_arrays` is the way back."""
        return {
            "seen.states": self.states,
            "seen.actions": self.actions,
            "seen.following": self.following,
            "seen.ended": self.ended,
        }

    @classmethod
    def from_arrays(cls, flat: Arrays) -> Transitions:
        """The transitions that `arrays` took apart."""
        return cls(*(flat[f"seen.{name}"] for name in ("states", "actions", "following", "ended")))


@dataclass(frozen=True)
class Scales:
    """Means and deviations by which inputs and changes are brought to a common size."""

    inputs_mean: Tensor
    """Of a state and an action side by side, [features + action features]."""
    inputs_deviation: Tensor
    changes_mean: Tensor
    """Of what a state changes by in a step, [features]."""
    changes_deviation: Tensor

    @classmethod
    def of(cls, seen: Transitions) -> Scales:
        """Those of the transitions seen; 0 and 1 where there are none."""
        inputs = np.concatenate([seen.states, seen.actions], axis=1)
        return cls(*_mean_and_deviation(inputs), *_mean_and_deviation(seen.following - seen.states))


@dataclass(frozen=True)
class Dynamics:
    """K networks, each of which predicts how a state changes and whether the episode then ends.

    The probabilistic ensemble of Chua et al., "Deep reinforcement learning in a handful of trials"
    (2018), with mean-squared error in place of their Gaussians: members differ where little was
    seen, and chance in the world itself is averaged over. Weights are stacked along a first axis.
    """

    layers: tuple[tuple[Tensor, Tensor], ...]
    """Weights [members, in, out] and biases [members, 1, out]."""
    scales: Scales
    ends: bool
    """Whether an end has ever been seen; otherwise none is expected."""

    @classmethod
    def build(cls, widths: Sequence[int], members: int, scales: Scales, seed: int) -> Dynamics:
        """Fresh networks; widths from the inputs to one number more than a state has."""
        draw = torch.Generator().manual_seed(seed)
        layers = []
        for before, after in itertools.pairwise(widths):
            bound = 1 / math.sqrt(before)
            weights = (torch.rand((members, before, after), generator=draw) * 2 - 1) * bound
            layers.append((weights, torch.zeros(members, 1, after)))
        return cls(tuple(layers), scales, False)

    @property
    def members(self) -> int:
        """How many networks there are."""
        return len(self.layers[0][0])

    def raw(self, inputs: Tensor) -> Tensor:
        """Scaled inputs to scaled changes and the logit of an end, [members, n, features + 1]."""
        values = inputs
        for weights, biases in self.layers[:-1]:
            values = silu(torch.baddbmm(biases, values, weights))
        weights, biases = self.layers[-1]
        return torch.baddbmm(biases, values, weights)

    def unscaled(self) -> Dynamics:
        """The same model with its scales worked into the weights, for planning: nothing else to do a step."""
        scales = self.scales
        (first, bias), *middle, (last, last_bias) = self.layers
        first = first / scales.inputs_deviation[:, None]
        bias = bias - scales.inputs_mean[None, None] @ first
        # The last column is the logit of an end, which has no scale.
        spread = torch.cat([scales.changes_deviation, torch.ones(1)])
        centre = torch.cat([scales.changes_mean, torch.zeros(1)])
        layers = ((first, bias), *middle, (last * spread, last_bias * spread + centre))
        plain = Scales(*(torch.zeros(0) for _ in range(4)))
        return Dynamics(layers, plain, self.ends)

    def step(self, states: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """What every member of an `unscaled` model thinks comes next.

        Args:
            states: [members, n, features].
            actions: [members, n, action features].

        Returns:
            The next states, [members, n, features], and the chance that the episode ends with
            this step, [members, n].
        """
        said = self.raw(torch.cat([states, actions], dim=-1))
        chances = said[..., -1].sigmoid() if self.ends else torch.zeros(said.shape[:-1])
        return states + said[..., :-1], chances

    def arrays(self) -> dict[str, Array]:
        """For the store; `from_arrays` is the way back."""
        flat: dict[str, Array] = {"dynamics.ends": np.array([self.ends])}
        for place, (weights, biases) in enumerate(self.layers):
            flat[f"dynamics.weights.{place}"] = weights.numpy()
            flat[f"dynamics.biases.{place}"] = biases.numpy()
        return flat | {f"dynamics.{name}": values.numpy() for name, values in vars(self.scales).items()}

    @classmethod
    def from_arrays(cls, flat: Arrays) -> Dynamics:
        """The model that `arrays` took apart."""

        def tensor(name: str) -> Tensor:
            return torch.from_numpy(np.array(flat[f"dynamics.{name}"]))

        count = sum(name.startswith("dynamics.weights.") for name in flat)
        layers = tuple((tensor(f"weights.{place}"), tensor(f"biases.{place}")) for place in range(count))
        scales = Scales(
            tensor("inputs_mean"),
            tensor("inputs_deviation"),
            tensor("changes_mean"),
            tensor("changes_deviation"),
        )
        return cls(layers, scales, bool(flat["dynamics.ends"][0]))


@dataclass(frozen=True)
class FitOptions:
    """How a dynamics model is fitted."""

    members: int = 5
    hidden: tuple[int, ...] = (64, 64)
    learning_rate: float = 3e-3
    weight_decay: float = 1e-5
    batch: int = 256
    """Transitions per optimiser step; fewer where there would be under 8 batches an epoch."""
    updates: int = 500
    """Optimiser steps at most, however much has been seen."""
    patience: int = 8
    """Epochs without a better held-out loss before fitting stops."""
    held_out: float = 0.1
    """Share of the transitions by which fitting is stopped and judged."""


@dataclass(frozen=True)
class FittedDynamics:
    """The best weights on held-out transitions, and what that took."""

    dynamics: Dynamics
    optimiser_steps: int
    explained: float
    """Share of the held-out changes' variance that the members' mean explains, at most 1."""


def fit_dynamics(
    seen: Transitions, options: FitOptions, rng: Generator, optimiser_steps: int | None = None
) -> FittedDynamics:
    """Fresh networks, trained until they predict held-out transitions no better.

    Every member has its own initial weights and its own order of the transitions; one optimiser
    step moves all of them.

    Args:
        seen: at least 2 transitions.
        options: see there.
        rng: what everything is drawn from.
        optimiser_steps: hard limit; None for none.

    Raises:
        TrainingError: a loss was not a number.
    """
    scales = Scales.of(seen)
    widths = (seen.states.shape[1] + seen.actions.shape[1], *options.hidden, seen.states.shape[1] + 1)
    model = Dynamics.build(widths, options.members, scales, int(rng.integers(2**62)))
    model = replace(model, ends=bool(seen.ended.any()))
    order = rng.permutation(len(seen))
    held = order[: max(1, round(options.held_out * len(seen)))]
    fitting = _Fitting(model, _scaled(seen, scales), order[len(held) :], held)
    steps = fitting.run(options, rng, optimiser_steps)
    return FittedDynamics(fitting.best, steps, fitting.explained())


class _Fitting:
    """One fit: its data, the weights that move, and the best so far."""

    def __init__(
        self, model: Dynamics, scaled: tuple[Tensor, Tensor, Tensor], train: Array, held: Array
    ) -> None:
        self.inputs, self.changes, self.ended = scaled
        self.train, self.held = train, torch.from_numpy(held)
        self.best, self.best_loss = model, math.inf
        self.model = replace(
            model,
            layers=tuple((w.clone().requires_grad_(), b.clone().requires_grad_()) for w, b in model.layers),
        )

    def run(self, options: FitOptions, rng: Generator, limit: int | None) -> int:
        """Epochs until the held-out loss no longer falls; the optimiser steps that it took."""
        weights = [tensor for layer in self.model.layers for tensor in layer]
        optimiser = AdamW(weights, options.weight_decay)
        batch = min(options.batch, max(1, math.ceil(len(self.train) / LEAST_BATCHES)))
        planned = options.updates if limit is None else min(options.updates, limit)
        steps = epoch = best_epoch = 0
        while steps < planned and epoch - best_epoch < options.patience:
            epoch += 1
            orders = torch.from_numpy(np.stack([rng.permutation(self.train) for _ in range(options.members)]))
            for chosen in torch.split(orders, batch, dim=1)[: planned - steps]:
                self._differentiate(chosen)
                clip_gradients(weights)
                optimiser.step(options.learning_rate * rise_and_fall(steps / planned))
                steps += 1
            if self._is_better():
                best_epoch = epoch
        return steps

    def _differentiate(self, chosen: Tensor) -> None:
        said = self.model.raw(self.inputs[chosen])
        loss = self._losses(said, self.changes[chosen], self.ended[chosen]).sum()
        if not torch.isfinite(loss):
            raise TrainingError(
                f"search: the loss of the dynamics model is {loss.item()}; lower agent.with.learning_rate"
            )
        loss.backward()  # type: ignore[no-untyped-call]

    def _losses(self, said: Tensor, changes: Tensor, ended: Tensor) -> Tensor:
        """Of each member: mean-squared error of the changes, and nats of the ends if there are any."""
        squared = (said[..., :-1] - changes).square().mean(dim=(1, 2))
        if not self.model.ends:
            return squared
        ends = binary_cross_entropy_with_logits(said[..., -1], ended, reduction="none")
        return squared + ends.mean(dim=1)

    def _is_better(self) -> bool:
        """Whether the held-out loss, over all members, is the lowest so far; then it is kept."""
        with torch.inference_mode():
            shape = (self.model.members, *self.held.shape)
            said = self.model.raw(self.inputs[self.held].expand(*shape, -1))
            changes, ended = self.changes[self.held].expand(*shape, -1), self.ended[self.held].expand(shape)
            loss = float(self._losses(said, changes, ended).mean())
        if loss >= self.best_loss:
            return False
        layers = tuple((w.detach().clone(), b.detach().clone()) for w, b in self.model.layers)
        self.best, self.best_loss = replace(self.model, layers=layers), loss
        return True

    def explained(self) -> float:
        """Share of the held-out variance that the mean of the best members explains."""
        with torch.inference_mode():
            said = self.best.raw(self.inputs[self.held].expand(self.best.members, -1, -1))
            errors = (said[..., :-1].mean(dim=0) - self.changes[self.held]).square().sum()
        return 1 - float(errors / self.changes[self.held].square().sum().clamp(min=LEAST_DEVIATION))


def _scaled(seen: Transitions, scales: Scales) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, changes and ends as networks are trained on them."""
    inputs = torch.from_numpy(np.concatenate([seen.states, seen.actions], axis=1))
    changes = torch.from_numpy(seen.following - seen.states)
    return (
        (inputs - scales.inputs_mean) / scales.inputs_deviation,
        (changes - scales.changes_mean) / scales.changes_deviation,
        torch.from_numpy(seen.ended),
    )


def _mean_and_deviation(values: Array) -> tuple[Tensor, Tensor]:
    if not len(values):
        return torch.zeros(values.shape[1]), torch.ones(values.shape[1])
    mean, deviation = values.mean(axis=0, dtype=np.float64), values.std(axis=0, dtype=np.float64)
    deviation = np.where(deviation > LEAST_DEVIATION, deviation, 1.0)
    return torch.from_numpy(mean.astype(np.float32)), torch.from_numpy(deviation.astype(np.float32))
