"""What episode ends teach by themselves: PPO on a reward that knows nothing, the same at every step.

python tests/benchmarks/study_episode_ends.py
"""

import numpy as np

from rrm_tree.contracts import Problem
from rrm_tree.domains import gym
from rrm_tree.learning import ppo
from rrm_tree.learning.rollouts import rollout

task, algorithm = gym.environment(id="CartPole-v1"), ppo()


def mean_length(reward, beyond, seed):
    problem = Problem(
        task=task,
        starts=lambda count, rng: task.starts(count, "train", rng),
        rewards=lambda outcomes: np.full(outcomes.actions.shape[:2], reward),
        table=lambda outcomes: np.zeros((len(outcomes), 1, 1)),
        steps=20_000,
        optimiser_steps=None,
        seed=seed,
        stretches=True,
        beyond=beyond,
    )
    agent = algorithm.load(problem, algorithm.improve(problem, None).arrays)
    about = task.starts(50, "measure", np.random.default_rng(seed))
    done = rollout(task, agent.act, about, np.random.default_rng(seed), explore=False)
    return done.outcomes.lengths.mean()


for reward in (1.0, -1.0):
    for word, beyond in (("ends stay ends", None), ("absorbing", reward)):
        print(reward, word, [round(float(mean_length(reward, beyond, seed)), 1) for seed in range(3)])
