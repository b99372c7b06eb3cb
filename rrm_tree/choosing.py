"""Which items to ask about: drawn at random, or chosen from a pool by what the reward model expects.

In: a station, outcomes or windows of episodes, a generator. Out: items, and the outcomes they are about.
Touches nothing.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.random import Generator

from rrm_tree.contracts import Segmented
from rrm_tree.learning.kinds import KINDS
from rrm_tree.learning.queries import Expected, expect, log_odds_of
from rrm_tree.learning.windows import Windows, pair_up, place_windows, window_sums
from rrm_tree.outcomes import Array, Floats, Ints, Items, Outcomes
from rrm_tree.scoring import Scorer
from rrm_tree.station import Station, is_exclusive

POOL_OF_WINDOWS = 10
"""Items about windows for each that is chosen; they cost no steps (B-Pref, Lee et al. 2021, takes ten)."""


def draw_items(station: Station, subjects: int, each: int, wanted: int, rng: Generator) -> Items:
    """Every criterion's items about random parts; other outcomes of a choice follow all the first."""
    rows = np.repeat(np.arange(subjects), each)[:wanted]
    size = station.several if station.among_parts else 1
    order = rng.random((subjects, station.task.parts)).argsort(axis=1)
    parts = order[:, : each * size].reshape(-1, size)[:wanted]
    items = ask_every_criterion(station, rows[:, None] + subjects * np.arange(station.ends), parts[:, 0])
    return replace(items, parts=np.tile(parts, (len(station.questions), 1))) if station.among_parts else items


def draw_windowed(station: Station, windows: Windows, rng: Generator) -> Items:
    """Every criterion's items about windows: each by itself, or in one pair with any other."""
    first, second = pair_up(windows, rng) if station.kind == "preference" else (np.arange(len(windows)), None)
    criteria, pairs = len(station.questions), len(first)
    other = None if second is None else np.tile(second, criteria)
    zeros = np.zeros(pairs * criteria, np.int64)
    return Items(np.tile(first, criteria), other, zeros, np.repeat(np.arange(criteria), pairs))


def ask_every_criterion(station: Station, alternatives: Ints, part: Ints) -> Items:
    """Items about these outcomes and parts, once for every criterion."""
    criteria, count = len(station.questions), len(part)
    return Items.among(
        np.tile(alternatives, (criteria, 1)),
        np.tile(part, criteria),
        np.repeat(np.arange(criteria), count),
    )


def repeat_items(station: Station, items: Items, rng: Generator) -> Items:
    """Every item as often as there shall be judges who answer it, one after the other."""
    if station.line.overlap == 1:
        return items
    copies = np.full(len(items), station.line.overlap)
    if station.line.people is not None and station.line.people.overlap < 1:
        copies[rng.permutation(len(items))[round(station.line.people.overlap * len(items)) :]] = 1
    return items.take(np.repeat(np.arange(len(items)), copies))


def choose_items(
    station: Station, outcomes: Outcomes, items: Items, count: int, scorer: Scorer, rng: Generator
) -> tuple[Outcomes, Items]:
    """Some of a pool's items, by what the reward model's members expect of them."""
    if station.node.judge.query == "entropy" and KINDS[station.kind].shown == "one":
        scores = scorer.part_scores(outcomes)
        part = np.minimum(items.part, scores.shape[1] - 1)
        log_odds = scores[items.first, part]
        if is_exclusive(station.task):
            log_odds = log_odds_of(log_odds)
        chosen = station.query(Expected(station.kind, log_odds[None]), count, rng)
    else:
        sums = scorer.member_steps(outcomes).sum(axis=2)
        chosen = _choose(station, sums, items, count, rng)
    used, items = used_of(items.take(chosen))
    return outcomes.take(used), items


def choose_windows(
    station: Station, episodes: Outcomes, count: int, scorer: Scorer, rng: Generator
) -> tuple[Windows, Items]:
    """That many items about windows from anywhere in the episodes, chosen from a pool of them.

    Every step is scored once, whatever number of windows it lies in.
    """
    task, ends = cast(Segmented, station.task), 2 if station.kind == "preference" else 1
    segment, candidates = cast(int, task.segment), count * (station.node.judge.pool or POOL_OF_WINDOWS)
    each = math.ceil(ends * candidates / len(station.questions) / len(episodes))
    windows = place_windows(task.last_start(episodes), segment, each, rng)
    items = draw_windowed(station, windows, rng)
    steps = scorer.member_steps(episodes)[:, :, :, 0]
    sums = window_sums(np.moveaxis(steps, -1, 1), windows, segment)
    chosen = _choose(station, np.moveaxis(sums, 1, -1)[:, :, None], items, count, rng)
    used, items = used_of(items.take(chosen))
    return windows.take(used), items


def _choose(station: Station, scores: Floats, items: Items, count: int, rng: Generator) -> Array:
    """Which items to ask about, given what members score [members, outcomes, parts, criteria]."""
    mistakes = station.node.reward_model.mistakes
    expected = expect(station.kind, scores, items, exclusive=is_exclusive(station.task), mistakes=mistakes)
    return station.query(expected, count, rng)


def used_of(items: Items) -> tuple[Array, Items]:
    """Which outcomes the items are about, and the items with those counted anew."""
    ends = items.alternatives
    used, place = np.unique(ends, return_inverse=True)
    return used, items.about(place.reshape(ends.shape))
