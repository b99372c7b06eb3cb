"""The algorithms of stable-baselines3 by name: light doors, whose options have its names.

Touches nothing and loads neither torch nor gymnasium until a door is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from rrm_tree.contracts import declare

if TYPE_CHECKING:
    from rrm_tree.contracts import Algorithm

AboveZero: TypeAlias = Annotated[float, Field(gt=0)]
AtLeastZero: TypeAlias = Annotated[float, Field(ge=0)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Discount: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Many: TypeAlias = Annotated[int, Field(ge=1)]
Widths: TypeAlias = tuple[Many, ...]
Activation: TypeAlias = Literal["tanh", "relu"]


@declare(version="2")
def ppo(  # noqa: PLR0913 - the settings of stable-baselines3
    *,
    learning_rate: AboveZero = 3e-4,
    learning_rate_final: AtLeastZero | None = None,
    n_steps: Many = 2048,
    episodes: Many = 8,
    batch_size: Annotated[int, Field(ge=2)] = 256,
    n_epochs: Many = 10,
    gamma: Discount = 0.99,
    gae_lambda: Share = 0.95,
    clip_range: AboveZero = 0.2,
    clip_range_vf: AboveZero | None = None,
    normalize_advantage: bool = True,
    ent_coef: float = 0.0,
    vf_coef: AtLeastZero = 0.5,
    max_grad_norm: AboveZero = 0.5,
    target_kl: AboveZero | None = None,
    net_arch: Widths = (64, 64),
    activation: Activation = "tanh",
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
        learning_rate_final: if given, the rate goes straight there over a round's steps.
        n_steps: transitions per update, over all episodes run side by side; at least so many where only
            whole episodes can be scored (the reward model sees helpers' advice).
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
        sde_sample_freq: steps between its draws of noise; -1 for once an update.
        normalize_reward: divide rewards by the running deviation of their discounted sum.
    """
    options = locals()
    from rrm_tree.learning.proximal import Ppo

    return Ppo(options)
