"""An outcome played again, with a camera.

In: an environment's recipe, and one outcome: its seed, its actions, what was observed. Out: frames.
Touches what the user's environment touches, and SDL's choice of a screen where nobody has made one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from ctypes.util import find_library
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import gymnasium
import numpy as np
from gymnasium import Env

from rrm_tree.contracts import Clip
from rrm_tree.domains.gym.clip import WIDTH, encode, png
from rrm_tree.domains.gym.horizon import real_lengths
from rrm_tree.domains.gym.making import make_env
from rrm_tree.domains.gym.vector import Recipe
from rrm_tree.errors import PluginError
from rrm_tree.outcomes import ABSORBED, Array, Arrays, Outcomes

FRAMES = 48
"""Most frames of a clip."""

FASTEST, SLOWEST = 30, 4
"""Frames a second of a clip."""


class Undrawable(Exception):
    """Drawing itself failed; it will again."""


@dataclass(frozen=True)
class Take:
    """What is to be seen of one outcome."""

    seed: int
    actions: Array
    """From the episode's first step to the outcome's last, [steps, ...]."""
    start: int
    """Where the outcome begins."""
    seen: Arrays
    """What was observed in the outcome, each [steps - start + 1, ...]."""

    @property
    def steps(self) -> int:
        """How many the outcome has."""
        return len(self.actions) - self.start

    @classmethod
    def of(cls, outcomes: Outcomes, row: int) -> Take:
        """The part of an outcome that was really acted."""
        steps = int(min(outcomes.lengths[row], real_lengths(outcomes)[row]))
        actions = outcomes.actions[row, :steps]
        before = actions[:0] if outcomes.origin is None else outcomes.origin.before(row)
        seen = {
            name: values[row, : steps + 1]
            for name, values in outcomes.observations.items()
            if name != ABSORBED
        }
        whole = np.concatenate([before, actions])
        return cls(int(outcomes.subjects["seed"][row]), whole, len(before), seen)


def film(recipe: Recipe, outcomes: Outcomes, row: int) -> Clip | str:
    """A clip of one outcome, or why there is none; no reason if the environment draws nothing.

    Raises:
        Undrawable: the environment cannot be drawn here.
    """
    if "seed" not in outcomes.subjects:
        return "it is not known how the episode began"
    take = Take.of(outcomes, row)
    recorded = _record(recipe, take)
    if isinstance(recorded, str):
        return recorded
    frames, own = recorded
    # Steps last as long in all clips of a batch, which are played together.
    longest = _stride(outcomes.actions.shape[1])
    steps_a_second = longest * min(FASTEST, max(SLOWEST, own // longest))
    return encode(frames, Fraction(steps_a_second, _stride(take.steps)))


def _record(recipe: Recipe, take: Take) -> tuple[list[Array], int] | str:
    """Frames of an episode played again, and how many a second are its own speed; or why there are none.

    Raises:
        Undrawable: the environment cannot be drawn here.
    """
    _choose_screen()
    try:
        env = make_env(recipe.id, _with_small_frames(recipe), recipe.max_episode_steps, "rgb_array")
    except PluginError as error:
        raise Undrawable(str(error)) from error
    try:
        if "rgb_array" not in (env.metadata.get("render_modes") or ()):
            return ""
        frames = shoot(env, take)
        return frames if isinstance(frames, str) else (frames, int(env.metadata.get("render_fps") or FASTEST))
    # Rendering fails in as many ways as there are graphics drivers; a picture is not worth a run.
    except Exception as error:
        raise Undrawable(f"{type(error).__name__}: {error}") from error
    finally:
        env.close()


def film_end(recipe: Recipe, outcomes: Outcomes, row: int) -> bytes | str:
    """The last frame of one outcome as PNG, or why there is none; no reason if the environment draws nothing.

    Raises:
        Undrawable: the environment cannot be drawn here.
    """
    take = Take.of(outcomes, row)
    end = replace(take, start=len(take.actions), seen={name: seen[-1:] for name, seen in take.seen.items()})
    recorded = _record(recipe, end)
    return recorded if isinstance(recorded, str) else png(recorded[0][-1])


def _choose_screen() -> None:
    """Nothing is shown while it is filmed: SDL needs no screen, and OpenGL has none on a server."""
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("MUJOCO_GL", "egl" if find_library("EGL") else "osmesa")


def _with_small_frames(recipe: Recipe) -> Mapping[str, Any]:
    """What the constructor takes; slow MuJoCo is told how few pixels will do."""
    known = gymnasium.registry.get(recipe.id)
    if known is None or "gymnasium.envs.mujoco" not in str(known.entry_point):
        return recipe.kwargs
    return {"width": WIDTH, "height": WIDTH, **recipe.kwargs}


def _stride(steps: int) -> int:
    """Steps from one frame to the next."""
    return max(1, -(-(steps + 1) // FRAMES))


def shoot(env: Env[Any, Any], take: Take) -> list[Array] | str:
    """Frames of an outcome whose episode is played again up to it; a reason if it goes another way."""
    seen, _ = env.reset(seed=take.seed)
    stride, frames, is_over = _stride(take.steps), [], False
    for step in range(len(take.actions) + 1):
        here = step - take.start
        if here >= 0 and not _same(seen, take.seen, here):
            whence = "" if step else "it is a window of an episode whose beginning is not kept, or "
            return f"played again it goes another way at step {step}: {whence}chance is not in the seed"
        if here >= 0 and here % stride == 0:
            frame = env.render()
            if not isinstance(frame, np.ndarray) or frame.ndim != 3:
                return f"render() gave a {type(frame).__name__}, not an array [height, width, 3]"
            frames.append(np.asarray(frame[..., :3], np.uint8))
        # What is cut out after an episode's end shows how it ended.
        if step < len(take.actions) and not is_over:
            seen, _, ended, cut, _ = env.step(take.actions[step])
            is_over = ended or cut
    return frames


def _same(seen: Any, recorded: Arrays, step: int) -> bool:
    """Whether an observation is the one that was recorded."""
    return all(
        np.array_equal(np.asarray(seen[name] if isinstance(seen, dict) else seen), values[step])
        for name, values in recorded.items()
    )
