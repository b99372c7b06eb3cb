"""What a policy sees, brought to mean 0 and deviation 1 by what it has seen so far.

In: observations as a policy's networks take them. Out: the same, shifted and scaled.
Touches nothing; the running figures are buffers, and stored with the policy's weights.
"""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import Space, spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, CombinedExtractor, FlattenExtractor
from torch import Tensor

LIMIT = 10.0
"""Deviations beyond which what is seen is cut; stable-baselines3's VecNormalize has the same."""
LEAST_VARIANCE = 1e-8


class Running(BaseFeaturesExtractor):
    """Flat observations, normalised; figures move on only when they are told to.

    They stay as they are while transitions are collected and learned from, so that the update's
    probabilities and those that were acted by are of the same policy.
    """

    running_mean: Tensor
    running_var: Tensor
    running_count: Tensor

    def __init__(self, space: Space[Any]) -> None:
        plain: BaseFeaturesExtractor = (
            CombinedExtractor(space) if isinstance(space, spaces.Dict) else FlattenExtractor(space)
        )
        super().__init__(space, plain.features_dim)
        self.plain = plain
        self.register_buffer("running_mean", torch.zeros(plain.features_dim, dtype=torch.float64))
        self.register_buffer("running_var", torch.ones(plain.features_dim, dtype=torch.float64))
        self.register_buffer("running_count", torch.zeros((), dtype=torch.float64))

    def forward(self, observations: Any) -> Tensor:
        """Shifted, scaled and cut, [batch, features]."""
        flat = self.plain(observations)
        scale = (self.running_var + LEAST_VARIANCE).rsqrt()
        normal: Tensor = (flat - self.running_mean.to(flat.dtype)) * scale.to(flat.dtype)
        return normal.clamp(-LIMIT, LIMIT)

    @torch.no_grad()
    def watch(self, observations: Any) -> None:
        """Take these observations into the running figures; Chan, Golub & LeVeque (1983), eq. 2.1."""
        flat = self.plain(observations).double()
        count, known = len(flat), float(self.running_count)
        mean, var = flat.mean(dim=0), flat.var(dim=0, unbiased=False)
        gap, total = mean - self.running_mean, known + count
        if not known:
            self.running_mean.copy_(mean)
            self.running_var.copy_(var)
        else:
            spread = self.running_var * known + var * count + gap**2 * known * count / total
            self.running_mean += gap * count / total
            self.running_var.copy_(spread / total)
        self.running_count.fill_(total)
