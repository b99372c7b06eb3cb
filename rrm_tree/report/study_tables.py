"""Tables of what kept pairs, rounds and configurations say, the same in every format.

In: NodeStudies, a RunResult, its Analysis. Out: Tables. Names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pydantic import JsonValue

from rrm_tree.propagation import NodeAnalysis, Orderer, analyse_node
from rrm_tree.propagation.disagreements import Disagreement
from rrm_tree.propagation.pairs import NodeStudy, PairStatistics, PairTest
from rrm_tree.records import Edit, RunResult
from rrm_tree.report.chosen import ROWS
from rrm_tree.report.pictures import say_maker, say_sure, say_which
from rrm_tree.report.tables import Chosen, Table, drop_empty
from rrm_tree.report.words import (
    chance,
    code,
    count,
    gain_with_interval,
    plural,
    quantity,
    quantity_with_interval,
    share,
    with_interval,
)

TOLD: Final[tuple[tuple[Orderer, Orderer], ...]] = (
    ("alone", "assisted"),
    ("heuristic", "assisted"),
    ("assisted", "ideal"),
    ("assisted", "distilled"),
)
"""The comparisons that a table shows, second minus first; report.json has all."""
DISAGREE = (
    "Disagreements: pairs that the reward model puts wrong, or on which it and the judge differ; first those"
    " that the judge puts right, and of these the ones that the reward model is surest of."
)
DISAGREE_COLUMNS = ("first is", "second is", "truth", "judge prefers", "reward model prefers")
SETTINGS = 400
"""Settings that a page lists."""


def _each(studies: Sequence[NodeStudy]) -> Iterator[tuple[NodeStudy, str, PairStatistics]]:
    for study in studies:
        for policy, found in (("off", study.off), ("on", study.on)):
            if found is not None:
                yield study, policy, found


def paired_table(studies: Sequence[NodeStudy]) -> Table:
    """Who orders the same pairs better than whom."""
    rows = []
    for study, policy, found in _each(studies):
        tests = {(test.first, test.second): test for test in found.tests}
        for first, second in TOLD:
            # Orderers are compared in their own order: the earlier one first.
            if (test := tests.get((first, second))) is not None and test.only_first + test.only_second:
                rows.append((code(study.name), policy, f"{second} − {first}", *_test_cells(test)))
    return Table(
        "Orderers on the same pairs: difference of their shares, with an interval and an exact sign-flip test"
        " for which pairs of one starting state are one cluster (McNemar's where each has its own).",
        (
            "node",
            "policy",
            "difference of",
            "value",
            "only the first right",
            "only the second right",
            "p",
            "pairs",
        ),
        tuple(rows),
        numeric=3,
    )


def _test_cells(test: PairTest) -> tuple[str, ...]:
    apart = test.difference
    turned = apart.model_copy(update={"value": -apart.value, "low": -apart.high, "high": -apart.low})
    only = (f"{test.only_second:g}", f"{test.only_first:g}")
    return (gain_with_interval(turned), *only, chance(test.p_value), count(test.pairs))


def calibration_table(studies: Sequence[NodeStudy]) -> Table:
    """Whether reward models are as sure as they are right, and what their errors cost."""
    rows = []
    for study, policy, found in _each(studies):
        sure = next((risk.wrong for risk in found.risks if risk.coverage == 0.6), None)
        known = found.calibration
        rows.append(
            (
                code(study.name),
                policy,
                with_interval(known.error if known else None),
                with_interval(known.brier if known else None),
                with_interval(sure),
                quantity_with_interval(found.regret),
                with_interval(found.answered),
                with_interval(found.right_if_answered),
                count(found.pairs),
                count(found.clusters),
            )
        )
    table = Table(
        "Calibration of the reward models: expected calibration error (15 bins), Brier score (a coin: .25),"
        " errors among the 60% of pairs that each is surest of, truth lost a pair by choosing by it; and how"
        " often the judge could tell, and was right then.",
        (
            "node",
            "policy",
            "calibration error",
            "Brier",
            "wrong when sure",
            "regret",
            "judge could tell",
            "right if it could",
            "pairs",
            "starting states",
        ),
        tuple(rows),
        numeric=2,
    )
    return drop_empty(table)


def rank_table(studies: Sequence[NodeStudy]) -> Table:
    """Scores against truth, outcome by outcome."""
    rows = []
    for study in studies:
        if (found := study.outcomes) is None:
            continue
        kept = {one.recall: one for one in found.precisions}
        cells = (
            with_interval(kept[recall].precision if recall in kept else None) for recall in (0.5, 0.8, 0.95)
        )
        base = share(found.precisions[0].base) if found.precisions else "–"
        rows.append((code(study.name), gain_with_interval(found.tau), *cells, base, count(found.outcomes)))
    table = Table(
        "Scores of outcomes against their truth: Kendall's tau-b, and the share of right outcomes among those"
        " that a threshold lets through which keeps so many of the right ones.",
        ("node", "tau-b", "right at recall .5", "at .8", "at .95", "right at all", "outcomes"),
        tuple(rows),
    )
    return drop_empty(table)


def disagreement_table(studies: Sequence[NodeStudy], each: int = 3) -> Table:
    """The pairs on which reward model, judge and truth differ most."""
    rows = [
        (code(study.name), policy, f"{one.pair}", *disagreement_cells(one))
        for study, policy, found in _each(studies)
        for one in found.disagreements[:each]
    ]
    return Table(
        DISAGREE, ("node", "policy", "pair", *DISAGREE_COLUMNS), tuple(rows[:ROWS]), numeric=2, words=5
    )


def disagreement_cells(one: Disagreement) -> tuple[str, ...]:
    """Whose the two outcomes are, what truth says of them, and what judge and reward model say."""
    truths = f"{quantity(one.first_truth)} against {quantity(one.second_truth)}"
    made = (say_maker(one.first_by), say_maker(one.second_by))
    return (*made, truths, say_which(one.judge), f"{say_which(one.reward)}{say_sure(one)}")


def shift_table(chosen: Chosen) -> Table:
    """What changes between the outcomes of proposals and those of the agent."""
    rows = [
        (
            code(node.name),
            with_interval(node.off.distilled),
            with_interval(node.on.distilled),
            gain_with_interval(node.shift),
            with_interval(node.off.assisted),
            with_interval(node.on.assisted),
            count(node.on.distilled.count),
        )
        for node in chosen.nodes
        if node.shift and node.off and node.on and node.on.distilled
    ]
    return Table(
        "Shift from off to on policy: the reward model and the judge on outcomes like those that were judged"
        " first, and on the agent's own." + chosen.remark,
        ("node", "distilled off", "distilled on", "shift", "assisted off", "assisted on", "pairs on"),
        tuple(rows),
    )


def round_analyses(result: RunResult, chosen: Chosen) -> dict[str, list[NodeAnalysis]]:
    """Nodes of several rounds of which at least two were measured, each round as if it had been the last."""
    entries = {node.name: node for node in result.nodes}
    found = {}
    for node in chosen.nodes:
        rounds = entries[node.name].rounds
        upto = (entries[node.name].model_copy(update={"rounds": rounds[: k + 1]}) for k in range(len(rounds)))
        each = [analyse_node(one) for one in upto] if len(rounds) > 1 else []
        measured = [one for one in each if one.distilled is not None or one.agent_truth is not None]
        if len(measured) > 1:
            found[node.name] = measured
    return found


def round_table(rounds: Mapping[str, Sequence[NodeAnalysis]]) -> Table:
    """What each round has brought."""
    rows = [
        (
            code(name),
            f"{one.rounds}",
            count(one.effort.judgments),
            with_interval(one.off.distilled if one.off else None),
            with_interval(one.on.distilled if one.on else None),
            with_interval(one.on.assisted if one.on else None),
            quantity_with_interval(one.agent_score),
            quantity_with_interval(one.agent_truth),
        )
        for name, each in rounds.items()
        for one in each
    ]
    return Table(
        "Round by round: accuracies, and score and truth of the agent's outcomes, with 95% intervals. A score"
        " that rises while truth falls is a reward model that its agent has learned to please.",
        (
            "node",
            "round",
            "judgments so far",
            "distilled off",
            "distilled on",
            "assisted on",
            "mean score",
            "mean truth",
        ),
        tuple(rows[: 2 * ROWS]),
    )


def edit_table(edits: Sequence[Edit], previous: str | None) -> Table:
    """What differs from the previous run of the same tree."""
    rows = [(code(edit.path, 120), show_value(edit.before), show_value(edit.after)) for edit in edits[:ROWS]]
    more = f" {plural(len(edits) - ROWS, 'more setting')} in report.json." if len(edits) > ROWS else ""
    return Table(
        f"Settings that differ from those of the previous run, {code(previous or '', 120)}.{more}",
        ("setting", "then", "now"),
        tuple(rows),
        words=3,
    )


def show_value(value: JsonValue) -> str:
    """A setting's value on a few columns."""
    return "(none)" if value is None else code(json.dumps(value, ensure_ascii=False), 60)


def setting_table(configuration: Mapping[str, JsonValue]) -> Table:
    """The resolved configuration."""
    every = list(_leaves("", dict(configuration))) if configuration else []
    rows = [
        (code(path, 120), code(json.dumps(value, ensure_ascii=False), 120))
        for path, value in every[:SETTINGS]
    ]
    rest = len(every) - SETTINGS
    more = f" {plural(rest, 'more setting')} in report.json." if rest > 0 else ""
    return Table(f"Every setting, defaults resolved.{more}", ("setting", "value"), tuple(rows), words=2)


def _leaves(path: str, value: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(value, dict) and value:
        for name, below in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, below)
    else:
        yield path, value
