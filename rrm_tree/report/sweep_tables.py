"""What the sweeps over a tree have brought: tables.

In: a RunResult, NodeStudies. Out: Tables, without rows where there was one sweep. Names stand between
backticks.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rrm_tree.propagation import NodeAnalysis, analyse_node
from rrm_tree.propagation.intervals import Estimate
from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.propagation.sweep_gains import SweepGain, SweepStep
from rrm_tree.records import NodeResult, RunResult
from rrm_tree.report.tables import Table
from rrm_tree.report.words import (
    chance,
    code,
    count,
    gain_with_interval,
    quantity_with_interval,
    with_interval,
)

SWEPT_COLUMNS = (
    "node",
    "sweep",
    "judgments",
    "looks",
    "assisted off",
    "assisted on",
    "distilled off",
    "distilled on",
    "mean truth",
)
GAINED_COLUMNS = (
    "node",
    "policy",
    "sweep",
    "judgments",
    "assisted",
    "gained",
    "p",
    "distilled",
    "gained by distilling anew",
    "p",
)


def sweep_table(result: RunResult) -> Table:
    """Every node after each sweep, with what it had cost by then."""
    rows = [
        (code(entry.node), f"{sweep}", *_cells(analyse_node(entry)))
        for entries in each_swept(result)
        for sweep, entry in enumerate(entries, 1)
    ]
    return Table(
        "Sweep by sweep, as each left the node. Judgments and looks are those of all sweeps so far: a budget"
        " is shared out over them, so that `rrm whatif SPEC --set sweeps=1` shows what as many judgments are"
        " worth in one sweep. From the second on, on policy means about what the agents above have done.",
        SWEPT_COLUMNS,
        tuple(rows),
    )


def each_swept(result: RunResult) -> Iterator[list[NodeResult]]:
    """The entries of each node of several sweeps, the first sweep's first; the root first."""
    mains = sorted((one for one in result.nodes if one.is_main), key=lambda one: (-one.level, one.name))
    for main in mains:
        earlier = [one for one in result.nodes if one.node == main.node and one.sweep is not None]
        if earlier:
            yield [*sorted(earlier, key=lambda one: one.sweep or 0), main]


def _cells(node: NodeAnalysis) -> tuple[str, ...]:
    def share(orderer: str, policy: str) -> str:
        part = node.off if policy == "off" else node.on
        found: Estimate | None = getattr(part, orderer) if part else None
        return with_interval(found)

    effort = (count(node.effort.judgments), count(node.effort.looks))
    each = [share(orderer, policy) for orderer in ("assisted", "distilled") for policy in ("off", "on")]
    return (*effort, *each, quantity_with_interval(node.agent_truth))


def gain_table(studies: Sequence[NodeStudy]) -> Table:
    """What each sweep has gained on the one before, on the same pairs."""
    rows = [
        (
            code(study.name),
            path.distribution,
            f"{step.sweep}",
            count(step.judgments),
            *_step_cells(step),
            count(path.pairs),
        )
        for study in studies
        for path in (study.sweeps.paths if study.sweeps else ())
        for step in path.steps
    ]
    return Table(
        "What each sweep has gained, all on the pairs of the last one: the judge with that sweep's helpers,"
        " and that sweep's reward model. p: against the sweep before, by the exact sign-flip test over"
        " starting states.",
        (*GAINED_COLUMNS, "pairs"),
        tuple(rows),
        numeric=2,
    )


def _step_cells(step: SweepStep) -> tuple[str, ...]:
    return (
        with_interval(step.assisted),
        *_gain(step.assisted_gain),
        with_interval(step.distilled),
        *_gain(step.distilled_gain),
    )


def _gain(gain: SweepGain | None) -> tuple[str, str]:
    if gain is None:
        return "–", "–"
    return gain_with_interval(gain.difference), chance(gain.p_value)
