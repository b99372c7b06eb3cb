"""The figures of the chess tree as measured in its prototypes: who judges mate how well.

`-m benchmark -s` prints them with 95% intervals.
"""

import time

import numpy as np
import pytest
from chess_worlds import MAPS, judge, perfect_advice, proposals, right

from rrm_tree.domains import chess
from rrm_tree.domains.chess import rules
from rrm_tree.outcomes import Advice, Outcomes


def flipped(advice: Advice, rate: float, seed: int) -> Advice:
    """The same advice with every square wrong at this rate."""
    rng = np.random.default_rng(seed)
    values = {name: v ^ (rng.random(v.shape) < rate) for name, v in advice.values.items()}
    return Advice(values, advice.kinds)


def composed_from_rays(outcomes: Outcomes, rate: float, seed: int) -> Advice:
    """Boards coloured from what each piece is said to reach, every ray wrong at this rate."""
    values = {}
    for kind in MAPS:
        name = kind.removeprefix("chess.")
        rays = flipped(perfect_advice(name, outcomes, ["chess.reach"]), rate, seed).values["chess.reach"]
        boards = outcomes.subjects["board"]
        counts = boards > 0 if name == "attacked" else (boards < 0) & (boards != -6) & ~rules.pinned(boards)
        said = (rays.reshape(-1, 64, 64) != 0) & counts[:, :, None]
        values[kind] = said.any(axis=1).astype(np.uint8).reshape(-1, 1, 8, 8)
    return Advice(values, {kind: kind for kind in MAPS})


def predicted_from_rates(outcomes: Outcomes, exact: Advice, faulty: Advice, seed: int) -> Advice:
    """Exact boards whose tiles flip independently at the class-conditional rates of the faulty ones."""
    rng, values = np.random.default_rng(seed), {}
    for kind, tiles in exact.values.items():
        wrong = faulty.values[kind] != tiles
        rate = np.where(tiles, wrong[tiles == 1].mean(), wrong[tiles == 0].mean())
        values[kind] = tiles ^ (rng.random(tiles.shape) < rate)
    return Advice(values, exact.kinds)


@pytest.mark.slow
def test_mate_is_judged_as_in_the_prototypes() -> None:
    outcomes = proposals("verdict", 4000)
    exact = perfect_advice("verdict", outcomes, MAPS)
    alone, few, assisted = (
        judge("verdict", outcomes, **how) for how in ({}, {"looks": 8}, {"advice": exact})
    )
    assert 0.80 < right(*alone) < 0.87 and 15 < alone[0].looks.mean() < 20
    assert 0.50 < right(*few) < 0.60
    assert 0.93 < right(*assisted) < 0.98 and 4.5 < assisted[0].looks.mean() < 7


@pytest.mark.slow
def test_bad_helpers_are_worse_than_none_and_how_bad_is_predictable() -> None:
    outcomes = proposals("verdict", 4000)
    alone = right(*judge("verdict", outcomes))
    exact = perfect_advice("verdict", outcomes, MAPS)
    for rate, helps in ((0.09, False), (0.002, True)):
        faulty = composed_from_rays(outcomes, rate, seed=1)
        measured = right(*judge("verdict", outcomes, faulty))
        expected = right(*judge("verdict", outcomes, predicted_from_rates(outcomes, exact, faulty, 2)))
        assert (measured > alone + 0.05) if helps else (measured < alone - 0.05)
        assert abs(measured - expected) < 0.03


@pytest.mark.benchmark
def test_print_the_figures() -> None:
    outcomes = proposals("verdict", 4800)
    exact = perfect_advice("verdict", outcomes, MAPS)

    def show(words: str, name: str, *args: object, **options: object) -> None:
        before = time.perf_counter()
        answers, truth = judge(name, *args, **options)
        spent = (time.perf_counter() - before) / len(truth) * 1e6
        share = right(answers, truth)
        half = 1.96 * np.sqrt(share * (1 - share) / len(truth))
        print(f"{words:44s} {share:.3f} ± {half:.3f}  looks {answers.looks.mean():5.2f}  {spent:4.1f} µs")

    print()
    show("verdict alone", "verdict", outcomes)
    show("verdict alone, 8 looks", "verdict", outcomes, looks=8)
    show("verdict, exactly coloured boards", "verdict", outcomes, exact)
    for rate in (0.002, 0.005, 0.01, 0.02, 0.05, 0.09):
        show(f"verdict, tiles wrong at {rate}", "verdict", outcomes, flipped(exact, rate, 1))
    for rate in (0.002, 0.0035, 0.02, 0.09):
        faulty = composed_from_rays(outcomes, rate, 1)
        show(f"verdict, rays wrong at {rate}", "verdict", outcomes, faulty)
        predicted = predicted_from_rates(outcomes, exact, faulty, 2)
        show("   predicted from tile error rates", "verdict", outcomes, predicted)
    part = np.random.default_rng(0).integers(0, 64, 4800)
    for name in ("attacked", "defended"):
        tiles = proposals(name, 4800)
        show(f"{name} tile alone", name, tiles, part=part)
        show(f"{name} tile, rays read", name, tiles, perfect_advice(name, tiles, ["chess.reach"]), part)
    boards = np.tile(outcomes.subjects["board"], (8, 1))
    for ask in (rules.attacked, rules.defended, rules.is_mate):
        before = time.perf_counter()
        ask(boards)
        print(f"rules.{ask.__name__} {(time.perf_counter() - before) / len(boards) * 1e6:.2f} µs a board")
    assert chess.verdict().truth(outcomes).shape == (4800, 1)
