"""Where advice leads: what somebody answers who knows the rules, reads all of it and makes no slips.

In: a node's station, judged outcomes. Out: whether the helpers lead such a reader astray, item by item.
Asks a simulated judge of the domain, and perfect helpers; nothing here flows back into training.

Advice that is wrong somewhere need mislead nobody: of the 64 squares of a board few decide a question. So
advice counts as wrong where the reader answers otherwise than with the advice of perfect helpers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from rrm_tree.contracts import Judge
from rrm_tree.errors import PluginError
from rrm_tree.line import ask
from rrm_tree.outcomes import Advice, Floats, Judged
from rrm_tree.registry import find, known
from rrm_tree.station import Station


def astray(station: Station, judged: Judged) -> Floats:
    """1 where the advice leads a reader to another answer than perfect advice does, 0 where not, [items].

    NaN where nobody can say what is perfect, the domain has no judge who makes no slips, or the reader
    cannot tell.
    """
    perfect = station.team.perfect_advisor(station.name, station.node) if station.shown.helpers else None
    reader = (
        None if perfect is None else reader_of(station.team.tree.nodes[station.name].task.use, judged.kind)
    )
    if perfect is None or reader is None or not len(judged.items):
        return np.full(len(judged.items), np.nan)
    led, right = (
        _read(station, reader, judged, advice) for advice in (judged.advice, perfect.advise(judged.outcomes))
    )
    return np.where(np.isnan(led) | np.isnan(right), np.nan, (led != right).astype(np.float64))


def reader_of(task: str, kind: str) -> Judge | None:
    """A judge who knows this task, without slips; None where there is none.

    Args:
        task: its registered name.
        kind: of judgment.
    """
    for name in known("judge"):
        try:
            plugin = find("judge", name)
            facts = plugin.facts
            if task in (facts.tasks or ()) and kind in facts.kinds and facts.noiseless is not None:
                return cast(Judge, plugin.build(facts.noiseless))
        # Somebody else's judge that cannot be loaded is not asked.
        except PluginError:
            continue
    return None


def _read(station: Station, reader: Judge, judged: Judged, advice: Advice) -> Floats:
    request = station.request(judged.outcomes, advice, judged.items, np.random.default_rng(0))
    asked = replace(request, kind=judged.kind, advice=advice)
    return ask(reader, asked, f"{type(reader).__name__}, who reads the advice at {station.entry}").values
