"""What there is to judge in a run: questions with all that a page shows of them, and what was pressed.

In: a store, the desk, a run. Out: questions as a page takes them, pictures, answers for the desk.
Touches the store, which it reads, and the desk.

People are blind: a page never learns which outcome stands on which side, nor how a question came about.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import cast

from pydantic import BaseModel, ConfigDict

from rrm_tree.asking import Asked, Demand, Received, Said
from rrm_tree.contracts import Pointed, Task
from rrm_tree.desk import Desk
from rrm_tree.errors import StoreError, UsageError
from rrm_tree.outcomes import Judged
from rrm_tree.plan import Plan
from rrm_tree.registry import find, import_modules
from rrm_tree.report.words import clean
from rrm_tree.seeds import runs_of
from rrm_tree.states import load_pending
from rrm_tree.store import Store
from rrm_tree.web.pressed import Pressed, read_pressed, say_before
from rrm_tree.web.scene import Scene
from rrm_tree.web.sights import Form, Gallery, Sight
from rrm_tree.web.wheel import Wheel, check_shown, is_steered, take_wheel

KEYS_SECONDS = 1.0
"""How long it is believed which keys a run has."""

QUICK_SECONDS = 0.1
"""What takes no longer is counted each time."""

BATCHES = 8
"""Batches of questions that are kept in memory."""

MOST_WORDS = 500
"""Letters of a question."""

SIDES = ("left", "right")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pane(_Frozen):
    """One outcome of a question, as the page shows it."""

    name: str
    source: str
    """Where it is fetched from."""
    form: Form
    words: str
    spelled: str
    """All of it as lines of text; empty where the task cannot say it."""
    per_second: float
    """Frames a second of a clip; 0 of what does not move."""
    note: str
    """Why there is no clip, where one was to be expected."""


class Counsel(_Frozen):
    """A helper whose advice is shown."""

    helper: str
    doc: str
    trust: str
    """How right it was where that was measured."""
    evidence: tuple[str, ...]
    """Where its own evidence is fetched from, for each pane."""


class Shown(_Frozen):
    """A question with all that a page shows of it."""

    id: str
    kind: str
    node: str
    question: str
    part: str | None
    panes: tuple[Pane, ...]
    """None where the person is to show something."""
    wheel: Wheel | None
    hidden: bool
    """Whether there is advice that is not shown."""
    counsel: tuple[Counsel, ...]
    before: str | None
    """What was answered before it was undone."""


class Worktable:
    """The questions of one run."""

    def __init__(self, store: Store, desk: Desk, run: str) -> None:
        """Lay out a run's questions.

        Raises:
            StoreError: there is no such run.
            PluginError: a module that its spec imports cannot be imported.
        """
        self.store, self.desk, self.run = store, desk, run
        self.plan: Plan = store.plan(run)
        import_modules(self.plan.tree.imports, Path(self.plan.folder))
        self.gallery = Gallery()
        self._tasks: dict[str, Task] = {}
        self._batches: OrderedDict[tuple[str, int], Judged] = OrderedDict()
        self._keys: tuple[float, dict[str, str]] = (-math.inf, {})
        self._demand: tuple[Demand | None, float] = (None, -math.inf)
        self._lock, self._counting = threading.Lock(), threading.Lock()
        # SQLite lets one write at a time, and those who wait for it sleep: here they queue.
        self._at_desk = threading.Lock() if desk.embedded else nullcontext()

    @cached_property
    def runs(self) -> dict[str, Plan]:
        """The runs of one seed each."""
        return runs_of(self.plan, self.run)

    @property
    def keys(self) -> Mapping[str, str]:
        """The keys so far, and of each the run, of one seed, that it belongs to."""
        read, known = self._keys
        if time.monotonic() - read > KEYS_SECONDS:
            known = {key: run for run in self.runs for key in self.store.referred(run).values()}
            self._keys = time.monotonic(), known
        return known

    def demand(self) -> Demand:
        """What is asked of people; where that takes long to count, as of a moment ago."""
        with self._counting:
            found, fresh_until = self._demand
            began = time.monotonic()
            if found is None or began > fresh_until:
                keys = self.keys
                with self._at_desk:
                    found = self.desk.demand(keys)
                took = time.monotonic() - began
                # A twentieth of the time at most is spent on counting.
                fresh = 20 * took if took > QUICK_SECONDS else 0.0
                self._demand = found, time.monotonic() + fresh
            return found

    # --- what is shown ---------------------------------------------------------------------------

    def take(self, person: str, count: int) -> list[Scene]:
        """Questions for somebody, held until they are answered or two minutes have passed."""
        keys = self.keys
        with self._at_desk:
            taken = self.desk.take(person, keys, count)
        scenes = [self.scene(asked) for asked in taken]
        for scene in scenes:
            self.gallery.paint(partial(self._draw_all, scene))
        return scenes

    def undo(self, person: str) -> Scene | None:
        """The question that somebody answered last, open again."""
        keys = self.keys
        with self._at_desk:
            asked = self.desk.undo(person, keys)
        return None if asked is None else self.scene(asked)

    def find(self, person: str, question: str) -> Scene:
        """A question that somebody was asked.

        Raises:
            UsageError: the person was not.
        """
        with self._at_desk:
            asked = self.desk.look_at(person, question)
        return self.scene(asked)

    def hold(self, person: str, questions: Sequence[str]) -> list[str]:
        """Hold questions two minutes longer; those that are still somebody's."""
        with self._at_desk:
            return self.desk.hold(person, questions)

    def give_back(self, person: str, questions: Sequence[str]) -> None:
        """Let others have questions at once."""
        with self._at_desk:
            self.desk.give_back(person, questions)

    def scene(self, asked: Asked) -> Scene:
        """A question with its outcomes.

        Raises:
            UsageError: it is a question of another run.
            StoreError: what it shows is not in the store any more.
        """
        # Another run that shares the node may have put it first.
        run = self.keys.get(asked.key)
        if run is None:
            raise UsageError(f"this page is not about {asked.entry} of run {asked.run}")
        entry = self.plan.by_name[asked.entry]
        judged = self._batch(asked.key, asked.batch)
        return Scene(replace(asked, run=run), entry, self.task(entry.node), judged)

    def task(self, node: str) -> Task:
        """The task of a node."""
        with self._lock:
            if node not in self._tasks:
                spec = self.plan.tree.nodes[node].task
                self._tasks[node] = cast(Task, find("task", spec.use).build(spec.options))
            return self._tasks[node]

    def sight(self, scene: Scene, person: str, pane: int) -> Sight:
        """What stands at one place of the page."""
        order = scene.order(person)
        if not 0 <= pane < len(order):
            raise UsageError(f"this question shows {len(order)} outcomes")
        return self.gallery.get(_name_sight(scene, order[pane]), partial(scene.look, order[pane]))

    def _draw_all(self, scene: Scene) -> None:
        """Have the pictures of a question ready before it is shown."""
        # Who shows something sees nothing of what others did.
        for place in range(0 if is_steered(scene.asked.kind) else len(scene.rows)):
            self.gallery.get_here(_name_sight(scene, place), partial(scene.look, place))

    def _batch(self, key: str, number: int) -> Judged:
        with self._lock:
            if (key, number) not in self._batches:
                judged = load_pending(self.store, key, number)
                if judged is None:
                    raise StoreError(f"{self.store.address}: the questions of {key} are not there any more")
                self._batches[key, number] = judged
                if len(self._batches) > BATCHES:
                    self._batches.popitem(last=False)
            self._batches.move_to_end((key, number))
            return self._batches[key, number]

    def show(self, scene: Scene, person: str, counsel: Sequence[Counsel]) -> Shown:
        """A question as the page takes it."""
        asked, spec = scene.asked, scene.entry.spec
        criterion = list(spec.criteria.values())[int(scene.judged.items.criterion[asked.item])]
        wheel = take_wheel(scene, self.gallery) if is_steered(asked.kind) else None
        names: Sequence[str] = () if wheel else [str(n + 1) for n in range(len(scene.rows))]
        names = SIDES if asked.kind == "preference" else names
        # Where parts are chosen among, each is drawn by itself.
        has_parts = scene.task.parts > 1 and isinstance(scene.task, Pointed) and not scene.points_at_parts
        return Shown(
            id=asked.id,
            kind=asked.kind,
            node=clean(asked.entry),
            question=clean(criterion.question, MOST_WORDS),
            part=clean(cast(Pointed, scene.task).name_part(scene.part), 80) if has_parts else None,
            panes=tuple(self._pane(scene, person, place, name) for place, name in enumerate(names)),
            wheel=wheel,
            hidden=spec.shows_advice and asked.hidden and wheel is None,
            counsel=() if asked.hidden or not spec.shows_advice or wheel else tuple(counsel),
            before=say_before(scene, person),
        )

    def _pane(self, scene: Scene, person: str, place: int, name: str) -> Pane:
        sight = self.sight(scene, person, place)
        source = f"/shown/{scene.asked.id}/{place}?{scene.mark(person)}"
        return Pane(
            name=name,
            source=source,
            form=sight.form,
            words=sight.words,
            spelled=sight.spelled,
            per_second=sight.per_second,
            note=sight.note,
        )

    # --- what is answered ------------------------------------------------------------------------

    def answer(self, person: str, pressed: Pressed) -> Received:
        """Keep an answer.

        Raises:
            UsageError: it is none to this question, or the person was not asked it.
        """
        scene = self.find(person, pressed.id)
        value = read_pressed(scene, person, pressed)
        reason = pressed.reason if value is None else None
        moves = check_shown(scene, self.gallery, pressed.moves) if pressed.choice == "show" else None
        said = Said(value, pressed.confidence, reason, pressed.seconds, moves)
        with self._at_desk:
            return self.desk.answer(person, pressed.id, said)


def _name_sight(scene: Scene, place: int) -> tuple[object, ...]:
    asked = scene.asked
    part = scene.parts[place] if scene.task.parts > 1 else 0
    return asked.key, asked.batch, scene.rows[place], part, bool(scene.advice.values)
