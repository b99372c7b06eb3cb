"""Trained nodes measured again: their pairs, what their errors are made of, how errors travel.

In: a store, a run's plan, an entry that is done. Out: measurements, which are stored.
Trains nothing and changes no key; randomness derives from the tree's seed, the node and the draw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final, TypeAlias

from rrm_tree.contracts import Segmented
from rrm_tree.errors import StoreError
from rrm_tree.measure import Known, Trial
from rrm_tree.measured import PairSettings
from rrm_tree.node import NodeAtWork
from rrm_tree.plan import Plan, Ticket
from rrm_tree.propagation.best_of_n import BEST_OF_N_VERSION, NodeBestOfN
from rrm_tree.propagation.causes import CAUSES_VERSION, NodeCauses
from rrm_tree.propagation.disagreements import DISAGREEMENTS_VERSION, NodeDisagreements
from rrm_tree.propagation.learning_curves import LEARNING_VERSION, NodeLearning
from rrm_tree.propagation.prediction import PREDICTION_VERSION, NodePredictions
from rrm_tree.propagation.step_rewards import STEPS_VERSION, NodeSteps
from rrm_tree.propagation.sweep_gains import SWEEPS_VERSION, NodeSweeps, follow_sweeps
from rrm_tree.propagation.transfer import TRANSFER_VERSION, NodeTransfers
from rrm_tree.records import WHATS, What
from rrm_tree.registry import import_modules
from rrm_tree.relearning import relearn
from rrm_tree.rounds import RoundState
from rrm_tree.states import commit_pairs, commit_study, load_all_rounds, load_pairs, load_setup, load_study
from rrm_tree.store import Store
from rrm_tree.sweeps import node_of

Study: TypeAlias = (
    NodeCauses
    | NodeTransfers
    | NodePredictions
    | NodeBestOfN
    | NodeDisagreements
    | NodeSweeps
    | NodeLearning
    | NodeSteps
)

UNASKED: Final = tuple(what for what in WHATS if what != "learning")
"""What is measured unless something is named: to learn again takes longer than all else."""

MODELS: Final[dict[What, type[Study]]] = {
    "causes": NodeCauses,
    "transfer": NodeTransfers,
    "prediction": NodePredictions,
    "best-of-n": NodeBestOfN,
    "disagreements": NodeDisagreements,
    "sweeps": NodeSweeps,
    "learning": NodeLearning,
    "steps": NodeSteps,
}
VERSIONS: Final[dict[What, str]] = {
    "causes": CAUSES_VERSION,
    "transfer": TRANSFER_VERSION,
    "prediction": PREDICTION_VERSION,
    "best-of-n": BEST_OF_N_VERSION,
    "disagreements": DISAGREEMENTS_VERSION,
    "sweeps": SWEEPS_VERSION,
    "learning": LEARNING_VERSION,
    "steps": STEPS_VERSION,
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
        """All its rounds.

        Raises:
            StoreError: one of them is not whole.
        """
        return load_all_rounds(self.store, self.key)

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

    def has(self, entry: str, what: What) -> bool:
        """Whether anything of that kind is stored, whatever its settings."""
        return bool(self.store.measurements(self.keys[entry], what))

    def measure(self, entry: str, what: What, settings: PairSettings) -> bool:
        """Measure, and store what was found; False where it was in the store already."""
        node = self.node(entry)
        if what != "pairs":
            return self.study(entry, what, settings)[1]
        if load_pairs(self.store, node.key, settings) is not None:
            return False
        commit_pairs(self.store, node.key, node.trial(settings).pairs)
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
            "best-of-n": lambda: node.trial(settings).best_of_n(),
            "disagreements": lambda: node.trial(settings).disagreements(),
            "sweeps": lambda: self._sweeps(entry, settings),
            "steps": lambda: node.trial(settings).steps(),
            "learning": lambda: relearn(node.at_work, node.rounds, node.trial(settings)),
        }
        found = makers[what]()
        commit_study(self.store, node.key, what, found, about)
        return found, True

    def applies(self, entry: str, what: What) -> bool:
        """Whether there is such a thing to measure.

        Sweeps of the last one alone, where there are several; steps where they are scored by themselves.
        """
        planned = self.plan.by_name[entry]
        if what == "sweeps":
            return planned.goes_on is not None and planned.sweep is None
        return what != "steps" or isinstance(self.node(entry).at_work.station.task, Segmented)

    def _sweeps(self, entry: str, settings: PairSettings) -> NodeSweeps:
        """Every sweep's node on the pairs of the last one."""
        names: list[str] = []
        earlier: str | None = entry
        while earlier is not None:
            names.insert(0, earlier)
            earlier = self.plan.by_name[earlier].goes_on
        trials = [self.node(name).trial(self._as_trained(name, settings)) for name in names]
        paths = [
            follow_sweeps(
                [trial.in_sweep(hearing) for trial in trials], hearing.pairs.root, hearing.distribution
            )
            for hearing in trials[-1].hearings
            if len(hearing.pairs)
        ]
        return NodeSweeps(node=entry, paths=tuple(paths))

    def _as_trained(self, entry: str, settings: PairSettings) -> PairSettings:
        """The same draw, of the entry's own last round."""
        last = self.node(entry).settings(Again()).round
        return settings.model_copy(update={"round": last})

    def _known(self, entry: str, settings: PairSettings) -> Known:
        """What is foretold of the helpers of an entry: of the same draw, each with its own last round."""
        measured, composed = {}, {}
        for helper in self.plan.by_name[entry].helpers:
            if not self.is_trained(helper) or not self.node(helper).is_measurable:
                continue
            found, _ = self.study(helper, "prediction", self._as_trained(helper, settings))
            assert isinstance(found, NodePredictions)
            if found.confusion is not None and found.composed is not None:
                name = node_of(helper)
                measured[name], composed[name] = found.confusion, found.composed
        return Known(measured, composed)
