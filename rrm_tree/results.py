"""What a run has learned, collected for a report.

In: a run's plan, the store, what became of its entries. Out: a RunResult, or a SeedsResult.
Touches the store, which it reads.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from rrm_tree.edits import ABSENT, differing
from rrm_tree.errors import StoreError
from rrm_tree.node_spec import AnswersSpec, NodeSpec
from rrm_tree.plan import TRAINING_VERSION, Entry, Plan, key_of
from rrm_tree.records import (
    Done,
    Edit,
    Manifest,
    NodeResult,
    Picture,
    RoundRecord,
    RunResult,
    SeedsResult,
    State,
)
from rrm_tree.seeds import runs_of, split_run
from rrm_tree.store import Store


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one entry in a run."""

    state: State
    reason: str | None = None
    gate_passed: bool | None = None


Fates = Mapping[str, Mapping[str, Fate]]
"""What became of the entries of each run, by the names of both."""

PACKAGES = ("rrm-tree", "torch", "numpy", "gymnasium", "stable-baselines3")
"""Whose versions a report names."""


def reuse_all(store: Store, run: str, plan: Plan) -> dict[str, Fate] | None:
    """The fates of a run that has nothing to train; None if there is anything."""
    done: dict[str, Done] = {}
    keys: dict[str, str] = {}
    for entry in plan.entries:
        keys[entry.name] = key_of(entry, done).key
        found = store.done(keys[entry.name])
        if found is None or misses_gate(entry, found):
            return None
        done[entry.name] = found
    for name, key in keys.items():
        store.refer(run, name, key)
    return {name: Fate("reused", gate_passed=one.gate_passed) for name, one in done.items()}


def misses_gate(entry: Entry, done: Done) -> bool:
    """Whether an entry that is done stops what waits for it."""
    return done.gate_passed is False and entry.spec.gate is not None and entry.spec.gate.on_miss == "stop"


def collect_results(store: Store, run: str, plan: Plan, fates: Fates) -> RunResult | SeedsResult:
    """Everything that the report of a run of one seed, or of several, is made from.

    Args:
        store: where the results are.
        run: the run's name.
        plan: the run's frozen plan.
        fates: what became of each entry of each seed's run; from the store where it is not in it.

    Raises:
        StoreError: the store cannot be read.
    """
    parts = runs_of(plan, run)
    results = [collect_result(store, name, one, fates.get(name, {})) for name, one in parts.items()]
    first = results[0]
    if not plan.seeds:
        return first
    return SeedsResult(
        name=first.name,
        run=str(store.workplace / "runs" / run),
        root=first.root,
        command=store.command(run),
        versions=first.versions,
        results=tuple(results),
    )


def collect_result(store: Store, run: str, plan: Plan, fates: Mapping[str, Fate]) -> RunResult:
    """Everything that a report of a run is made from.

    Args:
        store: where the run's results are.
        run: the run's name.
        plan: the run's frozen plan.
        fates: what became of each entry; from the store where an entry is not in it.

    Raises:
        StoreError: the store cannot be read.
    """
    keys = store.referred(run)
    # The last sweep's, which come last.
    declared = {entry.node: entry.spec for entry in plan.entries if entry.arm is None}
    nodes = tuple(
        _collect(store, entry, keys.get(entry.name), fates.get(entry.name), declared.get(entry.node))
        for entry in plan.entries
    )
    configuration, previous = configure(plan), _previous(store, run, plan)
    edits = () if previous is None else _edits_since(store, previous, configuration)
    if split_run(run)[1] is not None:
        # Which seed of several this is, is no setting of the whole.
        edits = tuple(edit for edit in edits if edit.path != "seed")
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
        configuration=configuration,
        previous=previous,
        edits=edits,
    )


def _edits_since(store: Store, previous: str, configuration: Mapping[str, Any]) -> tuple[Edit, ...]:
    try:
        return compare_configurations(configure(store.plan(previous)), configuration)
    except StoreError:
        return ()  # an old run that cannot be read any more is no reason to have no report


def _collect(
    store: Store, entry: Entry, key: str | None, fate: Fate | None, declared: NodeSpec | None
) -> NodeResult:
    manifests = () if key is None else store.manifests(key)
    records = tuple(RoundRecord.model_validate(_load(store, one, "record")) for one in manifests)
    is_done = fate is None and key is not None and store.done(key) is not None
    fate = fate or (Fate("trained") if is_done else Fate("waiting", "not trained in this run"))
    return NodeResult(
        name=entry.name,
        node=entry.node,
        arm=entry.arm,
        sweep=entry.sweep,
        level=entry.level,
        doc=entry.spec.doc,
        helpers=entry.spec.helpers,
        edits=None if entry.arm is None or declared is None else _edits(declared, entry.spec),
        judge=entry.spec.judge.use,
        judge_sees=entry.spec.judge.sees,
        reward_sees=entry.spec.reward_model.sees,
        help=entry.spec.help,
        answers=_say_answers(entry.spec),
        state=fate.state,
        reason=fate.reason,
        key=key,
        rounds=records,
        costs=() if key is None else store.costs(key, len(manifests)),
        pictures=tuple(Picture.model_validate(one) for one in _load(store, manifests[-1], "pictures"))
        if manifests and entry.sweep is None
        else (),
    )


def _edits(node: NodeSpec, arm: NodeSpec) -> tuple[str, ...]:
    """Settings in which an arm differs from its node, as "judge.with.beta"."""
    before, after = (one.model_dump(mode="json", by_alias=True, exclude={"arms"}) for one in (node, arm))
    return tuple(".".join(path) for path, _, _ in differing(before, after))


def _say_answers(spec: NodeSpec) -> str | None:
    """What parents hear instead of the node's agent."""
    if spec.answers is None or spec.answers == AnswersSpec():
        return None
    wrong = f"{spec.answers.wrong:.3g}"
    words = ["ideal"] * spec.answers.ideal + [f"{wrong} of it wrong"] * bool(spec.answers.wrong)
    return ", ".join(words)


def configure(plan: Plan) -> dict[str, Any]:
    """All that decides what a plan trains, apart from what helpers learn, as JSON."""
    tree = plan.tree.model_dump(mode="json", by_alias=True)
    entries = {entry.node: entry.fixed for entry in plan.entries if entry.arm is None}
    for name, fixed in entries.items():
        tree["nodes"][name]["versions"] = dict(fixed["versions"])
    return {**tree, "numerics": next((dict(fixed["numerics"]) for fixed in entries.values()), {})}


def compare_configurations(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[Edit, ...]:
    """Every setting in which two configurations differ."""
    return tuple(
        Edit(
            path=".".join(path),
            before=None if old is ABSENT else old,
            after=None if new is ABSENT else new,
        )
        for path, old, new in differing(first, second)
    )


def _previous(store: Store, run: str, plan: Plan) -> str | None:
    """The run of a tree of this name that was started last before this run."""
    whole = split_run(run)[0]
    known = store.runs()
    earlier = known[: known.index(whole)] if whole in known else []
    alike = re.compile(rf"{re.escape(plan.tree.name)}-[0-9a-f]{{8}}")
    return next((name for name in reversed(earlier) if alike.fullmatch(name)), None)


def _load(store: Store, manifest: Manifest, name: str) -> Any:
    data = store.get(manifest.objects[name])
    if data is None:
        # Else it would count as done, and nobody would train it again.
        store.reopen(manifest.key)
        raise StoreError(
            f"{store.address}: the {name} of round {manifest.round + 1} of {manifest.key} cannot be read;"
            " the command that trained it trains it again"
        )
    return json.loads(data)
