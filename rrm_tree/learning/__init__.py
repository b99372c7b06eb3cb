"""Networks and algorithms by name: light doors to the heavy rooms behind them.

Touches nothing and loads neither torch nor gymnasium until a door is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rrm_tree.contracts import declare
from rrm_tree.learning.agents import dqn, maskable_ppo, ppo, sac, td3

if TYPE_CHECKING:
    from rrm_tree.contracts import Algorithm, Network

__all__ = ["board", "dqn", "greedy", "maskable_ppo", "mlp", "ppo", "sac", "scans", "td3"]


@declare(version="1")
def mlp(*, hidden: tuple[int, ...] = (128, 128)) -> Network:
    """Fully connected layers over all inputs laid out flat.

    Args:
        hidden: width of each hidden layer.
    """
    from rrm_tree.learning.networks import Mlp

    return Mlp(hidden)


@declare(version="1")
def board(*, channels: int = 24, depth: int = 7, tied: bool = True) -> Network:
    """Convolutions over the squares of a board, so that what stands far away can matter.

    Args:
        channels: numbers kept at each square.
        depth: how many squares information can travel.
        tied: whether every one of these steps has the same weights.
    """
    from rrm_tree.learning.networks import Board

    return Board(channels, depth, tied)


@declare(version="1")
def scans(*, lanes: int = 2, channels: int = 16, then: int = 1) -> Network:
    """Scans along ranks, files and diagonals of a board, for what acts along lines.

    Args:
        lanes: numbers sent along each direction.
        channels: numbers kept at each square between the two scans.
        then: how far the second scan reaches; 7 where one line depends on another, as in a pin.
    """
    from rrm_tree.learning.lines import Lines

    return Lines(lanes, channels, then)


@declare(version="1", one_step=True)
def greedy(*, inverse_temperature: float = 1.0) -> Algorithm:
    """One-step tasks: the action that the reward model likes best.

    Args:
        inverse_temperature: exploring samples in proportion to exp(this · reward).
    """
    from rrm_tree.learning.best_action import Greedy

    return Greedy(inverse_temperature)
