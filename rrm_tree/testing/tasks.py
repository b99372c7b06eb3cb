"""Does a task keep its contract?

In: a task, and where it needs them subjects and helpers. Out: nothing, or one PluginError.
Touches nothing but what the task's own environment touches.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import get_args
from xml.etree import ElementTree

import numpy as np
from numpy.random import Generator

from rrm_tree.contracts import Factorised, Split, Task
from rrm_tree.outcomes import Advice, Arrays, Outcomes, count_rows, take_rows, unique_rows
from rrm_tree.testing.abilities import (
    acting,
    blind,
    check_candidates,
    check_ideal,
    check_imagine,
    check_instead,
    check_rule,
    check_segments,
    check_steering,
    check_truth,
    check_values,
)
from rrm_tree.testing.environments import check_environment
from rrm_tree.testing.findings import Findings, check_arrays, finite, same
from rrm_tree.testing.scenes import CRITERION, ROWS, advise, answer, play, start

SPLITS: tuple[Split, ...] = get_args(Split)


def check_task(
    task: Task,
    *,
    subjects: Arrays | None = None,
    helpers: Sequence[Task] = (),
    criterion: str = CRITERION,
    rng_seed: int = 0,
) -> None:
    """Try a task on a handful of outcomes.

    Args:
        task: what is checked.
        subjects: what its episodes are about; may be left out if the task starts by itself.
        helpers: tasks whose advice it accepts, one of each type, to try its questions with.
        criterion: the criterion that asks them.
        rng_seed: seed of everything that is drawn.

    Raises:
        PluginError: with everything that was found.
    """
    findings = Findings(task)
    rng = np.random.default_rng(rng_seed)
    _check_facts(findings, task)
    if task.subject is None or subjects is None:
        with findings.during("starts"):
            _check_starts(findings, task, rng_seed)
    about: Arrays | None = None
    with findings.during("subjects"):
        about = start(task, subjects, rng)
    if about is not None:
        with findings.during("make_vec"):
            check_environment(findings, task, about, rng_seed)
    if findings.found or about is None:
        findings.close()
        return
    _check_outcomes(findings, task, about, rng)
    with findings.during("questions"):
        _check_questions(findings, task, about, helpers, criterion, rng)
    findings.close()


def _check_facts(findings: Findings, task: Task) -> None:
    """What is read before anything trains."""
    version = getattr(task, "version", None)
    findings.expect(isinstance(version, str) and version != "", "version", "must be a text such as '1'")
    for name in ("subject", "advice"):
        fact = getattr(task, name, 0)
        findings.expect(fact is None or isinstance(fact, str), name, "must be the name of a type, or None")
    accepts = getattr(task, "accepts", None)
    named = isinstance(accepts, Mapping) and all(
        isinstance(one, str) for pair in accepts.items() for one in pair
    )
    findings.expect(named, "accepts", "must map advice types to subject types; {} if there are no helpers")
    for name in ("parts", "batch"):
        number = getattr(task, name, None)
        findings.expect(isinstance(number, int) and number >= 1, name, "must be a whole number from 1")


def _check_starts(findings: Findings, task: Task, seed: int) -> None:
    """Equal for equal generators, and never the same in two splits."""
    drawn = {split: task.starts(ROWS, split, np.random.default_rng(seed)) for split in SPLITS}
    for split in SPLITS:
        rows, where = count_rows(drawn[split]), f"starts(…, '{split}')"
        check_arrays(findings, where, drawn[split], rows, "[count, ...]")
        findings.expect(0 < rows <= ROWS, where, f"gave {rows} rows when asked for {ROWS}; give 1 to {ROWS}")
        again = task.starts(ROWS, split, np.random.default_rng(seed))
        findings.expect(
            same(drawn[split], again), where, "differs under equal generators; draw from `rng` alone"
        )
    joined = {name: np.concatenate([drawn[split][name] for split in SPLITS]) for name in drawn["train"]}
    splits = np.repeat(np.arange(len(SPLITS)), [count_rows(drawn[split]) for split in SPLITS])
    _, place = unique_rows(joined)
    shared = any(len(np.unique(splits[place == one])) > 1 for one in np.unique(place))
    findings.expect(not shared, "starts", "gives the same start in two splits; keep the splits apart")


def _check_outcomes(findings: Findings, task: Task, about: Arrays, rng: Generator) -> None:
    """Everything that is worked out from outcomes, each part by itself."""
    outcomes = play(task, about, rng)
    for where, check in (
        ("encode", _check_encode),
        ("picture", _check_picture),
        ("imagine", check_imagine),
        ("candidates", check_candidates),
        ("steering", check_steering),
        ("part_values", check_values),
        ("truth", check_truth),
        ("heuristic", check_rule),
        ("ideal", check_ideal),
        ("segments", check_segments),
        ("instead", check_instead),
    ):
        fresh = outcomes.take(np.arange(len(outcomes)))
        with findings.during(where):
            check(findings, task, fresh)
        kept = same(outcomes.arrays(), fresh.arrays())
        findings.expect(kept, where, "changes the outcomes in place; work on copies")


def _check_encode(findings: Findings, task: Task, outcomes: Outcomes) -> None:
    encoded = task.encode(outcomes)
    count, steps = outcomes.actions.shape[:2]
    if not check_arrays(findings, "encode", encoded, count, "[n, T, ...]"):
        return
    for name, values in encoded.items():
        findings.expect(
            values.shape[:2] == (count, steps),
            "encode",
            f"'{name}' has shape {values.shape}, expected [{count}, {steps}, ...]: one row a step",
        )
        findings.expect(finite(values), "encode", f"'{name}' holds NaN, infinities or no numbers at all")
    alone = task.encode(outcomes.take(np.array([count - 1])))
    last = take_rows(encoded, np.array([count - 1]))
    findings.expect(
        same(last, alone), "encode", "of one outcome depends on the others in the batch; go row by row"
    )
    findings.expect(
        same(encoded, task.encode(blind(outcomes))),
        "encode",
        "reads `hidden`, which is for truth alone; training must not see it",
    )


def _check_picture(findings: Findings, task: Task, outcomes: Outcomes) -> None:
    drawing = task.picture(outcomes, 0, Advice())
    try:
        root = ElementTree.fromstring(drawing)
    except ElementTree.ParseError as error:
        findings.expect(False, "picture", f"is not well-formed XML ({error}); escape &, < and >")
        return
    findings.expect(root.tag.endswith("svg"), "picture", f"is <{root.tag}>, expected one <svg> element")
    for element in root.iter():
        acts = [name for name in element.attrib if name.lower().startswith("on")]
        acts += [name for name, value in element.attrib.items() if re.match(r"\s*javascript:", value, re.I)]
        tag = str(element.tag).rpartition("}")[2].lower()
        findings.expect(
            not acts and tag not in ("script", "foreignobject"),
            "picture",
            f"holds <{tag}>{' with ' + acts[0] if acts else ''}, which browsers may run; draw without it",
        )


def _check_questions(
    findings: Findings,
    task: Task,
    about: Arrays,
    helpers: Sequence[Task],
    criterion: str,
    rng: Generator,
) -> None:
    """What helpers are asked, and how their answers are laid out."""
    outcomes = play(task, about, rng)
    for helper in helpers:
        kind = helper.advice or ""
        where = f"questions(…, '{kind}')"
        findings.expect(
            task.accepts.get(kind) == helper.subject,
            "accepts",
            f"asks '{kind}' about '{task.accepts.get(kind)}', but such a helper is about '{helper.subject}'",
        )
        asked = task.questions(outcomes, criterion, kind)
        rows = len(asked.owner)
        if not check_arrays(findings, where, asked.subjects, rows, "[questions, ...]"):
            continue
        inside = asked.owner.dtype.kind in "iu" and bool(
            ((asked.owner >= 0) & (asked.owner < len(outcomes))).all()
        )
        findings.expect(inside, where, f"`owner` must be integers in range({len(outcomes)})")
        if isinstance(task, Factorised):
            other = task.questions(acting(outcomes, 0), criterion, kind)
            findings.expect(
                same(asked.subjects, other.subjects),
                where,
                "depends on the action, which factorised tasks forbid",
            )
        with findings.during(f"lay_out('{kind}', …)"):
            laid = task.lay_out(kind, asked, answer(helper, asked, rng), len(outcomes))
            findings.expect(
                laid.shape[:1] == (len(outcomes),) and finite(laid),
                f"lay_out('{kind}', …)",
                f"gave shape {laid.shape}, expected finite numbers [{len(outcomes)}, ...]",
            )
    if helpers and not findings.found:
        with findings.during("picture with advice"):
            ElementTree.fromstring(task.picture(outcomes, 0, advise(task, outcomes, helpers, rng, criterion)))
