"""Arranging blocks as a task: what a judge is shown, what a network sees, what is true.

In: a world. Out: outcomes of episodes.
Touches nothing but the generators that it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from rrm_tree.contracts import Split, Steering
from rrm_tree.domains.blocks.picture import draw_steps, spell_steps
from rrm_tree.domains.blocks.world import Grids, World
from rrm_tree.domains.even_windows import cut_even
from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Advice, Array, Arrays, Floats, Ints, Outcomes, Questions, take_rows

SPLITS: Mapping[Split, tuple[int, ...]] = {
    "train": (0, 1, 2),
    "judge": (3, 4, 5),
    "gate": (6,),
    "measure": (7,),
}
"""Shares of all grids in eighths: no grid starts episodes of two splits."""


class Table(VectorEnv[Array, Array, Array]):
    """Grids side by side; rows that are over stand still until they are reset."""

    metadata = {"autoreset_mode": AutoresetMode.DISABLED}  # noqa: RUF012 - gymnasium's own declaration

    def __init__(self, num_envs: int, world: World, steps: int) -> None:
        self.num_envs, self.world, self.steps = num_envs, world, steps
        self.single_observation_space = spaces.MultiBinary(world.cells)
        self.single_action_space = spaces.Discrete(world.cells + 1)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._grids: Grids | None = None
        self._done = np.zeros(num_envs, np.int64)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Start from the subject's grids; with a `reset_mask` in the options, in the masked rows alone."""
        super().reset(seed=seed if isinstance(seed, int) else None)
        options = options or {}
        subject = options.get("subject") or {"grid": scatter(self.world, self.num_envs, self.np_random)}
        fresh = np.asarray(subject["grid"], np.int8)
        mask = options.get("reset_mask", np.ones(self.num_envs, bool))
        self._grids = fresh.copy() if self._grids is None else np.where(mask[:, None], fresh, self._grids)
        self._done = np.where(mask, 0, self._done)
        return self._grids.copy(), {}

    def step(self, actions: Array) -> tuple[Array, Floats, Array, Array, dict[str, Any]]:
        """One step of every episode that is not over; rewards are the reward model's to give.

        Raises:
            ResetNeeded: there was no reset.
        """
        if self._grids is None:
            raise ResetNeeded("call reset before step")
        live = self._done < self.steps
        moved = self.world.act(self._grids, np.asarray(actions, np.int64))
        self._grids, self._done = np.where(live[:, None], moved, self._grids), self._done + live
        over = self._done >= self.steps
        return self._grids.copy(), np.zeros(self.num_envs), np.zeros_like(over), over, {}


class BlocksTask:
    """Arrange blocks into a shape that only the judge knows."""

    version = "1"
    subject: str | None = None
    advice: str | None = None
    accepts: Mapping[str, str] = {}
    parts = 1

    def __init__(self, world: World, steps: int, segment: int | None, batch: int = 64) -> None:
        self.world, self.steps, self.batch = world, steps, batch
        self.segment = None if segment is None else min(segment, steps)

    def make_vec(self, num_envs: int) -> Table:
        """Grids side by side; `subject` gives the blocks that lie there at first."""
        return Table(num_envs, self.world, self.steps)

    def starts(self, count: int, split: Split, rng: np.random.Generator) -> Arrays:
        """Blocks scattered over the grid, as many as the shape has on average."""
        # The rarest split is an eighth of all grids: so many draws a row find enough.
        grids = scatter(self.world, 16 * count + 64, rng)
        return {"grid": grids[np.isin(_eighth(grids), SPLITS[split])][:count]}

    def propose(self, observations: Arrays, subjects: Arrays, rng: np.random.Generator) -> Array:
        """Any cell, or none."""
        return rng.integers(0, self.world.cells + 1, size=len(observations["observation"]))

    def whole(self, outcomes: Outcomes) -> Outcomes:
        """The episodes themselves."""
        return outcomes

    def last_start(self, outcomes: Outcomes) -> Ints:
        """The last step at which a window lies within its episode."""
        return outcomes.lengths - np.minimum(outcomes.lengths, self.segment or self.steps)

    def windows(self, outcomes: Outcomes, rows: Ints, starts: Ints) -> Outcomes:
        """Windows of `segment` steps; all episodes are as long, so that none needs padding."""
        steps = min(self.segment or self.steps, outcomes.actions.shape[1])
        return cut_even(outcomes, steps, rows, starts)

    def instead(self, outcomes: Outcomes) -> Outcomes:
        """What every action would have led to, cell by cell and last of all waiting."""
        actions = np.tile(np.arange(self.world.cells + 1), len(outcomes))
        rows = np.repeat(np.arange(len(outcomes)), self.world.cells + 1)
        before = outcomes.observations["observation"][rows, 0]
        return self._episodes([before, self.world.act(before, actions)], [actions], outcomes, rows)

    def steering(self) -> Steering:
        """Cell by cell, and last of all waiting."""
        size = self.world.size
        cells = [f"row {1 + cell // size}, column {1 + cell % size}" for cell in range(self.world.cells)]
        return Steering((*cells, "wait"), across=size)

    def arrange(self, subjects: Arrays, moves: Array) -> Outcomes:
        """Blocks put and taken away one by one, however many; the last of it as a step."""
        grids = np.asarray(subjects["grid"], np.int8)
        for actions in moves.T[:-1]:
            grids = self.world.act(grids, actions)
        rows = np.arange(len(grids))
        about = Outcomes({}, np.zeros((len(rows), 0)), rows, subjects)
        return self._episodes([grids, self.world.act(grids, moves[:, -1])], [moves[:, -1]], about, rows)

    def ideal(self, subjects: Arrays) -> Outcomes:
        """Episodes in which every step that can mend a cell does so."""
        grids, actions = [np.asarray(subjects["grid"], np.int8)], []
        for _ in range(self.steps):
            actions.append(self.world.best(grids[-1]))
            grids.append(self.world.act(grids[-1], actions[-1]))
        rows = np.arange(len(grids[0]))
        about = Outcomes({}, np.zeros((len(rows), 0)), rows, subjects)
        return self._episodes(grids, actions, about, rows)

    def _episodes(self, grids: list[Grids], actions: list[Ints], about: Outcomes, rows: Ints) -> Outcomes:
        """Outcomes of these grids and actions, step by step, about the subjects of others."""
        steps = len(actions)
        return Outcomes(
            {"observation": np.stack(grids, axis=1)},
            np.stack(actions, axis=1),
            np.full(len(rows), steps, np.int64),
            take_rows(about.subjects, rows),
            {"rewards": np.zeros((len(rows), steps))},
            np.zeros(len(rows), np.bool_),
        )

    def encode(self, outcomes: Outcomes) -> Arrays:
        """The grid after every step, [n, T, cells]."""
        return {"grid": outcomes.observations["observation"][:, 1:].astype(np.float32)}

    def rewards(self, outcomes: Outcomes) -> Floats:
        """Cells that lie wrong after each step, as a loss, [n, T]."""
        wrong = self.world.wrong(outcomes.observations["observation"][:, 1:])
        return np.where(outcomes.mask, -wrong.astype(np.float64), 0.0)

    def truth(self, outcomes: Outcomes) -> Floats:
        """Cells that lie wrong, summed over the steps, as a loss, [n, 1]."""
        return np.asarray(self.rewards(outcomes).sum(axis=1, keepdims=True))

    def heuristic(self, outcomes: Outcomes) -> Floats:
        """Blocks side by side, less those that are too many or too few, summed over the steps, [n, 1]."""
        grids = outcomes.observations["observation"][:, 1:]
        amiss = np.abs(grids.sum(axis=-1, dtype=np.int64) - self.world.blocks)
        found = np.where(outcomes.mask, self.world.neighbours(grids) - amiss, 0)
        return np.asarray(found.sum(axis=1, keepdims=True), np.float64)

    def picture(self, outcomes: Outcomes, row: int, advice: Advice) -> str:
        """The grid before the first step and after each, the cell that was changed framed."""
        steps = int(outcomes.lengths[row])
        grids = outcomes.observations["observation"][row, : steps + 1]
        return draw_steps(self.world.size, grids, outcomes.actions[row, :steps])

    def words(self, outcomes: Outcomes, row: int, part: int, advice: Advice) -> str:
        """The grid before the first step and after each, side by side."""
        steps = int(outcomes.lengths[row])
        return spell_steps(self.world.size, outcomes.observations["observation"][row, : steps + 1])

    def questions(self, outcomes: Outcomes, criterion: str, advice: str) -> Questions:
        """None: nobody helps."""
        raise PluginError("blocks: takes no helpers")

    def lay_out(self, advice: str, questions: Questions, answers: Outcomes, count: int) -> Array:
        """None: see `questions`."""
        raise PluginError("blocks: takes no helpers")


def scatter(world: World, count: int, rng: np.random.Generator) -> Grids:
    """Grids with a block in each cell at the rate that the shape has."""
    return (rng.random((count, world.cells)) < world.blocks / world.cells).astype(np.int8)


def _eighth(grids: Grids) -> Ints:
    """Which eighth of all grids each one is in: a fixed mixing of its cells (splitmix64)."""
    powers = np.left_shift(np.uint64(1), np.arange(grids.shape[1], dtype=np.uint64))
    mixed = grids.astype(np.uint64) @ powers
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) % np.uint64(8)).astype(np.int64)
