"""What comes after an episode's end, and the windows that judges see of episodes.

In: outcomes as they were rolled out, and the limit of an episode's steps. Out: outcomes.
Touches nothing.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rrm_tree.outcomes import ABSORBED, Array, Arrays, Ints, Outcomes, take_rows

Horizon: TypeAlias = Literal["absorbing", "fixed", "variable"]


def goes_on(outcomes: Outcomes) -> NDArray[np.bool_]:
    """Which episodes came to their own end and have not yet been continued, [n]."""
    return outcomes.ended & (ABSORBED not in outcomes.observations)


def lasting(outcomes: Outcomes, limit: int) -> Ints:
    """Steps of each episode when those that ended go on up to the limit, [n]."""
    return np.where(goes_on(outcomes), np.maximum(outcomes.lengths, limit), outcomes.lengths)


def last_starts(outcomes: Outcomes, segment: int, limit: int | None) -> Ints:
    """The last step of each episode at which a window lies within it, yet has a real step, [n].

    Args:
        outcomes: episodes.
        segment: steps of a window.
        limit: up to where ended episodes go on; None where they do not.
    """
    lengths = outcomes.lengths if limit is None else lasting(outcomes, limit)
    return np.clip(lengths - segment, 0, np.maximum(real_lengths(outcomes) - 1, 0))


def real_lengths(outcomes: Outcomes) -> Ints:
    """Steps that were really taken, none of those in the absorbing state, [n]."""
    if ABSORBED not in outcomes.observations:
        return outcomes.lengths
    absorbed = outcomes.observations[ABSORBED]
    return np.where(absorbed.any(axis=1), absorbed.argmax(axis=1), outcomes.lengths)


def cut(outcomes: Outcomes, steps: int, rows: Ints, starts: Ints, limit: int | None = None) -> Outcomes:
    """Windows of that many steps of episodes rows[i] from starts[i], padded where the episode ends.

    With a limit, ended episodes go on up to it, absorbed. Nothing of them is laid out but the windows.
    """
    size = outcomes.actions.shape[:2]
    real = outcomes.lengths[rows]
    lengths = real if limit is None else lasting(outcomes, limit)[rows]
    row, step = rows[:, None], starts[:, None] + np.arange(steps + 1)
    # Past the end the last row is repeated: padding must be values that networks can take.
    seen = np.minimum(step, real[:, None])
    acted = np.minimum(step[:, :-1], size[1] - 1)
    observations = {name: values[row, seen] for name, values in outcomes.observations.items()}
    hidden = {
        name: values[row, acted] if values.shape[:2] == size else values[rows]
        for name, values in outcomes.hidden.items()
    }
    ended = outcomes.ended[rows] & (real <= starts + steps)
    if limit is not None and ABSORBED not in observations:
        observations[ABSORBED] = outcomes.ended[rows][:, None] & (step >= real[:, None])
        ended = np.zeros_like(ended)
    if "rewards" in hidden:
        hidden["rewards"] = np.where(step[:, :-1] < real[:, None], hidden["rewards"], 0)
    return Outcomes(
        observations,
        outcomes.actions[row, acted],
        np.minimum(lengths - starts, steps),
        take_rows(outcomes.subjects, rows),
        hidden,
        ended,
    )


def continued(outcomes: Outcomes, limit: int) -> Outcomes:
    """The episodes, each that ended followed by steps in the absorbing state up to the limit."""
    if ABSORBED in outcomes.observations:
        return outcomes
    rows = np.arange(len(outcomes))
    steps = int(lasting(outcomes, limit).max(initial=1))
    return cut(outcomes, steps, rows, np.zeros_like(rows), limit)


def one_absorbed(observations: Arrays, action: Array) -> Outcomes:
    """One step in the absorbing state.

    Args:
        observations: any observation, each [...]; what it holds is not looked at.
        action: any action, [...].
    """
    seen = {name: np.zeros((1, 2, *value.shape), value.dtype) for name, value in observations.items()}
    seen[ABSORBED] = np.ones((1, 2), np.bool_)
    return Outcomes(
        seen,
        np.zeros((1, 1, *action.shape), action.dtype),
        np.ones(1, np.int64),
        {},
        {"rewards": np.zeros((1, 1))},
        np.zeros(1, np.bool_),
    )


def blank(inputs: Arrays, absorbed: Array) -> dict[str, Array]:
    """Inputs [n, T, ...] with 0 in the absorbing state, which is one state, and an input that says so.

    Args:
        inputs: what a network sees of every step.
        absorbed: whether the step is taken in the absorbing state, [n, T].
    """
    shown = dict(inputs)
    if absorbed.any():
        for name, values in inputs.items():
            shown[name] = np.where(absorbed.reshape(*absorbed.shape, *[1] * (values.ndim - 2)), 0, values)
    shown[ABSORBED] = absorbed[..., None].astype(np.float32)
    return shown
