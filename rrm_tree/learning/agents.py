"""The algorithms of stable-baselines3 by name: light doors, whose options have its names.

Touches nothing and loads neither torch nor gymnasium until a door is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from rrm_tree.contracts import declare
from rrm_tree.learning.demonstration_files import refuse_demonstrations

if TYPE_CHECKING:
    from rrm_tree.contracts import Algorithm

AboveZero: TypeAlias = Annotated[float, Field(gt=0)]
AtLeastZero: TypeAlias = Annotated[float, Field(ge=0)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Discount: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Many: TypeAlias = Annotated[int, Field(ge=1)]
AtLeastNone: TypeAlias = Annotated[int, Field(ge=0)]
GradientSteps: TypeAlias = Annotated[int, Field(ge=-1)]
AutoEntropy: TypeAlias = Annotated[str, Field(pattern=r"^auto(_[0-9]*\.?[0-9]+)?$")]
Widths: TypeAlias = tuple[Many, ...]
Activation: TypeAlias = Literal["tanh", "relu"]


@declare(version="2", refuse=refuse_demonstrations)
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
    full_std: bool = True,
    use_expln: bool = False,
    normalize_observations: bool = False,
    normalize_reward: bool = True,
    demonstrations: str | None = None,
    demonstrations_sha256: str | None = None,
    clone_epochs: AtLeastNone = 20,
    clone_learning_rate: AboveZero = 1e-3,
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
        full_std: its deviation has a number for each feature and action, not for each action alone.
        use_expln: its deviation grows with the logarithm above 1, not exponentially.
        normalize_observations: shift and scale what is seen by its running mean and deviation; in
            MuJoCo's bodies much is gained by it.
        normalize_reward: divide rewards by the running deviation of their discounted sum.
        demonstrations: what is imitated before the first round's improving: a file, or `judged`, the
            demonstrations that the judge has given.
        demonstrations_sha256: digest of the file's content; `rrm validate` says which.
        clone_epochs: passes over them.
        clone_learning_rate: of Adam, while imitating.
    """
    options = locals()
    from rrm_tree.learning.proximal import Ppo

    return Ppo(options)


@declare(version="1", refuse=refuse_demonstrations)
def maskable_ppo(  # noqa: PLR0913 - the settings of sb3-contrib
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
    ortho_init: bool = True,
    normalize_observations: bool = False,
    normalize_reward: bool = True,
    demonstrations: str | None = None,
    demonstrations_sha256: str | None = None,
    clone_epochs: AtLeastNone = 20,
    clone_learning_rate: AboveZero = 1e-3,
) -> Algorithm:
    """Environments that say by `action_masks()` what is allowed: sb3-contrib's PPO, which does nothing else.

    Options are those of `ppo`, which see.

    Args:
        learning_rate: of Adam.
        learning_rate_final: if given, the rate goes straight there over a round's steps.
        n_steps: transitions per update, over all episodes run side by side.
        episodes: run side by side.
        batch_size: transitions per optimiser step.
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
        ortho_init: orthogonal initial weights.
        normalize_observations: shift and scale what is seen by its running mean and deviation; in
            MuJoCo's bodies much is gained by it.
        normalize_reward: divide rewards by the running deviation of their discounted sum.
        demonstrations: what is imitated before the first round's improving: a file, or `judged`, the
            demonstrations that the judge has given.
        demonstrations_sha256: digest of the file's content; `rrm validate` says which.
        clone_epochs: passes over them.
        clone_learning_rate: of Adam, while imitating.
    """
    options = locals()
    from rrm_tree.learning.masked import MaskedPpo

    return MaskedPpo(options)


@declare(version="1", refuse=refuse_demonstrations)
def sac(  # noqa: PLR0913 - the settings of stable-baselines3
    *,
    learning_rate: AboveZero = 3e-4,
    learning_rate_final: AtLeastZero | None = None,
    buffer_size: Many = 1_000_000,
    learning_starts: AtLeastNone = 100,
    batch_size: Many = 256,
    tau: Share = 0.005,
    gamma: Discount = 0.99,
    train_freq: Many = 1,
    gradient_steps: GradientSteps = -1,
    episodes: Many = 8,
    n_steps: Many = 1,
    ent_coef: AtLeastZero | AutoEntropy = "auto",
    target_update_interval: Many = 1,
    target_entropy: float | Literal["auto"] = "auto",
    use_sde: bool = False,
    sde_sample_freq: int = -1,
    use_sde_at_warmup: bool = False,
    use_expln: bool = False,
    clip_mean: AtLeastZero = 2.0,
    net_arch: Widths = (256, 256),
    activation: Activation = "relu",
    log_std_init: float = -3.0,
    n_critics: Many = 2,
    normalize_reward: bool = True,
    demonstrations: str | None = None,
    demonstrations_sha256: str | None = None,
    clone_epochs: AtLeastNone = 20,
    clone_learning_rate: AboveZero = 1e-3,
) -> Algorithm:
    """Continuous actions in few environment steps: stable-baselines3's SAC on the reward model.

    Options have stable-baselines3's meanings and defaults, except where said.

    Args:
        learning_rate: of Adam.
        learning_rate_final: if given, the rate goes straight there over a round's steps.
        buffer_size: transitions kept, over rounds too; each round's reward model scores them anew.
        learning_starts: transitions collected at random before the first gradient step; those of
            earlier rounds count.
        batch_size: transitions per gradient step.
        tau: share of the networks that their targets take over at a time.
        gamma: discount per step.
        train_freq: steps of every episode between two times of learning.
        gradient_steps: each time; -1 for one a transition (stable-baselines3: 1, with one environment).
        episodes: run side by side.
        n_steps: rewards counted up before the critics are asked; 1 for the next one alone.
        ent_coef: weight of the entropy; `auto` learns it, `auto_0.1` from 0.1 on.
        target_update_interval: gradient steps between updates of the targets.
        target_entropy: what `auto` aims at; `auto`: minus the number of action components.
        use_sde: state-dependent exploration.
        sde_sample_freq: steps between its draws of noise; -1 for once a stretch of `train_freq`.
        use_sde_at_warmup: explore by it, not evenly, before learning starts.
        use_expln: its deviation grows with the logarithm above 1, not exponentially.
        clip_mean: with it the mean of the actions is kept within so much of 0, before the tanh.
        net_arch: width of each hidden layer, of actor and critics alike.
        activation: between the layers.
        log_std_init: initial log of the deviation, where exploration is state-dependent.
        n_critics: of which the lowest is believed.
        normalize_reward: divide rewards by their root mean square.
        demonstrations: what is imitated before the first round's improving: a file, or `judged`, the
            demonstrations that the judge has given.
        demonstrations_sha256: digest of the file's content; `rrm validate` says which.
        clone_epochs: passes over them.
        clone_learning_rate: of Adam, while imitating.
    """
    options = locals()
    from rrm_tree.learning.off_policy import Sac

    return Sac(options)


@declare(version="1", refuse=refuse_demonstrations)
def td3(  # noqa: PLR0913 - the settings of stable-baselines3
    *,
    learning_rate: AboveZero = 1e-3,
    learning_rate_final: AtLeastZero | None = None,
    buffer_size: Many = 1_000_000,
    learning_starts: AtLeastNone = 100,
    batch_size: Many = 256,
    tau: Share = 0.005,
    gamma: Discount = 0.99,
    train_freq: Many = 1,
    gradient_steps: GradientSteps = -1,
    episodes: Many = 8,
    n_steps: Many = 1,
    action_noise: AtLeastZero = 0.1,
    policy_delay: Many = 2,
    target_policy_noise: AtLeastZero = 0.2,
    target_noise_clip: AtLeastZero = 0.5,
    net_arch: Widths = (400, 300),
    activation: Activation = "relu",
    n_critics: Many = 2,
    normalize_reward: bool = True,
    demonstrations: str | None = None,
    demonstrations_sha256: str | None = None,
    clone_epochs: AtLeastNone = 20,
    clone_learning_rate: AboveZero = 1e-3,
) -> Algorithm:
    """Continuous actions, with a policy that does not gamble: stable-baselines3's TD3 on the reward model.

    Options have stable-baselines3's meanings and defaults, except where said.

    Args:
        learning_rate: of Adam.
        learning_rate_final: if given, the rate goes straight there over a round's steps.
        buffer_size: transitions kept, over rounds too; each round's reward model scores them anew.
        learning_starts: transitions collected at random before the first gradient step; those of
            earlier rounds count.
        batch_size: transitions per gradient step.
        tau: share of the networks that their targets take over at a time.
        gamma: discount per step.
        train_freq: steps of every episode between two times of learning.
        gradient_steps: each time; -1 for one a transition (stable-baselines3: 1, with one environment).
        episodes: run side by side.
        n_steps: rewards counted up before the critics are asked; 1 for the next one alone.
        action_noise: deviation of the normal noise to explore by, where actions go from -1 to 1
            (stable-baselines3: none; 0.1 is the paper's).
        policy_delay: critics' gradient steps for one of the policy.
        target_policy_noise: deviation of the noise on the targets' actions.
        target_noise_clip: that noise is cut here.
        net_arch: width of each hidden layer, of actor and critics alike.
        activation: between the layers.
        n_critics: of which the lowest is believed.
        normalize_reward: divide rewards by their root mean square.
        demonstrations: what is imitated before the first round's improving: a file, or `judged`, the
            demonstrations that the judge has given.
        demonstrations_sha256: digest of the file's content; `rrm validate` says which.
        clone_epochs: passes over them.
        clone_learning_rate: of Adam, while imitating.
    """
    options = locals()
    from rrm_tree.learning.off_policy import Td3

    return Td3(options)


@declare(version="1", refuse=refuse_demonstrations)
def dqn(  # noqa: PLR0913 - the settings of stable-baselines3
    *,
    learning_rate: AboveZero = 1e-4,
    learning_rate_final: AtLeastZero | None = None,
    buffer_size: Many = 1_000_000,
    learning_starts: AtLeastNone = 100,
    batch_size: Many = 32,
    tau: Share = 1.0,
    gamma: Discount = 0.99,
    train_freq: Many = 4,
    gradient_steps: GradientSteps = 8,
    episodes: Many = 8,
    n_steps: Many = 1,
    target_update_interval: Many = 10_000,
    exploration_fraction: Annotated[float, Field(gt=0, le=1)] = 0.1,
    exploration_initial_eps: Share = 1.0,
    exploration_final_eps: Share = 0.05,
    max_grad_norm: AboveZero = 10.0,
    net_arch: Widths = (64, 64),
    activation: Activation = "relu",
    normalize_reward: bool = True,
    demonstrations: str | None = None,
    demonstrations_sha256: str | None = None,
    clone_epochs: AtLeastNone = 20,
    clone_learning_rate: AboveZero = 1e-3,
) -> Algorithm:
    """One of several choices a step: stable-baselines3's DQN on the reward model.

    Options have stable-baselines3's meanings and defaults, except where said.

    Args:
        learning_rate: of Adam.
        learning_rate_final: if given, the rate goes straight there over a round's steps.
        buffer_size: transitions kept, over rounds too; each round's reward model scores them anew.
        learning_starts: transitions collected at random before the first gradient step; those of
            earlier rounds count.
        batch_size: transitions per gradient step.
        tau: share of the network that its target takes over at a time.
        gamma: discount per step.
        train_freq: steps of every episode between two times of learning.
        gradient_steps: each time; -1 for one a transition (stable-baselines3: 1, with one environment).
        episodes: run side by side.
        n_steps: rewards counted up before the target is asked; 1 for the next one alone.
        target_update_interval: environment steps between updates of the target.
        exploration_fraction: share of the first round's steps over which choices at random become rarer.
        exploration_initial_eps: chance of one at first.
        exploration_final_eps: chance of one from then on, and in later rounds.
        max_grad_norm: gradients are shortened to this.
        net_arch: width of each hidden layer.
        activation: between the layers.
        normalize_reward: divide rewards by their root mean square.
        demonstrations: what is imitated before the first round's improving: a file, or `judged`, the
            demonstrations that the judge has given.
        demonstrations_sha256: digest of the file's content; `rrm validate` says which.
        clone_epochs: passes over them.
        clone_learning_rate: of Adam, while imitating.
    """
    options = locals()
    from rrm_tree.learning.off_policy import Dqn

    return Dqn(options)
