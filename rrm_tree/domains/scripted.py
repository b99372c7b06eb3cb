"""A reward that somebody wrote as a function: what truth measures, or what a teacher goes by.

In: `module:attr` of a function, and outcomes. Out: the reward of every step.
Touches the user's module; what its code raises comes out as PluginError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from rrm_tree.errors import PluginError
from rrm_tree.outcomes import ABSORBED, Floats, Outcomes
from rrm_tree.registry import load_attribute


def refuse_reward(options: Mapping[str, object]) -> str | None:
    """Why the option `reward` names no function; None if it does, or is left out."""
    address = options.get("reward")
    if not isinstance(address, str):
        return None
    try:
        ScriptedReward.load(address)
    except PluginError as error:
        return str(error)
    return None


@dataclass(frozen=True)
class ScriptedReward:
    """Rewards by a function of (observations, actions), whole batches at once.

    The function is given observations [n, T + 1, ...] (a mapping of them where there are several)
    and actions [n, T, ...], padding included, and returns rewards [n, T].
    """

    address: str
    function: Callable[..., object]

    @classmethod
    def load(cls, address: str) -> ScriptedReward:
        """The function of that name.

        Raises:
            PluginError: there is none.
        """
        if ":" not in address:
            raise PluginError(f"reward '{address}': name a function as module:attr")
        function = load_attribute("reward", address)
        if not callable(function):
            raise PluginError(f"reward '{address}' is {type(function).__name__}, not a function")
        return cls(address, function)

    def __call__(self, outcomes: Outcomes) -> Floats:
        """Reward of every step really taken, 0 at all others, shape [n, T].

        Raises:
            PluginError: the function raised, or gave something else than finite numbers [n, T].
        """
        seen = {name: values for name, values in outcomes.observations.items() if name != ABSORBED}
        shown = next(iter(seen.values())) if len(seen) == 1 else seen
        try:
            rewards = np.asarray(self.function(shown, outcomes.actions), np.float64)
        except Exception as error:
            raise PluginError(f"reward '{self.address}' raised {type(error).__name__}: {error}") from error
        wanted = outcomes.actions.shape[:2]
        if rewards.shape != wanted:
            raise PluginError(
                f"reward '{self.address}' gave shape {list(rewards.shape)} for observations [n, T + 1, ...]"
                f" and actions [n, T, ...]; return one number a step, {list(wanted)}"
            )
        live = outcomes.live
        if not np.isfinite(rewards[live]).all():
            raise PluginError(f"reward '{self.address}' gave a number that is not finite")
        return np.where(live, rewards, 0.0)
