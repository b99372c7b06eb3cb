"""Judgments → reward model.

In: judged outcomes, what a network sees of them, a network's builder. Out: a Distilled.
Touches nothing; all randomness derives from the seed.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rrm_tree.contracts import Network, Shapes
from rrm_tree.errors import TrainingError
from rrm_tree.feedback import Kind
from rrm_tree.learning.cases import Cases, make_cases, split_cases
from rrm_tree.learning.ensemble import Ensemble
from rrm_tree.learning.facts import Ordered, add_up, answers_differ, describe, order_answers
from rrm_tree.learning.fit import DistillOptions, Fitted, Fitting, HeldOut, Lesson, Pass, fit, score_cases
from rrm_tree.learning.foresight import promise
from rrm_tree.learning.reward_model import RewardModel
from rrm_tree.learning.together import finish, finish_together
from rrm_tree.outcomes import Arrays, Ints, Judged
from rrm_tree.records import JudgmentFacts, Promise

__all__ = ["DistillOptions", "Distilled", "Distilling", "Evidence", "distill", "distill_together"]

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

    every: tuple[Cases, ...]
    """Of each kind of judgment."""
    network: Network
    shapes: Shapes
    options: DistillOptions
    seed: int

    def fit(self, lessons: Sequence[Lesson], members: int, steps: int | None, stream: int) -> Fitting:
        """A fresh ensemble, trained on some cases."""
        ensemble = Ensemble.build(self.network, self.shapes, members, self.seed + stream)
        options = replace(self.options, ensemble=members, optimiser_steps=steps)
        return fit(ensemble, lessons, options, self.rng(stream))

    def folds(self, share: float, stream: int) -> list[list[Ints]]:
        """The cases of every kind in folds."""
        return [
            split_cases(cases, share, self.rng(stream, *([place] if place else [])))
            for place, cases in enumerate(self.every)
        ]

    def rng(self, *streams: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *streams])


@dataclass(frozen=True)
class Evidence:
    """Judgments of one kind."""

    judged: Judged
    inputs: Arrays
    """What a network sees of the outcomes."""


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
    beside: tuple[Evidence, ...] = ()
    """Judgments of other kinds, which teach the same model; the first kind sets the scale of its scores."""

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
    beside: tuple[Evidence, ...] = (),
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
        beside: judgments of other kinds, which teach the same model.

    Raises:
        TrainingError: an input, answer or loss was not a number.
    """
    return Distilling(judged, inputs, network, shapes, options, exclusive, seed, beside).alone()


def distill_together(every: Sequence[Distilling]) -> list[Distilled | Exception]:
    """The same of several at once: what each returns, with the bytes that it has alone, or raises."""
    return finish_together([_distill(what) for what in every])


def _distill(what: Distilling) -> Generator[Pass, None, Distilled]:
    every, shapes, options = (Evidence(what.judged, what.inputs), *what.beside), what.shapes, what.options
    for one in every:
        _check(one.judged, one.inputs)
    by_kind = [_cases_of(one, what) for one in every]
    # A kind whose answers are all alike says nothing, whatever the others say.
    telling = tuple(cases for cases in by_kind if answers_differ(cases))
    if not telling:
        nothing = [describe(one.judged, np.zeros(0), np.zeros(0), informative=False) for one in every]
        facts = add_up(nothing, [one.judged.kind for one in every])
        return Distilled(None, facts, 0, 0, (_all_alike(facts),))
    training = _Training(telling, what.network, shapes, options, what.seed)
    lessons = [
        _lesson(cases, folds, options.held_out)
        for cases, folds in zip(telling, training.folds(options.held_out, 0), strict=True)
    ]
    fitted = yield from training.fit(lessons, options.ensemble, options.optimiser_steps, 1)
    ordered = _order(telling, fitted.held_out, training.rng(2))
    steps = fitted.optimiser_steps
    if not ordered.above_chance and any(len(lesson.held) for lesson in lessons):
        ordered, cost = yield from _cross_fit(training, steps)
        steps += cost
    informative = ordered.above_chance or not ordered.only_chance
    told = dict(zip((cases.kind for cases in telling), fitted.held_out, strict=True))
    facts = _facts(every, told, informative)
    warnings = _doubts(ordered)
    if not informative:
        return Distilled(None, facts, steps, fitted.epochs, warnings)
    first, held = lessons[0], fitted.held_out[0]
    of = first.cases.items_of(first.held)[1]
    kept = promise(first.cases.kind, held.scores, held.answers, of, options.mistakes)
    model = _finish(fitted, first.cases, options.level_members)
    return Distilled(model, facts, steps, fitted.epochs, warnings, kept)


def _cases_of(one: Evidence, what: Distilling) -> Cases:
    factorised = what.shapes.parts > 1 or what.shapes.values > 1
    actions = one.judged.outcomes.actions if factorised else None
    return make_cases(one.judged, one.inputs, actions, what.exclusive)


def _lesson(cases: Cases, folds: Sequence[Ints], share: float) -> Lesson:
    """Cases whose fold of about that share is held out."""
    held = _nearest(folds, share * len(cases)) if len(folds) > 1 else np.zeros(0, np.int64)
    return Lesson(cases, np.setdiff1d(np.arange(len(cases)), held), held)


def _facts(every: Sequence[Evidence], told: Mapping[Kind, HeldOut], informative: bool) -> JudgmentFacts:
    """The facts of all judgments, by kind where there are several."""
    nothing = HeldOut(np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
    held = [told.get(one.judged.kind, nothing) for one in every]
    facts = [
        describe(one.judged, found.scores, found.answers, informative)
        for one, found in zip(every, held, strict=True)
    ]
    return add_up(facts, [one.judged.kind for one in every])


def _finish(fitted: Fitted, cases: Cases, level_members: bool) -> RewardModel:
    """The reward model with its output brought to a common scale where scores have none."""
    ones = np.ones(fitted.ensemble.shapes.criteria)
    plain = RewardModel(fitted.ensemble, cases.by_chance, np.zeros_like(ones), ones)
    if cases.kind == "label" or cases.by_chance:
        return plain
    judged = np.unique(cases.rows)
    inputs = {name: values[judged] for name, values in cases.inputs.items()}
    actions = None if cases.actions is None else cases.actions[judged]
    model = plain.normalised(inputs, actions, cases.mask[judged])
    return model.levelled(inputs, actions, cases.mask[judged]) if level_members else model


def _cross_fit(training: _Training, steps: int) -> Generator[Pass, None, tuple[Ordered, int]]:
    """Single members held to account on every fold, and the optimiser steps that they took."""
    options, folds = training.options, training.folds(1 / CROSS_FITS, 3)
    ordered, cost = Ordered(0, 0), 0
    for one in range(max(map(len, folds))):
        left = None if options.optimiser_steps is None else options.optimiser_steps - steps - cost
        taught = [
            (_between(cases, of[one], of[one - 1]), of[one])
            for cases, of in zip(training.every, folds, strict=True)
            if one < len(of)
        ]
        taught = [(lesson, fold) for lesson, fold in taught if len(lesson.train)]
        if not taught or (left is not None and left <= 0):
            continue
        lessons = [lesson for lesson, _ in taught]
        fitted = yield from training.fit(lessons, 1, left, 4 + one)
        found = [
            score_cases(fitted.ensemble, lesson.cases, fold, readout)
            for (lesson, fold), readout in zip(taught, fitted.readouts, strict=True)
        ]
        ordered += _order([lesson.cases for lesson in lessons], found, training.rng(20 + one))
        cost += fitted.optimiser_steps
    return ordered, cost


def _between(cases: Cases, fold: Ints, stop: Ints) -> Lesson:
    """All cases but those of a fold, which are asked about, and of another, which tells when to stop."""
    train = np.setdiff1d(np.arange(len(cases)), np.concatenate([fold, stop]))
    return Lesson(cases, train, stop)


def _order(every: Sequence[Cases], held: Sequence[HeldOut], rng: np.random.Generator) -> Ordered:
    """How many pairs of held-out answers to the same question the scores order rightly."""
    found = Ordered(0, 0)
    for cases, told in zip(every, held, strict=True):
        for criterion in np.unique(told.criterion):
            of = told.criterion == criterion
            found += order_answers(cases.kind, told.scores[of], told.answers[of], rng)
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
