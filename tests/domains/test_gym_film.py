"""Clips: episodes played again, from their seed or up to a window, and what is said where they cannot be."""

import importlib
import io
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import av
import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from PIL import Image

from rrm_tree.contracts import Clip
from rrm_tree.domains import gym
from rrm_tree.domains.gym.clip import MISSING, WIDTH, encode
from rrm_tree.domains.gym.film import FRAMES, Take, shoot
from rrm_tree.learning.rollouts import rollout
from rrm_tree.origin import Origin
from rrm_tree.outcomes import Advice, Outcomes, join_outcomes, take_steps
from rrm_tree.web.sights import see

HERE = Path(__file__).stem


class Lamp(gymnasium.Env):
    """Shines as bright as it has counted: a frame says at which step it was taken."""

    metadata: ClassVar = {"render_modes": ["rgb_array"], "render_fps": 10}
    observation_space = spaces.Box(0, 255, (1,), np.float64)
    action_space = spaces.Discrete(3)
    broken = 0

    def __init__(self, render_mode=None, lasts=7, noisy=False, breaks=False):
        self.render_mode, self.lasts, self.noisy, self.breaks = render_mode, lasts, noisy, breaks

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps, self.sum = 0, 0.0
        return self.see(), {}

    def step(self, action):
        self.steps, self.sum = self.steps + 1, self.sum + float(action) + self.np_random.random()
        return self.see(), 1.0, self.steps >= self.lasts, False, {}

    def see(self):
        return np.array([self.sum + (np.random.default_rng().random() if self.noisy else 0)])

    def render(self):
        if self.breaks:
            type(self).broken += 1
            raise RuntimeError("no lamp oil")
        return np.full((40, 80, 3), min(255, 20 + 25 * self.steps), np.uint8)


class Dark(Lamp):
    metadata: ClassVar = {"render_modes": []}


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)


def lamp(name="Lamp", **options):
    return gym.environment(id=f"{HERE}:{name}", **options)


def play(task, count, seed=0):
    rng = np.random.default_rng(seed)

    def act(observations, subjects, rng, explore):
        return task.propose(observations, subjects, rng)

    return rollout(task, act, task.starts(count, "judge", rng), rng, explore=True).outcomes


def brightness(clip):
    """The step of each frame, read off how bright it is."""
    with av.open(io.BytesIO(clip.data)) as container:
        means = [frame.to_ndarray(format="rgb24").mean() for frame in container.decode(video=0)]
    return [round((mean - 20) / 25) for mean in means]


def test_an_episode_is_filmed_from_its_first_to_its_last_observation():
    clip = lamp().film(play(lamp(), 3), 2)
    assert clip.media == "video/webm"
    assert brightness(clip) == [0, 1, 2, 3, 4, 5, 6, 7]


def test_the_same_episode_is_the_same_bytes():
    outcomes = play(lamp(), 2)
    assert lamp().film(outcomes, 1) == lamp().film(outcomes, 1)


def test_long_episodes_are_filmed_every_few_steps_and_wide_frames_made_smaller():
    pytest.importorskip("pygame")
    task = gym.environment(id="Pendulum-v1")
    clip = task.film(play(task, 1), 0)
    with av.open(io.BytesIO(clip.data)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert FRAMES / 2 < len(frames) <= FRAMES
    assert frames[0].shape == (WIDTH, WIDTH, 3)
    assert len({frame.tobytes() for frame in frames}) > FRAMES / 2
    assert len(clip.data) < 40_000


def test_absorbed_steps_are_not_filmed():
    task = lamp(max_episode_steps=30)
    whole = task.whole(play(task, 2))
    assert whole.lengths.tolist() == [30, 30]
    assert brightness(task.film(whole, 1)) == list(range(8))


def windows_of(task, episodes, rows, starts):
    """Windows as people are shown them, with what was done in their episodes before."""
    rows, starts = np.array(rows), np.array(starts)
    return replace(task.windows(episodes, rows, starts), origin=Origin.of(episodes.actions, rows, starts))


@pytest.mark.parametrize("horizon", ["absorbing", "variable"])
def test_a_window_is_filmed_alone_where_it_is_known_out_of_which_episode_it_is(horizon):
    task = lamp(segment=3, max_episode_steps=9, horizon=horizon)
    short = lamp(kwargs={"lasts": 4}, segment=3, max_episode_steps=9, horizon=horizon)
    windows = windows_of(task, play(task, 2), [1, 0, 1], [2, 0, 4])
    assert [brightness(task.film(windows, row)) for row in range(3)] == [
        [2, 3, 4, 5],
        [0, 1, 2, 3],
        [4, 5, 6, 7],
    ]
    others = windows_of(short, play(short, 2), [0], [1])
    both = join_outcomes([windows, others]).take(np.array([3, 2]))
    stored = Outcomes.from_arrays(both.arrays())
    assert brightness(short.film(stored, 0)) == [1, 2, 3, 4]


class Watched(gymnasium.Wrapper):
    """Keeps a picture of every step while it is acted in."""

    metadata: ClassVar = {"render_modes": ["rgb_array"], "render_fps": 30}
    seen: ClassVar = {}

    def __init__(self, id, render_mode="rgb_array"):
        super().__init__(gymnasium.make(id, render_mode=render_mode).unwrapped)

    def reset(self, *, seed=None, options=None):
        answer = super().reset(seed=seed)
        self.pictures = self.seen.setdefault(seed, [])
        self.pictures[:] = [self.render()]
        return answer

    def step(self, action):
        answer = super().step(action)
        self.pictures.append(self.render())
        return answer


@pytest.mark.parametrize("id", ["Pendulum-v1", "CartPole-v1"])
def test_frames_of_a_window_are_those_that_were_drawn_while_its_episode_was_acted(id):
    pytest.importorskip("pygame")
    task = lamp("Watched", kwargs={"id": id}, segment=8, max_episode_steps=60)
    episodes = task.whole(play(task, 3))
    windows = windows_of(task, episodes, [2, 0, 1, 2], [5, 0, 8, 1])
    drawn = {seed: list(pictures) for seed, pictures in importlib.import_module(HERE).Watched.seen.items()}
    assert all(windows.lengths == 8)
    for row, start in enumerate([5, 0, 8, 1]):
        [live] = [drawn[seed] for seed in drawn if seed == windows.subjects["seed"][row]]
        again = shoot(gymnasium.make(id, render_mode="rgb_array"), Take.of(windows, row))
        real = min(8, len(live) - 1 - start)
        np.testing.assert_array_equal(again, live[start : start + real + 1])


def test_windows_keep_what_was_done_before_them_once_an_episode_and_no_further_than_needed():
    task = lamp(segment=2)
    windows = windows_of(task, play(task, 3), [1, 1, 2, 0], [4, 1, 3, 0])
    assert len(windows.origin.actions) == 4 + 3
    left = windows.take(np.array([1, 3]))
    assert len(left.origin.actions) == 1
    assert brightness(task.film(left, 0)) == [1, 2, 3]
    assert join_outcomes([left, task.whole(play(task, 1))]).origin.before(2).tolist() == []


def test_what_is_cut_out_after_an_episodes_end_shows_how_it_ended():
    task = lamp(segment=2, max_episode_steps=9)
    episodes = task.whole(play(task, 1))
    rows, times = np.array([0, 0]), np.array([8, 6])
    steps = replace(take_steps(episodes, rows, times), origin=Origin.of(episodes.actions, rows, times))
    assert brightness(task.film(steps, 0)) == [7]
    assert brightness(task.film(steps, 1)) == [6, 7]


def test_a_step_lasts_as_long_in_every_clip_of_a_batch():
    task = lamp(max_episode_steps=200, horizon="variable")
    long = lamp(kwargs={"lasts": 150}, max_episode_steps=200, horizon="variable")
    both = join_outcomes([play(task, 1), play(long, 1)])
    short, whole = task.film(both, 0), long.film(both, 1)
    assert brightness(short) == list(range(8))
    assert short.per_second == 4 * whole.per_second


def test_a_window_without_the_actions_before_it_is_not_filmed_and_says_so():
    task = lamp(segment=3)
    windows = task.windows(play(task, 1), np.array([0, 0]), np.array([0, 2]))
    assert isinstance(task.film(windows, 0), Clip)
    assert "it is a window of an episode" in task.film(windows, 1)


def test_a_window_of_an_episode_that_goes_another_way_is_not_filmed_and_says_so():
    task = lamp(kwargs={"noisy": True}, segment=3)
    windows = windows_of(task, play(task, 1), [0], [2])
    reason = "played again it goes another way at step 2: chance is not in the seed"
    assert task.film(windows, 0) == reason
    sight = see(task, windows, 0, Advice())
    assert (sight.form, sight.per_second) == ("image", 0)
    assert b"<polyline" in sight.data and sight.note == f"No clip: {reason}."


def test_chance_outside_the_seed_is_found_out():
    task = lamp(kwargs={"noisy": True})
    assert "played again it goes another way at step 0" in task.film(play(task, 1), 0)


def test_what_cannot_be_drawn_is_not_tried_again():
    task = lamp(kwargs={"breaks": True})
    outcomes = play(task, 2)
    assert task.film(outcomes, 0) == task.film(outcomes, 1) == "RuntimeError: no lamp oil"
    assert sys.modules[task.id.partition(":")[0]].Lamp.broken == 1


def test_an_environment_that_draws_nothing_needs_no_excuse():
    task = lamp("Dark")
    assert task.film(play(task, 1), 0) == ""
    assert lamp(film=False).film(play(lamp(), 1), 0) == ""
    native = gym.environment(id="CartPole-v1", vectorisation="native")
    assert "cannot be played again one by one" in native.film(play(native, 1), 0)


def test_frames_are_webp_without_pyav_and_nothing_without_pillow():
    frames = [np.full((30, 901, 3), 50 * step, np.uint8) for step in range(5)]
    clip = encode(frames, Fraction(5), {"PIL": True}.get)
    assert clip.media == "image/webp"
    with Image.open(io.BytesIO(clip.data)) as image:
        assert (image.n_frames, image.width) == (5, WIDTH)
    assert encode(frames, Fraction(5), {}.get) == MISSING
