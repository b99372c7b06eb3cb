"""What the actions of an environment are called, for people who take them one by one.

In: an id, its action space. Out: a Steering, or why people cannot steer it.
Touches what the user's environment touches.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gymnasium import Env, Space, spaces

from rrm_tree.contracts import Steering
from rrm_tree.feedback import MOST_MOVES
from rrm_tree.steered import INSTEAD

NAMES: Mapping[str, tuple[str, ...]] = {
    "CartPole": ("push left", "push right"),
    "MountainCar": ("push left", "do nothing", "push right"),
    "Acrobot": ("turn left", "do nothing", "turn right"),
    "LunarLander": ("do nothing", "fire left", "fire the main engine", "fire right"),
    "FrozenLake": ("left", "down", "right", "up"),
    "CliffWalking": ("up", "right", "down", "left"),
    "Taxi": ("down", "up", "right", "left", "pick up", "drop off"),
    "Blackjack": ("stick", "hit"),
}
"""Of gymnasium's own environments, which do not say it themselves."""


def steer(id: str, env: Env[Any, Any], *, longest: int) -> Steering | str:
    """The environment's actions by their names, or by their numbers; or why nobody can take them by hand.

    Args:
        id: of the environment.
        env: one of it.
        longest: steps that must be taken before an episode can be shown.
    """
    acts: Space[Any] = env.action_space
    if not isinstance(acts, spaces.Discrete):
        kind = type(acts).__name__
        return f"people cannot steer {id}: its actions are not one of a few (Discrete), but {kind}; {INSTEAD}"
    if longest > MOST_MOVES:
        return (
            f"people cannot steer {id} through {longest:,} steps; say `segment` or `max_episode_steps`,"
            f" {MOST_MOVES:,} at most"
        )
    own = getattr(env.unwrapped, "get_action_meanings", None)
    family = re.sub(r"(-v\d+)?$", "", id.rpartition(":")[2])
    known = tuple(str(one).lower() for one in own()) if own else NAMES.get(family, ())
    if len(known) != int(acts.n):
        known = tuple(f"action {int(acts.start) + place}" for place in range(int(acts.n)))
    return Steering(known)
