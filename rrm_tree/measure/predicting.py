"""What a judge's accuracy should be: ideal advice that errs as often as its helpers were seen to err.

In: hearings, the helpers' confusions. Out: predictions, and the confusions that the parents need.
Evaluation alone: nothing is trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

from rrm_tree.contracts import Agent, Factorised, Perfect, Task
from rrm_tree.corrupting import Answers, ConfusedHelper
from rrm_tree.measure.bench import Bench
from rrm_tree.measure.hearing import Hearing
from rrm_tree.outcomes import Advice, Floats, Ints
from rrm_tree.propagation.clustered import estimate_clustered, estimate_clustered_share
from rrm_tree.propagation.prediction import Confusion, Prediction

ERRORS_STREAM = 13

REPEATS = 8
"""How often advice is confused anew; the judge's own luck is the same each time."""


@dataclass(frozen=True)
class Known:
    """What is known of the helpers of a node: how often each says what."""

    measured: Mapping[str, Confusion]
    composed: Mapping[str, Confusion]
    """The same as foretold from below."""


def has_values(task: Task) -> bool:
    """Whether answers are values of parts of which it is known which is right."""
    return isinstance(task, Factorised) and isinstance(task, Perfect)


def count_confusion(bench: Bench, agent: Agent) -> Confusion | None:
    """How often an agent says each value where each is true, over all parts of its best answers.

    On held-out subjects: proposals of the node's parents, as when it helps them.
    """
    task = bench.station.task
    if not has_values(task):
        return None
    about = bench.pair_subjects.subjects
    ideal = cast(Perfect, task).ideal(about).actions
    said = bench.act(agent.act, about, bench.rng(9), explore=False).actions
    return tally(ideal, said, cast(Factorised, task).part_values)


def tally(true: Ints, said: Ints, values: int) -> Confusion:
    """How often each value is said where each is true."""
    place = true.astype(np.int64).ravel() * values + said.astype(np.int64).ravel()
    counts = np.bincount(place, minlength=values * values).reshape(values, values)
    return Confusion(counts=tuple(tuple(float(count) for count in row) for row in counts))


def foretell_right(hearing: Hearing, confusions: Mapping[str, Confusion]) -> Floats | None:
    """What the judge should put right, pair by pair; None where a helper's confusion is not known."""
    if not hearing.helpers or set(hearing.helpers) - set(confusions) or not len(hearing.pairs):
        return None
    total = np.zeros(len(hearing.pairs))
    for repeat in range(REPEATS):
        confused: dict[str, Answers] = {
            # Another seed for each helper: two who are asked the same do not err together.
            name: ConfusedHelper(helper, np.array(confusions[name].rates), repeat * len(confusions) + place)
            for place, (name, helper) in enumerate(sorted(hearing.perfect.items()))
        }
        total += hearing.right(hearing.advise(confused))
    return total / REPEATS


def foretell_by_errors(hearing: Hearing) -> Floats | None:
    """The same where helpers say numbers: ideal ones with the errors that were made about other pairs.

    All that a pair's two outcomes were told is exchanged at once, so that the errors of helpers who are
    asked the same, or who have helpers in common, keep their covariance; that errors follow from
    what is asked, or are larger where it counts, is left out. For a judge who adds up such numbers,
    and normal errors, it gives `order_chance`. None where a helper says no numbers, or knows no ideal.
    """
    if not hearing.helpers or len(hearing.perfect) < len(hearing.helpers) or not len(hearing.pairs):
        return None
    said, ideal = hearing.trained, hearing.ideal
    if not all(np.issubdtype(values.dtype, np.floating) for values in said.values.values()):
        return None
    errors = {place: values - ideal.values[place] for place, values in said.values.items()}
    rng, count = hearing.bench.rng(ERRORS_STREAM), len(hearing.pairs)
    total = np.zeros(count)
    for _ in range(REPEATS):
        other = rng.permutation(count)
        rows = np.concatenate([other, count + other])
        told = {place: ideal.values[place] + made[rows] for place, made in errors.items()}
        total += hearing.right(Advice(told, said.kinds))
    return total / REPEATS


def predict(hearing: Hearing, known: Known) -> Prediction | None:
    """The judge's share of pairs put right, as measured and as foretold."""
    right = foretell_right(hearing, known.measured)
    if right is None:
        right = foretell_by_errors(hearing)
    if right is None:
        return None
    composed, root = foretell_right(hearing, known.composed), hearing.pairs.root
    return Prediction(
        distribution=hearing.distribution,
        measured=estimate_clustered_share(hearing.assisted, root),
        predicted=float(right.mean()),
        unexplained=estimate_clustered(right - hearing.assisted, root),
        composed=None if composed is None else float(composed.mean()),
    )


def compose_confusion(hearing: Hearing, known: Known, agent: Confusion | None) -> Confusion | None:
    """An agent's confusion with what is foretold of its judge in place of what was measured.

    What distilling and acting change is taken as measured: it is added to the foretold judge's rates.
    Nodes whose judge asks nobody, or whose answers have more than two values, keep their own.
    """
    if agent is None or not hearing.bench.station.settled_by_one:
        return agent
    foretold = foretell_right(hearing, known.composed)
    if foretold is None:
        return agent
    better = hearing.pairs.better_value
    rows = []
    for true, counts in enumerate(agent.counts):
        chosen, total = better == true, sum(counts)
        moved = float((hearing.assisted - foretold)[chosen].mean()) if chosen.any() else 0.0
        wrong = min(max((total - counts[true]) / total + moved, 0.0), 1.0) if total else 0.0
        rows.append(tuple(total * (1 - wrong if said == true else wrong) for said in range(2)))
    return Confusion(counts=tuple(rows))
