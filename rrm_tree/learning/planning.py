"""The algorithm `search`: plans with a learned model of the world and whatever reward it is given.

In: a task and the reward of stretches of its episodes. Out: a dynamics model as arrays; an agent
that plans with it, in training and at test time alike.
Touches nothing but the task's environments; randomness comes in as a generator.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from rrm_tree.contracts import Agent, Factorised, Imaginable, Improved, Problem, Task
from rrm_tree.errors import PluginError, TrainingError
from rrm_tree.learning.crossentropy import CemOptions, Guess, find_sequences
from rrm_tree.learning.dynamics import Dynamics, FitOptions, Scales, Transitions, fit_dynamics
from rrm_tree.learning.flat import FlatActions, FlatStates
from rrm_tree.learning.rollouts import Act, rollout
from rrm_tree.learning.rows import guarded, is_masked, spaces_of
from rrm_tree.outcomes import Array, Arrays, Outcomes, count_rows, take_rows

FEWEST = 2
"""Transitions from which anything can be fitted: one to learn from, one to be judged by."""


@dataclass(frozen=True)
class PlanOptions:
    """How plans are made."""

    horizon: int = 20
    """Steps that a plan looks ahead; nothing beyond them counts."""
    candidates: int = 30
    """Sequences of actions imagined in an iteration, which asks for all their rewards in one batch."""
    elites: int = 5
    """How many of the best candidates the next ones are drawn near to."""
    iterations: int = 2
    particles: int = 1
    """How many members imagine each candidate."""
    replan: int = 2
    """Steps of a plan that are taken before the next one is made."""
    smoothness: float = 2.0
    """Of the candidates in Box spaces: their noise falls with frequency as 1/f^smoothness."""
    noise: float = 0.1
    """Share of the actions that are the task's proposals instead, while exploring."""


@dataclass
class Search:
    """Model-predictive control by the cross-entropy method in a learned ensemble of dynamics.

    Chua et al., "Deep reinforcement learning in a handful of trials using probabilistic dynamics
    models" (2018). What is learned is the world; the reward comes with the problem each time, so
    that the same reward serves in another world, and another reward in the same one.

    A plan that may run into an end counts each reward with the chance that the episode still goes
    on then, and `problem.beyond` with the chance that it has ended; nothing comes after an end
    where that is None. What lies beyond the horizon is not counted at all.
    """

    plan: PlanOptions = field(default_factory=PlanOptions)
    fit: FitOptions = field(default_factory=FitOptions)
    episodes: int = 4
    """Collected between two fits."""
    fits: int = 4
    """How often at most; the steps of the problem may end it before."""
    version: str = field(default="1", init=False)

    def __post_init__(self) -> None:
        plan, members = self.plan, self.fit.members
        if plan.elites > plan.candidates:
            raise PluginError(f"search: of {plan.candidates} candidates, {plan.elites} cannot be elites")
        if plan.replan > plan.horizon:
            raise PluginError(f"search: replan is {plan.replan}, and a plan ends after {plan.horizon} steps")
        if plan.candidates * plan.particles % members:
            raise PluginError(
                f"search: {plan.candidates} candidates times {plan.particles} particles cannot be shared out"
                f" evenly to {members} members; make candidates a multiple of members"
            )

    def check(self, task: Task) -> str | None:
        """Why this task is not for this algorithm; None if it is."""
        if isinstance(task, Factorised | Imaginable):
            return "search plans over many steps, and this task's episodes are one step; use `greedy`"
        if is_masked(task):
            return "search plans with every action, and this task forbids some at times; use `maskable_ppo`"
        seen, acts = spaces_of(task)
        if FlatStates.of(seen) is None:
            return f"search observes a Box of real numbers or a Dict of such, not {seen}; use `ppo`"
        if FlatActions.of(acts) is None:
            return f"search acts in a Box of real numbers or in Discrete, not in {acts}; use `ppo`"
        return None

    def improve(self, problem: Problem, previous: Arrays | None) -> Improved:
        """A better model of the world; never more than `problem.steps` steps are executed in it.

        Raises:
            TrainingError: the reward may not be asked about stretches, or is not a number.
        """
        world = World.of(problem)
        rng = np.random.default_rng(problem.seed)
        seen = Transitions.from_arrays(previous) if previous else world.nothing_seen()
        dynamics = Dynamics.from_arrays(previous) if previous else self._untrained(world)
        steps = updates = 0
        notes: tuple[str, ...] = ()
        for fit in range(self.fits):
            act = Planner(world, dynamics, self.plan).act if len(seen) >= FEWEST else _proposing(problem.task)
            new, executed = self._collect(world, act, rng, problem.steps - steps)
            if not executed:
                break
            seen, steps = seen.and_then(new), steps + executed
            if len(seen) < FEWEST:
                continue
            left = None if problem.optimiser_steps is None else problem.optimiser_steps - updates
            limit = None if left is None else left // (self.fits - fit)
            fitted = fit_dynamics(seen, self.fit, rng, limit)
            dynamics, updates = fitted.dynamics, updates + fitted.optimiser_steps
            notes = _doubts(fitted.explained)
        if not updates and not previous:
            notes = ("search: the steps were not enough to fit a model of the world",)
        return Improved({**dynamics.arrays(), **seen.arrays()}, steps, updates, notes)

    def load(self, problem: Problem, arrays: Arrays) -> Agent:
        """A planner with the dynamics that `improve` took apart and the reward of this problem."""
        world, dynamics = World.of(problem), Dynamics.from_arrays(arrays)
        wanted = self._untrained(world)
        if [w.shape for w, _ in dynamics.layers] != [w.shape for w, _ in wanted.layers]:
            raise TrainingError("search: a stored dynamics model does not fit these settings or this task")
        return Planner(world, dynamics, self.plan)

    def _untrained(self, world: World) -> Dynamics:
        features, seen = world.states.features, world.nothing_seen()
        widths = (features + world.actions.features, *self.fit.hidden, features + 1)
        return Dynamics.build(widths, self.fit.members, Scales.of(seen), 0)

    def _collect(self, world: World, act: Act, rng: Generator, left: int) -> tuple[Transitions, int]:
        """What some episodes show of the world, and the steps that they took."""
        count = min(self.episodes, left)
        subjects = world.problem.starts(count, rng) if count > 0 else {}
        if not count_rows(subjects):
            return world.nothing_seen(), 0
        done = rollout(world.problem.task, act, subjects, rng, explore=True, limit=left)
        return world.transitions(done.outcomes), done.steps


@dataclass(frozen=True)
class World:
    """A task as flat numbers, with the reward of what may happen in it."""

    problem: Problem
    states: FlatStates
    actions: FlatActions

    @classmethod
    def of(cls, problem: Problem) -> World:
        """The world of a problem that `check` lets pass.

        Raises:
            TrainingError: its reward may be asked about whole episodes alone.
        """
        if not problem.stretches:
            raise TrainingError(
                "search: plans are stretches of episodes, and this reward model judges whole ones, with its"
                " helpers' advice; write `reward_model: {sees: [outcome]}`, or use `ppo`"
            )
        seen, acts = spaces_of(problem.task)
        states, actions = FlatStates.of(seen), FlatActions.of(acts)
        if states is None or actions is None:
            raise TrainingError(f"search: cannot plan from {seen} in {acts}; use `ppo`")
        return cls(problem, states, actions)

    def nothing_seen(self) -> Transitions:
        """No transitions, of the right sizes."""
        return Transitions.none(self.states.features, self.actions.features)

    def transitions(self, outcomes: Outcomes) -> Transitions:
        """Every step really taken."""
        states, mask = self.states.flatten(outcomes.observations), outcomes.mask
        last = np.arange(mask.shape[1])[None, :] == outcomes.lengths[:, None] - 1
        ended = last & outcomes.ended[:, None]
        return Transitions(
            states[:, :-1][mask],
            self.actions.flatten(outcomes.actions)[mask],
            states[:, 1:][mask],
            ended[mask].astype(np.float32),
        )

    def rewards(self, states: Tensor, actions: Tensor, subjects: Arrays) -> Tensor:
        """Reward of every imagined step, [n, steps].

        Raises:
            TrainingError: a reward is not a number.
        """
        count, steps = actions.shape[:2]
        imagined = Outcomes(
            self.states.unflatten(states.numpy()),
            self.actions.unflatten(actions.numpy()),
            np.full(count, steps),
            subjects,
            ended=np.zeros(count, bool),
        )
        rewards = np.asarray(self.problem.rewards(imagined), np.float32)
        if rewards.shape != (count, steps) or not np.isfinite(rewards).all():
            raise TrainingError(
                f"search: the rewards of imagined steps have shape {list(rewards.shape)}, or are not all"
                f" numbers; they must be finite, [{count}, {steps}]"
            )
        return torch.from_numpy(rewards)


@dataclass
class Planner:
    """Acts by planning anew every few steps, each plan beginning from the last one.

    What it remembers of the last plan holds as long as it is asked about the same episodes: those
    with equal subjects. Asked again what it was asked first, it begins anew, since a subject
    decides how an episode starts. Without exploring, an action follows from the episode alone.
    """

    world: World
    dynamics: Dynamics
    options: PlanOptions
    memory: _Memory | None = None

    def act(self, observations: Arrays, subjects: Arrays, rng: Generator, explore: bool) -> Array:
        """One action a row; with `noise` where it explores."""
        states = self.world.states.flatten(observations)
        memory = self.memory
        if memory is None or not memory.goes_on(states, subjects):
            guess = self.world.actions.guess(len(states), self.options.horizon, self.options.smoothness)
            memory = _Memory(states, dict(subjects), guess)
        if memory.taken == memory.planned:
            memory = self._plan_on(memory, states, rng if explore else np.random.default_rng(memory.steps))
        flat = memory.plan[:, memory.taken].numpy()
        self.memory = replace(memory, taken=memory.taken + 1, steps=memory.steps + 1)
        actions = self.world.actions.unflatten(flat)
        return self._stray(actions, subjects, observations, rng) if explore else actions

    def _plan_on(self, memory: _Memory, states: Array, rng: Generator) -> _Memory:
        options = self.options
        guess = memory.guess.later(memory.taken) if memory.steps else memory.guess
        cem = CemOptions(options.candidates, options.elites, options.iterations)
        imagination = Imagination(
            self.world, self.dynamics.unscaled(), torch.from_numpy(states), memory.subjects
        )
        with torch.inference_mode():
            found = find_sequences(
                lambda actions: imagination.returns(actions, options.particles), guess, cem, rng
            )
        return replace(memory, plan=found.best, guess=found.guess, taken=0, planned=options.replan)

    def _stray(self, actions: Array, subjects: Arrays, observations: Arrays, rng: Generator) -> Array:
        """The actions with noise on them."""
        proposed = guarded("propose", lambda: self.world.problem.task.propose(observations, subjects, rng))
        strays = rng.random(len(actions)) < self.options.noise
        actions[strays] = proposed[strays]
        return actions


@dataclass(frozen=True)
class _Memory:
    """Of one batch of episodes: the plan that is being carried out, and how far it has come."""

    first: Array
    subjects: Arrays
    guess: Guess
    plan: Tensor = field(default_factory=lambda: torch.zeros(0))
    taken: int = 0
    planned: int = 0
    steps: int = 0

    def goes_on(self, states: Array, subjects: Arrays) -> bool:
        """Whether this is a later step of the same episodes."""
        same = subjects.keys() == self.subjects.keys() and all(
            np.array_equal(values, self.subjects[name]) for name, values in subjects.items()
        )
        return same and states.shape == self.first.shape and not np.array_equal(states, self.first)


@dataclass(frozen=True)
class Imagination:
    """What may happen from some states on, and how good it would be."""

    world: World
    dynamics: Dynamics
    states: Tensor
    """Where it begins, [rows, features]."""
    subjects: Arrays

    def returns(self, actions: Tensor, particles: int) -> Tensor:
        """Sum of rewards expected of each sequence, [rows, candidates].

        Args:
            actions: [rows, candidates, steps, features].
            particles: how many members imagine each sequence on their own; the mean over them is
                what it is worth.
        """
        rows, candidates = actions.shape[:2]
        flat = actions.repeat_interleave(particles, dim=1).flatten(0, 1)
        states, alive = self._roll(flat, candidates * particles)
        owners = np.repeat(np.arange(rows), candidates * particles)
        rewards = self.world.rewards(states, flat, take_rows(self.subjects, owners))
        beyond = self.world.problem.beyond or 0.0
        expected = alive * rewards + (1 - alive) * beyond
        return expected.sum(dim=1).reshape(rows, candidates, particles).mean(dim=2)

    def _roll(self, actions: Tensor, each: int) -> tuple[Tensor, Tensor]:
        """States on the way, [paths, steps + 1, features], and the chance to get there, [paths, steps].

        Args:
            actions: [paths, steps, features], as many paths a row as `each` says.
            each: a multiple of the members; the first path of each row follows the first member,
                the second the second, and so on.
        """
        members = self.dynamics.members

        def deal(values: Tensor) -> Tensor:
            return values.reshape(-1, members, *values.shape[1:]).transpose(0, 1)

        def gather(steps: list[Tensor]) -> Tensor:
            return torch.stack(steps, dim=2).transpose(0, 1).flatten(0, 1)

        low, high = self.world.states.bounds()
        now, moves = deal(self.states.repeat_interleave(each, dim=0)), deal(actions)
        states, alive = [now], [torch.ones(now.shape[:2])]
        for step in range(actions.shape[1]):
            following, ends = self.dynamics.step(now, moves[:, :, step])
            now = following.clamp(low, high)
            states.append(now)
            alive.append(alive[-1] * (1 - ends))
        return gather(states), gather(alive[:-1])


def _proposing(task: Task) -> Act:
    """The task's proposal in the form of an agent's `act`."""
    return lambda seen, subjects, rng, explore: task.propose(seen, subjects, rng)


def _doubts(explained: float) -> tuple[str, ...]:
    if explained >= 0.5:
        return ()
    return (
        f"search: the model of the world explains {max(0.0, explained):.0%} of what changes in a step, so"
        " that plans are guesses; give it more steps, or use `ppo`",
    )
