"""What a run has learned, collected for a report.

In: a run's plan, the store, what became of its entries. Out: a RunResult.
Touches the store, which it reads.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from rrm_tree.errors import StoreError
from rrm_tree.plan import TRAINING_VERSION, Entry, Plan
from rrm_tree.records import Manifest, NodeResult, Picture, RoundRecord, RunResult, State
from rrm_tree.store import Store

PACKAGES = ("rrm-tree", "torch", "numpy", "gymnasium", "stable-baselines3")
"""Whose versions a report names."""


def collect_result(
    store: Store, run: str, plan: Plan, states: Mapping[str, tuple[State, str | None]]
) -> RunResult:
    """Everything that a report of a run is made from.

    Args:
        store: where the run's results are.
        run: the run's name.
        plan: the run's frozen plan.
        states: what became of each entry, and why; from the store where an entry is not in it.

    Raises:
        StoreError: the store cannot be read.
    """
    keys = store.referred(run)
    nodes = tuple(
        _collect(store, entry, keys.get(entry.name), states.get(entry.name)) for entry in plan.entries
    )
    return RunResult(
        name=plan.tree.name,
        run=str(store.workplace / "runs" / run),
        root=plan.entries[-1].node,
        seed=plan.tree.seed,
        command=store.command(run),
        versions={
            "python": platform.python_version(),
            "training": TRAINING_VERSION,
            **{name: version(name) for name in PACKAGES},
        },
        nodes=nodes,
    )


def _collect(
    store: Store, entry: Entry, key: str | None, fate: tuple[State, str | None] | None
) -> NodeResult:
    manifests = () if key is None else store.manifests(key)
    records = tuple(RoundRecord.model_validate(_load(store, one, "record")) for one in manifests)
    is_done = fate is None and key is not None and store.done(key) is not None
    state, reason = fate or (("trained", None) if is_done else ("waiting", "not trained in this run"))
    return NodeResult(
        name=entry.name,
        node=entry.node,
        arm=entry.arm,
        level=entry.level,
        doc=entry.spec.doc,
        helpers=entry.spec.helpers,
        judge=entry.spec.judge.use,
        judge_sees=entry.spec.judge.sees,
        reward_sees=entry.spec.reward_model.sees,
        help=entry.spec.help,
        state=state,
        reason=reason,
        key=key,
        rounds=records,
        costs=() if key is None else store.costs(key, len(manifests)),
        pictures=tuple(Picture.model_validate(one) for one in _load(store, manifests[-1], "pictures"))
        if manifests
        else (),
    )


def _load(store: Store, manifest: Manifest, name: str) -> Any:
    data = store.get(manifest.objects[name])
    if data is None:
        raise StoreError(
            f"{store.address}: the {name} of round {manifest.round + 1} of {manifest.key} cannot be read: "
            "give the same command again, which trains that round again"
        )
    return json.loads(data)
