"""Behaviour cloning: from a file that is what a spec says, or of the judge; before the first round alone."""

from __future__ import annotations

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv
from safetensors.numpy import save_file

from rrm_tree.contracts import Problem
from rrm_tree.errors import TrainingError
from rrm_tree.learning import dqn, ppo, sac, td3
from rrm_tree.learning.demonstration_files import refuse_demonstrations
from rrm_tree.learning.demonstrations import record_demonstrations, shown_by_judges, take_transitions
from rrm_tree.learning.rollouts import rollout
from rrm_tree.outcomes import ABSORBED, Advice, Answers, Items, Judged, join_outcomes
from rrm_tree.registry import find


class Side(gymnasium.Env):
    """Shows a number; what is right is the opposite one, or its sign. Four steps."""

    observation_space = spaces.Box(-1, 1, (1,), np.float32)

    def __init__(self, discrete):
        self.action_space = spaces.Discrete(2) if discrete else spaces.Box(-2, 2, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return self.seen(), {}

    def step(self, action):
        self.time += 1
        return self.seen(), 0.0, self.time == 4, False, {}

    def seen(self):
        return self.np_random.uniform(-1, 1, 1).astype(np.float32)


class Task:
    batch = 8

    def __init__(self, discrete=False):
        self.discrete = discrete

    def make_vec(self, num_envs):
        return SyncVectorEnv([lambda: Side(self.discrete)] * num_envs)


def right(discrete, seen):
    return (seen[..., 0] > 0).astype(np.int64) if discrete else -seen


def recorded(file, discrete):
    def act(seen, subjects, rng, explore):
        return right(discrete, seen["observation"])

    subjects = {"row": np.arange(200)}
    return record_demonstrations(file, Task(discrete), act, subjects, np.random.default_rng(0))


def problem(task, optimiser_steps=None):
    return Problem(
        task,
        lambda count, rng: {"row": np.arange(count)},
        lambda outcomes: np.zeros(outcomes.mask.shape),
        lambda outcomes: None,
        8,
        optimiser_steps,
        seed=3,
        stretches=True,
    )


def options(file, digest):
    return {"demonstrations": str(file), "demonstrations_sha256": digest, "batch_size": 64}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "discrete", "more"),
    [
        (ppo, False, {}),
        (ppo, True, {}),
        (sac, False, {"net_arch": (32,)}),
        (td3, False, {"net_arch": (32,)}),
        (dqn, True, {}),
    ],
)
def test_a_policy_starts_by_doing_what_was_demonstrated(tmp_path, make, discrete, more):
    digest = recorded(tmp_path / "shown.safetensors", discrete)
    # 800 transitions, 13 minibatches an epoch: cloning is all that the optimiser's steps pay for.
    algorithm = make(**options(tmp_path / "shown.safetensors", digest), **more, clone_epochs=40)
    asked = problem(Task(discrete), 13 * 40)
    improved = algorithm.improve(asked, None)
    assert improved.optimiser_steps == 13 * 40
    agent = algorithm.load(asked, improved.arrays)
    done = rollout(
        asked.task, agent.act, {"row": np.arange(50)}, np.random.default_rng(5), explore=False
    ).outcomes
    wanted = right(discrete, done.observations["observation"][:, :-1])
    assert np.abs(done.actions - wanted).mean() < 0.1


def test_a_later_round_goes_on_without_cloning_again(tmp_path):
    digest = recorded(tmp_path / "shown.safetensors", True)
    algorithm = ppo(**options(tmp_path / "shown.safetensors", digest), n_steps=8, n_epochs=1)
    first = algorithm.improve(problem(Task(True)), None)
    second = algorithm.improve(problem(Task(True)), first.arrays)
    assert first.optimiser_steps == 13 * 20 + 1
    assert second.optimiser_steps == 1


def test_what_a_spec_says_of_its_demonstrations_is_checked_by_their_content(tmp_path, monkeypatch):
    digest = recorded(tmp_path / "shown.safetensors", True)
    assert refuse_demonstrations(options(tmp_path / "shown.safetensors", digest)) is None
    assert f"write `demonstrations_sha256: {digest}`" in refuse_demonstrations(
        options(tmp_path / "shown.safetensors", None)
    )
    assert "content is not 00" in refuse_demonstrations(options(tmp_path / "shown.safetensors", "00"))
    assert "there is no file elsewhere" in refuse_demonstrations(options("elsewhere", digest))
    monkeypatch.syspath_prepend(tmp_path)  # as whoever opens a spec does with its folder
    assert find("algorithm", "ppo").refuse(options("shown.safetensors", digest)) is None
    (tmp_path / "shown.safetensors").write_bytes(b"other")
    with pytest.raises(TrainingError, match="content is not"):
        ppo(**options("shown.safetensors", digest)).improve(problem(Task(True)), None)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"actions": np.zeros(3)}, "has no observations.observation; it has actions"),
        (
            {"actions": np.zeros(3), "observations.observation": np.zeros((3, 2))},
            r"observations.observation has shape \[3, 2\]; give finite numbers, \[1\] for each of 3",
        ),
        ({"actions": np.zeros(0), "observations.observation": np.zeros((0, 1))}, "holds none"),
    ],
)
def test_demonstrations_of_another_task_are_refused(tmp_path, arrays, words):
    file = tmp_path / "shown.safetensors"
    save_file(arrays, file)
    said = refuse_demonstrations({"demonstrations": str(file)})
    digest = said.split("demonstrations_sha256: ")[1].split("`")[0]
    with pytest.raises(TrainingError, match=words):
        ppo(**options(file, digest)).improve(problem(Task(True)), None)


def judged(kind, discrete=True, episodes=30):
    """What a judge has shown, and beside it what an agent did instead, which is wrong."""
    rng, task = np.random.default_rng(1), Task(discrete)

    def act(turned):
        do = lambda seen, *_: np.abs(turned - right(discrete, seen["observation"]))  # noqa: E731
        return rollout(task, do, {"row": np.arange(episodes)}, rng, explore=False).outcomes

    shown, other = act(0), act(1)
    zeros = np.zeros(episodes, np.int64)
    items = Items(np.arange(episodes) + episodes, np.arange(episodes), zeros, zeros)
    return Judged(
        join_outcomes([other, shown]), Advice(), kind, items, Answers(zeros.astype(np.float64), zeros)
    )


def test_a_policy_starts_by_doing_what_the_judge_has_shown_and_not_what_agents_did_instead():
    shown = shown_by_judges([judged("demonstration"), judged("preference")])
    assert len(shown) == 30
    asked = replace(problem(Task(True), 2 * 100), demonstrations=shown)
    algorithm = ppo(demonstrations="judged", batch_size=64, clone_epochs=100, clone_learning_rate=0.01)
    improved = algorithm.improve(asked, None)
    # 120 transitions, 2 minibatches an epoch.
    assert improved.optimiser_steps == 200
    agent = algorithm.load(asked, improved.arrays)
    done = rollout(asked.task, agent.act, {"row": np.arange(50)}, np.random.default_rng(5), explore=False)
    wanted = right(True, done.outcomes.observations["observation"][:, :-1])
    assert (done.outcomes.actions == wanted).mean() > 0.9


def test_a_judge_who_has_shown_nothing_cannot_be_imitated():
    assert shown_by_judges([judged("preference")]) is None
    with pytest.raises(TrainingError, match="the judge has shown nothing"):
        ppo(demonstrations="judged").improve(problem(Task(True)), None)


def test_what_comes_after_an_end_is_not_imitated():
    shown = judged("demonstration").outcomes
    after = np.zeros((len(shown), 5), bool)
    after[:, 3:] = True
    shown = replace(shown, observations={**shown.observations, ABSORBED: after})
    assert len(take_transitions(shown, Side.observation_space)) == 3 * len(shown)


def test_the_judges_demonstrations_need_no_digest():
    assert refuse_demonstrations({"demonstrations": "judged"}) is None
    assert "no file" in refuse_demonstrations({"demonstrations": "judged", "demonstrations_sha256": "00"})
