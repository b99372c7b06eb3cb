"""A spider in a tunnel: the exploit of Atari's Hero, small enough to be worked out.

Ibarz et al., "Reward learning from human preferences and demonstrations in Atari" (2018): an agent
trained against a reward model that no longer learns shoots at the spider so that it barely misses.
Here a shot takes a step to arrive, and what is behind the agent is out of sight. Whoever shoots and
then turns away sees what a hit looks like, a spider that is gone, and no proposal does so. That
fools a reward model which has seen nothing but proposals; judges count kills, and are honest.

Holds the door alone: gymnasium is imported when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import Field

from rrm_tree.contracts import declare

if TYPE_CHECKING:
    from rrm_tree.domains.spider.task import SpiderTask

Rate: TypeAlias = Annotated[float, Field(gt=0, le=1)]
Cells: TypeAlias = Annotated[int, Field(ge=4, le=64)]
Steps: TypeAlias = Annotated[int, Field(ge=1)]


@declare(version="1", subject=None, advice=None, accepts={}, one_step=False)
def spider(  # noqa: PLR0913 - an option for each fact of the tunnel
    *,
    width: Cells = 9,
    reach: Steps = 2,
    hit: Rate = 0.6,
    pause: Steps = 2,
    steps: Steps = 30,
    segment: Steps | None = None,
    sees_behind: bool = False,
    batch: Steps = 64,
) -> SpiderTask:
    """Kill spiders in a tunnel: walk, turn, shoot.

    Args:
        width: cells of the tunnel.
        reach: cells that a shot flies.
        hit: chance that a shot hits a spider within reach.
        pause: steps after a kill until the next spider is there, at the far end.
        steps: of an episode.
        segment: steps that a judge is shown of an episode; null for whole episodes.
        sees_behind: whether a spider behind the agent is seen too: then nothing looks like a hit
            but a hit.
        batch: episodes side by side.
    """
    from rrm_tree.domains.spider.task import SpiderTask
    from rrm_tree.domains.spider.world import Tunnel

    return SpiderTask(Tunnel(width, reach, hit, pause), steps, segment, sees_behind, batch)
