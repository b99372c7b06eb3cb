"""Sweeps over a tree: how their entries are named, and what each may spend.

In: names, a node's spec, how many sweeps there are. Out: names, the spec of one sweep.
Touches nothing.

The last sweep's entries bear the names of the nodes: it is what parents hear and reports speak of.
"""

from __future__ import annotations

import math

from rrm_tree.node_spec import BudgetSpec, NodeSpec

SWEEP = "^"
"""Stands between a node's name and the number of an earlier sweep; no name contains it."""

ARM = "~"
"""Stands between a node's name and that of its arm; no name contains it."""


def name_entry(node: str, sweep: int | None = None, arm: str | None = None) -> str:
    """`ray`, of an earlier sweep `ray^1`, of an arm `ray~alone`."""
    earlier = "" if sweep is None else f"{SWEEP}{sweep}"
    return f"{node}{earlier}" + ("" if arm is None else f"{ARM}{arm}")


def node_of(entry: str) -> str:
    """The node that an entry is of."""
    return entry.partition(ARM)[0].partition(SWEEP)[0]


def spend_until(spec: NodeSpec, sweep: int, sweeps: int) -> NodeSpec:
    """The node's spec with what it may spend until the end of a sweep: an even part of the whole.

    Rounds are those of one sweep, and so add up.
    """
    if sweeps == 1:
        return spec
    budget = spec.budget.model_dump()

    def part(whole: int | None) -> int | None:
        return None if whole is None else math.ceil(whole * sweep / sweeps)

    for name in ("judgments", "looks", "steps", "optimiser_steps"):
        budget[name] = part(budget[name])
    if spec.budget.cpu_seconds is not None:
        budget["cpu_seconds"] = spec.budget.cpu_seconds * sweep / sweeps
    budget["rounds"] = spec.budget.rounds * sweep
    return spec.model_copy(update={"budget": BudgetSpec(**budget)})
