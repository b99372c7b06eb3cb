"""Networks and algorithms by name: light doors to the heavy rooms behind them.

Touches nothing and loads neither torch nor gymnasium until a door is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rrm_tree.contracts import declare

if TYPE_CHECKING:
    from rrm_tree.contracts import Algorithm, Network

__all__ = ["board", "greedy", "mlp", "ppo", "scans"]


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


@declare(version="1")
def ppo(  # noqa: PLR0913 - the settings of stable-baselines3
    *,
    learning_rate: float = 3e-4,
    n_steps: int = 2048,
    episodes: int = 8,
    batch_size: int = 256,
    n_epochs: int = 10,
    gamma: float = 0.99,
    gae_lambda: float = 0.95,
    clip_range: float = 0.2,
    clip_range_vf: float | None = None,
    normalize_advantage: bool = True,
    ent_coef: float = 0.0,
    vf_coef: float = 0.5,
    max_grad_norm: float = 0.5,
    target_kl: float | None = None,
    net_arch: tuple[int, ...] = (64, 64),
    activation: Literal["tanh", "relu"] = "tanh",
    log_std_init: float = 0.0,
    ortho_init: bool = True,
    use_sde: bool = False,
    sde_sample_freq: int = -1,
    normalize_reward: bool = True,
) -> Algorithm:
    """Any task with vector environments: stable-baselines3's PPO on the reward model.

    Options have stable-baselines3's meanings and defaults, except where said.

    Args:
        learning_rate: of Adam.
        n_steps: transitions per update at least, over all episodes; whole episodes are run.
        episodes: run side by side.
        batch_size: transitions per optimiser step (stable-baselines3: 64).
        n_epochs: passes over the transitions of one update.
        gamma: discount per step.
        gae_lambda: trade between bias and variance of the advantages.
        clip_range: how far the ratio of new to old probability counts.
        clip_range_vf: the same for values; None for no limit.
        normalize_advantage: per minibatch.
        ent_coef: weight of the entropy.
        vf_coef: weight of the value loss.
        max_grad_norm: gradients are shortened to this.
        target_kl: stop an update that has gone further than 1.5 times this; None for never.
        net_arch: width of each hidden layer, of policy and value alike.
        activation: between the layers.
        log_std_init: initial log of the deviation of continuous actions.
        ortho_init: orthogonal initial weights.
        use_sde: state-dependent exploration.
        sde_sample_freq: steps between its draws of noise; -1 for once an episode.
        normalize_reward: divide rewards by the running deviation of their discounted sum.
    """
    options = locals()
    from rrm_tree.learning.proximal import Ppo

    return Ppo(**options)
