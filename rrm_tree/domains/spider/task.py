"""Killing spiders as a task: what a judge is shown, what a network sees, what is true.

In: a tunnel. Out: outcomes of episodes, with the kills hidden in them for truth alone.
Touches nothing but the generators that it is given.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rrm_tree.contracts import Split
from rrm_tree.domains.even_windows import cut_even
from rrm_tree.domains.gym.task import FIRST_SEED
from rrm_tree.domains.spider.picture import draw_strip
from rrm_tree.domains.spider.vector import AHEAD, BEHIND, SHOT, Tunnels
from rrm_tree.domains.spider.world import SHOOT, TURN, Tunnel
from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Advice, Array, Arrays, Floats, Ints, Outcomes, Questions

NOVICE: Mapping[str, tuple[float, float, float]] = {
    "watches a shot": (0.6, 0.0, 0.4),
    "spider near": (0.35, 0.1, 0.55),
    "spider far": (0.7, 0.1, 0.2),
    "nothing ahead": (0.5, 0.4, 0.1),
}
"""Chances to walk, turn and shoot."""
NEAR = 2
"""A novice takes a spider for near at so many cells beyond reach."""


class SpiderTask:
    """Kill spiders in a tunnel."""

    version = "1"
    subject: str | None = None
    advice: str | None = None
    accepts: Mapping[str, str] = {}
    parts = 1

    def __init__(
        self, tunnel: Tunnel, steps: int, segment: int | None, sees_behind: bool, batch: int = 64
    ) -> None:
        self.tunnel = tunnel
        self.steps = steps
        self.segment = segment
        self.sees_behind = sees_behind
        self.batch = batch

    def make_vec(self, num_envs: int) -> Tunnels:
        """Tunnels side by side; `subject` gives the seed of each."""
        return Tunnels(num_envs, self.tunnel, self.steps, self.sees_behind)

    def starts(self, count: int, split: Split, rng: np.random.Generator) -> Arrays:
        """Seeds, from which an episode's start and all its luck follow."""
        return {"seed": FIRST_SEED[split] + rng.integers(0, 2**29, size=count)}

    def propose(self, observations: Arrays, subjects: Arrays, rng: np.random.Generator) -> Array:
        """What a novice does: clumsy, but never turns away from a spider before the shot has arrived."""
        seen = observations["observation"]
        ahead, shot = seen[:, AHEAD], seen[:, SHOT] > 0
        near = (ahead > 0) & (ahead <= self.tunnel.reach + NEAR)
        cases = [shot & (ahead > 0), near, ahead > 0, ahead == 0]
        chances = np.array(list(NOVICE.values()))[np.argmax(cases, axis=0)]
        drawn = rng.random(len(seen))[:, None] > np.cumsum(chances, axis=1)[:, :-1]
        return np.asarray(drawn.sum(axis=1), np.int64)

    def whole(self, outcomes: Outcomes) -> Outcomes:
        """The episodes themselves."""
        return outcomes

    def last_start(self, outcomes: Outcomes) -> Ints:
        """The last step at which a window lies within its episode."""
        return outcomes.lengths - min(self.segment or self.steps, self.steps)

    def windows(self, outcomes: Outcomes, rows: Ints, starts: Ints) -> Outcomes:
        """Windows of `segment` steps; all episodes are as long, so that none needs padding."""
        steps = min(self.segment or self.steps, self.steps)
        return cut_even(outcomes, steps, rows, starts)

    def encode(self, outcomes: Outcomes) -> Arrays:
        """What was seen and what was seen next, as numbers of at most 1: each [n, T, 7].

        As in the paper a reward network sees the screen and not the buttons.
        """
        seen = outcomes.observations["observation"].astype(np.float32)
        sizes = np.array([self.tunnel.width, self.tunnel.width, self.tunnel.width, 1, 1], np.float32)
        shown = np.concatenate([seen / sizes, seen[..., [AHEAD, BEHIND]] > 0], axis=-1, dtype=np.float32)
        return {"observation": shown[:, :-1], "next": shown[:, 1:]}

    def truth(self, outcomes: Outcomes) -> Floats:
        """Kills, shape [n, 1].

        Raises:
            PluginError: the outcomes carry no rewards.
        """
        if "rewards" not in outcomes.hidden:
            raise PluginError("spider: these outcomes carry no rewards, so that truth is unknown")
        return np.asarray((outcomes.hidden["rewards"] * outcomes.mask).sum(axis=1, keepdims=True))

    def heuristic(self, outcomes: Outcomes) -> Floats:
        """Shots fired at a spider within reach, shape [n, 1]."""
        seen = outcomes.observations["observation"][:, :-1]
        within = (seen[..., AHEAD] > 0) & (seen[..., AHEAD] <= self.tunnel.reach)
        fired = (outcomes.actions == SHOOT) & (seen[..., SHOT] == 0) & within & outcomes.mask
        return np.asarray(fired.sum(axis=1, keepdims=True), np.float64)

    def picture(self, outcomes: Outcomes, row: int, advice: Advice) -> str:
        """The episode as a strip, a line of cells for every step."""
        one = outcomes.take(np.array([row]))
        steps = int(one.lengths[0])
        kills = one.hidden["rewards"][0, :steps] if "rewards" in one.hidden else np.zeros(steps)
        seen = one.observations["observation"][0, : steps + 1]
        return draw_strip(self.tunnel.width, seen, one.actions[0, :steps], kills)

    def questions(self, outcomes: Outcomes, criterion: str, advice: str) -> Questions:
        """None: nobody helps."""
        raise PluginError("spider: takes no helpers")

    def lay_out(self, advice: str, questions: Questions, answers: Outcomes, count: int) -> Array:
        """None: see `questions`."""
        raise PluginError("spider: takes no helpers")


def turned_away(outcomes: Outcomes) -> NDArray[np.bool_]:
    """Steps at which the agent turned from a spider that it saw while its shot was in the air, [n, T]."""
    seen = outcomes.observations["observation"][:, :-1]
    away = (outcomes.actions == TURN) & (seen[..., AHEAD] > 0) & (seen[..., SHOT] > 0)
    return np.asarray(away & outcomes.mask)
