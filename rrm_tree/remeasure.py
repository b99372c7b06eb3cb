"""A trained node measured again: on the pairs of its record, on more of them, or on fresh ones.

In: a store, a run's plan, an entry that is done. Out: every pair of the measurement, which is stored.
Trains nothing and changes no key; randomness derives from the tree's seed, the node and the draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rrm_tree.errors import StoreError
from rrm_tree.measured import NodeMeasurement, PairSettings
from rrm_tree.node import NodeAtWork
from rrm_tree.plan import Plan, Ticket
from rrm_tree.registry import import_modules
from rrm_tree.rounds import RoundState
from rrm_tree.states import PAIRS, commit_pairs, load_pairs, load_rounds, load_setup
from rrm_tree.store import Store


@dataclass(frozen=True)
class Again:
    """How a node is to be measured again."""

    pairs: int | None = None
    """Subjects for pairs on each distribution; None: as many as the spec says."""
    fresh: bool = False
    """On a new draw of held-out outcomes, not on those of the node's own record."""


@dataclass(frozen=True)
class Found:
    """A measurement, and whether it was in the store already."""

    measured: NodeMeasurement
    was_stored: bool


class TrainedNode:
    """An entry of a run that is done, with everything at hand to measure it."""

    def __init__(self, store: Store, plan: Plan, key: str) -> None:
        """Open a done key.

        Raises:
            StoreError: it is not done, or not whole.
        """
        self.store, self.plan, self.key = store, plan, key
        inputs = store.inputs(key)
        if inputs is None or store.done(key) is None:
            raise StoreError(f"{store.address}: {key} is not trained; `rrm status` says how far it is")
        self.ticket = Ticket(key.rpartition("@")[0], inputs)

    @cached_property
    def rounds(self) -> tuple[RoundState, ...]:
        """All its rounds."""
        return load_rounds(self.store, self.key)

    @cached_property
    def at_work(self) -> NodeAtWork:
        """The node with its plug-ins, its helpers trained."""
        import_modules(self.plan.tree.imports, Path(self.plan.folder))
        return NodeAtWork(load_setup(self.store, self.plan, self.ticket))

    @property
    def is_measurable(self) -> bool:
        """Whether its domain can compute truth."""
        return self.at_work.meter.is_measurable

    def settings(self, again: Again) -> PairSettings:
        """What is to be measured."""
        measure, draw = self.plan.tree.measure, 0
        if again.fresh:
            draws = [one.settings["draw"] for one in self.store.measurements(self.key, PAIRS)]
            draw = 1 + max(draws, default=0)
        return PairSettings(
            round=[state.index for state in self.rounds if state.reward][-1],
            pairs=measure.pairs if again.pairs is None else again.pairs,
            agent_outcomes=measure.agent_outcomes,
            draw=draw,
        )

    def measure(self, again: Again) -> Found:
        """Every pair, from the store where it has been measured so before; what is new is stored."""
        settings = self.settings(again)
        stored = load_pairs(self.store, self.key, settings)
        if stored is not None:
            return Found(stored, was_stored=True)
        measured = self.at_work.measure_again(self.rounds, settings)
        commit_pairs(self.store, self.key, measured)
        return Found(measured, was_stored=False)
