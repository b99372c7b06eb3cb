"""What helpers rest on: how right they were when measured, their own answers, and what advised them.

In: a run's store, a question's outcome, a way down the tree. Out: answers with pictures, and where to go on.
Touches the store, which it reads. Loads torch once somebody sees advice, behind their back, not before.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rrm_tree.errors import StoreError, UsageError
from rrm_tree.node_spec import NodeSpec
from rrm_tree.outcomes import Advice, Outcomes, count_rows, take_rows
from rrm_tree.records import NodeResult, RunResult
from rrm_tree.report.words import clean
from rrm_tree.results import collect_result
from rrm_tree.rounds import Artifacts
from rrm_tree.states import load_artifacts
from rrm_tree.store import Store
from rrm_tree.trust import say_trust
from rrm_tree.web.scene import Scene
from rrm_tree.web.sights import Sight, see
from rrm_tree.web.work import Counsel, Worktable

if TYPE_CHECKING:
    from rrm_tree.team import Team

MOST_ANSWERS = 24
"""Of one helper about one outcome, that are shown one by one."""
MOST_STEPS = 12
"""Down the tree."""
TEAMS = 4
LOOK_AGAIN_SECONDS = 5.0
"""How often it is looked whether one more node is done."""


@dataclass(frozen=True)
class Step:
    """A helper on the way down, and which of its answers is gone on from."""

    helper: str
    answer: int = 0

    @classmethod
    def read(cls, text: str) -> tuple[Step, ...]:
        """A way down, as it stands in an address: `verdict/attacked~0/ray~3`.

        Raises:
            UsageError: it is none.
        """
        steps = []
        for part in text.split("/"):
            helper, tilde, number = part.rpartition("~")
            if not tilde:
                helper, number = part, "0"
            if not helper or not number.isascii() or not number.isdigit() or len(number) > 6:
                raise UsageError("that is no way down the tree")
            steps.append(cls(helper, int(number)))
        if len(steps) > MOST_STEPS:
            raise UsageError(f"the way down has {MOST_STEPS} steps at most")
        return tuple(steps)


@dataclass(frozen=True)
class Below:
    """A helper of a helper, to be looked at next."""

    helper: str
    trust: str
    way: str
    """Continues the way down."""


@dataclass(frozen=True)
class Evidence:
    """What one helper answered about one outcome."""

    helper: str
    doc: str
    trust: str
    answers: tuple[Answered, ...]
    left_out: int
    remark: str
    """What must be known to read it rightly; empty where nothing must."""


@dataclass(frozen=True)
class Answered:
    """One of its answers."""

    way: str
    words: str
    below: tuple[Below, ...]


@dataclass(frozen=True)
class _Found:
    """Where a way down has come to: a helper's answers, and the advice that it can ask for."""

    node: NodeSpec
    name: str
    outcomes: Outcomes


class Witnesses:
    """Asks trained helpers again what they said."""

    def __init__(self, table: Worktable) -> None:
        self.table = table
        self._teams: OrderedDict[str, Team] = OrderedDict()
        self._results: dict[str, tuple[float, int, dict[str, NodeResult]]] = {}
        self._warmed: set[str] = set()
        # Helpers remember what they answered; nobody wrote them for two threads.
        self._lock = threading.Lock()

    # --- how far they can be trusted -------------------------------------------------------------

    def counsel(self, scene: Scene) -> tuple[Counsel, ...]:
        """The helpers of a question's node, with how right they were."""
        panes, way = range(len(scene.rows)), f"/evidence/{scene.asked.id}"
        return tuple(
            Counsel(
                helper=clean(name, 80),
                doc=clean(self.table.plan.tree.nodes[name].doc, 200),
                trust=self.trust(scene.asked.run, name),
                evidence=tuple(f"{way}/{pane}/{name}" for pane in panes),
            )
            for name in scene.entry.spec.helpers
        )

    def trust(self, run: str, helper: str) -> str:
        """How right a helper was where that was measured, in words."""
        return say_trust(self._nodes(run).get(helper), self.table.task(helper).parts)

    def _nodes(self, run: str) -> Mapping[str, NodeResult]:
        """What is known of a run's nodes, read again when one more is done."""
        store, plan, now = self.table.store, self.table.runs[run], time.monotonic()
        known = self._results.get(run)
        if known is not None and now - known[0] < LOOK_AGAIN_SECONDS:
            return known[2]
        done = sum(store.done(key) is not None for key in store.referred(run).values())
        if known is None or known[1] != done:
            result: RunResult = collect_result(store, run, plan, {})
            known = now, done, {node.name: node for node in result.nodes}
        self._results[run] = now, done, known[2]
        return known[2]

    # --- getting ready -----------------------------------------------------------------------------

    def warm(self, scene: Scene) -> None:
        """Begin to load what evidence needs: whoever looks first must not wait for torch."""
        run = scene.asked.run
        if scene.entry.spec.shows_advice and not scene.asked.hidden and run not in self._warmed:
            self._warmed.add(run)
            threading.Thread(target=self._load, args=(scene,), daemon=True).start()

    def _load(self, scene: Scene) -> None:
        # Whatever goes wrong goes wrong again, and is said, when evidence is asked for.
        with contextlib.suppress(Exception), self._lock:
            self._team(scene).advisor(scene.entry.node, scene.entry.spec, ("advice",))

    @property
    def ready(self) -> frozenset[str]:
        """Runs whose helpers have been loaded."""
        return frozenset(self._teams)

    # --- what they said ----------------------------------------------------------------------------

    def look(self, scene: Scene, person: str, pane: int, way: str) -> Evidence:
        """What the last helper on a way down answered about one outcome of a question.

        Raises:
            UsageError: there is no such way, or this person is not shown advice.
            RrmError: a helper cannot be asked again.
        """
        with self._lock:
            found = self._go(scene, person, pane, Step.read(way))
        steps = Step.read(way)
        prefix = "/".join([f"{one.helper}~{one.answer}" for one in steps[:-1]])
        prefix = f"{prefix}/" if prefix else ""
        count = len(found.outcomes)
        run = scene.asked.run
        answers = []
        for place in range(min(count, MOST_ANSWERS)):
            here = f"{prefix}{found.name}~{place}"
            below = tuple(Below(one, self.trust(run, one), f"{here}/{one}") for one in found.node.helpers)
            answers.append(Answered(here, f"answer {place + 1} of {count}" if count > 1 else "", below))
        return Evidence(
            helper=clean(found.name, 80),
            doc=clean(found.node.doc, 200),
            trust=self.trust(run, found.name),
            answers=tuple(answers),
            left_out=max(0, count - MOST_ANSWERS),
            remark=_say_unasked(found.node),
        )

    def sight(self, scene: Scene, person: str, pane: int, way: str) -> Sight:
        """The picture of one answer of a helper, with what its own helpers say drawn on it."""
        steps = Step.read(way)
        name = ("evidence", scene.asked.key, scene.asked.batch, scene.asked.item, pane, person, way)

        def draw() -> Sight:
            with self._lock:
                found = self._go(scene, person, pane, steps)
                row = steps[-1].answer
                if row >= len(found.outcomes):
                    raise UsageError("there is no such answer")
                one = found.outcomes.take(np.array([row]))
                team = self._team(scene)
                advice = self._advise(team, found, one)
            return see(team.task(found.name), one, 0, advice)

        return self.table.gallery.get(name, draw)

    def _advise(self, team: Team, found: _Found, one: Outcomes) -> Advice:
        try:
            return team.advisor(found.name, found.node, ("advice",)).advise(one)
        except KeyError:
            # A helper further down is not there any more; the answer itself is.
            return Advice()

    def _go(self, scene: Scene, person: str, pane: int, steps: Sequence[Step]) -> _Found:
        """Ask one helper after the other, each about what the one before it answered."""
        if not scene.entry.spec.shows_advice or scene.asked.hidden:
            raise UsageError("this question is shown without advice")
        team, order = self._team(scene), scene.order(person)
        if not 0 <= pane < len(order):
            raise UsageError(f"this question shows {len(order)} outcomes")
        found = _Found(scene.entry.spec, scene.entry.node, scene.outcome(order[pane]))
        for place, step in enumerate(steps):
            if place:
                last = steps[place - 1].answer
                if last >= len(found.outcomes):
                    raise UsageError("there is no such answer")
                found = _Found(found.node, found.name, found.outcomes.take(np.array([last])))
            if step.helper not in found.node.helpers:
                raise UsageError(f"{found.name} has no helper of that name")
            found = self._ask(team, found, step.helper)
        return found

    @staticmethod
    def _ask(team: Team, found: _Found, helper: str) -> _Found:
        """All that one helper answers about one outcome."""
        asked = team.advisor(found.name, found.node, ("advice",)).helpers[helper]
        kind, task = asked.task.advice or "", team.task(found.name)
        every = [
            task.questions(found.outcomes, criterion, kind).subjects
            for criterion, spec in found.node.criteria.items()
            if helper in spec.helpers
        ]
        subjects = next((one for one in every if count_rows(one)), {})
        node = team.tree.nodes[helper]
        if not count_rows(subjects):
            return _Found(node, helper, found.outcomes.take(np.zeros(0, np.int64)))
        few = take_rows(subjects, np.arange(min(count_rows(subjects), 512)))
        return _Found(node, helper, asked.answer(few))

    def _team(self, scene: Scene) -> Team:
        from rrm_tree.team import Team  # noqa: PLC0415 - loads torch

        run = scene.asked.run
        if run not in self._teams:
            store, artifacts = self.table.store, {}
            for entry, key in store.referred(run).items():
                done = store.done(key)
                if done is not None and "~" not in entry:
                    artifacts[entry] = _Later(store, done.objects)
            self._teams[run] = Team(self.table.runs[run].tree, _Artifacts(artifacts))
            if len(self._teams) > TEAMS:
                self._teams.popitem(last=False)
        return self._teams[run]


@dataclass(frozen=True)
class _Later:
    store: Store
    objects: Mapping[str, str]


class _Artifacts(dict[str, Artifacts]):
    """What helpers have learned, read when they are asked."""

    def __init__(self, later: Mapping[str, _Later]) -> None:
        super().__init__()
        self._later = later

    def __missing__(self, name: str) -> Artifacts:
        if name not in self._later:
            raise StoreError(f"{name} is not trained in this run, so it cannot be asked")
        one = self._later[name]
        self[name] = load_artifacts(one.store, one.objects)
        return self[name]


def _say_unasked(node: NodeSpec) -> str:
    if node.helpers and "advice" not in node.reward_model.sees:
        names = ", ".join(node.helpers)
        return (
            f"It has learned to do without {names}: what you see of {names} is what its own judge saw when it"
            " was trained, not what it asked now."
        )
    return ""
