"""Episodes of one step on many boards at once.

In: what each episode is about, and an action each. Out: what is left behind.
Touches nothing; rewards are 0, for they are the reward model's to give.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium import Space, spaces
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.random import Generator
from numpy.typing import NDArray

from rrm_tree.domains.chess.geometry import KING
from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Array, Arrays, count_rows, take_rows

Observations = dict[str, Array]
Step = tuple[Observations, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]

BOARD_SPACE = spaces.Box(-KING, KING, (64,), np.int8)


class OneStep(VectorEnv[Observations, Array, Array]):
    """Every episode ends with its first action; the step after that starts the next one."""

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012 - gymnasium's own declaration

    def __init__(
        self,
        num_envs: int,
        seen: spaces.Dict,
        acts: Space[Array],
        leave: Callable[[Observations, Array], Observations],
        draw: Callable[[int, Generator], Arrays],
    ) -> None:
        """Make the environments.

        Args:
            num_envs: episodes side by side.
            seen: what one episode shows; its names are those of the subject's arrays.
            acts: one episode's action.
            leave: what observations and actions leave behind.
            draw: subjects for episodes that were given none.
        """
        self.num_envs = num_envs
        self.single_observation_space, self.single_action_space = seen, acts
        self.observation_space = batch_space(seen, num_envs)
        self.action_space = batch_space(acts, num_envs)
        self._seen, self._leave, self._draw = seen, leave, draw
        self._now: Observations | None = None
        self._over = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, Any]]:
        """Start an episode about each row of `options["subject"]`; without it, about shipped positions.

        Raises:
            PluginError: there is not one subject for each environment, or an array is missing.
        """
        super().reset(seed=seed)
        subject = (options or {}).get("subject")
        if subject is None:
            subject = self._draw(self.num_envs, self.np_random)
            subject = take_rows(subject, np.arange(self.num_envs) % count_rows(subject))
        names = list(self._seen.spaces)
        sizes = {name: len(subject[name]) if name in subject else 0 for name in names}
        if set(sizes.values()) != {self.num_envs}:
            raise PluginError(
                f"reset wants a subject for each of {self.num_envs} environments; it got {sizes}"
            )
        self._now = {name: np.asarray(subject[name], self._seen[name].dtype) for name in names}
        self._over = False
        return self._show(), {}

    def step(self, actions: Array) -> Step:
        """Act once on every board.

        Raises:
            ResetNeeded: there was no reset.
        """
        if self._now is None:
            raise ResetNeeded("call reset before step")
        if self._over:
            self.reset()
        else:
            self._now = self._leave(self._now, np.asarray(actions))
            self._over = True
        nothing = np.zeros(self.num_envs)
        return self._show(), nothing, np.full(self.num_envs, self._over), nothing.astype(bool), {}

    def _show(self) -> Observations:
        return {name: values.copy() for name, values in (self._now or {}).items()}
