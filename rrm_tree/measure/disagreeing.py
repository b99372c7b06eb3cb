"""Pictures of the pairs on which reward model, judge and truth differ most.

In: a hearing, how everybody ordered its pairs. Out: pairs to be shown, the advice drawn on them.
Reads truth, as only this package does; nothing is trained.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

import numpy as np

from rrm_tree.measure.hearing import Hearing
from rrm_tree.measured import PairResults
from rrm_tree.outcomes import Array
from rrm_tree.propagation.disagreements import (
    AdviceErrors,
    Disagreement,
    ShownPair,
    find_disagreements,
)

SHOWN: Final = 2
"""Pairs of each distribution that are drawn."""


def show_disagreements(hearing: Hearing, kept: PairResults) -> tuple[ShownPair, ...]:
    """The worst pairs, each as two pictures of what the judge saw.

    Args:
        hearing: the pairs before the judge.
        kept: the same pairs, and who ordered them how.
    """
    return tuple(_show(hearing, one) for one in islice(find_disagreements(kept), SHOWN))


def _show(hearing: Hearing, one: Disagreement) -> ShownPair:
    task, rows = hearing.bench.station.task, (one.pair, len(hearing.pairs) + one.pair)
    first, second = (
        task.picture(hearing.outcomes.take(np.array([row])), 0, hearing.trained.take(np.array([row])))
        for row in rows
    )
    return ShownPair(disagreement=one, first=first, second=second, advice=tuple(_errors(hearing, rows)))


def _errors(hearing: Hearing, rows: tuple[int, int]) -> Iterator[AdviceErrors]:
    for place, said in hearing.trained.values.items():
        name = place.partition("@")[0]
        if name in hearing.perfect:
            perfect = hearing.ideal.values[place]
            first, second = (_differing(said[row], perfect[row]) for row in rows)
            yield AdviceErrors(helper=name, first=first, second=second)


def _differing(said: Array, perfect: Array) -> float:
    return float(np.mean(np.asarray(said) != np.asarray(perfect)))
