"""`torch.optim.Adam` without its class, which imports torch's compiler: a second and 60 MB for nothing.

Kingma & Ba, "Adam: A method for stochastic optimization" (2015); the arithmetic is torch's own.

In: weights with gradients. Out: the weights moved.
Touches nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim.adam import adam


class Adam:
    """What stable-baselines3 asks of an optimiser, and a count of its steps."""

    def __init__(self, params: Iterable[Tensor], lr: float = 1e-3, eps: float = 1e-8) -> None:
        self.weights = list(params)
        self.means = [torch.zeros_like(weight) for weight in self.weights]
        self.squares = [torch.zeros_like(weight) for weight in self.weights]
        self.steps = [torch.zeros((), dtype=torch.float32) for _ in self.weights]
        self.eps = eps
        self.param_groups: list[dict[str, Any]] = [{"lr": lr}]
        """Where schedules write the learning rate."""
        self.count = 0
        """Steps made."""

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for weight in self.weights:
            weight.grad = None

    def step(self) -> None:
        """Move every weight that has a gradient."""
        self.count += 1
        moved = [place for place, weight in enumerate(self.weights) if weight.grad is not None]
        kept = (self.weights, self.means, self.squares, self.steps)
        weights, means, squares, steps = ([values[place] for place in moved] for values in kept)
        with torch.no_grad():
            adam(
                weights,
                [cast(Tensor, weight.grad) for weight in weights],
                means,
                squares,
                [],
                steps,
                fused=True,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=self.param_groups[0]["lr"],
                weight_decay=0.0,
                eps=self.eps,
                maximize=False,
            )
