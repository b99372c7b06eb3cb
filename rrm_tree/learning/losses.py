"""How likely a judgment is, given what the reward model thinks: one likelihood per kind.

In: scores and answers of any shape, item by item. Out: losses in nats, log-odds, drawn answers.
Touches nothing. The same likelihood teaches a reward model and simulates a judge.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.nn import functional

from rrm_tree.outcomes import Floats, Kind


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


def label_loss(log_odds: Tensor, right: Tensor) -> Tensor:
    """Bernoulli negative log-likelihood of each label.

    Args:
        log_odds: of the outcome being right.
        right: 1 where the judge said right, 0 where wrong.

    Returns:
        Nats, of the arguments' shape.
    """
    return functional.binary_cross_entropy_with_logits(log_odds, right, reduction="none")


def mix_mistakes(log_odds: Tensor, mistakes: float) -> Tensor:
    """Log-odds of an answer when some answers are given at random.

    Christiano et al. (2017), section 2.2.3: a person errs with a probability that does not decay
    however clear the case, so p becomes (1 - mistakes) · p + mistakes / 2. Without it a reward
    model bends itself to every slip.

    Args:
        log_odds: of the answer, were no mistakes made.
        mistakes: share of the answers given at random, in [0, 1).
    """
    if not mistakes:
        return log_odds
    slip, meant = torch.tensor(math.log(mistakes / 2)).to(log_odds), math.log1p(-mistakes)
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


def simulate_choices(log_odds: Floats, rng: Generator) -> Floats:
    """Preferences or labels drawn from their likelihood: 1 with probability sigmoid(log_odds)."""
    # The logistic distribution's sample is below the log-odds with exactly that probability.
    return (rng.logistic(size=np.shape(log_odds)) < log_odds).astype(np.float64)


def simulate_ratings(scores: Floats, rng: Generator) -> Floats:
    """Ratings drawn from their likelihood: the score and noise of deviation 1."""
    return scores + rng.standard_normal(np.shape(scores))


@dataclass(frozen=True, slots=True)
class Likelihood:
    """What one kind of judgment says about scores, for learning and for simulating."""

    loss: Callable[[Tensor, Tensor], Tensor]
    """Negative log-likelihood of each answer, in nats."""
    simulate: Callable[[Floats, Generator], Floats]
    """Answers drawn given the same scores."""


LIKELIHOODS: Mapping[Kind, Likelihood] = {
    "preference": Likelihood(preference_loss, simulate_choices),
    "label": Likelihood(label_loss, simulate_choices),
    "rating": Likelihood(rating_loss, simulate_ratings),
}


def mean_loss(kind: Kind, scores: Floats, answers: Floats) -> float:
    """Mean loss of the answers in nats, in double precision; NaN for none."""
    nats = LIKELIHOODS[kind].loss(torch.as_tensor(scores), torch.as_tensor(answers))
    return float(nats.mean())
