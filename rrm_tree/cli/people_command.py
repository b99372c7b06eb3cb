"""`rrm label`: questions to people, shown and answered in a terminal.

In: a run's name, keys on standard input. Out: questions and outcomes in words.
Touches the ledger, where the answers are kept as they are given.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import click

from rrm_tree.cli.answering import Keys, Press, explain_keys, name_alternatives, read_press
from rrm_tree.cli.opening import find_run, open_desk, store_option, this_person
from rrm_tree.errors import ExitCode, UsageError
from rrm_tree.feedback import DEMONSTRATED

if TYPE_CHECKING:
    from rrm_tree.asking import Asked
    from rrm_tree.contracts import Task
    from rrm_tree.desk import Desk
    from rrm_tree.outcomes import Judged
    from rrm_tree.plan import Entry, Plan
    from rrm_tree.store import Store
    from rrm_tree.team import Team

AHEAD = 2
"""Questions held at a time: the one that is shown, and the next."""


@click.command()
@click.argument("run", metavar="[RUN]", required=False, default="")
@click.option("--as", "person", metavar="NAME", help="Who answers; your name on this machine if left out.")
@click.option("--node", metavar="NODE", help="Questions of this node or arm alone.")
@store_option
def label(run: str, person: str | None, node: str | None, address: str) -> int:
    """Answer the questions that a run puts to people, one key each; the latest run if none is named.

    Every answer is kept as it is given: quitting, or a crash, loses none.
    """
    from rrm_tree.asking import check_name

    store, name = find_run(address, run)
    who = check_name(person or os.environ.get("RRM_PERSON") or this_person())
    desk = open_desk(store)
    try:
        sitting = Sitting(store, desk, who, *_keys_of(store, name, node))
        sitting.go()
        return sitting.close()
    finally:
        desk.close()


def _keys_of(store: Store, name: str, node: str | None) -> tuple[dict[str, Plan], dict[str, str]]:
    """The plans of a run's seeds, by the names of their runs; the keys that may ask, and whose they are."""
    from rrm_tree.mistakes import suggest
    from rrm_tree.seeds import runs_of

    plans = runs_of(store.plan(name), name)
    known = next(iter(plans.values())).by_name
    if node is not None and node not in known:
        raise UsageError(f"--node: run {name} has no node '{node}'{suggest(node, list(known))}")
    keys = {
        key: one
        for one in plans
        for entry, key in store.referred(one).items()
        if node is None or entry == node
    }
    return plans, keys


@dataclass
class Sitting:
    """One person before the questions of a run."""

    store: Store
    desk: Desk
    person: str
    plans: Mapping[str, Plan]
    """By run, of one seed each."""
    keys: Mapping[str, str]
    """Of each key that may ask the run: another run that shares the node may have put its questions first."""
    reads: Keys = field(default_factory=Keys)
    sure: int | None = None
    given: int = 0
    again: str = ""
    """The question whose answer was undone last."""
    _shown: dict[tuple[str, int], Judged] = field(default_factory=dict)
    _helpers: dict[str, str] = field(default_factory=dict)

    def go(self) -> None:
        """Questions until there are none, or the person has had enough."""
        skipped: set[str] = set()
        while True:
            held = self.desk.take(self.person, self.keys, AHEAD + len(skipped))
            open_ones = [one for one in held if one.id not in skipped]
            # What was undone comes back at once.
            asked = next((one for one in open_ones if one.id == self.again), next(iter(open_ones), None))
            if asked is None:
                break
            if not self._ask(asked, skipped):
                break
        left = [one.id for one in self.desk.take(self.person, self.keys, AHEAD + len(skipped))]
        self.desk.give_back(self.person, left)

    def close(self) -> int:
        """Say how far everybody is."""
        waits = self.desk.waiting(self.keys).values()
        lacking = sum(one.wanted - one.given for one in waits)
        click.echo(f"\n{self.given:,} answered; {lacking:,} answers are still wanted of people")
        mine = next((one for one in self.desk.people(self.keys) if one.person == self.person), None)
        if mine is not None and mine.compared:
            click.echo(f"others said the same in {mine.agreed:,} of {mine.compared:,} cases")
        return ExitCode.WAITING_FOR_PEOPLE if lacking else ExitCode.DONE

    def _ask(self, asked: Asked, skipped: set[str]) -> bool:
        """Show a question and do what the person wants; False to end."""
        from rrm_tree.asking import Said

        self._show(asked)
        began = time.monotonic()
        while True:
            press = self._press(asked)
            if press.what == "quit":
                return False
            if press.what == "skip":
                skipped.add(asked.id)
                return True
            if press.what == "undo":
                self._undo(skipped)
                return True
            if press.what == "sure":
                self.sure = int(press.value or 0)
                click.echo(f"sure: {self.sure}")
                continue
            if press.what == "unknown":
                click.echo(explain_keys(asked.kind, asked.alternatives))
                continue
            reason = self._reason() if press.what == "pass" else None
            seconds = round(time.monotonic() - began, 3)
            said = Said(asked.turn(press.value), self.sure, reason, seconds, press.moves)
            try:
                self.desk.answer(self.person, asked.id, said)
            except UsageError as error:
                click.echo(str(error))
                continue
            self.given, self.sure = self.given + 1, None
            return True

    def _press(self, asked: Asked) -> Press:
        if asked.kind not in DEMONSTRATED:
            return read_press(self.reads, asked.kind, asked.alternatives)
        from rrm_tree.cli.steering import steer

        return steer(self.reads, self._task(asked), asked, self._judged(asked))

    def _undo(self, skipped: set[str]) -> None:
        undone = self.desk.undo(self.person, self.keys)
        if undone is None:
            click.echo("nothing can be undone: what was answered before has been learned from")
            return
        self.again = undone.id
        skipped.discard(undone.id)
        self.given = max(0, self.given - 1)

    def _reason(self) -> int:
        """Why the person cannot tell."""
        from rrm_tree.feedback import REASONS

        click.echo("why? " + "   ".join(f"[{place}] {words}" for place, words in enumerate(REASONS)))
        key = self.reads.key()
        return int(key) if key.isdigit() and int(key) < len(REASONS) else 0

    def _show(self, asked: Asked) -> None:
        from rrm_tree.showing import clean_text, show_item

        judged = self._judged(asked)
        criterion = list(self._entry(asked).spec.criteria.values())[int(judged.items.criterion[asked.item])]
        click.echo(f"\n{'─' * 60}\n{asked.entry}: {clean_text(criterion.question)}")
        if asked.kind in DEMONSTRATED:
            return
        if judged.advice.values:
            click.echo("(the helpers' advice is hidden this time)" if asked.hidden else self._trust(asked))
        texts = show_item(self._task(asked), judged, asked)
        if judged.items.parts is not None:
            click.echo(f"\n{texts.pop(0)}")
        for name, text in zip(name_alternatives(len(texts)), texts, strict=True):
            click.echo(f"\n[{name.upper()}]\n{text}" if len(texts) > 1 else f"\n{text}")
        click.echo(f"\n{explain_keys(asked.kind, asked.alternatives)}")

    def _trust(self, asked: Asked) -> str:
        """How far the helpers of a question's node can be trusted."""
        from rrm_tree.results import collect_result
        from rrm_tree.trust import say_trust

        if asked.key not in self._helpers:
            run, helpers = self.keys[asked.key], self._entry(asked).spec.helpers
            nodes = {one.name: one for one in collect_result(self.store, run, self.plans[run], {}).nodes}
            told = (f"{name} {say_trust(nodes.get(name), self._team.task(name).parts)}" for name in helpers)
            self._helpers[asked.key] = "helpers: " + "; ".join(told)
        return self._helpers[asked.key]

    def _entry(self, asked: Asked) -> Entry:
        return self.plans[self.keys[asked.key]].by_name[asked.entry]

    def _task(self, asked: Asked) -> Task:
        return self._team.task(self._entry(asked).node)

    @cached_property
    def _team(self) -> Team:
        """The tasks of the tree, which are those of every seed."""
        from pathlib import Path

        from rrm_tree.registry import import_modules
        from rrm_tree.team import Team

        plan = next(iter(self.plans.values()))
        import_modules(plan.tree.imports, Path(plan.folder))
        return Team(plan.tree, {})

    def _judged(self, asked: Asked) -> Judged:
        """The batch in which a question stands, with the advice that its node's judge is shown."""
        from rrm_tree.errors import StoreError
        from rrm_tree.outcomes import Advice
        from rrm_tree.states import load_pending

        place = asked.key, asked.batch
        if place not in self._shown:
            found = load_pending(self.store, *place)
            if found is None:
                raise StoreError(
                    f"{self.store.address}: what is shown in batch {asked.batch} of {asked.key} is missing;"
                    " run the tree again, which stores it anew"
                )
            shows_advice = self._entry(asked).spec.shows_advice
            self._shown = {place: found if shows_advice else replace(found, advice=Advice())}
        return self._shown[place]
