"""Kinds of judgment: what is asked, what is answered, how likely that is, and how to draw an answer.

In: scores of what was shown, answers. Out: losses in nats, drawn answers, words.
Touches nothing. One likelihood a kind teaches reward models and simulates judges.

All are one idea, a choice that is the likelier the higher its reward (Jeon, Milli and Dragan,
"Reward-rational (implicit) choice", 2020); they differ in what there is to choose from:

| kind | alternatives |
|---|---|
| preference | two outcomes about one subject, or "as good" |
| best, ranking | several outcomes about one subject |
| label | right, or not |
| rating | a number, with noise of deviation 1 |
| demonstration | what the judge did, and what agents did instead |
| goal | the end of what the judge did, and the ends of what agents did |
| correction | what every action at one step would have led to |
| critique | parts of one outcome, or steps of an episode, of which the worst is pointed at |

A reward function given as code needs no kind of its own: it is a judge (`teacher` with `reward`, or
any function) who answers whatever is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias, cast

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from rrm_tree.feedback import Kind
from rrm_tree.learning.losses import (
    Mistakes,
    all_orders,
    choice_loss,
    davidson_loss,
    label_loss,
    mix_choices,
    mix_mistakes,
    preference_loss,
    ranking_loss,
    rating_loss,
    simulate_choices,
    simulate_orders,
    simulate_picks,
    simulate_preferences,
    simulate_ratings,
)
from rrm_tree.outcomes import Floats, Ints

Shown: TypeAlias = Literal["one", "two", "several"]


class KindOfJudgment(Protocol):
    """What one kind of judgment asks and says about scores."""

    @property
    def question(self) -> str:
        """What is asked, in words, beside the criterion's own question."""

    @property
    def shown(self) -> Shown:
        """How many outcomes an item is about.

        Scores are [..., items] of one (the outcome's own) and of two (the first's less the second's),
        and [..., items, alternatives] of several.
        """

    def loss(self, scores: Tensor, answers: Tensor, mistakes: Mistakes) -> Tensor:
        """Negative log-likelihood of each answer in nats, some of them given at random, [..., items]."""

    def simulate(self, scores: Floats, rng: Generator) -> Floats:
        """Answers drawn given the scores, none at random, [items]."""


@dataclass(frozen=True, slots=True)
class Preference:
    """1 the first, 0 the second, 0.5 as good (Bradley-Terry; with ties of their own, Davidson).

    Davidson, "On extending the Bradley-Terry model to accommodate ties" (1970), and not Rao and Kupper
    (1967): its weight of ties leaves the odds of the other two answers as they are, and as it goes
    to 0 the loss of a tie becomes what counting it as half of either answer gives, beside a constant.
    So the plain loss is the limit, not another model.
    """

    question: str = "Which of the two is better?"
    shown: Shown = "two"
    ties: float = 0.0
    """How many times likelier than either answer a tie is between equals; 0 counts it as half of either."""

    def loss(self, scores: Tensor, answers: Tensor, mistakes: Mistakes) -> Tensor:
        """Nats; `scores` are the margins."""
        if self.ties:
            return davidson_loss(scores, answers, self.ties, mistakes)
        return preference_loss(mix_mistakes(scores, mistakes), answers)

    def simulate(self, scores: Floats, rng: Generator) -> Floats:
        """Answers given the margins."""
        return simulate_preferences(scores, self.ties, rng) if self.ties else simulate_choices(scores, rng)


@dataclass(frozen=True, slots=True)
class Label:
    """1 right, 0 wrong (Bernoulli)."""

    question: str = "Is this right?"
    shown: Shown = "one"

    def loss(self, scores: Tensor, answers: Tensor, mistakes: Mistakes) -> Tensor:
        """Nats; `scores` are the log-odds of being right."""
        return label_loss(mix_mistakes(scores, mistakes), answers)

    def simulate(self, scores: Floats, rng: Generator) -> Floats:
        """Answers given the log-odds."""
        return simulate_choices(scores, rng)


@dataclass(frozen=True, slots=True)
class Rating:
    """A number (Gaussian of deviation 1)."""

    question: str = "How good is this?"
    shown: Shown = "one"

    def loss(self, scores: Tensor, answers: Tensor, mistakes: Mistakes) -> Tensor:
        """Nats; a rating is never taken to be given at random."""
        return rating_loss(scores, answers)

    def simulate(self, scores: Floats, rng: Generator) -> Floats:
        """Ratings about the scores."""
        return simulate_ratings(scores, rng)


@dataclass(frozen=True, slots=True)
class Choice:
    """The position of the chosen one among several (Boltzmann; Luce, "Individual choice behavior", 1959)."""

    question: str
    worst: bool = False
    """The worst is chosen, not the best."""
    shown: Shown = "several"

    def loss(self, scores: Tensor, answers: Tensor, mistakes: Mistakes) -> Tensor:
        """Nats; `scores` are those of the alternatives."""
        return choice_loss(self.log_chances(scores, mistakes), answers)

    def log_chances(self, scores: Tensor, mistakes: Mistakes) -> Tensor:
        """Log-probability of every answer, [..., items, alternatives]."""
        return mix_choices(-scores if self.worst else scores, mistakes)

    def simulate(self, scores: Floats, rng: Generator) -> Floats:
        """Positions drawn given the alternatives' scores."""
        return simulate_picks(-scores if self.worst else scores, rng)


@dataclass(frozen=True, slots=True)
class Ranking:
    """The number of an order, best first, among all orders (Plackett-Luce); see `losses.all_orders`."""

    question: str = "In which order are these, best first?"
    shown: Shown = "several"

    def loss(self, scores: Tensor, answers: Tensor, mistakes: Mistakes) -> Tensor:
        """Nats; `scores` are those of the alternatives."""
        return ranking_loss(scores, answers, mistakes)

    def log_chances(self, scores: Tensor, mistakes: Mistakes) -> Tensor:
        """Log-probability of every order, [..., items, orders]."""
        codes = torch.arange(len(all_orders(scores.shape[-1])))
        every = scores.unsqueeze(-2).expand(*scores.shape[:-1], len(codes), scores.shape[-1])
        return -ranking_loss(every, codes.expand(every.shape[:-1]), mistakes)

    def simulate(self, scores: Floats, rng: Generator) -> Floats:
        """Orders drawn given the alternatives' scores."""
        return simulate_orders(scores, rng)


KINDS: Mapping[Kind, KindOfJudgment] = {
    "preference": Preference(),
    "label": Label(),
    "rating": Rating(),
    "best": Choice("Which of these is best?"),
    "ranking": Ranking(),
    "demonstration": Choice("Show how it is done."),
    "goal": Choice("Show what it looks like when it is done."),
    "correction": Choice("What should have been done at this step?"),
    "critique": Choice("Which of these is worst?", worst=True),
}

BY_STEP: frozenset[Kind] = frozenset({"goal", "correction", "critique"})
"""Kinds about single steps of episodes; a critique points at a part instead where outcomes have parts."""
PLAIN: tuple[Kind, ...] = ("preference", "rating", "label")
"""Kinds by which a judge can order two outcomes, those that say most about the order first."""


def choice_of(name: Kind) -> Choice | Ranking:
    """The kind of that name, which must show several."""
    return cast(Choice | Ranking, KINDS[name])


def kind_of(name: Kind, ties: float = 0.0) -> KindOfJudgment:
    """The kind of that name, ties of preferences having a weight of their own."""
    kind = KINDS[name]
    return replace(kind, ties=ties) if ties and isinstance(kind, Preference) else kind


def chosen_and_other(name: Kind, scores: Floats, answers: Floats, rng: Generator) -> Floats:
    """Of each choice, how far what was preferred lies above a random one of the others.

    Args:
        name: a kind that shows several.
        scores: of the alternatives, [items, alternatives].
        answers: [items]; none of them "cannot tell".
        rng: what the others are drawn with.
    """
    kind, rows = KINDS[name], np.arange(len(scores))
    best = first_places(name, answers, scores.shape[1])
    other = (best + rng.integers(1, scores.shape[1], len(rows))) % scores.shape[1]
    margins = scores[rows, best] - scores[rows, other]
    return cast(Floats, -margins if isinstance(kind, Choice) and kind.worst else margins)


def first_places(name: Kind, answers: Floats, alternatives: int) -> Ints:
    """Positions of what was chosen, or ranked first, [items]."""
    codes = answers.astype(np.int64)
    return all_orders(alternatives)[codes, 0] if name == "ranking" else codes
