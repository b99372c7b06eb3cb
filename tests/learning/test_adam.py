"""Adam is torch's, without what torch's class loads."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from rrm_tree.learning.adam import Adam


def test_weights_move_as_with_torchs_class_and_those_without_gradients_stay():
    start = torch.linspace(-1, 1, 5)
    ours, theirs, still = (start.clone().requires_grad_() for _ in range(3))
    one, other = Adam([ours, still], 0.1, eps=1e-5), torch.optim.Adam([theirs], 0.1, eps=1e-5)
    for rate in (0.1, 0.1, 0.01):
        one.param_groups[0]["lr"] = other.param_groups[0]["lr"] = rate
        for weights, optimiser in ((ours, one), (theirs, other)):
            optimiser.zero_grad()
            torch.autograd.backward((weights**3).sum())
            optimiser.step()
    assert torch.allclose(ours, theirs)
    assert torch.equal(still, start)
    assert one.count == 3


TRAINING = """
import sys
import numpy as np
from rrm_tree.contracts import Problem
from rrm_tree.domains.gym import environment
from rrm_tree import learning

task = environment(id="Pendulum-v1")
asked = Problem(
    task,
    lambda count, rng: task.starts(count, "train", rng),
    lambda outcomes: np.zeros(outcomes.mask.shape),
    lambda outcomes: None,
    128,
    None,
    seed=0,
    stretches=True,
)
for algorithm in (learning.ppo(n_steps=64), learning.sac(), learning.td3()):
    assert algorithm.improve(asked, None).optimiser_steps
print([name for name in sys.modules if name.startswith("torch._dynamo")])
"""


@pytest.mark.slow
def test_training_does_not_load_torchs_compiler():
    done = subprocess.run([sys.executable, "-c", TRAINING], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
