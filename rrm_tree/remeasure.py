"""Trained nodes measured again: their pairs, what their errors are made of, how errors travel.

In: a store, a run's plan, an entry that is done. Out: measurements, which are stored.
Trains nothing and changes no key; randomness derives from the tree's seed, the node and the draw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final, Literal, TypeAlias

from rrm_tree.errors import StoreError
from rrm_tree.measure import Known, Trial
from rrm_tree.measured import PairSettings
from rrm_tree.node import NodeAtWork
from rrm_tree.plan import Plan, Ticket
from rrm_tree.propagation.causes import CAUSES_VERSION, NodeCauses
from rrm_tree.propagation.prediction import PREDICTION_VERSION, NodePredictions
from rrm_tree.propagation.transfer import TRANSFER_VERSION, NodeTransfers
from rrm_tree.registry import import_modules
from rrm_tree.rounds import RoundState
from rrm_tree.states import commit_pairs, commit_study, load_pairs, load_rounds, load_setup, load_study
from rrm_tree.store import Store

What: TypeAlias = Literal["pairs", "causes", "transfer", "prediction"]
WHATS: Final[tuple[What, ...]] = ("pairs", "causes", "transfer", "prediction")

Study: TypeAlias = NodeCauses | NodeTransfers | NodePredictions

MODELS: Final[dict[What, type[Study]]] = {
    "causes": NodeCauses,
    "transfer": NodeTransfers,
    "prediction": NodePredictions,
}
VERSIONS: Final[dict[What, str]] = {
    "causes": CAUSES_VERSION,
    "transfer": TRANSFER_VERSION,
    "prediction": PREDICTION_VERSION,
}


@dataclass(frozen=True)
class Again:
    """How a node is to be measured again."""

    pairs: int | None = None
    """Subjects for pairs on each distribution; None: as many as the spec says."""
    fresh: bool = False
    """On a new draw of held-out outcomes, not on those of the node's own record."""


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
            draws = [one.settings["draw"] for one in self.store.measurements(self.key)]
            draw = 1 + max(draws, default=0)
        return PairSettings(
            round=[state.index for state in self.rounds if state.reward][-1],
            pairs=measure.pairs if again.pairs is None else again.pairs,
            agent_outcomes=measure.agent_outcomes,
            draw=draw,
        )

    @cache  # noqa: B019 - a node lives as long as the command that measures it
    def trial(self, settings: PairSettings) -> Trial:
        """The node on a draw of held-out outcomes."""
        return self.at_work.trial(self.rounds, settings)


class RunAgain:
    """A run of one seed whose nodes are measured again; each that is needed is opened once."""

    def __init__(self, store: Store, run: str, plan: Plan) -> None:
        self.store, self.plan = store, plan
        self.keys = store.referred(run)
        self._nodes: dict[str, TrainedNode] = {}

    def is_trained(self, entry: str) -> bool:
        """Whether there is anything to measure."""
        return entry in self.keys and self.store.done(self.keys[entry]) is not None

    def node(self, entry: str) -> TrainedNode:
        """A node or an arm that is trained."""
        if entry not in self._nodes:
            self._nodes[entry] = TrainedNode(self.store, self.plan, self.keys[entry])
        return self._nodes[entry]

    def measure(self, entry: str, what: What, settings: PairSettings) -> bool:
        """Measure, and store what was found; False where it was in the store already."""
        node = self.node(entry)
        if what != "pairs":
            return self.study(entry, what, settings)[1]
        if load_pairs(self.store, node.key, settings) is not None:
            return False
        commit_pairs(self.store, node.key, node.trial(settings).pairs())
        return True

    def study(self, entry: str, what: What, settings: PairSettings) -> tuple[Study, bool]:
        """What was found, and whether it is new."""
        node, about = self.node(entry), settings.model_copy(update={"version": VERSIONS[what]})
        stored = load_study(self.store, node.key, what, MODELS[what], about)
        if stored is not None:
            return stored, False
        makers: dict[What, Callable[[], Study]] = {
            "causes": lambda: node.trial(settings).causes(),
            "transfer": lambda: node.trial(settings).transfers(),
            "prediction": lambda: node.trial(settings).predictions(self._known(entry, settings)),
        }
        found = makers[what]()
        commit_study(self.store, node.key, what, found, about)
        return found, True

    def _known(self, entry: str, settings: PairSettings) -> Known:
        """What is foretold of the helpers of an entry: of the same draw, each with its own last round."""
        measured, composed = {}, {}
        for helper in self.plan.by_name[entry].helpers:
            if not self.is_trained(helper) or not self.node(helper).is_measurable:
                continue
            last = self.node(helper).settings(Again()).round
            found, _ = self.study(helper, "prediction", settings.model_copy(update={"round": last}))
            assert isinstance(found, NodePredictions)
            if found.confusion is not None and found.composed is not None:
                measured[helper], composed[helper] = found.confusion, found.composed
        return Known(measured, composed)
