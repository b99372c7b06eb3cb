"""Which nodes to train, under which keys, and which may start now.

In: a TaskGraph, declared versions, the Done records of what is stored. Out: a Plan, tickets.
Touches nothing: no disk, no clock, no randomness, no torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import Field

from rrm_tree.cells import write_table
from rrm_tree.gates import GATE_VERSION
from rrm_tree.records import FORMAT, Done, Stored
from rrm_tree.registry import PluginKind, load_attribute
from rrm_tree.spec import NodeSpec, PluginSpec, TreeSpec, edit_node
from rrm_tree.sweeps import name_entry, node_of, spend_until

if TYPE_CHECKING:
    from rrm_tree.graph import TaskGraph

TRAINING_VERSION = "1"
"""Version of the training code; raise it when the same inputs would end with other bytes."""

TRAINER = "rrm_tree.node:train_in_steps"
"""Where an attempt finds the function that trains one node."""

VersionOf = Callable[[PluginKind, PluginSpec], str]
"""Declared version of a plug-in, by its kind (task, judge, network, algorithm) and as the spec names it."""

Inputs = dict[str, Any]
"""All that decides a node's bytes, as JSON; its digest is the fingerprint."""


def _is_none(value: object) -> bool:
    # Left out of plans: those of one sweep keep their bytes, and so the names of their runs.
    return value is None


def _is_empty(value: object) -> bool:
    return value == ()


class Entry(Stored):
    """What is trained by itself: a node, in one of the tree's sweeps, or an arm of one."""

    name: str
    """`player`, `player~alone` for an arm, `player^1` for a sweep before the last."""
    node: str
    arm: str | None = None
    sweep: int | None = Field(default=None, exclude_if=_is_none)
    """Which sweep, from 1; None: the last one."""
    goes_on: str | None = Field(default=None, exclude_if=_is_none)
    """The same node in the sweep before, from whose rounds it goes on."""
    before: tuple[str, ...] = Field(default=(), exclude_if=_is_empty)
    """Entries of the sweep before by whose agents its subjects are made: those above, and whom they ask."""
    level: int
    spec: NodeSpec
    """The node's spec, an arm's edits merged in."""
    helpers: tuple[str, ...] = ()
    """Entries whose artifacts it loads: its helpers, theirs, and so on; leaves first."""
    waits: tuple[str, ...] = ()
    """Entries that must be done before its key is known."""
    equals: tuple[str, ...] = ()
    """Entries whose looks together are what this arm may spend; none for no such limit."""
    fixed: Inputs
    """The part of the inputs that is known before anything is trained."""


class Plan(Stored):
    """A tree and everything to train for it, frozen when a run starts."""

    format: int = FORMAT
    tree: TreeSpec
    entries: tuple[Entry, ...]
    """Whatever an entry waits for comes before it."""
    trainer: str = TRAINER
    folder: str = ""
    """Where the tree's own modules are looked for."""
    seeds: tuple[int, ...] = ()
    """Seeds that the tree is trained with, one after the other; empty for its own seed alone."""

    @cached_property
    def by_name(self) -> dict[str, Entry]:
        """Entries by their names."""
        return {entry.name: entry for entry in self.entries}

    @cached_property
    def remaining(self) -> dict[str, int]:
        """Budgeted work from the start of each entry to the end of the longest path above it."""
        longest = dict.fromkeys(self.by_name, 0)
        for entry in reversed(self.entries):
            longest[entry.name] += entry.spec.budget.judgments + entry.spec.budget.steps
            for below in entry.waits:
                longest[below] = max(longest[below], longest[entry.name])
        return longest

    @property
    def run(self) -> str:
        """Name of the run of this plan: the same wherever the tree's file stands."""
        text = self.model_copy(update={"folder": ""}).to_json()
        return f"{self.tree.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def _repr_html_(self) -> str:
        """What a notebook shows: what is trained, in which order, and what each entry waits for."""
        rows = (
            (e.name, e.level, e.spec.doc, ", ".join(e.waits), e.spec.budget.judgments, e.spec.budget.rounds)
            for e in self.entries
        )
        columns = ("entry", "level", "question", "waits for", "judgments", "rounds")
        return write_table(f"Plan of {self.tree.name}, run {self.run}", columns, rows)

    def with_seed(self, seed: int) -> Plan:
        """The plan of the same tree with one seed: its keys are those that it has when run alone."""
        entries = (one.model_copy(update={"fixed": {**one.fixed, "seed": seed}}) for one in self.entries)
        tree = self.tree.model_copy(update={"seed": seed})
        # Built anew: a copy would keep the entries that it has found by name.
        return Plan(tree=tree, entries=tuple(entries), trainer=self.trainer, folder=self.folder)

    def to_json(self) -> str:
        """As stored; the order of nodes and criteria is kept, since it has a meaning."""
        # A run of one seed is named as it was before there were several.
        return self.model_dump_json(by_alias=True, exclude=None if self.seeds else {"seeds"})


@dataclass(frozen=True)
class Ticket:
    """What names one node's training: all that decides its bytes, and the digest of that."""

    entry: str
    inputs: Inputs

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the inputs, 64 hexadecimal digits."""
        return digest_of(self.inputs)

    @property
    def key(self) -> str:
        """`<entry>@<fingerprint>`, shortened to what tells keys apart."""
        return f"{self.entry}@{self.fingerprint[:16]}"


def seed_run(run: str, seed: int) -> str:
    """The name of one seed's part of a run of several: a run of its own, in the folder of the whole."""
    return f"{run}/seed-{seed}"


def canonical_json(value: object) -> str:
    """The one way to write a value: keys sorted, no spaces, floats as Python repeats them."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(value: object) -> str:
    """SHA-256 of a value's canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def build_plan(
    graph: TaskGraph,
    version_of: VersionOf,
    numerics: Mapping[str, Any],
    *,
    only: str | None = None,
) -> Plan:
    """Every node and arm in an order that respects what they wait for.

    Args:
        graph: the tree to train.
        version_of: declared versions of plug-ins.
        numerics: what the bits of the results depend on beside the code: torch, device, dtype, threads.
        only: an entry to train with what it needs, and nothing else.
    """
    planner = _Planner(graph, version_of, numerics)
    nodes, last = graph.tree.nodes, graph.tree.sweeps
    for name in graph.order:
        planner.hears[name] = planner.heard(nodes[name])
    entries = [
        planner.entry(name, None, nodes[name], sweep) for sweep in range(1, last) for name in graph.order
    ]
    for name in graph.order:
        node = nodes[name]
        entries.append(planner.entry(name, None, node, last))
        entries += [
            planner.entry(name, arm, edit_node(node, edits), last) for arm, edits in node.arms.items()
        ]
    plan = Plan(tree=graph.tree, entries=tuple(entries), folder=str(graph.tree.folder))
    if only is not None:
        needed = _needed(plan, only)
        plan = plan.model_copy(update={"entries": tuple(e for e in entries if e.name in needed)})
    # Through JSON and back: what is planned here and what a worker reads are the same values.
    return Plan.model_validate_json(plan.to_json())


def _needed(plan: Plan, name: str) -> set[str]:
    """An entry and all that it waits for, directly or not."""
    needed, left = {name}, [name]
    while left:
        new = set(plan.by_name[left.pop()].waits) - needed
        needed |= new
        left += new
    return needed


def uses_helpers(spec: NodeSpec) -> bool:
    """Whether the node asks its trained helpers anything, to judge or to score."""
    sees_advice = "advice" in spec.judge.sees or "advice" in spec.reward_model.sees
    return bool(spec.helpers) and sees_advice and spec.help == "trained"


@dataclass
class _Planner:
    """What entries are worked out from."""

    graph: TaskGraph
    version_of: VersionOf
    numerics: Mapping[str, Any]
    hears: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Whom each node hears, filled leaves first."""

    def heard(self, spec: NodeSpec) -> tuple[str, ...]:
        """Helpers of a node and, since helpers ask theirs, everything below them; leaves first.

        Who answers ideally asks nobody.
        """
        if not uses_helpers(spec):
            return ()
        nodes, found = self.graph.tree.nodes, set(spec.helpers)
        for helper in spec.helpers:
            if not nodes[helper].answers_ideally:
                found.update(self.hears[helper])
        return self.in_order(found)

    def in_order(self, names: Collection[str]) -> tuple[str, ...]:
        """The same names, leaves first."""
        return tuple(sorted(names, key=self.place.__getitem__))

    @cached_property
    def place(self) -> dict[str, int]:
        """Where each node stands in the tree's order: to ask the order itself takes as long as it is."""
        return {name: place for place, name in enumerate(self.graph.order)}

    def loaded(self, heard: Collection[str]) -> tuple[str, ...]:
        """Whose agents are needed, out of those that are heard."""
        return tuple(name for name in heard if not self.graph.tree.nodes[name].answers_ideally)

    def entry(self, node: str, arm: str | None, spec: NodeSpec, sweep: int) -> Entry:
        """A node in one sweep, or an arm of it in the last, ready to be planned."""
        last = self.graph.tree.sweeps
        spec = spend_until(spec, sweep, last)
        heard = self.heard(spec)
        helpers = self.loaded(heard)
        acting = self.acting_above(node) if sweep > 1 else ()
        goes_on = name_entry(node, sweep - 1) if sweep > 1 and arm is None else None
        before = tuple(name_entry(name, sweep - 1) for name in acting)
        earlier = None if sweep == last else sweep
        equals: tuple[str, ...] = ()
        if arm is not None and spec.help == "trained" and spec.judge.use != "truth":
            # Equal effort: the looks of the node and of all below it, less those it still uses.
            ours = self.loaded(self.hears[node])
            equals = (*(name for name in ours if name not in helpers), node)
        waits = self.in_order({*helpers, *((*self.loaded(self.hears[node]), node) if equals else ())})
        return Entry(
            name=name_entry(node, earlier, arm),
            node=node,
            arm=arm,
            sweep=earlier,
            goes_on=goes_on,
            before=before,
            level=self.graph.level[node],
            spec=spec,
            helpers=tuple(name_entry(name, earlier) for name in helpers),
            waits=(
                *([goes_on] if goes_on is not None and goes_on not in before else []),
                *before,
                *(name_entry(name, earlier) for name in waits),
            ),
            equals=equals,
            fixed=self.fixed(node, spec, heard) | self.fixed_before(acting),
        )

    def acting_above(self, node: str) -> tuple[str, ...]:
        """Nodes whose agents make a node's subjects, and those that they ask; leaves first."""
        above = self.graph.ancestors(node)
        asked = (name for one in above for name in self.loaded(self.hears[one]))
        return self.in_order({*above, *asked})

    def fixed_before(self, acting: Collection[str]) -> Inputs:
        """What decides how those above have acted in the sweep before, beside what they had learned."""
        nodes = self.graph.tree.nodes
        found = {name: self.acting(name, True) | self.learner(nodes[name]) for name in acting}
        return {"acting": found} if acting else {}

    def fixed(self, node: str, spec: NodeSpec, heard: Collection[str]) -> Inputs:
        """What decides an entry's bytes and is known before anything is trained."""
        tree = self.graph.tree
        return {
            "format": FORMAT,
            "seed": tree.seed,
            "path": node,
            "node": _canonical_node(spec),
            "versions": {
                "training": TRAINING_VERSION,
                "task": self.version_of("task", spec.task),
                "judge": self.version_of("judge", spec.judge),
                "network": self.version_of("network", spec.reward_model.network),
                "algorithm": self.version_of("algorithm", spec.agent),
                **({"gate": GATE_VERSION} if spec.gate else {}),
                **_own_query(spec),
                **self.next_in_line(spec),
            },
            "numerics": dict(self.numerics),
            "measure": tree.measure.model_dump(mode="json"),
            # Gates share their alpha, so that each depends on how many there are.
            "gates": sum(one.gate is not None for one in tree.nodes.values()) * tree.sweeps
            if spec.gate
            else 0,
            "above": self.above(node),
            "below": {name: self.acting(name, name in heard) for name in sorted({*heard, *spec.helpers})},
        }

    def next_in_line(self, spec: NodeSpec) -> dict[str, list[str]]:
        """Versions of the judges to whom questions are passed on; nothing where there are none."""
        versions = [self.version_of("judge", one) for one in spec.judge.fallback]
        return {"fallback": versions} if versions else {}

    def above(self, node: str) -> Inputs:
        """What decides the subjects of a node: its ancestors' tasks, and the criteria that lead to it."""
        leads = {node, *self.graph.ancestors(node)}
        found: Inputs = {}
        for name in sorted(leads - {node}):
            spec = self.graph.tree.nodes[name]
            ways = [
                [criterion, [helper for helper in one.helpers if helper in leads]]
                for criterion, one in spec.criteria.items()
            ]
            found[name] = {
                "task": _dump(spec.task),
                "version": self.version_of("task", spec.task),
                "criteria": [way for way in ways if way[1]],
            }
        return found

    def acting(self, name: str, is_heard: bool) -> Inputs:
        """What of a helper decides its answers, beside the bytes that it has learned.

        Of one that is not heard the task remains: measurement asks it for ideal advice.
        """
        spec = self.graph.tree.nodes[name]
        task = {"task": _dump(spec.task), "version": self.version_of("task", spec.task)}
        if not is_heard:
            return task
        if spec.answers is not None:
            task["answers"] = spec.answers.model_dump(mode="json")
        return task if spec.answers_ideally else task | self.learner(spec)

    def learner(self, spec: NodeSpec) -> Inputs:
        """What of a node decides what its agent does, beside its task and the bytes that it has learned."""
        criteria = [[one, list(criterion.helpers)] for one, criterion in spec.criteria.items()]
        model = spec.reward_model
        return {
            "criteria": criteria,
            "weights": [criterion.weight for criterion in spec.criteria.values()],
            "help": spec.help,
            "agent": _dump(spec.agent),
            "algorithm": self.version_of("algorithm", spec.agent),
            "reward_model": {"ensemble": model.ensemble, "sees": list(model.sees)}
            | ({"caution": model.caution} if model.caution else {}),
            "network": [_dump(model.network), self.version_of("network", model.network)],
        }


def _canonical_node(spec: NodeSpec) -> Inputs:
    """A node's spec without what changes no bytes; the criteria's order counts."""
    dumped = spec.model_dump(mode="json", by_alias=True, exclude={"doc", "resources", "arms", "answers"})
    return {**dumped, "criteria_order": list(spec.criteria)}


def _own_query(spec: NodeSpec) -> dict[str, str]:
    """The declared version of a user's own way of choosing what is asked; built-in ones change with ours."""
    query = spec.judge.query
    return {"query": str(load_attribute("query", query).version)} if ":" in query else {}


def _dump(plugin: PluginSpec) -> Inputs:
    return plugin.model_dump(mode="json", by_alias=True)


def inputs_of(entry: Entry, done: Mapping[str, Done]) -> Inputs:
    """All that decides an entry's bytes; everything it waits for must be done."""
    limit = sum(done[name].looks for name in entry.equals) if entry.equals else None
    inputs = {
        **entry.fixed,
        "helpers": {node_of(name): dict(done[name].objects) for name in entry.helpers},
        "looks_limit": limit,
    }
    if entry.goes_on is not None:
        inputs["goes_on"] = done[entry.goes_on].key
    if entry.before:
        inputs["before"] = {node_of(name): dict(done[name].objects) for name in entry.before}
    return inputs


def key_of(entry: Entry, done: Mapping[str, Done]) -> Ticket:
    """The ticket of an entry whose waits are all done."""
    return Ticket(entry.name, inputs_of(entry, done))


def ready(plan: Plan, done: Collection[str], started: Collection[str]) -> tuple[Entry, ...]:
    """Entries that may start now: longest remaining path first, then by name."""
    able = (
        entry
        for entry in plan.entries
        if entry.name not in done and entry.name not in started and all(name in done for name in entry.waits)
    )
    return tuple(sorted(able, key=lambda entry: (-plan.remaining[entry.name], entry.name)))


def blocked_by(plan: Plan, stopped: Collection[str]) -> dict[str, str]:
    """Entries that cannot be trained, each with the first entry it waits for that has stopped."""
    found: dict[str, str] = {}
    for entry in plan.entries:
        culprit = next((name for name in entry.waits if name in stopped), None)
        if culprit is not None and entry.name not in stopped:
            found[entry.name] = culprit
    return found
