"""What a node's agent did, as a reader of the report sees it.

In: a station, the agent's outcomes. Out: pictures and clips.
Reads truth, to choose the best and the worst outcome.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rrm_tree.contracts import Clip, Filmed, Measurable
from rrm_tree.outcomes import Outcomes
from rrm_tree.records import Picture
from rrm_tree.station import Station


@dataclass(frozen=True)
class Scene:
    """One outcome to be shown."""

    outcome: Outcomes
    caption: str


def set_scenes(station: Station, outcomes: Outcomes) -> tuple[Scene, ...]:
    """The agent's best and worst outcome by truth; the first one where truth is not known."""
    task = station.task
    truth = task.truth(outcomes).mean(axis=1) if isinstance(task, Measurable) else None
    if truth is None:
        rows = {"one": 0}
    elif truth.min() == truth.max():
        rows = {"any": 0}
    else:
        rows = {"best": int(truth.argmax()), "worst": int(truth.argmin())}
    scenes = []
    for word, row in rows.items():
        known = "" if truth is None else f", truth {truth[row]:.2f}"
        caption = f"{station.entry}: {word} of the agent's {len(outcomes)} outcomes{known}"
        scenes.append(Scene(outcomes.take(np.array([row])), caption))
    return tuple(scenes)


def take_pictures(station: Station, scenes: Sequence[Scene], *, clips: bool) -> tuple[Picture, ...]:
    """A drawing of every scene, or a clip where that is wished and can be had; if not, it says why."""
    pictures, task = [], station.task
    for scene in scenes:
        clip = task.film(scene.outcome, 0) if clips and isinstance(task, Filmed) else ""
        if isinstance(clip, Clip):
            data = b64encode(clip.data).decode()
            pictures.append(Picture(caption=scene.caption, media=clip.media, data=data))
            continue
        said = f" (no clip: {clip})" if clip else ""
        drawing = task.picture(scene.outcome, 0, station.shown.advise(scene.outcome))
        pictures.append(Picture(caption=scene.caption + said, svg=drawing))
    return tuple(pictures)
