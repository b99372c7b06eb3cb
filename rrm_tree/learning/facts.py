"""What training judgments were like, and whether anything can be learned from them.

In: answers, and a reward model's scores of judgments it was not trained on. Out: facts, verdicts.
Touches nothing; randomness comes in as a generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.random import Generator
from scipy.special import betainc, betaincc, betaln

from rrm_tree.feedback import REASONS, Kind
from rrm_tree.learning.cases import Cases
from rrm_tree.learning.kinds import KINDS, chosen_and_other, first_places
from rrm_tree.learning.several_judges import agree, errors_of, questions_of
from rrm_tree.outcomes import Floats, Ints, Judged
from rrm_tree.records import AgreementFacts, JudgeFacts, JudgmentFacts, LinkFacts

STRONG, SUBSTANTIAL = 10.0, 3.0
"""How many times likelier chance must be than skill before judgments are called uninformative
(Jeffreys, "Theory of Probability", 1961). Were strong evidence always asked for, nearly half of all
sets of a hundred coin flips would be trained on; see docs/results/learning-speed.md."""
ENOUGH = 40
"""Pairs from which on substantial evidence will do: a few true judgments must not be thrown away."""
SIGNIFICANT = 0.01


@dataclass(frozen=True)
class Ordered:
    """Of independent pairs of held-out answers, how many the reward model ordered as they were given.

    Pairs of one more and one less favourable answer, so that chance is 1/2 whatever share of the
    answers is favourable: a model that finds the three mates among a hundred moves has learned
    something, even if always saying "no mate" is as often right.
    """

    right: int
    pairs: int

    def __add__(self, other: Ordered) -> Ordered:
        return Ordered(self.right + other.right, self.pairs + other.pairs)

    @property
    def above_chance(self) -> bool:
        """One-sided exact binomial test against 1/2."""
        if not self.right:
            return False
        # The binomial's upper tail as an incomplete beta function; scipy.stats takes 0.5 s to import.
        tail = betainc(self.right, self.pairs - self.right + 1, 0.5)
        return bool(tail < SIGNIFICANT)

    @property
    def odds_of_chance(self) -> float:
        """Bayes factor of "exactly 1/2" against "anywhere above 1/2, all equally likely".

        21 right of 40 pairs are substantial evidence for chance, 54 of 100, 108 of 200.
        """
        if not self.pairs:
            return 1.0
        right, wrong = self.right + 1, self.pairs - self.right + 1
        # Of the order seen: 2 ∫ x^right (1 - x)^wrong dx from 1/2, against 2^-pairs.
        skill = betaincc(right, wrong, 0.5)
        chance = -self.pairs * np.log(2) - np.log(2) - betaln(right, wrong)
        return float(np.exp(chance) / skill) if skill > 0 else float("inf")

    @property
    def only_chance(self) -> bool:
        """Evidence enough that there is nothing but chance."""
        return self.odds_of_chance >= (STRONG if self.pairs < ENOUGH else SUBSTANTIAL)


def order_answers(kind: Kind, scores: Floats, answers: Floats, rng: Generator) -> Ordered:
    """How many independent pairs of answers the scores order rightly; equal scores are half right."""
    if KINDS[kind].shown == "several":
        margins = chosen_and_other(kind, scores, answers, rng)
    elif kind == "preference":
        margins = (scores * np.sign(answers - 0.5))[answers != 0.5]
    else:
        ranked = rng.permutation(len(answers))
        ranked = ranked[np.argsort(answers[ranked], kind="stable")]
        # The lowest with the middle, and so on upwards: as many pairs that differ as there can be.
        half = len(ranked) // 2
        less, more = ranked[:half], ranked[len(ranked) - half :]
        differ = answers[more] > answers[less]
        margins = (scores[more] - scores[less])[differ]
    right = (margins > 0).sum() + (margins == 0).sum() / 2
    return Ordered(int(right), len(margins))


def answers_differ(cases: Cases) -> bool:
    """Whether the answers say different things about some criterion; ties alone say nothing."""
    told = cases.answers[cases.answers != 0.5] if cases.kind == "preference" else cases.answers
    if KINDS[cases.kind].shown != "one":
        return len(told) > 0
    return len(told) > 0 and bool((told != told[0]).any())


def describe(judged: Judged, scores: Floats, answers: Floats, informative: bool) -> JudgmentFacts:
    """The facts of all judgments; `scores` and `answers` are those of the held-out ones."""
    values = judged.answers.values
    told = values[~np.isnan(values)]
    clear = told[told != 0.5] if judged.kind == "preference" else told
    accuracy, chance = _accuracy(judged.kind, scores, answers)
    return JudgmentFacts(
        judgments=len(values),
        looks=int(judged.answers.looks.sum()),
        cannot_tell=len(values) - len(told),
        ties=len(told) - len(clear),
        positive=float(clear.mean()) if len(clear) and judged.kind in ("label", "preference") else 0.0,
        entropy=_entropy(told),
        held_out_accuracy=accuracy,
        held_out_chance=chance,
        held_out_count=len(answers),
        informative=informative,
        **describe_judges(judged),
    )


class OfJudges(TypedDict, total=False):
    """The fields of JudgmentFacts that say something of judges; some or none."""

    judges: tuple[JudgeFacts, ...]
    agreement: AgreementFacts
    links: tuple[LinkFacts, ...]
    reasons: dict[str, int]


def describe_judges(judged: Judged) -> OfJudges:
    """What answers of several judges, or passed on from one to the next, say about them."""
    told, facts = np.flatnonzero(~np.isnan(judged.answers.values)), OfJudges()
    items, answers = judged.items.take(told), judged.answers.take(told)
    if answers.who is not None:
        found = agree(questions_of(items), answers.values, np.random.default_rng(0), judged.kind)
        if found is not None:
            facts["agreement"] = AgreementFacts(
                alpha=found.alpha, low=found.low, high=found.high, questions=found.questions
            )
        if (fit := errors_of(judged.kind, items, answers)) is not None:
            counts = np.bincount(answers.who, minlength=len(fit.error))
            facts["judges"] = tuple(
                JudgeFacts(answers=int(count), error=float(error), lean=float(lean))
                for count, error, lean in zip(counts, fit.error, fit.lean, strict=True)
            )
    if (reason := judged.answers.reason) is not None:
        # What was passed on may have been answered then.
        open_to_first = np.isnan(judged.answers.values) | (reason > 0)
        counts = np.bincount(np.maximum(reason[open_to_first], 0), minlength=len(REASONS))
        facts["reasons"] = {REASONS[place]: int(counts[place]) for place in np.flatnonzero(counts)}
    if judged.answers.link is not None:
        link = judged.answers.link
        facts["links"] = tuple(
            LinkFacts(
                judge=name,
                answers=int((link == place).sum()),
                looks=int(judged.answers.looks[link == place].sum()),
            )
            for place, name in enumerate(judged.judges)
        )
    return facts


def add_up(every: Sequence[JudgmentFacts], kinds: Sequence[str]) -> JudgmentFacts:
    """The facts of judgments of several kinds together, with those of each kind; of one kind its own."""
    if len(every) == 1:
        return every[0]

    def mean(name: str, count: str) -> float | None:
        known = [(getattr(one, name), getattr(one, count)) for one in every if getattr(one, name) is not None]
        weight = sum(weight for _, weight in known)
        return sum(value * weight for value, weight in known) / weight if weight else None

    return JudgmentFacts(
        judgments=sum(one.judgments for one in every),
        looks=sum(one.looks for one in every),
        cannot_tell=sum(one.cannot_tell for one in every),
        ties=sum(one.ties for one in every),
        positive=mean("positive", "judgments") or 0.0,
        entropy=mean("entropy", "judgments") or 0.0,
        held_out_accuracy=mean("held_out_accuracy", "held_out_count"),
        held_out_chance=mean("held_out_chance", "held_out_count"),
        held_out_count=sum(one.held_out_count for one in every),
        informative=any(one.informative for one in every),
        kinds=dict(zip(kinds, every, strict=True)),
    )


def _accuracy(kind: Kind, scores: Floats, answers: Floats) -> tuple[float | None, float | None]:
    """Share of held-out answers that the scores predict, and the more frequent answer's share."""
    if kind == "rating":
        ordered = order_answers(kind, scores, answers, np.random.default_rng(0))
        return (ordered.right / ordered.pairs, 0.5) if ordered.pairs else (None, None)
    if KINDS[kind].shown == "several":
        if not len(answers):
            return None, None
        first = first_places(kind, answers, scores.shape[1])
        return float((_likeliest(kind, scores) == first).mean()), 1 / scores.shape[1]
    clear = answers != 0.5
    if not clear.any():
        return None, None
    said = answers[clear] > 0.5
    share = float(said.mean())
    return float(((scores[clear] > 0) == said).mean()), max(share, 1 - share)


def _likeliest(kind: Kind, scores: Floats) -> Ints:
    """The alternative that each choice is likeliest to fall on, or to rank first, [items]."""
    return np.asarray(scores.argmin(axis=1) if kind == "critique" else scores.argmax(axis=1))


def _entropy(answers: Floats) -> float:
    """Entropy of the answers' distribution in bits."""
    counts = np.unique(answers, return_counts=True)[1]
    shares = counts / max(1, counts.sum())
    # Adding 0.0 turns the -0.0 of answers that are all alike into 0.0.
    return float(-(shares * np.log2(shares)).sum()) + 0.0
