"""A reward network for boards on which things act along lines.

In: Shapes. Out: a module from planes to scores [batch, parts, values, criteria].
Touches torch's global generator when it draws initial weights, as torch's layers do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional

from rrm_tree.contracts import Shapes
from rrm_tree.learning.networks import SIDE, SQUARES, as_planes, count_planes, require_board

DIRECTIONS = [step for step in product((-1, 0, 1), repeat=2) if step != (0, 0)]


@dataclass
class Lines:
    """Scans along ranks, files and diagonals; see `LinesModule`."""

    lanes: int = 2
    channels: int = 16
    then: int = 1
    version: str = field(default="1", init=False)

    def __call__(self, shapes: Shapes) -> nn.Module:
        """One member.

        Raises:
            PluginError: no input is a board.
        """
        require_board("lines", shapes)
        return LinesModule(shapes, self)


class Scan(nn.Module):
    """What arrives at each square along the eight directions, as far as the squares between let it pass.

    A linear recurrence with learned gates, h(next) = sent(here) + open(here) · h(here), where what
    is sent is gated too: only some of what stands on a board sends anything. The network is told
    no more than that squares lie in lines.
    """

    step: Tensor

    def __init__(self, planes: int, lanes: int, reach: int) -> None:
        super().__init__()
        self.reach = reach
        self.send = nn.Conv2d(planes, len(DIRECTIONS) * lanes, 1)
        self.sends = nn.Conv2d(planes, lanes, 1)
        self.open = nn.Conv2d(planes, lanes, 1)
        nn.init.constant_(self.open.bias, 1.0)  # type: ignore[arg-type]
        self.register_buffer("step", _one_step(lanes))

    def forward(self, stands: Tensor) -> Tensor:
        """What arrives in one step and in all: [batch, 2 · directions · lanes, 8, 8]."""
        sent = self.send(stands) * _for_all(torch.sigmoid(self.sends(stands)))
        passes = _for_all(torch.sigmoid(self.open(stands)))
        first = arrived = self._move(sent)
        for _ in range(self.reach - 1):
            arrived = self._move(sent + passes * arrived)
        return torch.cat([first, arrived], dim=1)

    def _move(self, values: Tensor) -> Tensor:
        """Everything one square on, each channel in its own direction; nothing enters from outside."""
        return functional.conv2d(values, self.step, padding=1, groups=len(self.step))


def _for_all(lanes: Tensor) -> Tensor:
    """The same lanes for every direction."""
    return lanes.repeat(1, len(DIRECTIONS), 1, 1)


def _one_step(lanes: int) -> Tensor:
    """Convolution weights that move channels by one square, [directions · lanes, 1, 3, 3]."""
    weights = torch.zeros(len(DIRECTIONS), lanes, 1, 3, 3)
    for place, (down, right) in enumerate(DIRECTIONS):
        weights[place, :, 0, 1 - down, 1 - right] = 1
    return weights.flatten(0, 1)


class LinesModule(nn.Module):
    """Two scans, the second of what the first brought; read at every square or over the board.

    Inputs that are not planes are the same on every square. With 64 parts each square is scored;
    otherwise the board is pooled: mean, largest, and the squares that a learned look picks out.
    """

    def __init__(self, shapes: Shapes, options: Lines) -> None:
        super().__init__()
        self.out = (shapes.parts, shapes.values, shapes.criteria)
        self.names = sorted(shapes.inputs)
        channels, lanes = options.channels, options.lanes
        planes = sum(count_planes(shapes.inputs[name]) for name in self.names)
        brought = 2 * len(DIRECTIONS) * lanes
        self.scan = Scan(planes, lanes, SIDE - 1)
        self.mix = nn.Conv2d(planes + brought, channels, 1)
        self.then = Scan(channels, lanes, options.then)
        self.by_square = shapes.parts == SQUARES
        width, each = planes + 2 * brought, math.prod(self.out[1:])
        if self.by_square:
            self.head = nn.Sequential(
                nn.Conv2d(width, 2 * channels, 1), nn.ReLU(), nn.Conv2d(2 * channels, each, 1)
            )
        else:
            self.near = nn.Conv2d(width, 2 * channels, 3, padding=1)
            self.look = nn.Conv2d(width, 2, 1)
            self.head = nn.Sequential(
                nn.Linear(8 * channels, 4 * channels),
                nn.ReLU(),
                nn.Linear(4 * channels, math.prod(self.out)),
            )

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Scores [batch, parts, values, criteria]."""
        stands = torch.cat([as_planes(inputs[name]) for name in self.names], dim=1)
        seen = torch.cat([stands, self.scan(stands)], dim=1)
        seen = torch.cat([seen, self.then(torch.relu(self.mix(seen)))], dim=1)
        if self.by_square:
            scores: Tensor = self.head(seen)
            return scores.reshape(len(stands), *self.out[1:], SQUARES).movedim(-1, 1)
        near = torch.relu(self.near(seen)).flatten(2)
        looked = self.look(seen).flatten(2).softmax(dim=2)
        at = torch.einsum("bls,bcs->blc", looked, near).flatten(1)
        summary: Tensor = self.head(torch.cat([at, near.mean(dim=2), near.amax(dim=2)], dim=1))
        return summary.reshape(-1, *self.out)
