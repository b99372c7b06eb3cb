"""An outcome played again, with a camera.

In: an environment's recipe, and one outcome: its seed, its actions, what was observed. Out: frames.
Touches what the user's environment touches, and SDL's choice of a screen where nobody has made one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from ctypes.util import find_library
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import Env

from rrm_tree.contracts import Clip
from rrm_tree.domains.gym.clip import WIDTH, encode
from rrm_tree.domains.gym.horizon import ABSORBED, real_lengths
from rrm_tree.domains.gym.making import make_env
from rrm_tree.domains.gym.vector import Recipe
from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Array, Arrays, Ints, Outcomes

FRAMES = 48
"""Most frames of a clip."""

FASTEST, SLOWEST = 30, 4
"""Frames a second of a clip."""

ACTIONS, START = "film.actions", "film.start"
"""What `hidden` keeps of windows that are to be filmed: all actions of the episode, and the first step."""


def keep_for_film(outcomes: Outcomes, windows: Outcomes, rows: Ints, starts: Ints, limit: int) -> Outcomes:
    """The windows with all that is needed to play their episodes again up to them.

    Actions are kept as [n, T, stretches, ...], so that their second axis is time as that of all else.
    """
    segment, actions = windows.actions.shape[1], outcomes.actions
    stretches = -(-limit // segment)
    missing = stretches * segment - actions.shape[1]
    padded = np.pad(actions[rows], [(0, 0), (0, missing)] + [(0, 0)] * (actions.ndim - 2))
    laid = padded.reshape(len(rows), stretches, segment, *actions.shape[2:]).swapaxes(1, 2)
    return Outcomes(
        windows.observations,
        windows.actions,
        windows.lengths,
        windows.subjects,
        {**windows.hidden, ACTIONS: laid, START: np.asarray(starts)},
        windows.ended,
    )


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

    @classmethod
    def of(cls, outcomes: Outcomes, row: int) -> Take:
        """The part of an outcome that was really acted."""
        steps = int(min(outcomes.lengths[row], real_lengths(outcomes)[row]))
        start, actions = 0, outcomes.actions[row, :steps]
        if ACTIONS in outcomes.hidden:
            start = int(outcomes.hidden[START][row])
            laid = outcomes.hidden[ACTIONS][row].swapaxes(0, 1)
            actions = laid.reshape(-1, *laid.shape[2:])[: start + steps]
        seen = {
            name: values[row, : steps + 1]
            for name, values in outcomes.observations.items()
            if name != ABSORBED
        }
        return cls(int(outcomes.subjects["seed"][row]), actions, start, seen)


def film(recipe: Recipe, outcomes: Outcomes, row: int) -> Clip | str:
    """A clip of one outcome, or why there is none; no reason if the environment draws nothing.

    Raises:
        Undrawable: the environment cannot be drawn here.
    """
    _choose_screen()
    if "seed" not in outcomes.subjects:
        return "it is not known how the episode began"
    try:
        env = make_env(recipe.id, _with_small_frames(recipe), recipe.max_episode_steps, "rgb_array")
    except PluginError as error:
        raise Undrawable(str(error)) from error
    try:
        if "rgb_array" not in (env.metadata.get("render_modes") or ()):
            return ""
        frames = _play(env, Take.of(outcomes, row))
    # Rendering fails in as many ways as there are graphics drivers; a picture is not worth a run.
    except Exception as error:
        raise Undrawable(f"{type(error).__name__}: {error}") from error
    finally:
        env.close()
    if isinstance(frames, str):
        return frames
    stride = _stride(len(outcomes.actions[row]))
    own = int(env.metadata.get("render_fps") or FASTEST)
    return encode(frames, min(FASTEST, max(SLOWEST, own // stride)))


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


def _play(env: Env[Any, Any], take: Take) -> list[Array] | str:
    """Frames of an episode played again; a reason if it goes another way."""
    seen, _ = env.reset(seed=take.seed)
    stride, frames = _stride(len(take.actions) - take.start), []
    for step in range(len(take.actions) + 1):
        here = step - take.start
        if here >= 0 and not _same(seen, take.seen, here):
            whence = "it is a window of an episode, or " if here == 0 else ""
            return f"played again it goes another way at step {step}: {whence}chance is not in the seed"
        if here >= 0 and here % stride == 0:
            frame = env.render()
            if not isinstance(frame, np.ndarray) or frame.ndim != 3:
                return f"render() gave a {type(frame).__name__}, not an array [height, width, 3]"
            frames.append(np.asarray(frame[..., :3], np.uint8))
        if step < len(take.actions):
            seen = env.step(take.actions[step])[0]
    return frames


def _same(seen: Any, recorded: Arrays, step: int) -> bool:
    """Whether an observation is the one that was recorded."""
    return all(
        np.array_equal(np.asarray(seen[name] if isinstance(seen, dict) else seen), values[step])
        for name, values in recorded.items()
    )
