"""Several judges at once: how often each errs, which way it leans, and whether they agree at all.

In: answers, who gave each, what each is about. Out: a JudgesFit, an Agreement.
Touches nothing; randomness comes in as a generator. Nobody's answers are taken for the truth: what
is right is worked out together with who is to be believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator

from rrm_tree.feedback import Kind
from rrm_tree.outcomes import Answers, Floats, Ints, Items

PASSES = 200
"""Of the EM algorithm, at most; it stops when no rate moves by more than a thousandth of a percent."""
PRIOR = 1.0
"""Answers that every judge is granted to have given rightly, and wrongly, beforehand."""
RESAMPLED = 500
"""Times that items are drawn again for an interval of agreement."""


@dataclass(frozen=True)
class JudgesFit:
    """What several judges' answers to the same questions say about each of them."""

    error: Floats
    """How often each errs, [judges]."""
    lean: Floats
    """How much oftener each errs towards 1 than towards 0, as a difference of shares, [judges]."""
    chance: Floats
    """Of the answer to each question being 1, [questions]."""


def fit_judges(question: Ints, who: Ints, values: Floats, judges: int) -> JudgesFit:
    """Each judge's rates of both errors and each question's answer, likeliest together (EM).

    Dawid and Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm"
    (1979), for answers of 0 or 1. It starts from what most say, so that judges are taken to be right
    oftener than not, all together.

    Args:
        question: which question each answer is to, [answers].
        who: its judge, [answers].
        values: 1, 0, or between for a tie, which is a part of either; none NaN, [answers].
        judges: how many there are.
    """
    questions = int(question.max(initial=-1)) + 1
    asked = np.bincount(question, minlength=questions)
    chance = np.bincount(question, values, questions) / np.maximum(asked, 1)
    rates = np.zeros((2, judges))
    for _ in range(PASSES):
        before, right = rates, chance[question]
        # Shares that say 1, of questions whose answer is 0 and whose answer is 1.
        rates = np.stack(
            [
                (np.bincount(who, weight * values, judges) + PRIOR)
                / (np.bincount(who, weight, judges) + 2 * PRIOR)
                for weight in (1 - right, right)
            ]
        )
        prior = chance.mean()
        evidence = values * np.log(rates[1] / rates[0])[who]
        evidence += (1 - values) * np.log((1 - rates[1]) / (1 - rates[0]))[who]
        log_odds = np.bincount(question, evidence, questions) + np.log(prior / (1 - prior))
        chance = np.clip(1 / (1 + np.exp(-np.clip(log_odds, -500, 500))), 1e-9, 1 - 1e-9)
        if np.abs(rates - before).max() < 1e-5:
            break
    false_yes, false_no = rates[0], 1 - rates[1]
    return JudgesFit((false_yes + false_no) / 2, false_yes - false_no, chance)


@dataclass(frozen=True)
class Agreement:
    """Krippendorff's alpha: 1 where all agree, 0 where they agree as by chance."""

    alpha: float
    low: float
    """Of a 95% interval: questions drawn again."""
    high: float
    questions: int
    """Answered by two judges at least."""


def agree(question: Ints, values: Floats, rng: Generator, kind: Kind = "label") -> Agreement | None:
    """How far answers to the same questions agree beyond chance; None without two answers to any.

    Krippendorff, "Computing Krippendorff's alpha-reliability" (2011).

    Args:
        question: which question each answer is to, [answers].
        values: none NaN, [answers].
        rng: draws questions again.
        kind: of ratings and preferences it counts how far answers lie apart, of others whether they differ.
    """
    import krippendorff  # noqa: PLC0415 - most nodes have one judge

    kinds, code = np.unique(values, return_inverse=True)
    counts = np.zeros((int(question.max(initial=-1)) + 1, len(kinds)), np.int64)
    np.add.at(counts, (question, code), 1)
    counts = counts[counts.sum(axis=1) > 1]
    if not len(counts):
        return None

    level: Literal["interval", "nominal"] = "interval" if kind in ("rating", "preference") else "nominal"

    def alpha(drawn: Ints) -> float:
        # All alike: nothing to tell agreement from habit by.
        if (drawn.sum(axis=0) > 0).sum() < 2:
            return 0.0
        found = krippendorff.alpha(value_counts=drawn, value_domain=kinds, level_of_measurement=level)
        return float(found)

    again = [alpha(counts[rng.integers(0, len(counts), len(counts))]) for _ in range(RESAMPLED)]
    low, high = np.quantile(again, (0.025, 0.975))
    return Agreement(alpha(counts), float(low), float(high), len(counts))


def questions_of(items: Items) -> Ints:
    """Which items ask the same: a number for each question, [items]."""
    return np.asarray(np.unique(items.asked, axis=0, return_inverse=True)[1].reshape(len(items)), np.int64)


def copies_of(items: Items) -> tuple[Ints, Ints]:
    """Which run of equal items each one is in, and how many stand before it there, both [items]."""
    asked = items.asked
    fresh = np.ones(len(items), bool)
    fresh[1:] = (asked[1:] != asked[:-1]).any(axis=1)
    which = np.cumsum(fresh) - 1
    return which, np.arange(len(items)) - np.flatnonzero(fresh)[which]


def errors_of(kind: Kind, items: Items, answers: Answers) -> JudgesFit | None:
    """What is found out about the judges of these answers; None where one judge gave them all.

    Of other kinds than preferences and labels nothing is found out.

    Args:
        kind: of all answers.
        items: what was asked.
        answers: none of them "cannot tell".
    """
    if answers.who is None or kind not in ("preference", "label") or not len(items):
        return None
    judges = int(answers.who.max()) + 1
    return fit_judges(questions_of(items), answers.who, answers.values, judges)


def mistakes_of(kind: Kind, items: Items, answers: Answers) -> Floats | None:
    """The share of each answer's judge's answers that are as if given at random, [items]; None for one judge.

    Half of what is given at random is right.
    """
    found = errors_of(kind, items, answers)
    if found is None or answers.who is None:
        return None
    return np.minimum(2 * found.error, 1.0)[answers.who]
