"""A node's reward model learned again from parts of its judgments: what fewer would have taught.

In: a trained node at work, its rounds, a trial. Out: a learning curve.
Trains reward models that are measured and thrown away; randomness derives from the key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from rrm_tree.measure import Trial
from rrm_tree.node import NodeAtWork
from rrm_tree.outcomes import Judged, join_judged
from rrm_tree.propagation.learning_curves import Learned, NodeLearning, trace_learning
from rrm_tree.rounds import RoundState

PARTS: Final = (0.25, 0.5, 1.0)
"""Of all judgments of the node."""
DRAWS: Final = 4
"""How often each part is drawn and learned from."""


def relearn(work: NodeAtWork, rounds: Sequence[RoundState], trial: Trial) -> NodeLearning:
    """How the error off policy falls with judgments."""
    hearing = trial.hearings[0]
    every = [join_judged(of) for of in zip(*(state.judgments for state in rounds), strict=True)]
    learned = []
    for part in PARTS if len(hearing.pairs) else ():
        scorers = work.learn_again(_draw(work, every, part))
        # Who has learned nothing tosses a coin.
        coin = np.full(len(hearing.pairs), 0.5)
        right = np.stack([coin if scorer is None else hearing.distilled(scorer) for scorer in scorers])
        learned.append(Learned(sum(_size(judged, part) for judged in every), right))
    return trace_learning(trial.name, learned, hearing.pairs.root)


def _draw(work: NodeAtWork, every: Sequence[Judged], part: float) -> dict[int, list[Judged]]:
    """Judgments of every kind for each draw, by its seed."""
    found = {}
    for draw in range(DRAWS):
        seed = work.setup.seed("learn again", part, draw)
        rng = np.random.default_rng(seed)
        rows = [np.sort(rng.permutation(len(one.items))[: _size(one, part)]) for one in every]
        found[seed] = [
            replace(judged, items=judged.items.take(some), answers=judged.answers.take(some))
            for judged, some in zip(every, rows, strict=True)
        ]
    return found


def _size(judged: Judged, part: float) -> int:
    return max(1, round(part * len(judged.items)))
