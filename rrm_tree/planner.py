"""A graph becomes a plan: what is trained by itself, what waits for what, what decides each one's bytes.

In: a TaskGraph, declared versions, numerics. Out: a Plan.
Touches nothing: no disk, no clock, no randomness, no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rrm_tree.gates import GATE_VERSION
from rrm_tree.node_spec import NodeSpec, PluginSpec, edit_node
from rrm_tree.plan import TRAINING_VERSION, Entry, Inputs, Plan
from rrm_tree.records import FORMAT
from rrm_tree.registry import PluginKind, load_attribute
from rrm_tree.sweeps import name_entry, spend_until

if TYPE_CHECKING:
    from rrm_tree.graph import TaskGraph

VersionOf = Callable[[PluginKind, PluginSpec], str]
"""Declared version of a plug-in, by its kind (task, judge, network, algorithm) and as the spec names it."""


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
