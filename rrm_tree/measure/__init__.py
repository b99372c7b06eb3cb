"""How right a judge, its helpers and a reward model are, on held-out outcomes.

The only room that reads truth; nothing here flows back into training.
"""

from __future__ import annotations

from rrm_tree.measure.answered import describe_people
from rrm_tree.measure.bench import Actor, Bench
from rrm_tree.measure.of_round import Measured, Meter
from rrm_tree.measure.pictures import Scene, take_pictures
from rrm_tree.measure.predicting import Known
from rrm_tree.measure.trial import Trial

__all__ = [
    "Actor",
    "Bench",
    "Known",
    "Measured",
    "Meter",
    "Scene",
    "Trial",
    "describe_people",
    "take_pictures",
]
