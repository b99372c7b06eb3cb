"""Reward networks that come with the package.

In: Shapes. Out: modules from inputs to scores [batch, parts, values, criteria].
Touch torch's global generator when they draw initial weights, as torch's layers do.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from rrm_tree.contracts import Shapes
from rrm_tree.errors import PluginError

SIDE = 8
SQUARES = SIDE * SIDE


@dataclass
class Mlp:
    """Fully connected layers over all inputs laid out flat."""

    hidden: tuple[int, ...] = (128, 128)
    version: str = field(default="1", init=False)

    def __call__(self, shapes: Shapes) -> nn.Module:
        """One member."""
        return MlpModule(shapes, self.hidden)


class MlpModule(nn.Module):
    """Hidden layers with rectifiers, then all scores at once."""

    stacks = True
    """Members have the same bits however many are computed at once; see `learning.together`."""

    def __init__(self, shapes: Shapes, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.names = sorted(shapes.inputs)
        self.out = (shapes.parts, shapes.values, shapes.criteria)
        widths = [sum(math.prod(shapes.inputs[name]) for name in self.names), *hidden]
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], math.prod(self.out)))

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Scores [batch, parts, values, criteria]."""
        # Not flatten(1): a number a row has no dimension to flatten.
        flat = torch.cat([inputs[name].reshape(len(inputs[name]), -1) for name in self.names], dim=1)
        scores: Tensor = self.layers(flat)
        return scores.reshape(-1, *self.out)


@dataclass
class Board:
    """Convolutions over the 64 squares of a board; see `BoardModule`."""

    channels: int = 24
    depth: int = 7
    tied: bool = True
    version: str = field(default="1", init=False)

    def __call__(self, shapes: Shapes) -> nn.Module:
        """One member.

        Raises:
            PluginError: no input is a board.
        """
        require_board("board", shapes)
        return BoardModule(shapes, self.channels, self.depth, self.tied)


class BoardModule(nn.Module):
    """Information travels one square a step; scores are read at every square or from the whole board.

    h ← relu(conv(h) + what stands there), `depth` times. Inputs that are not planes are the same
    on every square. With 64 parts each square is scored; otherwise the board is pooled.
    """

    def __init__(self, shapes: Shapes, channels: int, depth: int, tied: bool) -> None:
        super().__init__()
        self.out = (shapes.parts, shapes.values, shapes.criteria)
        self.names = sorted(shapes.inputs)
        self.depth = depth
        planes = sum(count_planes(shapes.inputs[name]) for name in self.names)
        self.enter = nn.Conv2d(planes, channels, 3, padding=1)
        self.travel = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=1) for _ in range(1 if tied else depth)
        )
        self.by_square = shapes.parts == SQUARES
        each = math.prod(self.out[1:])
        if self.by_square:
            self.head = nn.Sequential(nn.Conv2d(channels, 32, 1), nn.ReLU(), nn.Conv2d(32, each, 1))
        else:
            self.look = nn.Conv2d(planes + channels, 2, 1)
            self.head = nn.Sequential(
                nn.Linear(5 * channels, 64), nn.ReLU(), nn.Linear(64, math.prod(self.out))
            )

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Scores [batch, parts, values, criteria]."""
        stand = torch.cat([as_planes(inputs[name]) for name in self.names], dim=1)
        entered = self.enter(stand)
        h = torch.relu(entered)
        for step in range(self.depth):
            h = torch.relu(self.travel[step % len(self.travel)](h) + entered)
        if self.by_square:
            scores: Tensor = self.head(h)
            return scores.reshape(len(h), *self.out[1:], SQUARES).movedim(-1, 1)
        looked = self.look(torch.cat([stand, h], dim=1)).flatten(2).softmax(dim=2)
        cells = h.flatten(2)
        at = torch.einsum("bls,bcs->blc", looked, cells).flatten(1)
        pooled = torch.cat([at, cells.mean(dim=2), cells.amax(dim=2), cells.amin(dim=2)], dim=1)
        summary: Tensor = self.head(pooled)
        return summary.reshape(-1, *self.out)


def require_board(name: str, shapes: Shapes) -> None:
    """Nothing where some input is a board; otherwise PluginError, with what there is instead."""
    if not any(len(dims) == 3 and dims[1:] == (SIDE, SIDE) for dims in shapes.inputs.values()):
        shown = ", ".join(f"{one} {list(dims)}" for one, dims in shapes.inputs.items())
        raise PluginError(f"network {name}: none of the inputs ({shown}) has shape [planes, 8, 8]; use `mlp`")


def count_planes(dims: tuple[int, ...]) -> int:
    """How many planes an input of this shape makes; each number of one that is no board makes one."""
    return dims[0] if len(dims) == 3 and dims[1:] == (SIDE, SIDE) else math.prod(dims)


def as_planes(values: Tensor) -> Tensor:
    """The input as planes [batch, planes, 8, 8]; numbers that are no board stand on every square."""
    if values.ndim == 4 and values.shape[2:] == (SIDE, SIDE):
        return values
    return values.reshape(len(values), -1, 1, 1).expand(-1, -1, SIDE, SIDE)
