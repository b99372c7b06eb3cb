"""Does a judge keep its contract?

In: a judge, and a task that it can judge. Out: nothing, or one PluginError.
Touches nothing but what the judge touches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast, get_args

import numpy as np

from rrm_tree.contracts import Demonstrator, Judge, Request, Solver, Task
from rrm_tree.feedback import DEMONSTRATED, Kind
from rrm_tree.judges import answering
from rrm_tree.learning.kinds import KINDS as KINDS_OF_JUDGMENT
from rrm_tree.learning.losses import all_orders
from rrm_tree.outcomes import Advice, Answers, Arrays, Items, join_outcomes
from rrm_tree.testing.findings import Findings, copied, finite, same
from rrm_tree.testing.scenes import CRITERION, advise, play, start

KINDS: tuple[Kind, ...] = get_args(Kind)
ALLOWED = {"label": "0 or 1", "preference": "from 0 to 1", "rating": "finite numbers"}
ALTERNATIVES = 3
"""Outcomes that are shown where a judge chooses among several."""


def check_judge(  # noqa: PLR0913 - a scene
    judge: Judge | Callable[[Request], object],
    task: Task,
    *,
    subjects: Arrays | None = None,
    helpers: Sequence[Task] = (),
    criterion: str = CRITERION,
    kinds: Sequence[str] | None = None,
    rng_seed: int = 0,
) -> None:
    """Put a handful of questions of every kind to a judge; of one whose answers come later, read its facts.

    Args:
        judge: what is checked; a function of a Request is checked as the judge that it makes.
        task: a task that it can judge.
        subjects: what the task's episodes are about; may be left out if it starts by itself.
        helpers: tasks whose advice is shown; a judge that is not `direct` needs them.
        criterion: the criterion that asks them.
        kinds: kinds of judgment to ask for; all that it declares if left out.
        rng_seed: seed of everything that is drawn.

    Raises:
        PluginError: with everything that was found.
    """
    if not hasattr(judge, "answer"):
        judge = answering(judge)()
    judge = cast(Judge, judge)
    findings = Findings(judge)
    rng = np.random.default_rng(rng_seed)
    _check_facts(findings, judge)
    findings.close()
    if getattr(judge, "deferred", False) or getattr(judge, "taped", False):
        return
    about = start(task, subjects, rng)
    outcomes = join_outcomes([play(task, about, rng) for _ in range(ALTERNATIVES)])
    shown = [Advice()] if judge.direct else []
    if helpers:
        shown.append(advise(task, outcomes, helpers, rng, criterion))
    for kind in cast(tuple[Kind, ...], kinds or judge.kinds):
        for advice in shown:
            where = f"answer, kind {kind}, {'with' if advice.values else 'without'} advice"
            with findings.during(where):
                items = _items(kind, task, len(outcomes) // ALTERNATIVES)
                request = Request(task, kind, ("Is it right?",), outcomes, advice, items, rng)
                if kind in DEMONSTRATED:
                    _check_demonstrations(findings, judge, request, where)
                else:
                    _check_answers(findings, judge, request, where)
    if isinstance(judge, Solver):
        with findings.during("solve_looks"):
            looks = judge.solve_looks(task, about, np.random.default_rng(rng_seed))
            fits = (
                looks.shape == (len(outcomes) // ALTERNATIVES,) and finite(looks) and bool((looks >= 0).all())
            )
            findings.expect(fits, "solve_looks", "must give a number of looks from 0 for each subject")
    findings.close()


def _check_facts(findings: Findings, judge: Judge) -> None:
    version = getattr(judge, "version", None)
    findings.expect(isinstance(version, str) and version != "", "version", "must be a text such as '1'")
    kinds = getattr(judge, "kinds", None)
    known = isinstance(kinds, tuple) and len(kinds) > 0 and set(kinds) <= set(KINDS)
    findings.expect(known, "kinds", f"is {kinds!r}, expected a tuple with one or more of {', '.join(KINDS)}")
    findings.expect(
        isinstance(getattr(judge, "direct", None), bool),
        "direct",
        "must say whether it can judge without helpers, True or False",
    )
    tasks = getattr(judge, "tasks", 0)
    named = tasks is None or (isinstance(tasks, tuple) and all(isinstance(one, str) for one in tasks))
    findings.expect(named, "tasks", "must be a tuple of registered task names, or None for any")


def _items(kind: Kind, task: Task, count: int) -> Items:
    """Several outcomes about each of `count` subjects, asked about once each, or against each other."""
    ends = {"one": 1, "two": 2, "several": ALTERNATIVES}[KINDS_OF_JUDGMENT[kind].shown]
    rows = np.arange(2 * count) if ends == 1 else np.arange(count)
    alternatives, zeros = rows[:, None] + count * np.arange(ends), np.zeros(len(rows), np.int64)
    if kind == "critique" and task.parts > 1:
        parts = (rows[:, None] + np.arange(min(ALTERNATIVES, task.parts))) % task.parts
        return Items(rows, None, parts[:, 0], zeros, parts=parts)
    return Items.among(alternatives, rows % task.parts, zeros)


def _check_demonstrations(findings: Findings, judge: Judge, request: Request, where: str) -> None:
    """One episode an item, the same from equal generators."""
    if not isinstance(judge, Demonstrator):
        findings.expect(False, where, "has no `demonstrate`, though it says that it gives these")
        return
    (done, looks), (again, _) = (
        judge.demonstrate(replace(request, rng=np.random.default_rng(7))) for _ in range(2)
    )
    wanted = len(request.items)
    findings.expect(len(done) == wanted, where, f"gave {len(done)} episodes for {wanted} items")
    findings.expect(np.shape(looks) == (wanted,), where, f"gave looks of shape {np.shape(looks)}")
    findings.expect(
        same(done.arrays(), again.arrays()), where, "differs under equal generators; draw from `request.rng`"
    )


def _check_answers(findings: Findings, judge: Judge, request: Request, where: str) -> None:
    """Shapes, ranges, the same answers from equal generators, and nothing changed in place."""
    outcomes, advice = request.outcomes, request.advice
    before, told = copied(outcomes.arrays()), copied(advice.values)

    def ask() -> Answers:
        return judge.answer(replace(request, rng=np.random.default_rng(7)))

    answers, again = ask(), ask()
    findings.expect(
        same({"": answers.values, "looks": answers.looks}, {"": again.values, "looks": again.looks}),
        where,
        "differs under equal generators; draw from `request.rng` alone",
    )
    findings.expect(
        same(before, outcomes.arrays()) and same(told, advice.values),
        where,
        "changes the outcomes or the advice in place; work on copies",
    )
    wanted = (len(request.items),)
    findings.expect(
        answers.values.shape == wanted and answers.values.dtype.kind == "f",
        where,
        f"gave {answers.values.dtype} values of shape {answers.values.shape}, expected floats {wanted}",
    )
    findings.expect(
        answers.looks.shape == wanted
        and answers.looks.dtype.kind in "iu"
        and bool((answers.looks >= 0).all()),
        where,
        f"gave looks that are not {wanted} whole numbers from 0",
    )
    findings.expect(
        _in_range(request.kind, answers),
        where,
        f"gave {answers.values.min()} to {answers.values.max()}, expected"
        f" {ALLOWED.get(request.kind, 'numbers of alternatives, or of their orders')}, or NaN",
    )


def _in_range(kind: str, answers: Answers) -> bool:
    said = answers.values[~np.isnan(answers.values)]
    if kind == "label":
        return bool(np.isin(said, (0.0, 1.0)).all())
    if kind == "preference":
        return bool(((said >= 0) & (said <= 1)).all())
    if kind == "rating":
        return bool(np.isfinite(said).all())
    answers_there_are = len(all_orders(ALTERNATIVES)) if kind == "ranking" else ALTERNATIVES
    return bool(np.isin(said, np.arange(answers_there_are)).all())
