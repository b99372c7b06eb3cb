"""Any gymnasium environment as a task, by its id and with nothing else to write.

Holds the door alone: gymnasium is imported when it is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field

from rrm_tree.contracts import declare
from rrm_tree.domains.gym.known import refuse_unknown

if TYPE_CHECKING:
    from rrm_tree.domains.gym.task import GymTask

Steps: TypeAlias = Annotated[int, Field(ge=1)]


def _refuse(options: Mapping[str, object]) -> str | None:
    """Why these options cannot be used, as far as can be told without gymnasium."""
    if (unknown := refuse_unknown(options)) or not options.get("reward"):
        return unknown
    from rrm_tree.domains.scripted import refuse_reward

    return refuse_reward(options)


@declare(version="2", subject=None, advice=None, accepts={}, one_step=False, refuse=_refuse)
def environment(  # noqa: PLR0913 - what may be said of an environment
    *,
    id: str,
    kwargs: Mapping[str, Any] | None = None,
    segment: Steps | None = None,
    max_episode_steps: Steps | None = None,
    horizon: Literal["absorbing", "fixed", "variable"] = "absorbing",
    vectorisation: Literal["sync", "native", "auto"] = "sync",
    reward: str | None = None,
    film: bool = True,
    batch: Steps = 16,
) -> GymTask:
    """Act in a gymnasium environment; people or teachers judge windows of the episodes.

    Args:
        id: a registered id (`CartPole-v1`, `package:Name-v0`), or `module:Class` of one's own.
        kwargs: what the environment's own constructor takes.
        segment: steps that a judge is shown of an episode; whole episodes if left out.
        max_episode_steps: when an episode is cut; the environment's own limit if left out, or
            1000 where it has none.
        horizon: what follows an episode's own end. `absorbing`: for judge and reward model it goes
            on up to the limit, in one state in which nothing happens, so that ends tell nothing by
            themselves. `fixed`: episodes never end early; one that does is an error. `variable`:
            ends stay ends, and tell something about the reward's sign; the record says so.
        vectorisation: `sync` steps one environment after the other, each from its own seed. `native`
            takes the environment's own vector environment, one computation for all, with one seed
            for all: an episode then depends on which others are run beside it. `auto` is native
            where there is one.
        reward: `module:attr` of a function of (observations [n, T+1, ...], actions [n, T, ...]) that
            gives rewards [n, T], which truth adds up instead of the environment's own.
        film: whether outcomes are shown as clips, where the environment renders `rgb_array` and the extra
            `clips` is installed.
        batch: environments side by side.
    """
    from rrm_tree.domains.gym.task import GymTask

    return GymTask(id, kwargs or {}, segment, max_episode_steps, horizon, vectorisation, reward, film, batch)
