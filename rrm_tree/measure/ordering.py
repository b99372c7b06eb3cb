"""Who orders pairs of outcomes how: the judge with advice of any kind, the simple rule, the reward model.

In: a bench, pairs, an advisor or a scorer. Out: margins, above 0 where the first is preferred.
Touches nothing; every ordering of a judge draws from the same stream.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from rrm_tree.advising import Advisor
from rrm_tree.contracts import Factorised, Judge, Request, Ruled
from rrm_tree.learning.kinds import PLAIN
from rrm_tree.measure.bench import Bench, Pairs
from rrm_tree.measured import PairResults
from rrm_tree.outcomes import Advice, Answers, Floats, Ints, Items, Outcomes, join_outcomes
from rrm_tree.records import Shares
from rrm_tree.scoring import Scorer

JUDGES_STREAM = 4


@dataclass(frozen=True)
class Ordering:
    """How a judge orders pairs."""

    margins: Floats
    """Above 0 where the first is preferred, 0 for a tie or "cannot tell"."""
    cannot_tell: NDArray[np.bool_]
    """Whether any answer about the pair was that, [pairs]."""
    looks: float
    """Mean an answer."""
    abstained: float
    """Share of the answers that were "cannot tell"."""


def order_by_advisor(bench: Bench, pairs: Pairs, advisor: Advisor) -> Ordering:
    """How the judge orders the pairs with this advice."""
    outcomes = join_outcomes([pairs.first, pairs.second])
    return order_by_judge(bench, pairs, advisor.advise(outcomes), bench.station.line.judge)


def order_by_judge(bench: Bench, pairs: Pairs, advice: Advice, judge: Judge) -> Ordering:
    """How a judge who is shown this advice orders the pairs; criteria add up by their weights.

    Args:
        bench: the node's.
        pairs: what to order.
        advice: about the first outcomes, then the second ones.
        judge: who; the node's own, or the same without slips.
    """
    station, count = bench.station, len(pairs)
    criteria = len(station.questions)
    outcomes = join_outcomes([pairs.first, pairs.second])
    rows = np.tile(np.arange(count), criteria)
    which = np.repeat(np.arange(criteria), count)

    def ask(first: Ints, second: Ints | None) -> Answers:
        items = Items(first, second, pairs.part[rows], which)
        # The same stream for every arm: a judge's luck must not pass for its helpers' worth.
        rng = bench.rng(JUDGES_STREAM)
        request = Request(station.task, station.kind, station.questions, outcomes, advice, items, rng)
        return judge.answer(request)

    if station.kind == "preference" or station.settled_by_one:
        answers = [ask(rows, rows + count if station.kind == "preference" else None)]
        margins = 2 * answers[0].values - 1
    else:
        answers = [ask(rows, None), ask(rows + count, None)]
        margins = answers[0].values - answers[1].values
    told = np.where(np.isnan(margins), 0.0, margins).reshape(criteria, count)
    values = np.concatenate([answer.values for answer in answers])
    looks = np.concatenate([answer.looks for answer in answers])
    return Ordering(
        (station.weights[:, None] * told).sum(axis=0),
        np.asarray(np.isnan(margins).reshape(criteria, count).any(axis=0)),
        float(looks.mean()),
        float(np.isnan(values).mean()),
    )


@dataclass(frozen=True)
class Judged:
    """How the judge orders pairs with the advice of each arm, and the simple rule.

    None of people, and of a file: nobody is asked hundreds of questions for the sake of measuring.
    """

    alone: Ordering | None
    assisted: Ordering | None
    ideal: Ordering | None
    heuristic: Floats | None


def order_by_arms(bench: Bench, pairs: Pairs) -> Judged | None:
    """Who orders these pairs how, the reward model left out; None without pairs, or without order."""
    station = bench.station
    if not len(pairs) or station.kind not in PLAIN:
        return None
    rule = station.task.heuristic if isinstance(station.task, Ruled) else None
    by_rule = None if rule is None else margins_of(rule, pairs)
    if station.line.is_absent:
        return Judged(None, None, None, by_rule)
    alone = order_by_advisor(bench, pairs, station.team.nobody(station.name))
    assisted = order_by_advisor(bench, pairs, station.shown) if station.shown.helpers else alone
    perfect = station.team.perfect_advisor(station.name, station.node)
    # Without helpers there is no better advice than none.
    ideal = (
        alone if not station.node.helpers else order_by_advisor(bench, pairs, perfect) if perfect else None
    )
    return Judged(alone, assisted, ideal, by_rule)


def margins_of(score: Callable[[Outcomes], Floats], pairs: Pairs) -> Floats:
    """Score of the first less that of the second outcome, in the pair's part."""
    rows = np.arange(len(pairs))
    first, second = score(pairs.first), score(pairs.second)
    # Undivided tasks score whole outcomes: their one column is part 0.
    margins: Floats = first[rows, pairs.part] - second[rows, pairs.part]
    return margins


def chance_first(bench: Bench, pairs: Pairs, scorer: Scorer) -> Floats | None:
    """The reward model's own probability that the first is better, [pairs]; None for several criteria.

    By the likelihood it was learned with, the judge's slips left out: log-odds of labels and of
    preferences differ by the log-odds of which is better; ratings by their deviation, sqrt(2).
    """
    if len(bench.station.questions) > 1 or not len(pairs):
        return None
    rows, part = np.arange(len(pairs)), pairs.part if isinstance(bench.station.task, Factorised) else 0

    def said(outcomes: Outcomes) -> Floats:
        # Members' raw scores: those that agents see are normalised, and so no log-odds.
        scores = scorer.member_steps(outcomes).sum(axis=2).mean(axis=0)[..., 0]
        return np.asarray(scores[rows, part])

    margins = said(pairs.first) - said(pairs.second)
    return np.asarray(ndtr(margins / np.sqrt(2)) if bench.station.kind == "rating" else expit(margins))


def keep_pairs(bench: Bench, pairs: Pairs, judged: Judged | None, scorer: Scorer | None) -> PairResults:
    """The pairs with what everybody says of them; without a scorer all but a reward model."""
    margins: dict[str, Floats] = {}
    abstained: dict[str, NDArray[np.bool_]] = {}
    if judged is not None:
        arms = {"alone": judged.alone, "assisted": judged.assisted, "ideal": judged.ideal}
        for name, ordering in arms.items():
            if ordering is not None:
                margins[name], abstained[name] = ordering.margins, ordering.cannot_tell
        if judged.heuristic is not None:
            margins["heuristic"] = judged.heuristic
        if scorer is not None:
            margins["distilled"] = margins_of(scorer.part_scores, pairs)
    return PairResults(
        pairs.subject,
        pairs.root,
        pairs.part,
        pairs.first_truth,
        pairs.second_truth,
        pairs.first_by,
        pairs.second_by,
        margins,
        abstained,
        None if scorer is None else chance_first(bench, pairs, scorer),
        pairs.ties,
    )


def sum_up(kept: PairResults, judged: Judged | None, *, passes_on: bool = False) -> Shares:
    """How many of the pairs each orders as truth does, and at how many looks.

    Args:
        kept: the pairs.
        judged: the same as the judge orders them.
        passes_on: whether the judge passes on what it cannot tell.
    """
    if judged is None:
        return Shares(truth_ties=kept.ties)
    alone, assisted, ideal = judged.alone, judged.assisted, judged.ideal
    return Shares(
        alone=kept.share("alone"),
        heuristic=kept.share("heuristic"),
        assisted=kept.share("assisted"),
        ideal=kept.share("ideal"),
        distilled=kept.share("distilled"),
        truth_ties=kept.ties,
        looks_alone=None if alone is None else alone.looks,
        looks_assisted=None if assisted is None else assisted.looks,
        looks_ideal=None if ideal is None else ideal.looks,
        abstained=None if assisted is None else assisted.abstained,
        told=kept.told("assisted") if passes_on else None,
    )
