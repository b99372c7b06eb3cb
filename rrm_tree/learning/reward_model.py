"""A reward model: what an ensemble distilled from judgments thinks of outcomes.

In: encoded outcomes and raw advice, each [n, T, ...]. Out: scores of steps, parts and values.
Touches nothing; CPU, float32, no gradients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from rrm_tree.contracts import Network, Shapes
from rrm_tree.errors import TrainingError
from rrm_tree.learning.ensemble import Ensemble, build_module
from rrm_tree.outcomes import Array, Arrays, Floats

CHUNK, MOST, NUMBERS = 128, 2048, 1 << 16
"""Steps scored at once, at least and at most, and the numbers that they show a network together:
activations stay in the processor's cache, and small networks are not called for a few steps each."""


@dataclass(frozen=True)
class RewardModel:
    """An ensemble and what turns its raw scores into rewards.

    A reward is (raw score − shift) / scale, criterion by criterion. From preferences and ratings
    shift and scale give the training outcomes' scores mean 0 and deviation 1; shift stays 0 where
    those outcomes differ in length, for there it would change which of two is better. From labels
    nothing is changed, so that a score stays the log-odds of being right (`exclusive`: the log of
    the probability).
    """

    ensemble: Ensemble
    exclusive: bool
    """Exactly one value of each part is right: scores are log-probabilities over the values."""
    shift: Floats
    """[criteria], per step."""
    scale: Floats
    """[criteria], positive."""
    offsets: Floats | None = None
    """How far each member's mean lies from that of all, per step, where that tells nothing about which
    outcome is better, [members, criteria]; None where it was not worked out."""

    @property
    def shapes(self) -> Shapes:
        """What the networks were built for."""
        return self.ensemble.shapes

    def table(self, inputs: Arrays) -> tuple[Floats, Floats]:
        """Score of every value of every part at every step.

        Returns:
            Mean and standard deviation over the members, both [n, T, parts, values, criteria].

        Raises:
            TrainingError: an input or a score is not a number.
        """
        rows, steps = _count(inputs)
        mean, deviation = self._scores(inputs, np.ones((rows, steps), bool))
        shape = (rows, steps, *mean.shape[1:])
        return mean.reshape(shape), deviation.reshape(shape)

    def rewards(
        self, inputs: Arrays, actions: Array | None, mask: NDArray[np.bool_], weights: Floats
    ) -> Floats:
        """Reward of every step really taken, 0 elsewhere, shape [n, T].

        Args:
            inputs: each [n, T, ...].
            actions: the value of each part, integers [n, T, parts]; None where there is one value.
            mask: True at steps really taken, [n, T].
            weights: of the criteria, [criteria].

        Raises:
            TrainingError: an input or a score is not a number.
        """
        mean, _ = self._scores(inputs, mask)
        taken = _take_values(mean, None if actions is None else actions[mask])
        rewards = np.zeros(mask.shape)
        rewards[mask] = taken.sum(axis=1) @ weights
        return rewards

    def member_steps(self, inputs: Arrays, actions: Array | None, mask: NDArray[np.bool_]) -> Floats:
        """What every member says of every step as acted, as the likelihoods take it: not normalised.

        Returns:
            Shape [members, n, T, parts, criteria]; 0 where no step was taken.
        """
        raw = self._members(inputs, mask)
        acted = None if actions is None else actions[mask]
        steps = np.zeros((len(raw), *mask.shape, self.shapes.parts, self.shapes.criteria))
        for member, table in enumerate(raw):
            steps[member, mask] = _take_values(table, acted)
        return steps

    def cautious_rewards(
        self, inputs: Arrays, actions: Array | None, mask: NDArray[np.bool_], weights: Floats, caution: float
    ) -> Floats:
        """Reward of every step less `caution` times the members' deviation, 0 elsewhere, [n, T].

        Coste et al., "Reward model ensembles help mitigate overoptimization" (2023), section 3.1.
        What members differ by everywhere alike is no doubt about any step, and left out.
        """
        steps = self._levelled(self.member_steps(inputs, actions, mask))
        by_member = steps.sum(axis=3) @ weights
        return np.where(mask, by_member.mean(axis=0) - caution * by_member.std(axis=0), 0.0)

    def cautious_table(self, inputs: Arrays, weights: Floats, caution: float) -> Floats:
        """Score of every value of every part at every step, with the same caution: [n, T, parts, values]."""
        mean, _ = self.table(inputs)
        raw = self._members(inputs, np.ones(mean.shape[:2], bool))
        deviation = (self._levelled(raw) @ weights).std(axis=0).reshape(mean.shape[:4])
        return np.asarray(mean @ weights - caution * deviation)

    def part_scores(self, inputs: Arrays, actions: Array | None, mask: NDArray[np.bool_]) -> Floats:
        """Score of each part as it was acted, summed over the steps, shape [n, parts, criteria]."""
        mean, _ = self._scores(inputs, mask)
        taken = _take_values(mean, None if actions is None else actions[mask])
        sums = np.zeros((len(mask), *taken.shape[1:]))
        np.add.at(sums, np.nonzero(mask)[0], taken)
        return sums

    def arrays(self) -> dict[str, Array]:
        """All that `from_arrays` needs beside the network's builder, under flat names."""
        shapes = self.shapes
        flat: dict[str, Array] = {
            "sizes": np.array([shapes.parts, shapes.values, shapes.criteria, self.exclusive], np.int64),
            "shift": self.shift,
            "scale": self.scale,
        }
        # With its rank in front, as not every store keeps arrays without elements.
        flat |= {f"inputs.{name}": np.array([len(dims), *dims]) for name, dims in shapes.inputs.items()}
        flat |= {} if self.offsets is None else {"offsets": self.offsets}
        flat |= {f"weights.{name}": values.numpy() for name, values in self.ensemble.weights.items()}
        flat |= {f"buffers.{name}": values.numpy() for name, values in self.ensemble.buffers.items()}
        return flat

    @classmethod
    def from_arrays(cls, network: Network, flat: Arrays) -> RewardModel:
        """The model that `arrays` took apart."""

        def part(name: str) -> dict[str, Array]:
            start = f"{name}."
            return {key.removeprefix(start): v for key, v in flat.items() if key.startswith(start)}

        parts, values, criteria, exclusive = (int(size) for size in flat["sizes"])
        inputs = {name: tuple(int(dim) for dim in dims[1:]) for name, dims in part("inputs").items()}
        shapes = Shapes(inputs, parts, values, criteria)
        ensemble = Ensemble(
            build_module(network, shapes, 0),
            shapes,
            {name: torch.from_numpy(np.array(values)) for name, values in part("weights").items()},
            {name: torch.from_numpy(np.array(values)) for name, values in part("buffers").items()},
        )
        return cls(ensemble, bool(exclusive), flat["shift"], flat["scale"], flat.get("offsets"))

    def normalised(self, inputs: Arrays, actions: Array | None, mask: NDArray[np.bool_]) -> RewardModel:
        """The same model with mean 0 and deviation 1 on these outcomes' scores."""
        plain = replace(self, shift=np.zeros_like(self.shift), scale=np.ones_like(self.scale))
        scores = plain.part_scores(inputs, actions, mask).sum(axis=1)
        lengths = mask.sum(axis=1)
        deviation = scores.std(axis=0)
        scale = np.where(deviation > 1e-6, deviation, 1.0)
        even = lengths.min() == lengths.max()
        shift = scores.mean(axis=0) / (lengths[0] * self.shapes.parts) if even else np.zeros_like(scale)
        return replace(self, shift=shift, scale=scale)

    def levelled(self, inputs: Arrays, actions: Array | None, mask: NDArray[np.bool_]) -> RewardModel:
        """The same model with its members' levels on these outcomes known, for cautious rewards.

        Where outcomes are of one length preferences say nothing about the level of a score.
        """
        if mask.sum(axis=1).min() < mask.sum(axis=1).max():
            return self
        levels = self.member_steps(inputs, actions, mask)[:, mask].mean(axis=(1, 2))
        return replace(self, offsets=levels - levels.mean(axis=0))

    def _scores(self, inputs: Arrays, mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Mean and deviation over members at the masked steps, [steps, parts, values, criteria]."""
        rows, times = np.nonzero(mask)
        chunks = [self._score_chunk(gather(inputs, rows[of], times[of])) for of in _chunks(inputs, len(rows))]
        mean = np.concatenate([chunk[0] for chunk in chunks])
        if not np.isfinite(mean).all():
            bad = int(rows[np.argwhere(~np.isfinite(mean))[0, 0]])
            raise TrainingError(f"the reward model's score of outcome {bad} is not a number; {blame(inputs)}")
        deviation = np.concatenate([chunk[1] for chunk in chunks])
        return (mean - self.shift) / self.scale, deviation / self.scale

    def _members(self, inputs: Arrays, mask: NDArray[np.bool_]) -> Floats:
        """Every member's raw scores at the masked steps, [members, steps, parts, values, criteria]."""
        rows, times = np.nonzero(mask)
        chunks = []
        with torch.inference_mode():
            for of in _chunks(inputs, len(rows)):
                scores = self.ensemble.scores(gather(inputs, rows[of], times[of]), shared=True)
                chunks.append(scores.log_softmax(dim=-2) if self.exclusive else scores)
        return np.asarray(torch.cat(chunks, dim=1).double().numpy())

    def _levelled(self, raw: Floats) -> Floats:
        """Members' raw scores [members, ..., criteria] as rewards, each member's own level taken away."""
        offsets = np.zeros(self.shift.shape) if self.offsets is None else self.offsets[:, None, None, None]
        return np.asarray((raw - self.shift - offsets) / self.scale)

    def _score_chunk(self, inputs: dict[str, torch.Tensor]) -> tuple[Floats, Floats]:
        with torch.inference_mode():
            scores = self.ensemble.scores(inputs, shared=True)
            if self.exclusive:
                scores = scores.log_softmax(dim=-2)
            mean = scores.mean(dim=0)
            if self.exclusive:
                mean = mean.log_softmax(dim=-2)
            deviation = scores.std(dim=0, correction=0)
        return mean.double().numpy(), deviation.double().numpy()


def _chunks(inputs: Arrays, steps: int) -> list[slice]:
    """Which steps to score together; one chunk, of nothing, where there are none."""
    numbers = sum(int(np.prod(values.shape[2:])) for values in inputs.values())
    size = max(CHUNK, min(MOST, NUMBERS // max(1, numbers)))
    return [slice(start, start + size) for start in range(0, max(1, steps), size)]


def gather(inputs: Arrays, rows: Array, times: Array) -> dict[str, torch.Tensor]:
    """What a network sees at the given steps of the given outcomes, float32, each [steps, ...].

    An input with T = 1 is the same at every step.
    """
    return {
        name: torch.from_numpy(
            np.asarray(values[rows, times if values.shape[1] > 1 else 0 * times], np.float32)
        )
        for name, values in inputs.items()
    }


def blame(inputs: Arrays) -> str:
    """Which inputs are not numbers, in words."""
    bad = [name for name, values in inputs.items() if not np.isfinite(values).all()]
    return f"input {', '.join(map(repr, bad))} has NaN or infinite values" if bad else "its inputs are finite"


def _count(inputs: Arrays) -> tuple[int, int]:
    """Outcomes and steps of a batch of inputs."""
    shapes = [values.shape for values in inputs.values()]
    return shapes[0][0], max(shape[1] for shape in shapes)


def _take_values(table: Floats, actions: Array | None) -> Floats:
    """Each part's entry for the value taken: [steps, parts, values, criteria] → [steps, parts, criteria]."""
    if actions is None:
        return table[:, :, 0]
    chosen = actions.reshape(table.shape[:2]).astype(np.int64)
    return np.take_along_axis(table, chosen[:, :, None, None], axis=2)[:, :, 0]
