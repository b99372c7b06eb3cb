"""Planning in a learned model of the world: the model, the planner, and the two together."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv

from rrm_tree.contracts import Problem
from rrm_tree.domains.gym.task import GymTask
from rrm_tree.errors import PluginError, TrainingError
from rrm_tree.learning import search
from rrm_tree.learning.crossentropy import CemOptions, Choices, Gaussians, coloured_noise, find_sequences
from rrm_tree.learning.dynamics import Dynamics, FitOptions, Scales, Transitions, fit_dynamics
from rrm_tree.learning.flat import FlatActions, FlatStates
from rrm_tree.learning.planning import Imagination, World
from rrm_tree.learning.rollouts import rollout
from rrm_tree.testing import check_algorithm

BOX = spaces.Box(-1, 1, (2,), np.float32)


class Ball(gymnasium.Env):
    """A ball on a line that the action pushes; it starts at its seed's place and rolls 30 steps.

    With `wall` the episode ends where the ball passes 1.
    """

    observation_space = spaces.Box(-10, 10, (2,), np.float32)

    def __init__(self, push=0.3, discrete=False, wall=False):
        self.push, self.wall = push, wall
        self.action_space = spaces.Discrete(3) if discrete else spaces.Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place, self.speed, self.time = self.np_random.uniform(-2, 0.5), 0.0, 0
        return self.seen(), {}

    def step(self, action):
        force = action - 1 if isinstance(self.action_space, spaces.Discrete) else float(action[0])
        self.speed = 0.8 * self.speed + self.push * force
        self.place = float(np.clip(self.place + self.speed, -10, 10))
        self.time += 1
        return self.seen(), 0.0, self.wall and self.place > 1, self.time == 30, {}

    def seen(self):
        return np.array([self.place, self.speed], np.float32)


class BallTask:
    """The ball as a task that starts by itself."""

    batch = 16
    subject = None

    def __init__(self, **options):
        self.options = options

    def make_vec(self, num_envs):
        task = self

        class Seeded(SyncVectorEnv):
            def reset(self, *, seed=None, options=None):
                return super().reset(seed=[int(one) for one in options["subject"]["seed"]])

        return Seeded([lambda: Ball(**task.options)] * num_envs)

    def starts(self, count, split, rng):
        return {"seed": rng.integers(0, 1 << 30, count)}

    def propose(self, observations, subjects, rng):
        count = len(observations["observation"])
        if self.options.get("discrete"):
            return rng.integers(0, 3, count)
        return rng.uniform(-1, 1, (count, 1)).astype(np.float32)


def near(outcomes):
    """The nearer to 0 after a step, the better."""
    return -np.abs(outcomes.observations["observation"][:, 1:, 0]).astype(float)


def problem(task, steps, seed=3, rewards=near, optimiser_steps=None, beyond=None):
    return Problem(
        task,
        lambda count, rng: task.starts(count, "train", rng),
        rewards,
        lambda outcomes: None,
        steps,
        optimiser_steps,
        seed,
        stretches=True,
        beyond=beyond,
    )


QUICK = {"horizon": 8, "fits": 2, "hidden": (16,), "updates": 300}


def mean_reward(task, algorithm, posed, arrays, steps=slice(15, None)):
    agent = algorithm.load(posed, arrays)
    about = task.starts(8, "measure", np.random.default_rng(9))
    done = rollout(task, agent.act, about, np.random.default_rng(9), explore=False)
    return float(near(done.outcomes)[:, steps].mean())


# --- the model of the world ----------------------------------------------------------------------


def linear_world(count, rng, ends=False):
    """s' = A s + B a, worked out by hand; an episode ends where the first number passes 1."""
    states = rng.normal(size=(count, 2)).astype(np.float32)
    actions = rng.uniform(-1, 1, size=(count, 1)).astype(np.float32)
    following = states @ np.array([[1.0, 0.0], [0.1, 0.9]], np.float32) + actions @ np.array(
        [[0.0, 2.0]], np.float32
    )
    ended = (following[:, 0] > 1) & ends
    return Transitions(states, actions, following, ended.astype(np.float32))


@pytest.mark.slow
def test_a_linear_world_is_predicted_by_every_member():
    rng = np.random.default_rng(0)
    fitted = fit_dynamics(linear_world(2000, rng), FitOptions(members=3, hidden=(32,)), rng)
    fresh = linear_world(200, rng)
    states, actions = (torch.from_numpy(one).expand(3, -1, -1) for one in (fresh.states, fresh.actions))
    following, ends = fitted.dynamics.unscaled().step(states, actions)
    assert fitted.explained > 0.995
    assert (following - torch.from_numpy(fresh.following)).abs().mean() < 0.05
    assert not ends.any()


@pytest.mark.slow
def test_ends_are_expected_where_they_were_seen():
    rng = np.random.default_rng(0)
    fitted = fit_dynamics(linear_world(2000, rng, ends=True), FitOptions(members=2, hidden=(32,)), rng)
    fresh = linear_world(500, rng, ends=True)
    states, actions = (torch.from_numpy(one).expand(2, -1, -1) for one in (fresh.states, fresh.actions))
    _, chances = fitted.dynamics.unscaled().step(states, actions)
    assert ((chances.mean(dim=0) > 0.5).numpy() == (fresh.ended > 0)).mean() > 0.95


def test_scales_worked_into_the_weights_change_no_prediction():
    seen = linear_world(50, np.random.default_rng(0))
    scales = Scales.of(seen)
    model = Dynamics.build((3, 8, 8, 3), 2, scales, 0)
    states, actions = (torch.from_numpy(one).expand(2, -1, -1) for one in (seen.states, seen.actions))
    scaled = (torch.cat([states, actions], dim=-1) - scales.inputs_mean) / scales.inputs_deviation
    by_hand = states + model.raw(scaled)[..., :-1] * scales.changes_deviation + scales.changes_mean
    assert torch.allclose(model.unscaled().step(states, actions)[0], by_hand, atol=1e-5)


def test_a_model_comes_back_from_its_arrays_as_it_was():
    rng = np.random.default_rng(0)
    model = fit_dynamics(linear_world(50, rng, ends=True), FitOptions(updates=4), rng).dynamics
    again = Dynamics.from_arrays(model.arrays())
    assert again.ends == model.ends
    assert all(values.tobytes() == again.arrays()[name].tobytes() for name, values in model.arrays().items())


@pytest.mark.parametrize("limit", [0, 1, 7])
def test_a_fit_makes_no_more_optimiser_steps_than_given(limit):
    rng = np.random.default_rng(0)
    assert fit_dynamics(linear_world(600, rng), FitOptions(), rng, limit).optimiser_steps == limit


# --- the cross-entropy method ----------------------------------------------------------------------


def test_the_optimum_of_a_quadratic_is_found_within_its_bounds():
    wanted = torch.tensor([[[0.5, -0.25]], [[3.0, 0.0]]])

    def score(candidates):
        return -(candidates - wanted[:, None]).square().sum(dim=(2, 3))

    start = Gaussians.middle(2, 1, torch.tensor([-1.0, -1.0]), torch.tensor([1.0, 1.0]), 0.0)
    found = find_sequences(score, start, CemOptions(100, 10, 12), np.random.default_rng(0))
    # The second row's optimum lies outside the bounds: the nearest point is [1, 0].
    assert torch.allclose(found.best, torch.tensor([[[0.5, -0.25]], [[1.0, 0.0]]]), atol=0.02)


def test_the_best_choices_of_a_table_are_found():
    table = torch.from_numpy(np.random.default_rng(1).normal(size=(3, 5, 4)).astype(np.float32))

    def score(candidates):
        return (candidates * table[:, None]).sum(dim=(2, 3))

    found = find_sequences(score, Choices.even(3, 5, 4), CemOptions(100, 10, 10), np.random.default_rng(0))
    assert torch.equal(found.best.argmax(dim=-1), table.argmax(dim=-1))


def test_a_later_guess_begins_where_the_plan_has_come_to():
    mean = torch.arange(4.0).reshape(1, 4, 1)
    ones = torch.ones(1)
    guess = Gaussians(mean, torch.zeros_like(mean), ones, -9 * ones, 9 * ones, 0.0).later(2)
    assert guess.mean.flatten().tolist() == [2, 3, 3, 3]
    assert guess.deviation.flatten().tolist() == [1, 1, 1, 1]
    sure = Choices(torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])).later(1)
    assert sure.chances.tolist() == [[[0.25, 0.75], [0.5, 0.5]]]


@pytest.mark.parametrize("steps", [7, 20])
def test_smooth_noise_has_deviation_one_and_neighbours_that_are_alike(steps):
    def neighbours(smoothness):
        noise = coloured_noise((20_000,), steps, smoothness, np.random.default_rng(0))
        assert noise.std(axis=0) == pytest.approx(np.ones(steps), abs=0.05)
        return float((noise[:, 1:] * noise[:, :-1]).mean())

    assert abs(neighbours(0.0)) < 0.02
    assert neighbours(2.0) > 0.4


# --- imagining ----------------------------------------------------------------------------------------


def a_world(beyond):
    """One number that an action is added to; the episode is sure to end after a step to above 0."""
    task = BallTask()
    seen = FlatStates({"observation": spaces.Box(-10, 10, (1,), np.float32)})
    acts = FlatActions(spaces.Box(-1, 1, (1,), np.float32))
    posed = problem(task, 0, rewards=lambda outcomes: np.full(outcomes.mask.shape, 2.0), beyond=beyond)

    class Exact:
        members = 1

        def step(self, states, actions):
            following = states + actions
            return following, (following[..., 0] > 0).float()

    return Imagination(World(posed, seen, acts), Exact(), torch.tensor([[-0.5]]), {"seed": np.zeros(1)})


@pytest.mark.parametrize(("beyond", "ending"), [(None, 2), (5.0, 2 + 10), (-1.0, 2 - 2)])
def test_what_comes_after_an_end_counts_as_the_problem_says(beyond, ending):
    # Three steps at 2 each: the first sequence never ends, the second ends with its first step.
    actions = torch.tensor([[[[0.0], [0.0], [0.0]], [[1.0], [0.0], [0.0]]]])
    assert a_world(beyond).returns(actions, 1).tolist() == [[6.0, ending]]


@pytest.mark.parametrize("space", [BOX, spaces.Dict({"b": spaces.Box(0, 1, (), np.float64), "a": BOX})])
def test_flat_states_become_observations_again(space):
    flat = FlatStates.of(space)
    space.seed(0)
    samples = [space.sample() for _ in range(3)]
    seen = {
        name: np.stack([one[name] if isinstance(one, dict) else one for one in samples])[:, None]
        for name in flat.boxes
    }
    back = flat.unflatten(flat.flatten(seen))
    assert all(np.allclose(back[name], values) for name, values in seen.items())
    assert all(back[name].dtype == box.dtype for name, box in flat.boxes.items())


# --- the algorithm --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"discrete": True}], ids=["box", "discrete"])
def test_a_ball_is_brought_to_rest_at_the_middle(options):
    task = BallTask(**options)
    algorithm, posed = search(**QUICK, candidates=60, replan=1), problem(task, 1000)
    improved = algorithm.improve(posed, None)
    # At random it stays about 2 away; one push at full force moves it by 0.3.
    assert mean_reward(task, algorithm, posed, improved.arrays) > -0.12


@pytest.mark.slow
def test_the_same_reward_serves_after_the_world_has_changed():
    algorithm, home = search(**QUICK), problem(BallTask(), 1000)
    arrays = algorithm.improve(home, None).arrays
    reversed_task = BallTask(push=-0.3)
    there = problem(reversed_task, 1000, rewards=home.rewards)
    before = mean_reward(reversed_task, algorithm, there, arrays)
    after = mean_reward(reversed_task, algorithm, there, algorithm.improve(there, None).arrays)
    # With the old model it pushes the ball away; the bar is that of the first world.
    assert before < -1
    assert after > -0.15


@pytest.mark.slow
@pytest.mark.parametrize("id", ["Pendulum-v1", "CartPole-v1"])
def test_search_keeps_the_contract_of_an_algorithm(id):
    quick = search(
        horizon=4, candidates=5, elites=2, iterations=1, fits=2, episodes=2, hidden=(8,), updates=10
    )
    check_algorithm(quick, GymTask(id, max_episode_steps=20), steps=100)


@pytest.mark.parametrize("steps", [0, 1, 5, 100])
def test_never_more_steps_than_given_are_executed_and_all_are_reported(steps):
    executed = []

    class Counting(BallTask):
        def make_vec(self, num_envs):
            envs = super().make_vec(num_envs)
            step = envs.step
            envs.step = lambda actions: (executed.append(num_envs), step(actions))[1]
            return envs

    improved = search(**QUICK | {"updates": 4}).improve(problem(Counting(), steps), None)
    assert sum(executed) == improved.steps <= steps
    assert steps < 5 or improved.steps > 0


@pytest.mark.slow
def test_the_same_seed_gives_the_same_model_and_leaves_global_generators_alone():
    before, drawn = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002 - draws nothing
    algorithm = search(**QUICK | {"updates": 20})
    first, again, other = (
        algorithm.improve(problem(BallTask(), 300, seed), None).arrays for seed in (3, 3, 4)
    )
    assert all(first[name].tobytes() == again[name].tobytes() for name in first)
    assert any(first[name].tobytes() != other[name].tobytes() for name in first)
    assert (before == np.random.get_state()[1]).all()  # noqa: NPY002
    assert torch.equal(drawn, torch.get_rng_state())


def test_no_more_optimiser_steps_than_given_are_made():
    improved = search(**QUICK).improve(problem(BallTask(), 1000, optimiser_steps=9), None)
    assert improved.optimiser_steps <= 9


def test_the_next_round_goes_on_from_what_was_seen():
    algorithm = search(**QUICK | {"updates": 4})
    first = algorithm.improve(problem(BallTask(), 130), None)
    second = algorithm.improve(problem(BallTask(), 130, seed=8), first.arrays)
    before, after = first.arrays["seen.states"], second.arrays["seen.states"]
    assert len(after) == len(before) + second.steps
    assert (after[: len(before)] == before).all()


def test_a_plan_is_carried_out_and_an_episode_begun_again_is_planned_again():
    task = BallTask()
    algorithm, posed = search(**QUICK, replan=4), problem(task, 300)
    agent = algorithm.load(posed, algorithm.improve(posed, None).arrays)
    about = task.starts(3, "measure", np.random.default_rng(0))
    one, same = (
        rollout(task, agent.act, about, np.random.default_rng(seed), explore=False).outcomes.actions
        for seed in (1, 2)
    )
    alone = rollout(
        task, agent.act, {"seed": about["seed"][1:2]}, np.random.default_rng(0), explore=False
    ).outcomes.actions
    assert (one == same).all()
    # What others do at its side changes nothing but the last bits of a sum.
    assert np.allclose(alone[0], one[1], atol=1e-3)


def test_too_few_steps_are_said_so():
    assert "not enough" in search(**QUICK).improve(problem(BallTask(), 0), None).notes[0]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"elites": 40}, "elites"),
        ({"replan": 30}, "replan"),
        ({"candidates": 31}, "multiple of members"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(options, word):
    with pytest.raises(PluginError, match=word):
        search(**options)


def test_tasks_that_cannot_be_planned_for_are_refused_with_another_algorithm():
    class Counts(Ball):
        observation_space = spaces.Discrete(3)

    class Parts(Ball):
        def __init__(self):
            super().__init__()
            self.action_space = spaces.MultiDiscrete([2, 2])

    class Picky(Ball):
        def action_masks(self):
            return np.ones(3, bool)

    class Of(BallTask):
        def __init__(self, env):
            self.env = env

        def make_vec(self, num_envs):
            return SyncVectorEnv([self.env] * num_envs)

    assert "observes" in search().check(Of(Counts))
    assert "acts" in search().check(Of(Parts))
    assert "`maskable_ppo`" in search().check(Of(Picky))
    assert search().check(BallTask()) is None


def test_a_reward_of_whole_episodes_is_refused_with_the_cure():
    whole = Problem(BallTask(), lambda count, rng: {}, near, lambda outcomes: None, 100, None, 0)
    with pytest.raises(TrainingError, match=r"sees: \[outcome\]"):
        search().improve(whole, None)


def test_a_reward_that_is_no_number_is_refused():
    broken = problem(BallTask(), 300, rewards=lambda outcomes: np.full(outcomes.mask.shape, np.nan))
    with pytest.raises(TrainingError, match="finite"):
        search(**QUICK | {"updates": 4}).improve(broken, None)
