"""The most kills that anybody can expect in the tunnel, by backward induction over its states.

`python tests/domains/spider_optimum.py` prints them per 100 steps, for episodes of 30.
"""

from dataclasses import replace
from itertools import product

import numpy as np

from rrm_tree.domains.spider.world import NOWHERE, Scene, Tunnel


def best_kills(tunnel: Tunnel, steps: int) -> float:
    """Expected kills of the best agent, the mean over where episodes start."""
    cells, flags = range(tunnel.width), (False, True)
    states = [
        state
        for state in product(cells, (-1, 1), (NOWHERE, *cells), range(tunnel.pause + 1), flags, flags)
        if state[4] or not state[5]
    ]
    place = {state: row for row, state in enumerate(states)}
    columns = [np.array(column) for column in zip(*states, strict=True)]
    no = np.zeros(len(states), np.int64)
    scene = Scene(no, no, *columns)
    # Every shot within reach hits here, and the expectation puts the misses back.
    sure = replace(tunnel, hit=1.0)
    worth = np.zeros(len(states))
    moves = []
    for action in range(3):
        after, killed = sure.act(scene, np.full(len(states), action))
        hit = rows_of(after, place)
        miss = rows_of(replace(after, hits=np.zeros(len(states), bool)), place)
        moves.append((killed, hit, miss))
    for _ in range(steps):
        worth = np.max(
            [
                killed + tunnel.hit * worth[hit] + (1 - tunnel.hit) * worth[miss]
                for killed, hit, miss in moves
            ],
            axis=0,
        )
    starts = tunnel.start(np.arange(20_000))
    return float(worth[rows_of(starts, place)].mean())


def rows_of(scene: Scene, place: dict[tuple, int]) -> np.ndarray:
    names = ("at", "facing", "spider", "pause", "flying", "hits")
    columns = [getattr(scene, name).tolist() for name in names]
    return np.array([place[state] for state in zip(*columns, strict=True)])


if __name__ == "__main__":
    print(f"{best_kills(Tunnel(), 30) / 0.3:.2f} kills per 100 steps")
