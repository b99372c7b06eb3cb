"""Judgments → reward model.

In: judged outcomes, what a network sees of them, a network's builder. Out: a Distilled.
Touches nothing; all randomness derives from the seed.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rrm_tree.contracts import Network, Shapes
from rrm_tree.errors import TrainingError
from rrm_tree.learning.cases import Cases, make_cases, split_cases
from rrm_tree.learning.ensemble import Ensemble
from rrm_tree.learning.facts import Ordered, answers_differ, describe, order_answers
from rrm_tree.learning.fit import DistillOptions, Fitted, Fitting, HeldOut, Pass, fit, score_cases
from rrm_tree.learning.foresight import promise
from rrm_tree.learning.reward_model import RewardModel
from rrm_tree.learning.together import finish, finish_together
from rrm_tree.outcomes import Arrays, Ints, Judged
from rrm_tree.records import JudgmentFacts, Promise

__all__ = ["DistillOptions", "Distilled", "Distilling", "distill", "distill_together"]

CROSS_FITS = 5
"""Folds, each ordered by a member that has not seen it, when the held-out cases do not show that
anything was learned. Another fold stops each member: one that is stopped where its own fold comes
out best would find skill in coin flips."""


@dataclass(frozen=True)
class Distilled:
    """A reward model, or the reason why there is none."""

    model: RewardModel | None
    """None where the judgments carry no information."""
    facts: JudgmentFacts
    optimiser_steps: int
    epochs: int
    warnings: tuple[str, ...]
    held_out: Promise | None = None
    """What the model promises about the held-out judgments, and keeps."""


@dataclass(frozen=True)
class _Training:
    """What is the same for every fit to these judgments."""

    cases: Cases
    network: Network
    shapes: Shapes
    options: DistillOptions
    seed: int

    def fit(self, train: Ints, held: Ints, members: int, steps: int | None, stream: int) -> Fitting:
        """A fresh ensemble, trained on some cases."""
        ensemble = Ensemble.build(self.network, self.shapes, members, self.seed + stream)
        options = replace(self.options, ensemble=members, optimiser_steps=steps)
        return fit(ensemble, self.cases, train, held, options, self.rng(stream))

    def rng(self, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream])


@dataclass(frozen=True)
class Distilling:
    """What is to be distilled, and how; as `distill` is told."""

    judged: Judged
    inputs: Arrays
    network: Network
    shapes: Shapes
    options: DistillOptions
    exclusive: bool
    seed: int

    def alone(self) -> Distilled:
        """The reward model; see `distill`."""
        return finish(_distill(self))


def distill(  # noqa: PLR0913 - one call a round; every argument is a different thing
    judged: Judged,
    inputs: Arrays,
    *,
    network: Network,
    shapes: Shapes,
    options: DistillOptions,
    exclusive: bool,
    seed: int,
) -> Distilled:
    """A reward model under which the judgments are likely.

    Args:
        judged: outcomes, items and answers; NaN answers ("cannot tell") are left out.
        inputs: what a network sees of the outcomes, each [n, T, ...] or [n, 1, ...].
        network: builds one member.
        shapes: what it is built for; with more than one part or value, `judged.outcomes.actions`
            are integers [n, T, parts].
        options: how to train.
        exclusive: exactly one value of each part is right.
        seed: the same seed gives the same bytes on the same machine and number of threads.

    Raises:
        TrainingError: an input, answer or loss was not a number.
    """
    return Distilling(judged, inputs, network, shapes, options, exclusive, seed).alone()


def distill_together(every: Sequence[Distilling]) -> list[Distilled | Exception]:
    """The same of several at once: what each returns, with the bytes that it has alone, or raises."""
    return finish_together([_distill(what) for what in every])


def _distill(what: Distilling) -> Generator[Pass, None, Distilled]:
    judged, inputs, shapes, options = what.judged, what.inputs, what.shapes, what.options
    _check(judged, inputs)
    factorised = shapes.parts > 1 or shapes.values > 1
    cases = make_cases(judged, inputs, judged.outcomes.actions if factorised else None, what.exclusive)
    if not answers_differ(cases):
        facts = describe(judged, np.zeros(0), np.zeros(0), informative=False)
        return Distilled(None, facts, 0, 0, (_all_alike(facts),))
    training = _Training(cases, what.network, shapes, options, what.seed)
    folds = split_cases(cases, options.held_out, training.rng(0))
    held = _nearest(folds, options.held_out * len(cases)) if len(folds) > 1 else np.zeros(0, np.int64)
    train = np.setdiff1d(np.arange(len(cases)), held)
    fitted = yield from training.fit(train, held, options.ensemble, options.optimiser_steps, 1)
    ordered = _order(cases, fitted.held_out, training.rng(2))
    steps = fitted.optimiser_steps
    if not ordered.above_chance and len(folds) > 1:
        ordered, cost = yield from _cross_fit(training, steps)
        steps += cost
    informative = ordered.above_chance or not ordered.only_chance
    facts = describe(judged, fitted.held_out.scores, fitted.held_out.answers, informative)
    warnings = _doubts(ordered)
    if not informative:
        return Distilled(None, facts, steps, fitted.epochs, warnings)
    of, told = cases.items_of(held)[1], fitted.held_out
    kept = promise(cases.kind, told.scores, told.answers, of, options.mistakes)
    model = _finish(fitted, cases, options.level_members)
    return Distilled(model, facts, steps, fitted.epochs, warnings, kept)


def _finish(fitted: Fitted, cases: Cases, level_members: bool) -> RewardModel:
    """The reward model with its output brought to a common scale where scores have none."""
    ones = np.ones(fitted.ensemble.shapes.criteria)
    plain = RewardModel(fitted.ensemble, cases.exclusive and cases.kind == "label", np.zeros_like(ones), ones)
    if cases.kind == "label":
        return plain
    judged = np.unique(cases.rows)
    inputs = {name: values[judged] for name, values in cases.inputs.items()}
    actions = None if cases.actions is None else cases.actions[judged]
    model = plain.normalised(inputs, actions, cases.mask[judged])
    return model.levelled(inputs, actions, cases.mask[judged]) if level_members else model


def _cross_fit(training: _Training, steps: int) -> Generator[Pass, None, tuple[Ordered, int]]:
    """Single members held to account on every fold, and the optimiser steps that they took."""
    options, cases = training.options, training.cases
    folds = split_cases(cases, 1 / CROSS_FITS, training.rng(3))
    ordered, cost = Ordered(0, 0), 0
    for one, fold in enumerate(folds):
        left = None if options.optimiser_steps is None else options.optimiser_steps - steps - cost
        stop = folds[one - 1]
        train = np.setdiff1d(np.arange(len(cases)), np.concatenate([fold, stop]))
        if not len(train) or (left is not None and left <= 0):
            continue
        fitted = yield from training.fit(train, stop, 1, left, 4 + one)
        ordered += _order(cases, score_cases(fitted.ensemble, cases, fold), training.rng(20 + one))
        cost += fitted.optimiser_steps
    return ordered, cost


def _order(cases: Cases, held: HeldOut, rng: np.random.Generator) -> Ordered:
    """How many pairs of held-out answers to the same question the scores order rightly."""
    found = Ordered(0, 0)
    for criterion in np.unique(held.criterion):
        of = held.criterion == criterion
        found += order_answers(cases.kind, held.scores[of], held.answers[of], rng)
    return found


def _nearest(folds: Sequence[Ints], size: float) -> Ints:
    return min(folds, key=lambda fold: abs(len(fold) - size))


def _check(judged: Judged, inputs: Arrays) -> None:
    for name, values in inputs.items():
        if not np.isfinite(values).all():
            where = np.argwhere(~np.isfinite(values))[0]
            raise TrainingError(
                f"input '{name}' of the reward model: outcome {where[0]} has {values[tuple(where)]};"
                " every number that a task encodes must be finite"
            )
    if np.isinf(judged.answers.values).any():
        raise TrainingError("a judge's answer is infinite; answer NaN for 'cannot tell'")


def _all_alike(facts: JudgmentFacts) -> str:
    told = facts.judgments - facts.cannot_tell
    if not told:
        return "these judgments carry no information: the judge could tell nothing"
    if facts.ties == told:
        return f"these judgments carry no information: all {told} are ties"
    return f"these judgments carry no information: all {told} answers are alike"


def _doubts(ordered: Ordered) -> tuple[str, ...]:
    """What to say of judgments that the reward model does not predict better than chance."""
    if ordered.above_chance:
        return ()
    found = (
        f"of {ordered.pairs} held-out pairs of answers the reward model ordered {ordered.right}"
        " as the judge did (chance: half)"
    )
    if ordered.only_chance:
        return (f"these judgments carry no information: {found}",)
    return (f"not shown to be better than chance: {found}; more judgments would tell",)
