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

from rrm_tree.contracts import Shapes
from rrm_tree.errors import PluginError
from rrm_tree.learning.networks import SIDE, SQUARES, as_planes, count_planes

DIRECTIONS = [step for step in product((-1, 0, 1), repeat=2) if step != (0, 0)]


@dataclass
class Lines:
    """Scans along ranks, files and diagonals; see `LinesModule`."""

    channels: int = 32
    lanes: int = 8
    layers: int = 1
    version: str = field(default="1", init=False)

    def __call__(self, shapes: Shapes) -> nn.Module:
        """One member.

        Raises:
            PluginError: no input is a board.
        """
        if not any(len(dims) == 3 and dims[1:] == (SIDE, SIDE) for dims in shapes.inputs.values()):
            shown = ", ".join(f"{name} {list(dims)}" for name, dims in shapes.inputs.items())
            raise PluginError(
                f"network lines: none of the inputs ({shown}) has shape [planes, 8, 8]; use `mlp`"
            )
        return LinesModule(shapes, self.channels, self.lanes, self.layers)


class Scan(nn.Module):
    """What arrives at each square along the eight directions, as far as the squares between let it pass.

    A linear recurrence with learned gates, h(next) = gate(here) · h(here) + sent(here), beside a
    convolution over the neighbourhood. What is open and what is sent is learned; the network
    is told only that squares lie in lines.
    """

    before: Tensor
    inside: Tensor

    def __init__(self, planes: int, channels: int, lanes: int, neighbourhood: int) -> None:
        super().__init__()
        self.lanes = lanes
        self.near = nn.Conv2d(planes, channels, neighbourhood, padding=neighbourhood // 2)
        self.gate = nn.Conv2d(planes, lanes, 1)
        self.send = nn.Conv2d(planes, len(DIRECTIONS) * lanes, 1)
        self.arrive = nn.Conv2d(len(DIRECTIONS) * lanes, channels, 1)
        nn.init.constant_(self.gate.bias, 1.0)  # type: ignore[arg-type]
        before, inside = _squares_before(lanes)
        self.register_buffer("before", before)
        self.register_buffer("inside", inside)

    def forward(self, stands: Tensor) -> Tensor:
        """Channels [batch, channels, 8, 8] from planes [batch, planes, 8, 8]."""
        batch = len(stands)
        gate = torch.sigmoid(self.gate(stands)).reshape(batch, 1, -1)
        gate = gate.expand(-1, len(DIRECTIONS), -1).reshape(batch, -1)
        sent = self.send(stands).reshape(batch, -1)
        passing = gate.index_select(1, self.before) * self.inside
        sending = sent.index_select(1, self.before) * self.inside
        arrived = sending
        for _ in range(SIDE - 2):
            arrived = torch.addcmul(sending, passing, arrived.index_select(1, self.before))
        return torch.relu(self.near(stands) + self.arrive(arrived.reshape(batch, -1, SIDE, SIDE)))


def _squares_before(lanes: int) -> tuple[Tensor, Tensor]:
    """For [directions · lanes · squares] the place one step back, and 0 where that is off the board."""
    place, inside = [], []
    for (down, right), lane in product(DIRECTIONS, range(lanes)):
        start = (DIRECTIONS.index((down, right)) * lanes + lane) * SQUARES
        for row, column in product(range(SIDE), range(SIDE)):
            back = (row - down, column - right)
            on_board = all(0 <= where < SIDE for where in back)
            place.append(start + (back[0] * SIDE + back[1] if on_board else 0))
            inside.append(float(on_board))
    return torch.tensor(place), torch.tensor(inside)


class LinesModule(nn.Module):
    """Layers of scans, each of which sees the planes again; read at every square or over the board.

    Inputs that are not planes are the same on every square. With 64 parts each square is scored;
    otherwise the board is pooled: mean, largest, and the squares that a learned look picks out.
    """

    def __init__(self, shapes: Shapes, channels: int, lanes: int, layers: int) -> None:
        super().__init__()
        self.out = (shapes.parts, shapes.values, shapes.criteria)
        self.names = sorted(shapes.inputs)
        planes = sum(count_planes(shapes.inputs[name]) for name in self.names)
        seen = [planes] + [planes + channels] * (layers - 1)
        self.scans = nn.ModuleList(
            Scan(width, channels, lanes, 3 if layer else 5) for layer, width in enumerate(seen)
        )
        self.by_square = shapes.parts == SQUARES
        if self.by_square:
            each = math.prod(self.out[1:])
            self.head = nn.Sequential(
                nn.Conv2d(channels + planes, channels, 1), nn.ReLU(), nn.Conv2d(channels, each, 1)
            )
        else:
            self.near = nn.Conv2d(channels + planes, channels, 3, padding=1)
            self.look = nn.Conv2d(planes + channels, 2, 1)
            self.head = nn.Sequential(
                nn.Linear(4 * channels, 2 * channels),
                nn.ReLU(),
                nn.Linear(2 * channels, math.prod(self.out)),
            )

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Scores [batch, parts, values, criteria]."""
        stands = torch.cat([as_planes(inputs[name]) for name in self.names], dim=1)
        seen = stands
        for scan in self.scans:
            seen = torch.cat([scan(seen), stands], dim=1)
        if self.by_square:
            scores: Tensor = self.head(seen)
            return scores.reshape(len(stands), *self.out[1:], SQUARES).movedim(-1, 1)
        near = torch.relu(self.near(seen)).flatten(2)
        looked = self.look(seen).flatten(2).softmax(dim=2)
        at = torch.einsum("bls,bcs->blc", looked, near).flatten(1)
        pooled = torch.cat([at, near.mean(dim=2), near.amax(dim=2)], dim=1)
        summary: Tensor = self.head(pooled)
        return summary.reshape(-1, *self.out)
