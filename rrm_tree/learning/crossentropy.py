"""The cross-entropy method over sequences of actions, for many starting points at once.

In: where to begin, how good sequences are. Out: a good sequence for each starting point.
Touches nothing; randomness comes in as a generator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

Score: TypeAlias = Callable[[Tensor], Tensor]
"""Sequences [rows, candidates, steps, features] → how good each is, [rows, candidates]."""

LEAST_CHANCE = 0.02
"""Of every choice, shared out over them: what no elite did may still be right."""


@dataclass(frozen=True)
class CemOptions:
    """How long is searched."""

    candidates: int
    elites: int
    iterations: int


class Guess(Protocol):
    """Where good sequences may lie: a distribution for each row."""

    def likeliest(self) -> Tensor:
        """One sequence a row, [rows, steps, features]."""

    def draw(self, count: int, rng: Generator) -> Tensor:
        """Sequences, [rows, count, steps, features]; every row is drawn for with the same chance."""

    def moved_to(self, elites: Tensor) -> Guess:
        """The distribution that these, [rows, elites, steps, features], are typical of."""

    def later(self, steps: int) -> Guess:
        """The same some steps later, as wide as at the beginning."""


@dataclass(frozen=True)
class Gaussians:
    """Numbers within bounds; neighbouring steps of a draw are alike as far as `smoothness` says."""

    mean: Tensor
    """[rows, steps, features]"""
    deviation: Tensor
    """[rows, steps, features]"""
    width: Tensor
    """Deviation at the beginning, [features]."""
    low: Tensor
    high: Tensor
    """Bounds, [features]; infinite where there are none."""
    smoothness: float

    @classmethod
    def middle(cls, rows: int, steps: int, low: Tensor, high: Tensor, smoothness: float) -> Gaussians:
        """About the middle between the bounds and half as wide as they lie from it; about 0 ± 1 without."""
        bounded = torch.isfinite(low) & torch.isfinite(high)
        middle = torch.where(bounded, (low + high) / 2, torch.zeros_like(low)).clamp(low, high)
        width = torch.where(bounded, (high - low) / 4, torch.ones_like(low))
        mean = middle.expand(rows, steps, -1)
        return cls(mean, width.expand_as(mean), width, low, high, smoothness)

    def likeliest(self) -> Tensor:
        """The mean."""
        return self.mean

    def draw(self, count: int, rng: Generator) -> Tensor:
        """Sequences, [rows, count, steps, features]."""
        _, steps, features = self.mean.shape
        noise = torch.from_numpy(coloured_noise((count, features), steps, self.smoothness, rng)).mT
        drawn = self.mean[:, None] + self.deviation[:, None] * noise
        return drawn.clamp(self.low, self.high)

    def moved_to(self, elites: Tensor) -> Gaussians:
        """Mean and deviation of the elites."""
        return self._with(elites.mean(dim=1), elites.std(dim=1, correction=0))

    def later(self, steps: int) -> Gaussians:
        """What was furthest away is thought to go on."""
        shifted = torch.cat([self.mean[:, steps:], self.mean[:, -1:].expand(-1, steps, -1)], dim=1)
        return self._with(shifted[:, : self.mean.shape[1]], self.width.expand_as(self.mean))

    def _with(self, mean: Tensor, deviation: Tensor) -> Gaussians:
        return Gaussians(mean, deviation, self.width, self.low, self.high, self.smoothness)


@dataclass(frozen=True)
class Choices:
    """One of several choices a step, one-hot."""

    chances: Tensor
    """[rows, steps, choices]"""

    @classmethod
    def even(cls, rows: int, steps: int, choices: int) -> Choices:
        """Every choice as likely as the others."""
        return cls(torch.full((rows, steps, choices), 1 / choices))

    def likeliest(self) -> Tensor:
        """The likeliest choice at every step."""
        return _one_hot(self.chances)

    def draw(self, count: int, rng: Generator) -> Tensor:
        """Sequences, [rows, count, steps, choices]: the largest of log chance + Gumbel noise."""
        noise = rng.gumbel(size=(count, *self.chances.shape[1:])).astype(np.float32)
        return _one_hot(self.chances.log()[:, None] + torch.from_numpy(noise))

    def moved_to(self, elites: Tensor) -> Choices:
        """How often the elites chose what."""
        even = 1 / self.chances.shape[-1]
        return Choices((1 - LEAST_CHANCE) * elites.mean(dim=1) + LEAST_CHANCE * even)

    def later(self, steps: int) -> Choices:
        """Half as sure as before of what was thought, and nothing is known of what comes after it."""
        rows, length, choices = self.chances.shape
        even = torch.full((rows, min(steps, length), choices), 1 / choices)
        kept = (self.chances[:, steps:] + 1 / choices) / 2
        return Choices(torch.cat([kept, even], dim=1))


def _one_hot(scores: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(scores.argmax(dim=-1), scores.shape[-1]).float()


@dataclass(frozen=True)
class Found:
    """The best sequence that was tried, and where others like it lie."""

    best: Tensor
    """[rows, steps, features]"""
    guess: Guess


def find_sequences(score: Score, guess: Guess, options: CemOptions, rng: Generator) -> Found:
    """Good sequences, by drawing, keeping the best and drawing near those.

    Rubinstein, "The cross-entropy method for combinatorial and continuous optimization" (1999). As
    in Pinneri et al., "Sample-efficient cross-entropy method for real-time planning" (2020), the
    best so far stays among the candidates, and noise is correlated over time.
    """
    best = guess.likeliest()
    rows = torch.arange(len(best))
    for _ in range(options.iterations):
        candidates = guess.draw(options.candidates, rng)
        candidates[:, 0] = best
        order = score(candidates).topk(options.elites, dim=1).indices
        elites = candidates[rows[:, None], order]
        best, guess = elites[:, 0], guess.moved_to(elites)
    return Found(best, guess)


def coloured_noise(lead: tuple[int, ...], steps: int, smoothness: float, rng: Generator) -> np.ndarray:
    """Gaussian noise of deviation 1 whose power falls with frequency as 1/f^smoothness, [*lead, steps].

    Made as by Timmer & König, "On generating power law noise" (1995): random spectra, transformed.
    """
    white = rng.standard_normal((*lead, steps), dtype=np.float32)
    if not smoothness or steps < 3:
        return white
    frequencies = np.fft.rfftfreq(steps)
    # The slowest wave that fits stands for the constant, which has no frequency.
    frequencies[0] = frequencies[1]
    gains = frequencies ** (-smoothness / 2)
    spectrum = np.fft.rfft(white, axis=-1) * gains
    # Parseval: the power of a real signal, its positive frequencies counted twice.
    power = gains**2
    twice = np.full(len(gains), 2.0)
    twice[0] = 1.0
    if steps % 2 == 0:
        twice[-1] = 1.0
    deviation = np.sqrt((power * twice).sum() / steps)
    return np.asarray(np.fft.irfft(spectrum, steps, axis=-1) / deviation, np.float32)
