"""Networks and algorithms by name: light doors to the heavy rooms behind them.

Touches nothing and loads neither torch nor gymnasium until a door is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from rrm_tree.contracts import declare
from rrm_tree.learning.agents import (
    AboveZero,
    AtLeastZero,
    Many,
    Share,
    Widths,
    dqn,
    maskable_ppo,
    ppo,
    sac,
    td3,
)

if TYPE_CHECKING:
    from rrm_tree.contracts import Algorithm, Network

__all__ = ["board", "dqn", "greedy", "maskable_ppo", "mlp", "ppo", "sac", "scans", "search", "td3"]


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


@declare(version="1", one_step=False)
def search(  # noqa: PLR0913 - each is asked for on its own
    *,
    horizon: Many = 20,
    candidates: Many = 30,
    elites: Many = 5,
    iterations: Many = 2,
    particles: Many = 1,
    replan: Many = 2,
    smoothness: AtLeastZero = 2.0,
    noise: Share = 0.1,
    episodes: Many = 4,
    fits: Many = 4,
    members: Many = 5,
    hidden: Widths = (64, 64),
    learning_rate: AboveZero = 3e-3,
    weight_decay: AtLeastZero = 1e-5,
    batch_size: Many = 256,
    updates: Many = 500,
    patience: Many = 8,
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.1,
) -> Algorithm:
    """Learns what the world does, and plans in that with the reward: the same reward serves in another world.

    For episodes of many steps, real-valued observations, and Box or Discrete actions. Needs a
    reward model that sees outcomes alone. Chua et al., "Deep reinforcement learning in a handful of
    trials using probabilistic dynamics models" (2018), with the cross-entropy method.

    Args:
        horizon: steps that a plan looks ahead; nothing beyond them counts.
        candidates: sequences of actions imagined in an iteration; times `particles` a multiple of
            `members`.
        elites: how many of the best candidates the next ones are drawn near to.
        iterations: of drawing and keeping the best, for each plan.
        particles: how many members imagine each candidate.
        replan: steps of a plan that are taken before the next one is made.
        smoothness: of the candidates in Box spaces: their noise falls with frequency as
            1/f^smoothness; 0 draws each step on its own.
        noise: share of the actions that are the task's proposals instead, while exploring.
        episodes: collected between two fits.
        fits: how often at most the world is fitted in a round; the budget's steps may end it before.
        members: networks that each predict the world.
        hidden: width of each of their hidden layers.
        learning_rate: of AdamW; warms up, then falls along a cosine.
        weight_decay: of AdamW.
        batch_size: transitions per optimiser step; fewer where there would be under 8 batches an epoch.
        updates: optimiser steps of a fit, at most, however much has been seen.
        patience: epochs without a better held-out loss before a fit stops.
        held_out: share of the transitions by which a fit is stopped and judged.
    """
    from rrm_tree.learning.dynamics import FitOptions
    from rrm_tree.learning.planning import PlanOptions, Search

    plan = PlanOptions(horizon, candidates, elites, iterations, particles, replan, smoothness, noise)
    fit = FitOptions(members, hidden, learning_rate, weight_decay, batch_size, updates, patience, held_out)
    return Search(plan, fit, episodes, fits)
