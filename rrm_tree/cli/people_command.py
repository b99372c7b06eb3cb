"""`rrm label`: questions to people, shown and answered in a terminal.

In: a run's name, keys on standard input. Out: questions and outcomes in words.
Touches the ledger, where the answers are kept as they are given.
"""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from rrm_tree.cli.answering import CHOICES, Keys, Press, explain_keys, read_press
from rrm_tree.cli.opening import find_run, open_existing, open_ledger, store_option
from rrm_tree.errors import ExitCode, UsageError
from rrm_tree.feedback import DEMONSTRATED

if TYPE_CHECKING:
    from rrm_tree.asking import Asked
    from rrm_tree.desk import Desk
    from rrm_tree.outcomes import Judged
    from rrm_tree.plan import Plan
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
    from rrm_tree.desk import Desk

    store = open_existing(address) if not run else find_run(address, run)[0]
    name = store.runs()[-1] if not run else find_run(address, run)[1]
    who = check_name(person or os.environ.get("RRM_PERSON") or getpass.getuser())
    ledger = open_ledger(store)
    desk = Desk(ledger.url)
    try:
        sitting = Sitting(store, desk, who, *_keys_of(store, name, node))
        sitting.go()
        return sitting.close()
    finally:
        desk.close()


def _keys_of(store: Store, name: str, node: str | None) -> tuple[dict[str, Plan], list[str]]:
    """The plans of a run's seeds, by the names of their runs, and the keys that may ask."""
    from rrm_tree.mistakes import suggest
    from rrm_tree.seeds import runs_of

    plans = runs_of(store.plan(name), name)
    known = next(iter(plans.values())).by_name
    if node is not None and node not in known:
        raise UsageError(f"--node: run {name} has no node '{node}'{suggest(node, list(known))}")
    keys = [
        key for one in plans for entry, key in store.referred(one).items() if node is None or entry == node
    ]
    return plans, keys


@dataclass
class Sitting:
    """One person before the questions of a run."""

    store: Store
    desk: Desk
    person: str
    plans: dict[str, Plan]
    keys: Sequence[str]
    reads: Keys = field(default_factory=Keys)
    sure: int | None = None
    given: int = 0
    again: str = ""
    """The question whose answer was undone last."""
    _shown: dict[tuple[str, int], Judged] = field(default_factory=dict)
    _teams: dict[str, Team] = field(default_factory=dict)

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
        from rrm_tree.sweeps import node_of

        task = self._team(asked.run).task(node_of(asked.entry))
        return steer(self.reads, task, asked, self._judged(asked))

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
        from rrm_tree.sweeps import node_of

        team, judged = self._team(asked.run), self._judged(asked)
        node = self.plans[asked.run].by_name[asked.entry] if asked.run in self.plans else None
        criterion = int(judged.items.criterion[asked.item])
        spec = node.spec if node is not None else team.tree.nodes[node_of(asked.entry)]
        question = list(spec.criteria.values())[criterion].question
        click.echo(f"\n{'─' * 60}\n{asked.entry}: {clean_text(question)}")
        if judged.advice.values and asked.kind not in DEMONSTRATED:
            click.echo(
                "(the helpers' advice is hidden this time)" if asked.hidden else self._witnesses(asked)
            )
        task = team.task(node_of(asked.entry))
        if asked.kind in DEMONSTRATED:
            return
        texts = show_item(task, judged, asked)
        if judged.items.parts is not None:
            click.echo(f"\n{texts.pop(0)}")
        for place, text in enumerate(texts):
            title = f"[{CHOICES[place].upper()}]\n" if len(texts) > 1 and place < len(CHOICES) else ""
            click.echo(f"\n{title}{text}")
        click.echo(f"\n{explain_keys(asked.kind, asked.alternatives)}")

    def _witnesses(self, asked: Asked) -> str:
        """How right each helper was found to be."""
        from rrm_tree.records import RoundRecord

        plan, keys = self.plans.get(asked.run), self.store.referred(asked.run)
        helpers = plan.by_name[asked.entry].spec.helpers if plan is not None else ()
        told = []
        for name in helpers:
            manifests = self.store.manifests(keys[name]) if name in keys else ()
            data = self.store.get(manifests[-1].objects["record"]) if manifests else None
            record = None if data is None else RoundRecord.model_validate_json(data)
            shares = None if record is None else record.on or record.off
            share = None if shares is None else shares.distilled
            told.append(f"{name} was right in {share.value:.0%} of {share.pairs:,} tests" if share else name)
        return "helpers: " + "; ".join(told)

    def _team(self, run: str) -> Team:
        from pathlib import Path

        from rrm_tree.registry import import_modules
        from rrm_tree.team import Team

        if run not in self._teams:
            plan = self.plans.get(run) or self.store.plan(run)
            import_modules(plan.tree.imports, Path(plan.folder))
            self._teams[run] = Team(plan.tree, {})
        return self._teams[run]

    def _judged(self, asked: Asked) -> Judged:
        from rrm_tree.errors import StoreError
        from rrm_tree.states import load_pending

        place = asked.key, asked.batch
        if place not in self._shown:
            found = load_pending(self.store, *place)
            if found is None:
                raise StoreError(
                    f"{self.store.address}: what is shown in batch {asked.batch} of {asked.key} is missing;"
                    " run the tree again, which stores it anew"
                )
            self._shown = {place: found}
        return self._shown[place]
