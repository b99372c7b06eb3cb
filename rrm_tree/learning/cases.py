"""Judgments grouped so that all about the same outcomes share one forward pass.

In: judged outcomes and what a network sees of them. Out: cases, held-out splits, minibatches.
Touches nothing; randomness comes in as a generator.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from rrm_tree.feedback import Kind
from rrm_tree.learning.ensemble import Ensemble
from rrm_tree.learning.kinds import KINDS
from rrm_tree.learning.losses import exclusive_log_odds
from rrm_tree.learning.reward_model import CHUNK, gather
from rrm_tree.learning.several_judges import mistakes_of
from rrm_tree.outcomes import Array, Arrays, Floats, Ints, Judged, unique_rows


@dataclass(frozen=True)
class Cases:
    """Judgments by case: one outcome, or those among which was chosen, and every item about them."""

    inputs: Arrays
    """Each [n, T or 1, ...]."""
    actions: Array | None
    """Value of each part, [n, T, parts]; None where there is one value."""
    mask: NDArray[np.bool_]
    """[n, T]"""
    kind: Kind
    exclusive: bool
    rows: Ints
    """Outcomes of each case, [cases, 1, 2 or more]."""
    start: Ints
    """Items of case c are those from start[c] up to start[c + 1], [cases + 1]."""
    part: Ints
    """[items], as the following."""
    parts: Ints | None
    """Parts among which is chosen, [items, alternatives]; None where each item is about one."""
    criterion: Ints
    answers: Floats
    mistakes: Floats | None
    """Share of each answer's judge's answers that are given at random, where several judge, [items]."""
    group: Ints
    """Cases of one group share an outcome or its subject; a split keeps groups whole, [cases]."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def by_chance(self) -> bool:
        """Scores are log-odds of a part being right, as exactly one value of each part is.

        So they are of labels, and of parts that are pointed at, which must be told from each other.
        """
        return self.exclusive and (self.kind == "label" or self.parts is not None)

    def items_of(self, cases: Ints) -> tuple[Ints, Ints]:
        """The items of the given cases, and for each the position of its case among them."""
        counts = self.start[cases + 1] - self.start[cases]
        position = np.repeat(np.arange(len(cases)), counts)
        first = np.cumsum(counts) - counts
        return self.start[cases][position] + np.arange(len(position)) - first[position], position


def make_cases(judged: Judged, inputs: Arrays, actions: Array | None, exclusive: bool) -> Cases:
    """The answered items by case; what the judge could not tell is left out."""
    told = np.flatnonzero(~np.isnan(judged.answers.values))
    items, answers = judged.items.take(told), judged.answers.take(told)
    rows, case = np.unique(items.alternatives, axis=0, return_inverse=True)
    order = np.argsort(case.ravel(), kind="stable")
    counts = np.bincount(case.ravel(), minlength=len(rows))
    told_mistakes = mistakes_of(judged.kind, items, answers)
    return Cases(
        inputs,
        actions,
        judged.outcomes.mask,
        judged.kind,
        exclusive,
        rows,
        np.concatenate([[0], np.cumsum(counts)]),
        items.part[order] if actions is not None else np.zeros(len(order), np.int64),
        items.parts[order] if items.parts is not None else None,
        items.criterion[order],
        answers.values[order],
        None if told_mistakes is None else told_mistakes[order],
        _group(rows, judged.outcomes.subjects, len(judged.outcomes)),
    )


def _group(rows: Ints, subjects: Arrays, count: int) -> Ints:
    """Groups of cases that share outcomes or subjects; fewer ties count if all would be one group."""
    if not len(rows):
        return np.zeros(0, np.int64)
    alike = unique_rows(subjects)[1] if subjects else np.arange(count)
    for place in (alike, np.arange(count)):
        ends = place[rows]
        others = ends[:, 1:] if ends.shape[1] > 1 else ends
        first = np.repeat(ends[:, 0], others.shape[1])
        links = coo_array((np.ones(len(first)), (first, others.ravel())), shape=(count, count))
        group = connected_components(links, directed=False)[1][ends[:, 0]]
        if np.bincount(group).max() <= len(rows) / 2:
            return cast(Ints, group.astype(np.int64))
    return np.arange(len(rows))


def split_cases(cases: Cases, share: float, rng: Generator) -> list[Ints]:
    """The cases in about 1/share folds, none of whose groups is in two of them.

    Fewer than four cases cannot be split and come back as one fold.
    """
    count = len(cases)
    folds = min(max(2, round(1 / share)), count)
    if count < 4:
        return [np.arange(count)]
    groups = rng.permutation(cases.group.max() + 1)
    order = np.argsort(groups[cases.group], kind="stable")
    sizes = np.bincount(groups[cases.group], minlength=len(groups))
    # A group goes to the fold in which its middle lies.
    fold_of_group = ((np.cumsum(sizes) - sizes / 2) * folds / count).astype(np.int64)
    fold = fold_of_group[groups[cases.group]][order]
    return [order[fold == one] for one in range(folds) if (fold == one).any()]


def minibatches(cases: Sequence[Ints], batch: int) -> Iterator[Ints]:
    """Shuffled cases of each member, cut into batches [members, ≤ batch]."""
    stacked = np.stack(cases)
    for start in range(0, stacked.shape[1], batch):
        yield stacked[:, start : start + batch]


@dataclass(frozen=True)
class Predicted:
    """What members think of a batch's items: scores as the likelihood takes them."""

    scores: Tensor
    """[members, items]; of choices among several [members, items, alternatives]"""
    answers: Tensor
    """[members, items]"""
    weights: Tensor
    """1, or 0 where a member's batch has fewer items than the largest, [members, items]."""
    mistakes: Tensor | None = None
    """Of each answer's judge, where several judge, [members, items]."""


@dataclass(frozen=True)
class View:
    """What a network is shown of a batch, and how its answer becomes scores of the items."""

    cases: Cases
    lots: Ints
    """The chosen cases, [members or 1, batch]."""
    outcomes: Ints
    """Their outcomes, [members or 1, outcomes]."""
    steps: int
    """Of the longest of these outcomes: steps that nobody took are not computed."""

    def inputs(self) -> dict[str, Tensor]:
        """What the network sees, each [members or 1, outcomes · steps, ...]."""
        lots = len(self.outcomes)
        rows = np.repeat(self.outcomes, self.steps, axis=1)
        times = np.tile(np.arange(self.steps), (lots, self.outcomes.shape[1]))
        return gather(self.cases.inputs, rows, times)

    def read(self, table: Tensor) -> Predicted:
        """Scores of the items, from what every member says, [members, rows, parts, values, criteria]."""
        cases, lots = self.cases, self.lots
        by_part = self._sum_steps(table)
        ends = cases.rows.shape[1]
        found = [cases.items_of(lot) for lot in lots]
        longest = max(len(items) for items, _ in found)
        items, position, weights = (np.zeros((len(lots), longest), np.int64) for _ in range(3))
        for lot, (those, where) in enumerate(found):
            items[lot, : len(those)], position[lot, : len(those)], weights[lot, : len(those)] = (
                those,
                where,
                1,
            )
        member = torch.arange(len(table))[:, None]
        part, criterion = torch.from_numpy(cases.part[items]), torch.from_numpy(cases.criterion[items])
        first = torch.from_numpy(position * ends)
        scores = by_part[member, first, part, criterion]
        if KINDS[cases.kind].shown == "several":
            places, parts = first[..., None] + torch.arange(ends), part[..., None]
            if cases.parts is not None:
                parts = torch.from_numpy(cases.parts[items])
            scores = by_part[member[..., None], places, parts, criterion[..., None]]
        elif ends == 2:
            scores = scores - by_part[member, first + 1, part, criterion]
        shape = scores.shape[:2]
        answers = torch.from_numpy(cases.answers[items]).float()
        counted = torch.from_numpy(weights).float().expand(shape)
        of_judge = None if cases.mistakes is None else torch.from_numpy(cases.mistakes[items]).float()
        mistakes = None if of_judge is None else of_judge.expand(shape)
        return Predicted(scores, answers.expand(shape), counted, mistakes)

    def _sum_steps(self, table: Tensor) -> Tensor:
        """Sums over steps of each part's score as acted, [members, outcomes, parts, criteria]."""
        cases, outcomes, steps = self.cases, self.outcomes, self.steps
        lots, count = outcomes.shape
        table = table.movedim(-1, -2)
        table = table.reshape(len(table), count, steps, *table.shape[2:])
        if cases.actions is None:
            taken = table[..., 0]
        else:
            acted = torch.from_numpy(cases.actions[outcomes][:, :, :steps].astype(np.int64))
            values = acted.reshape(lots, count, steps, -1, 1).expand(table.shape[:-1])
            if cases.by_chance:
                taken = exclusive_log_odds(table, values)
            else:
                taken = table.gather(-1, values.unsqueeze(-1)).squeeze(-1)
        mask = torch.from_numpy(cases.mask[outcomes][:, :, :steps])[..., None, None]
        return torch.where(mask, taken, 0.0).sum(dim=2)


def view(cases: Cases, chosen: Ints) -> View:
    """The chosen cases as a network is shown them, [members, batch] or the same for all, [batch]."""
    lots = np.atleast_2d(chosen)
    outcomes = cases.rows[lots].reshape(len(lots), -1)
    return View(cases, lots, outcomes, max(1, int(cases.mask[outcomes].sum(axis=-1).max())))


def predict(ensemble: Ensemble, cases: Cases, chosen: Ints) -> Predicted:
    """Score the items of the chosen cases, [members, batch] or shared by all members, [batch]."""
    shown, shared = view(cases, chosen), chosen.ndim == 1
    seen = shown.inputs()
    if shared:
        seen = {name: values[0] for name, values in seen.items()}
    return shown.read(ensemble.scores(seen, shared))


def predict_all(ensemble: Ensemble, cases: Cases, chosen: Ints) -> Predicted:
    """The same for any number of cases, in chunks and without gradients."""
    with torch.inference_mode():
        chunks = [
            predict(ensemble, cases, chosen[start : start + CHUNK]) for start in range(0, len(chosen), CHUNK)
        ]
    return Predicted(
        torch.cat([chunk.scores for chunk in chunks], dim=1),
        torch.cat([chunk.answers for chunk in chunks], dim=1),
        torch.cat([chunk.weights for chunk in chunks], dim=1),
    )
