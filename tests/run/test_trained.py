"""What a run has trained acts for whoever opens its store."""

import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

from rrm_tree.errors import StoreError
from rrm_tree.learning.demonstrations import record_demonstrations
from rrm_tree.trained import open_trained

SPEC = """
version: 1
name: one
measure: {pairs: 10, agent_outcomes: 10}
nodes:
  push:
    doc: Does the cart keep its pole up?
    task: {use: CartPole-v1, with: {segment: 10, max_episode_steps: 30}}
    criteria: {better: {question: Which is better?}}
    judge: {use: teacher, kind: preference}
    agent: {use: ppo, with: {n_steps: 64}}
    reward_model: {epochs: 2, ensemble: 1}
    budget: {judgments: 20, steps: 2_000}
"""


@pytest.mark.slow
def test_demonstrations_are_recorded_from_an_agent_in_a_store(tmp_path):
    (tmp_path / "one.yaml").write_text(SPEC)
    command = [sys.executable, "-m", "rrm_tree", "run", "one.yaml", "--store", "store"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    push, rng = open_trained(tmp_path / "store", "push"), np.random.default_rng(0)
    file = tmp_path / "shown.safetensors"
    digest = record_demonstrations(file, push.task, push.agent.act, push.subjects(5, "train", rng), rng)
    assert len(digest) == 64
    assert load_file(file)["observations.observation"].shape == (len(load_file(file)["actions"]), 4)
    with pytest.raises(StoreError, match="has no node 'psh'; did you mean 'push'"):
        open_trained(tmp_path / "store", "psh")


def test_a_folder_that_holds_no_run_is_told_so(tmp_path):
    with pytest.raises(StoreError, match="holds no run"):
        open_trained(tmp_path, "push")
