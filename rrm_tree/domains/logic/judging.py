"""A person in the logic world: knows the rules, misreads now and then, and has little patience.

In: a Request about logic tasks. Out: labels or preferences, with the looks that they took.
Touches nothing but the request's generator.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from rrm_tree.contracts import Request, Task
from rrm_tree.domains.logic.task import CLAIM, LogicTask
from rrm_tree.domains.logic.world import Bools
from rrm_tree.feedback import TOO_LONG
from rrm_tree.outcomes import Advice, Answers, Arrays, Floats, Ints, Outcomes, take_rows


class Person:
    """Works out what holds by looking: at helpers' claims where there are any, otherwise at bits."""

    version = "1"
    kinds = ("label", "preference")
    direct = True
    tasks: tuple[str, ...] | None = ("logic.bit", "logic.gate", "logic.circuit")

    def __init__(self, look_error: float, read_error: float, looks: int, when_out: str) -> None:
        self.look_error = look_error
        self.read_error = read_error
        self.looks = looks
        self.when_out = when_out

    def answer(self, request: Request) -> Answers:
        """Label: whether the claim is what the person finds. Preference: whose claim is.

        A place that both outcomes of a pair are about is worked out once.
        """
        task, items = cast(LogicTask, request.task), request.items
        first, looks = self._check(task, request.outcomes, request.advice, items.first, request.rng)
        if items.second is None:
            return self._give(first, looks)
        second, more = self._check(task, request.outcomes, request.advice, items.second, request.rng)
        same = _same(request.outcomes.subjects, items.first, items.second)
        again = np.where(
            request.outcomes.actions[items.first, 0, 0] == request.outcomes.actions[items.second, 0, 0],
            first,
            1 - first,
        )
        second = np.where(same, again, second)
        return self._give(0.5 + 0.5 * (first - second), looks + np.where(same, 0, more))

    def _give(self, values: Floats, looks: Ints) -> Answers:
        """The answers; of who may run out of looks and says so, with the reason."""
        if self.when_out != "cannot tell":
            return Answers(values, looks)
        return Answers(values, looks, reason=np.where(np.isnan(values), TOO_LONG, 0))

    def solve_looks(self, task: Task, subjects: Arrays, rng: np.random.Generator) -> Floats:
        """Every bit that decides."""
        circuit = cast(LogicTask, task).circuit
        return np.full(len(subjects["index"]), float(circuit.leaves * circuit.window))

    def _check(
        self, task: LogicTask, outcomes: Outcomes, advice: Advice, rows: Ints, rng: np.random.Generator
    ) -> tuple[Floats, Ints]:
        """Whether each outcome's claim is what the person finds (NaN: cannot tell), and the looks."""
        claims = advice.of(CLAIM) if task.circuit.gates else []
        if claims:
            shown = np.stack([helper[rows] for helper in claims], axis=-1)
            seen, unseen = self._look(shown != 0, self.read_error, rng)
            # Helpers who were asked the same are outvoted; an even vote falls to the first.
            votes = seen.sum(-1) + np.where(seen[..., 0], 0.25, -0.25)
            found = task.circuit.top(votes > seen.shape[-1] / 2)
        else:
            subjects = take_rows(outcomes.subjects, rows)
            raw = task.circuit.raw_bits(subjects["bits"], subjects["index"])
            seen, unseen = self._look(raw, self.look_error, rng)
            found = task.circuit.climb(task.circuit.leaf_values(seen))
        agrees = (outcomes.actions[rows, 0, 0] == found).astype(np.float64)
        if unseen and self.when_out == "cannot tell":
            agrees[:] = np.nan
        return agrees, np.full(len(rows), seen[0].size - unseen if len(rows) else 0, np.int64)

    def _look(self, real: Bools, error: float, rng: np.random.Generator) -> tuple[Bools, int]:
        """What is seen of [n, ...] in order, each misread at the rate; the rest is guessed by coin."""
        flat = real.reshape(len(real), -1)
        seen = np.logical_xor(flat, rng.random(flat.shape) < error)
        unseen = max(0, flat.shape[1] - self.looks)
        if unseen:
            seen[:, self.looks :] = rng.random((len(flat), unseen)) < 0.5
        return np.asarray(seen.reshape(real.shape)), unseen


def _same(subjects: Arrays, first: Ints, second: Ints) -> Bools:
    """Whether two outcomes are about the same subject, [items]."""
    return np.asarray(
        (subjects["bits"][first] == subjects["bits"][second]).all(-1)
        & (subjects["index"][first] == subjects["index"][second])
    )
