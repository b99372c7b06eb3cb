"""Stretches: every transition is a real one, rows go on about fresh subjects, steps are counted exactly."""

from __future__ import annotations

from dataclasses import dataclass, field

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from rrm_tree.contracts import Problem
from rrm_tree.learning.stream import Stream, WholeEpisodes, open_source

LONG = 3


class Countdown(gymnasium.Env):
    """Shows how many steps are left; ends at 0, but one that starts at LONG is cut short at 1."""

    observation_space = spaces.Box(-1e9, 1e9, (1,), np.float64)
    action_space = spaces.Discrete(2)
    left = executed = 0

    def reset(self, *, seed=None, options=None):
        self.left = self.begun = 2 if not options else int(options["left"])
        return np.array([float(self.left)]), {}

    def step(self, action):
        Countdown.executed += 1
        self.left -= 1
        cut = self.begun == LONG and self.left == 1
        return np.array([float(self.left)]), 1.0, self.left == 0, cut, {}


class Countdowns(SyncVectorEnv):
    """Countdowns from the subject's numbers, all of them or the masked ones."""

    def reset(self, *, seed=None, options=None):
        options = dict(options or {})
        subject = options.pop("subject")["left"]
        mask = options.get("reset_mask", np.ones(self.num_envs, bool))
        seen, info = super().reset(options=options)
        for row in np.flatnonzero(mask):
            self._env_obs[row] = seen[row] = self.envs[row].reset(options={"left": subject[row]})[0]
        return seen, info


@dataclass
class Task:
    mode: AutoresetMode = AutoresetMode.DISABLED
    subject: str | None = None
    batch: int = 10
    made: list = field(default_factory=list)

    def make_vec(self, num_envs):
        Countdown.executed = 0
        return Countdowns([Countdown] * num_envs, autoreset_mode=self.mode)


def problem(task, starts, steps=1000, stretches=True):
    """Subjects come from `starts`, one after the other, and over again."""
    given = iter(np.tile(starts, 1000))
    return Problem(
        task,
        lambda count, rng: {"left": np.array([next(given) for _ in range(count)])},
        lambda outcomes: np.zeros(outcomes.mask.shape),
        lambda outcomes: None,
        steps,
        None,
        seed=0,
        stretches=stretches,
    )


def act(seen, subjects, rng, explore):
    return np.zeros(len(seen["observation"]), np.int64)


def run(asked, rows, transitions):
    with open_source(asked, rows, np.random.default_rng(0)) as source:
        return source.collect(act, transitions)


def numbers(arrays):
    return arrays["observation"][:, 0].tolist()


def test_rows_go_on_about_fresh_subjects_where_the_environment_stands_still():
    # Subjects in turn: 2 and 1 for the first and the second row, then 2 for the second, 3 for the first
    # (cut short at 1), 2 for the second, 1 for the first.
    done = run(problem(Task(), [2, 1, 2, 3]), 2, 10)
    assert done.spread(np.array(numbers(done.before))).tolist() == [[2, 1, 3, 2, 1], [1, 2, 1, 2, 1]]
    assert done.spread(np.array(numbers(done.after))).tolist() == [[1, 0, 2, 1, 0], [0, 1, 0, 1, 0]]
    assert done.over.astype(int).tolist() == [[0, 1, 0, 1, 1], [1, 0, 1, 0, 1]]
    assert done.spread(done.ended).astype(int).tolist() == [[0, 1, 0, 0, 1], [1, 0, 1, 0, 1]]
    assert done.spread(done.outcomes.subjects["left"]).tolist() == [[2, 2, 3, 3, 1], [1, 2, 2, 2, 2]]
    assert done.begins.all()
    assert done.live.all()
    assert done.steps == 10 == Countdown.executed


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_rows_that_go_on_by_themselves_never_step_from_one_episode_into_the_next(mode):
    done = run(problem(Task(mode), [2, 1]), 2, 12)
    assert (np.array(numbers(done.after)) == np.array(numbers(done.before)) - 1).all()
    assert (done.ended == (np.array(numbers(done.after)) == 0)).all()
    assert len(done) == done.steps == Countdown.executed
    assert 12 <= len(done) <= 13


def test_a_stretch_goes_on_where_the_last_one_stopped():
    with open_source(problem(Task(), [3, 3, 2]), 1, np.random.default_rng(0)) as source:
        first, second = source.collect(act, 1), source.collect(act, 2)
    assert numbers(first.before) == [3]
    assert numbers(second.before) == [2, 3]
    assert first.begins.tolist() == [True]
    assert second.begins.tolist() == [False]


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("steps", [1, 2, 7, 11])
def test_steps_are_counted_exactly_and_never_more_than_allowed(mode, steps):
    with open_source(problem(Task(mode), [3, 1, 2], steps), 3, np.random.default_rng(0)) as source:
        told = 0
        while (done := source.collect(act, 4)) is not None:
            told += done.steps
            assert len(done) == done.steps
    assert told == Countdown.executed
    assert steps - 3 < told <= steps


def test_rewards_that_need_whole_episodes_get_whole_episodes():
    done = run(problem(Task(AutoresetMode.NEXT_STEP), [2, 1], stretches=False), 2, 100)
    assert done.outcomes.lengths.tolist() == [2, 1]
    assert done.over.tolist() == [[False, True], [True, False]]
    assert numbers(done.before) == [2, 1, 1]
    assert done.spread(np.array([1, 2, 3])).tolist() == [[1, 2], [3, 0]]


def test_a_task_about_subjects_is_not_left_to_an_environment_that_starts_itself():
    for mode, kind in ((AutoresetMode.SAME_STEP, WholeEpisodes), (AutoresetMode.DISABLED, Stream)):
        with open_source(problem(Task(mode, "chess.board"), [2]), 1, np.random.default_rng(0)) as source:
            assert isinstance(source, kind)
