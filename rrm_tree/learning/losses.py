"""How likely a judgment is, given what the reward model thinks: one likelihood per kind.

In: scores and answers of any shape, item by item. Out: losses in nats, log-odds, drawn answers.
Touches nothing. The same likelihood teaches a reward model and simulates a judge.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import permutations
from typing import TypeAlias

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.nn import functional

from rrm_tree.contracts import MOST_RANKED
from rrm_tree.outcomes import Floats, Ints

Mistakes: TypeAlias = float | Tensor
"""Share of answers given at random: of all of them, or one for each."""
LEAST_RATE = 1e-3
"""No judge is taken to err never, or always."""


def preference_loss(margins: Tensor, preferred: Tensor) -> Tensor:
    """Bradley-Terry negative log-likelihood of each preference.

    Christiano et al., "Deep reinforcement learning from human preferences" (2017), eq. 1.

    Args:
        margins: score of the first minus score of the second outcome.
        preferred: 1 where the first was preferred, 0 where the second, 0.5 for a tie.

    Returns:
        Nats, of the arguments' shape.
    """
    return functional.binary_cross_entropy_with_logits(margins, preferred, reduction="none")


def davidson_loss(margins: Tensor, preferred: Tensor, ties: float, mistakes: Mistakes = 0.0) -> Tensor:
    """Davidson's negative log-likelihood of each preference: odds of e^(m/2) : e^(-m/2) : ties.

    Davidson, "On extending the Bradley-Terry model to accommodate ties in paired comparison
    experiments" (1970), eq. 2.3.

    Args:
        margins: score of the first minus score of the second outcome.
        preferred: 1, 0, or 0.5 for a tie. Answers between them count as shares of the first two.
        ties: weight of a tie, above 0.
        mistakes: share of the three answers given at random.

    Returns:
        Nats, of the arguments' shape.
    """
    tie = torch.full_like(margins, math.log(ties))
    chances = mix_choices(torch.stack([-margins / 2, tie, margins / 2], dim=-1), mistakes)
    second, even, first = (-chances).unbind(dim=-1)
    return torch.where(preferred == 0.5, even, preferred * first + (1 - preferred) * second)


def label_loss(log_odds: Tensor, right: Tensor) -> Tensor:
    """Bernoulli negative log-likelihood of each label.

    Args:
        log_odds: of the outcome being right.
        right: 1 where the judge said right, 0 where wrong.

    Returns:
        Nats, of the arguments' shape.
    """
    return functional.binary_cross_entropy_with_logits(log_odds, right, reduction="none")


def mix_mistakes(log_odds: Tensor, mistakes: Mistakes) -> Tensor:
    """Log-odds of an answer when some answers are given at random.

    Christiano et al. (2017), section 2.2.3: a person errs with a probability that does not decay
    however clear the case, so p becomes (1 - mistakes) · p + mistakes / 2. Without it a reward
    model bends itself to every slip.

    Args:
        log_odds: of the answer, were no mistakes made.
        mistakes: share of the answers given at random, in [0, 1); of all, or of each answer's judge.
    """
    if isinstance(mistakes, float) and not mistakes:
        return log_odds
    slip, meant = _slip_and_meant(mistakes, 2, log_odds)
    yes = torch.logaddexp(slip, meant + functional.logsigmoid(log_odds))
    no = torch.logaddexp(slip, meant + functional.logsigmoid(-log_odds))
    return yes - no


def rating_loss(scores: Tensor, ratings: Tensor) -> Tensor:
    """Gaussian negative log-likelihood of each rating, with deviation 1.

    Returns:
        Nats, of the arguments' shape.
    """
    return 0.5 * (ratings - scores) ** 2 + 0.5 * math.log(2 * math.pi)


def exclusive_log_odds(scores: Tensor, values: Tensor) -> Tensor:
    """Log-odds that a value is the right one, where exactly one value is right.

    P(value is right) = softmax(scores)[value], so its log-odds are the value's score minus the
    log-sum-exp of all others; no probability near 1 is ever subtracted from 1.

    Args:
        scores: shape [..., values].
        values: the value taken, integers, shape [...].

    Returns:
        Shape [...].
    """
    taken = values.unsqueeze(-1)
    others = scores.scatter(-1, taken, -math.inf)
    return scores.gather(-1, taken).squeeze(-1) - others.logsumexp(-1)


def choice_loss(scores: Tensor, chosen: Tensor) -> Tensor:
    """Negative log-likelihood of each choice among several: softmax of their scores.

    Luce, "Individual choice behavior" (1959); for trajectories Jeon et al. (2020), eq. 1.

    Args:
        scores: of the alternatives, [..., alternatives].
        chosen: position of the chosen one, [...].

    Returns:
        Nats, [...].
    """
    return -scores.log_softmax(dim=-1).gather(-1, chosen.long().unsqueeze(-1)).squeeze(-1)


def ranking_loss(scores: Tensor, codes: Tensor, mistakes: Mistakes = 0.0) -> Tensor:
    """Plackett-Luce negative log-likelihood of each order: choices, one after the other, of the best left.

    Plackett, "The analysis of permutations" (1975), eq. 3.

    Args:
        scores: of the alternatives, [..., alternatives].
        codes: rows of `all_orders`, [...].
        mistakes: share of the orders given at random.

    Returns:
        Nats, [...].
    """
    ranked = scores.gather(-1, torch.from_numpy(all_orders(scores.shape[-1]))[codes.long()])
    left = ranked.flip(-1).logcumsumexp(dim=-1).flip(-1)
    meant = (ranked - left).sum(dim=-1)
    if isinstance(mistakes, float) and not mistakes:
        return -meant
    slip, of_meaning = _slip_and_meant(mistakes, math.factorial(scores.shape[-1]), scores)
    return -torch.logaddexp(slip, of_meaning + meant)


def mix_choices(scores: Tensor, mistakes: Mistakes) -> Tensor:
    """Log-probabilities of several answers when some are given at random, [..., alternatives]."""
    chances = scores.log_softmax(dim=-1)
    if isinstance(mistakes, float) and not mistakes:
        return chances
    slip, meant = _slip_and_meant(mistakes, scores.shape[-1], scores)
    if isinstance(meant, Tensor):
        slip, meant = slip.unsqueeze(-1), meant.unsqueeze(-1)
    return torch.logaddexp(slip, meant + chances)


def _slip_and_meant(mistakes: Mistakes, answers: int, like: Tensor) -> tuple[Tensor, Tensor | float]:
    """Logarithms of the chance of one answer given at random, and of an answer being meant."""
    if isinstance(mistakes, float):
        return torch.tensor(math.log(mistakes / answers)).to(like), math.log1p(-mistakes)
    rates = mistakes.to(like).clamp(LEAST_RATE, 1 - LEAST_RATE)
    return (rates / answers).log(), (-rates).log1p()


@cache
def all_orders(alternatives: int) -> Ints:
    """Every order of so many, in lexical order, positions best first: [orders, alternatives]."""
    if alternatives > MOST_RANKED:
        raise ValueError(f"{alternatives} alternatives have too many orders; rank {MOST_RANKED} at most")
    return np.array(list(permutations(range(alternatives))), np.int64)


def number_orders(orders: Ints) -> Ints:
    """The rows of `all_orders` at which orders stand, [items, alternatives] → [items]."""
    alternatives = orders.shape[1]
    # How many of the later positions are smaller: the digits of the number in factorial base.
    later = np.triu(np.ones((alternatives, alternatives), bool), 1)
    digits = ((orders[:, None, :] < orders[:, :, None]) & later).sum(axis=2)
    bases = np.array([math.factorial(alternatives - 1 - place) for place in range(alternatives)])
    return np.asarray((digits * bases).sum(axis=1), np.int64)


def simulate_choices(log_odds: Floats, rng: Generator) -> Floats:
    """Preferences or labels drawn from their likelihood: 1 with probability sigmoid(log_odds)."""
    # The logistic distribution's sample is below the log-odds with exactly that probability.
    return (rng.logistic(size=np.shape(log_odds)) < log_odds).astype(np.float64)


def simulate_preferences(margins: Floats, ties: float, rng: Generator) -> Floats:
    """Preferences with ties drawn from Davidson's likelihood."""
    even = np.full_like(margins, math.log(ties))
    return simulate_picks(np.stack([-margins / 2, even, margins / 2], axis=-1), rng) / 2


def simulate_picks(scores: Floats, rng: Generator) -> Floats:
    """Choices drawn from their likelihood, as positions, [..., alternatives] → [...]."""
    # The highest of scores with Gumbel noise is such a choice.
    return np.asarray((scores + rng.gumbel(size=scores.shape)).argmax(axis=-1), np.float64)


def simulate_orders(scores: Floats, rng: Generator) -> Floats:
    """Orders drawn from their likelihood, as rows of `all_orders`, [items, alternatives] → [items]."""
    noisy = scores + rng.gumbel(size=scores.shape)
    return number_orders((-noisy).argsort(axis=1)).astype(np.float64)


def simulate_ratings(scores: Floats, rng: Generator) -> Floats:
    """Ratings drawn from their likelihood: the score and noise of deviation 1."""
    return scores + rng.standard_normal(np.shape(scores))
