"""What happens in the tunnel: an agent, a spider and a shot in the air, many tunnels at once.

In: seeds, then an action each. Out: what is there now, and who was killed.
Touches nothing: pure NumPy; all luck follows from the seeds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rrm_tree.outcomes import Array, Floats, Ints

WALK, TURN, SHOOT = 0, 1, 2
NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Scene:
    """What is in each tunnel now, all [n]."""

    seed: Ints
    step: Ints
    at: Ints
    """Where the agent is."""
    facing: Ints
    """1 towards higher cells, -1 towards lower ones."""
    spider: Ints
    """Where the spider is; NOWHERE between two of them."""
    pause: Ints
    """Steps until the next spider."""
    flying: NDArray[np.bool_]
    """A shot is in the air: it arrives within the next step, whatever the agent does."""
    hits: NDArray[np.bool_]
    """That shot will hit. Nobody sees this."""

    @property
    def distance(self) -> Ints:
        """Cells to the spider, negative behind the agent, 0 where there is none."""
        return np.where(self.spider == NOWHERE, 0, (self.spider - self.at) * self.facing)


@dataclass(frozen=True, slots=True)
class Tunnel:
    """Cells in a row, with one spider at a time."""

    width: int = 9
    reach: int = 2
    hit: float = 0.6
    pause: int = 2

    def start(self, seeds: Ints) -> Scene:
        """The agent anywhere, facing anywhere, and a spider at the far end."""
        rows = len(seeds)
        step = np.zeros(rows, np.int64)
        at = (draw(seeds, step, 0) * self.width).astype(np.int64)
        facing = np.where(draw(seeds, step, 1) < 0.5, -1, 1)
        no = np.zeros(rows, bool)
        return Scene(seeds, step, at, facing, self._far_end(at), np.zeros(rows, np.int64), no, no)

    def act(self, scene: Scene, actions: Array) -> tuple[Scene, NDArray[np.bool_]]:
        """What follows, and where a shot that was in the air has killed."""
        killed = scene.flying & scene.hits
        pause = np.where(killed, self.pause, np.maximum(scene.pause - 1, 0))
        comes = (scene.spider == NOWHERE) & (scene.pause == 1)
        spider = np.where(killed, NOWHERE, np.where(comes, self._far_end(scene.at), scene.spider))
        # Who shoots while a shot is in the air, or walks into a wall or a spider, only waits.
        shoots = (actions == SHOOT) & ~scene.flying
        within = (spider != NOWHERE) & (scene.distance > 0) & (scene.distance <= self.reach)
        hits = shoots & within & (draw(scene.seed, scene.step, 2) < self.hit)
        ahead = scene.at + scene.facing
        walks = (actions == WALK) & (ahead >= 0) & (ahead < self.width) & (ahead != spider)
        moved = Scene(
            scene.seed,
            scene.step + 1,
            np.where(walks, ahead, scene.at),
            np.where(actions == TURN, -scene.facing, scene.facing),
            spider,
            pause,
            shoots,
            hits,
        )
        return moved, killed

    def _far_end(self, at: Ints) -> Ints:
        return np.where(2 * at < self.width - 1, self.width - 1, 0)


def choose(chosen: NDArray[np.bool_], first: Scene, second: Scene) -> Scene:
    """The first scene's rows where chosen, the second's elsewhere."""
    names = Scene.__slots__
    return replace(
        first, **{name: np.where(chosen, getattr(first, name), getattr(second, name)) for name in names}
    )


def draw(seed: Ints, step: Ints, stream: int) -> Floats:
    """Even numbers in [0, 1) that follow from these alone: splitmix64 (Steele et al. 2014)."""
    mixed = seed.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed += (3 * step + stream + 1).astype(np.uint64) * np.uint64(0xD1B54A32D192ED03)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53
