"""What is to be trained, under which keys, and what of it may start now; `planner` makes plans.

In: a Plan, the Done records of what is stored. Out: tickets, entries that may start.
Touches nothing: no disk, no clock, no randomness, no torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import Field

from rrm_tree.cells import write_table
from rrm_tree.left_out import is_empty, is_none
from rrm_tree.node_spec import NodeSpec
from rrm_tree.records import FORMAT, Done, Stored
from rrm_tree.spec import TreeSpec
from rrm_tree.sweeps import node_of

TRAINING_VERSION = "1"
"""Version of the training code; raise it when the same inputs would end with other bytes."""

TRAINER = "rrm_tree.node:train_in_steps"
"""Where an attempt finds the function that trains one node."""

Inputs = dict[str, Any]
"""All that decides a node's bytes, as JSON; its digest is the fingerprint."""


class Entry(Stored):
    """What is trained by itself: a node, in one of the tree's sweeps, or an arm of one."""

    name: str
    """`player`, `player~alone` for an arm, `player^1` for a sweep before the last."""
    node: str
    arm: str | None = None
    sweep: int | None = Field(default=None, exclude_if=is_none)
    """Which sweep, from 1; None: the last one."""
    goes_on: str | None = Field(default=None, exclude_if=is_none)
    """The same node in the sweep before, from whose rounds it goes on."""
    before: tuple[str, ...] = Field(default=(), exclude_if=is_empty)
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
