"""What to ask a judge next, from what the members of a reward model expect it to answer.

In: what members score, or expectations of candidates; how many to choose, a generator. Out: which, in
rising order.
Touches nothing.

A strategy gives every candidate a score, by which candidates are drawn without being put back, in
proportion: the highest few would be near doubles of each other (Kirsch et al., "Stochastic batch
acquisition: a simple baseline for deep active learning", 2023, "power" acquisition). `kcenter`
alone chooses candidates by each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import torch
from numpy.random import Generator
from scipy.special import entr, expit

from rrm_tree.errors import PluginError
from rrm_tree.feedback import Kind
from rrm_tree.learning.kinds import KINDS, choice_of
from rrm_tree.learning.losses import all_orders
from rrm_tree.learning.rows import guarded
from rrm_tree.outcomes import Floats, Ints, Items
from rrm_tree.registry import load_attribute

LEAST_DOUBT: Final = 1e-3
"""Nats of entropy granted to every candidate: a reward model may be sure and wrong."""

TINY: Final = 1e-300

MOST_CHANCES: Final = 1 << 22
"""Numbers worked on at a time: all orders of all candidates would not fit."""


@dataclass(frozen=True)
class Expected:
    """What the members of a reward model expect a judge to say about candidates."""

    kind: Kind
    scores: Floats
    """As the likelihood takes them: log-odds of the answer 1 (first preferred, right), or the rating,
    [members, candidates]; of choices those of the alternatives, [members, candidates, alternatives]."""
    mistakes: float = 0.0
    """Share of answers but ratings taken to be given at random."""

    def __len__(self) -> int:
        return len(self.scores[0])

    @property
    def chances(self) -> Floats:
        """Each member's probability of the answer 1, slips included, [members, candidates]."""
        chances: Floats = self.mistakes / 2 + (1 - self.mistakes) * expit(self.scores)
        return chances

    @property
    def is_choice(self) -> bool:
        """Whether the answer is one of several alternatives, or an order of them."""
        return self.scores.ndim > 2


def expect(
    kind: Kind, scores: Floats, items: Items, *, exclusive: bool = False, mistakes: float = 0.0
) -> Expected:
    """What members expect of items, given what they score parts of outcomes.

    Of demonstrations and goals the judge's own is not there yet: what is expected is the choice among
    what agents did.

    Args:
        kind: of judgment.
        scores: [members, outcomes, parts, criteria]; of a single part where members see no parts.
        items: candidates.
        exclusive: exactly one value of a part is right, and scores are log-probabilities.
        mistakes: see `Expected`.
    """
    outcomes, parts = items.places
    parts = np.minimum(parts, scores.shape[2] - 1)
    found = scores[:, outcomes, parts, items.criterion[:, None]]
    if KINDS[kind].shown == "several":
        by_chance = exclusive and items.parts is not None
        return Expected(kind, log_odds_of(found) if by_chance else found, mistakes)
    if items.second is not None:
        return Expected(kind, found[..., 0] - found[..., 1], mistakes)
    by_chance = exclusive and kind == "label"
    return Expected(kind, log_odds_of(found[..., 0]) if by_chance else found[..., 0], mistakes)


def log_odds_of(log_chances: Floats) -> Floats:
    """Log-odds: scores of exclusive values are log-probabilities."""
    return np.asarray(log_chances - np.log(-np.expm1(np.minimum(log_chances, -1e-9))))


def answer_chances(kind: Kind, scores: Floats, mistakes: float) -> Iterator[Floats]:
    """Probability of every answer to choices, some candidates at a time: [members, some, answers].

    Args:
        kind: one that shows several.
        scores: of the alternatives, [members, candidates, alternatives].
        mistakes: share of answers given at random.
    """
    chosen, several = choice_of(kind), scores.shape[2]
    answers = len(all_orders(several)) if kind == "ranking" else several
    # Seven can be put in 5,040 orders.
    some = max(1, MOST_CHANCES // (len(scores) * answers * several))
    for start in range(0, scores.shape[1], some):
        part = torch.from_numpy(np.ascontiguousarray(scores[:, start : start + some]))
        yield chosen.log_chances(part, mistakes).exp().numpy()


Score: TypeAlias = Callable[[Expected], Floats]
"""How much each candidate is worth asking about, at least 0, [candidates]."""
Strategy: TypeAlias = Callable[[Expected, int, Generator], Ints]


def entropy(expected: Expected) -> Floats:
    """How unsure the members' mean is of the answer, in nats.

    Settles, "Active learning literature survey" (2009), section 3.1. A case that nobody can tell
    keeps being asked about.
    """
    mean = expected.scores.mean(axis=0)
    if expected.is_choice:
        chances = answer_chances(expected.kind, mean[None], 0.0)
        return np.concatenate([entr(some[0]).sum(axis=-1) for some in chances]) + LEAST_DOUBT
    chance = expit(mean)
    doubt: Floats = entr(chance) + entr(1 - chance) + LEAST_DOUBT
    return doubt


def disagreement(expected: Expected) -> Floats:
    """How much the members differ: the variance of the answer that they predict, summed over answers.

    Christiano et al., "Deep reinforcement learning from human preferences" (2017), section 2.2.4.
    """
    if expected.is_choice:
        chances = answer_chances(expected.kind, expected.scores, expected.mistakes)
        return np.concatenate([some.var(axis=0).sum(axis=-1) for some in chances])
    predicted = expected.scores if expected.kind == "rating" else expected.chances
    return np.asarray(predicted.var(axis=0))


def information(expected: Expected) -> Floats:
    """What the answer is expected to tell about which member is right, in nats.

    The answer's entropy less what would be left of it if the member were known: Houlsby et al.,
    "Bayesian active learning for classification and preference learning" (2011), eq. 2; for
    comparing trajectories Bıyık et al., "Asking easy questions" (2019). Unlike `entropy` it leaves
    alone what no member can tell. Of ratings, for Gaussian predictions of noise 1.
    """
    if expected.kind == "rating":
        return np.asarray(0.5 * np.log1p(expected.scores.var(axis=0)))
    if expected.is_choice:
        chances_of = answer_chances(expected.kind, expected.scores, expected.mistakes)
        told = [entr(some.mean(axis=0)).sum(-1) - entr(some).sum(-1).mean(axis=0) for some in chances_of]
        return np.asarray(np.maximum(np.concatenate(told), 0.0))
    chances = expected.chances
    mean = chances.mean(axis=0)
    left = (entr(chances) + entr(1 - chances)).mean(axis=0)
    return np.asarray(np.maximum(entr(mean) + entr(1 - mean) - left, 0.0))


def spread_out(expected: Expected, count: int) -> Ints:
    """Candidates that leave no other far from all of them: greedy k-center.

    Sener and Savarese, "Active learning for convolutional neural networks: a core-set approach"
    (2018), algorithm 1; in preference learning B-Pref (Lee et al., 2021). Candidates are placed by
    what each member scores them: that needs no knowledge of a network's layers, so that it works
    with any network, and it is there already. A pair and the same pair turned round are one place, and
    so are alternatives in another order: the best in the mean stands first. The first candidate is the
    one about which members say least.
    """
    places = _place_choices(expected.scores) if expected.is_choice else expected.scores.T
    turned = expected.kind == "preference"
    chosen = np.zeros(min(count, len(places)), np.int64)
    chosen[:1] = np.square(places).sum(axis=1).argmin() if len(places) else 0
    far = np.full(len(places), np.inf)
    for place in range(1, len(chosen)):
        newest = chosen[place - 1]
        far = np.minimum(far, np.square(places - places[newest]).sum(axis=1))
        if turned:
            far = np.minimum(far, np.square(places + places[newest]).sum(axis=1))
        # One that is chosen is never chosen again, not even where all others lie upon it.
        far[newest] = -1.0
        chosen[place] = far.argmax()
    return np.sort(chosen)


def _place_choices(scores: Floats) -> Floats:
    """Alternatives by what members score them, the best first, less their mean: [candidates, numbers]."""
    order = (-scores.mean(axis=0)).argsort(axis=1)
    ranked = np.take_along_axis(scores, order[None], axis=2)
    apart = ranked - ranked.mean(axis=2, keepdims=True)
    return np.asarray(np.moveaxis(apart, 0, 1).reshape(scores.shape[1], -1))


def draw(scores: Floats, count: int, rng: Generator) -> Ints:
    """That many candidates in proportion to their scores, none twice, in rising order."""
    # The highest of logarithms with Gumbel noise are such a draw (Efraimidis and Spirakis, 2006).
    keys = np.log(np.maximum(scores, TINY)) + rng.gumbel(size=len(scores))
    return np.sort(np.argsort(keys)[::-1][:count])


def by_score(score: Score) -> Strategy:
    """A strategy that draws in proportion to a score."""
    return lambda expected, count, rng: draw(score(expected), count, rng)


def own_query(address: str) -> Strategy:
    """A user's own score, `module:attr`, as a strategy.

    Raises:
        PluginError: it cannot be imported; when it is asked, it raises or gives no proper scores.
    """
    score: Score = load_attribute("query", address)

    def checked(expected: Expected) -> Floats:
        scores = np.asarray(guarded(f"query '{address}'", lambda: score(expected)), np.float64)
        if scores.shape != (len(expected),) or not (np.isfinite(scores) & (scores >= 0)).all():
            raise PluginError(
                f"query '{address}': its scores have shape {list(scores.shape)}; return one finite number,"
                f" at least 0, for each of {len(expected)} candidates"
            )
        return scores

    return by_score(checked)


STRATEGIES: Final[Mapping[str, Strategy]] = {
    "entropy": by_score(entropy),
    "disagreement": by_score(disagreement),
    "information": by_score(information),
    "kcenter": lambda expected, count, rng: spread_out(expected, count),
}
"""All but `random`, by the name that a spec gives."""
