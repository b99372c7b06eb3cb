"""What a reward model promises about judgments it has not seen, and what it keeps.

In: a reward model and judgments. Out: a Promise. Touches nothing.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, ndtr, softmax

from rrm_tree.contracts import Network
from rrm_tree.feedback import Kind
from rrm_tree.learning.cases import make_cases
from rrm_tree.learning.fit import score_cases
from rrm_tree.learning.kinds import KINDS, first_places
from rrm_tree.learning.reward_model import RewardModel
from rrm_tree.outcomes import Arrays, Floats, Ints, Judged
from rrm_tree.records import Promise

LEAST_CASES = 2


def foretell(
    network: Network, reward: Arrays, judged: Judged, inputs: Arrays, mistakes: float
) -> Promise | None:
    """How right this reward model is about judgments that it has not learned from; None for too few.

    Args:
        network: builds one member.
        reward: the reward model's arrays.
        judged: outcomes, items and answers.
        inputs: what the network sees of the outcomes.
        mistakes: share of the answers taken to be given at random.
    """
    model = RewardModel.from_arrays(network, reward)
    factorised = model.shapes.parts > 1 or model.shapes.values > 1
    cases = make_cases(judged, inputs, judged.outcomes.actions if factorised else None, model.exclusive)
    every = np.arange(len(cases))
    found = score_cases(model.ensemble, cases, every)
    return promise(judged.kind, found.scores, found.answers, cases.items_of(every)[1], mistakes)


def promise(kind: Kind, scores: Floats, answers: Floats, case: Ints, mistakes: float) -> Promise | None:
    """What scores promise about these answers and what they keep; None for too few.

    Ratings are taken two by two, as which of the two is higher.

    Args:
        kind: of the answers.
        scores: log-odds of the answers, or expected ratings, [items].
        answers: none of them "cannot tell", [items].
        case: outcome or pair that each is about: those about the same are no independent evidence, [items].
        mistakes: share of labels and preferences taken to be given at random.
    """
    if not len(answers):
        return None
    if KINDS[kind].shown == "several":
        return _promise_choices(kind, scores, answers, case, mistakes)
    if kind == "rating":
        pairs = len(scores) // 2
        scores, later = scores[: 2 * pairs : 2], scores[1 : 2 * pairs : 2]
        answers, other = answers[: 2 * pairs : 2], answers[1 : 2 * pairs : 2]
        scores, answers, case = scores - later, 0.5 + 0.5 * np.sign(answers - other), case[: 2 * pairs : 2]
        chance = ndtr(scores / np.sqrt(2))
    else:
        chance = mistakes / 2 + (1 - mistakes) * expit(scores)
    right = 0.5 + 0.5 * np.sign(scores) * np.sign(answers - 0.5)
    return _by_case(np.maximum(chance, 1 - chance), right, case)


def _promise_choices(
    kind: Kind, scores: Floats, answers: Floats, case: Ints, mistakes: float
) -> Promise | None:
    """The same of choices among several: of a ranking, which comes first."""
    # "Which is worst" is a choice of what scores least.
    chances = softmax(-scores if kind == "critique" else scores, axis=1)
    chances = mistakes / chances.shape[1] + (1 - mistakes) * chances
    right = (chances.argmax(axis=1) == first_places(kind, answers, chances.shape[1])).astype(np.float64)
    return _by_case(chances.max(axis=1), right, case)


def _by_case(expected: Floats, right: Floats, case: Ints) -> Promise | None:
    """The promise of answers, those about the same outcomes being one piece of evidence."""
    _, place, sizes = np.unique(case, return_inverse=True, return_counts=True)
    if len(sizes) < LEAST_CASES:
        return None
    by_case = np.stack([np.bincount(place, expected) / sizes, np.bincount(place, right) / sizes])
    spread = np.cov(by_case)
    return Promise(
        expected=float(by_case[0].mean()),
        right=float(by_case[1].mean()),
        expected_variance=float(spread[0, 0]),
        right_variance=float(spread[1, 1]),
        covariance=float(spread[0, 1]),
        count=len(sizes),
    )
