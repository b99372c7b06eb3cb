"""Questions put to people and what they answer: batches, leases, answers, amendments.

In: a database address, then keys, people, questions. Out: questions leased to somebody, answers.
Touches that database alone. What a question shows lies in the store (`Store.pending`); here are numbers.

Every verb is one transaction, and one after the other: two pages, two attempts and a process that is killed
between two keys neither lose an answer nor double one. Leases end by the database's clock.

    question   open → used              used: a round has learned from its answers
    answer     leased → given           undone: leased again; given after its question was used: an amendment
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import sqlalchemy as sql

from rrm_tree.asking import (
    Asked,
    Batch,
    Demand,
    Given,
    Pace,
    PersonProgress,
    Progress,
    Question,
    Received,
    Said,
    check_name,
    check_said,
    sum_up,
)
from rrm_tree.desk_rows import (
    OF_ANSWER,
    OF_BATCH,
    asked_columns,
    is_same,
    paces_of,
    progress_of,
    read_given,
    to_asked,
)
from rrm_tree.errors import UsageError
from rrm_tree.ledger import Ledger
from rrm_tree.tables import answers, batches, insert, moves, people, questions

QUESTION_SECONDS = 120.0
"""How long a question stays with somebody who says nothing; `hold` it while a page shows it."""

SITTING = 0x72726E
"""Advisory lock under which a server lets one verb after the other happen."""

Found = TypeVar("Found")


class Desk(Ledger):
    """A ledger as people and those who ask them use it."""

    durable = True

    # --- who asks --------------------------------------------------------------------------------

    def put(self, batch: Batch, asked: Sequence[Question]) -> bool:
        """Put a batch of questions to people; False where it has been put before, which changes nothing."""

        def work(connection: sql.Connection) -> bool:
            row = {**asdict(batch), "put_at": self._now, "state": "open"}
            wish = insert(self.embedded, batches).values(row).on_conflict_do_nothing()
            if connection.execute(wish.returning(batches.c.key)).first() is None:
                return False
            rest = {"key": batch.key, "batch": batch.number, "given": 0, "state": "open"}
            rows = [{"id": secrets.token_urlsafe(16), **asdict(one), **rest} for one in asked]
            if rows:
                connection.execute(sql.insert(questions), rows)
            return True

        return self._one_by_one(work)

    def use(self, key: str, number: int) -> tuple[Given, ...] | None:
        """The answers of a batch, question by question, and nothing can change them any more; None: too few.

        Called again it gives the same. Of a question that more people have answered than it wants, those
        who came first count.
        """

        def work(connection: sql.Connection) -> tuple[Given, ...] | None:
            here = sql.and_(batches.c.key == key, batches.c.number == number)
            left = (batches.c.put_at + batches.c.patience - self._now).label("left")
            state = connection.execute(sql.select(batches.c.state, left).where(here)).first()
            if state is None:
                return None
            about = sql.and_(questions.c.key == key, questions.c.batch == number)
            if state.state == "open":
                lacking = sql.select(questions.c.id).where(about, questions.c.given < questions.c.wanted)
                is_over = state.left is not None and state.left <= 0
                if not is_over and connection.execute(lacking.limit(1)).first() is not None:
                    return None
                connection.execute(sql.update(batches).where(here).values(state="used"))
                connection.execute(sql.update(questions).where(about).values(state="used"))
            return read_given(connection, about)

        return self._one_by_one(work)

    def waiting(self, keys: Collection[str]) -> dict[str, Progress]:
        """Those of some keys whose open batch lacks answers, and how far it is."""
        late = sql.and_(batches.c.patience.is_not(None), batches.c.put_at + batches.c.patience <= self._now)
        found = self._rows(progress_of(keys, self._now).where(sql.not_(late)))
        every = [Progress(**row._mapping) for row in found]
        return {one.key: one for one in every if one.open}

    def progress(self, keys: Collection[str]) -> tuple[Progress, ...]:
        """How far the open batches of some keys are, the one put first at the beginning."""
        return tuple(Progress(**row._mapping) for row in self._rows(progress_of(keys, self._now)))

    def answers_for(self, key: str, number: int) -> tuple[Given, ...]:
        """Every answer to a batch so far, used or not."""
        about = sql.and_(questions.c.key == key, questions.c.batch == number)
        return self._do(lambda connection: read_given(connection, about, every=True))

    # --- who answers -----------------------------------------------------------------------------

    def take(self, person: str, keys: Collection[str], count: int = 1) -> list[Asked]:
        """Questions for somebody, at most `count`, each held for two minutes: those held already come first.

        Nobody is asked twice, nor asked what enough others have answered or hold.

        Raises:
            UsageError: the name is none.
        """
        named = check_name(person)

        def work(connection: sql.Connection) -> list[Asked]:
            held = self._held(connection, named, keys)
            self._extend(connection, named, [one.id for one in held])
            for key in self._open_keys(connection, keys) if len(held) < count else ():
                held += self._give_out(connection, named, key, count - len(held))
            return held[:count]

        return self._one_by_one(work)

    def hold(self, person: str, ids: Collection[str]) -> list[str]:
        """Hold questions two minutes longer; those that are still held, or again as nobody else took them."""

        def work(connection: sql.Connection) -> list[str]:
            mine = sql.select(answers.c.question).join(questions, questions.c.id == answers.c.question)
            mine = mine.where(answers.c.person == person, answers.c.state == "leased")
            mine = mine.where(questions.c.id.in_(list(ids)), questions.c.state == "open")
            mine = mine.where(sql.or_(answers.c.lease_until > self._now, self._has_room(person)))
            kept = [str(row.question) for row in connection.execute(mine)]
            self._extend(connection, person, kept)
            return kept

        return self._one_by_one(work)

    def give_back(self, person: str, ids: Collection[str]) -> None:
        """Let others have questions at once that somebody holds and will not answer."""
        mine = sql.update(answers).where(answers.c.person == person, answers.c.question.in_(list(ids)))
        self._change(mine.where(answers.c.state == "leased").values(lease_until=self._now))

    def answer(self, person: str, question: str, said: Said) -> Received:
        """Keep an answer; the same again changes nothing, another one takes its place until it was used.

        After that it is kept as an amendment, from which nothing is learned.

        Raises:
            UsageError: the person was never asked this, or it is no answer to it.
        """

        def work(connection: sql.Connection) -> Received:
            row = self._row(connection, person, question)
            check_said(said, row.kind, row.alternatives)
            mine = sql.update(answers).where(answers.c.question == question, answers.c.person == person)
            if row.asked == "used":
                if row.state == "given" and is_same(row, said):
                    return "given"
                connection.execute(mine.values(amended=json.dumps(asdict(said), sort_keys=True)))
                return "amended"
            if row.state == "given" and is_same(row, said):
                return "given"
            kept = {**asdict(said), "state": "given", "at": self._now, "lease_until": 0.0}
            del kept["moves"]
            connection.execute(mine.values(kept))
            self._keep_moves(connection, person, question, said)
            if row.state != "given":
                _count(connection, question, 1)
            return "given"

        return self._one_by_one(work)

    def undo(self, person: str, keys: Collection[str]) -> Asked | None:
        """The question that somebody answered last, held again as if it had not been; None: nothing to undo.

        Only an answer that was not used can be undone; another answer to the question is an amendment then.
        """

        def work(connection: sql.Connection) -> Asked | None:
            wanted = asked_columns().where(answers.c.person == person, answers.c.key.in_(list(keys)))
            wanted = wanted.where(answers.c.state == "given", questions.c.state == "open")
            row = connection.execute(wanted.order_by(answers.c.at.desc(), questions.c.place.desc())).first()
            if row is None:
                return None
            mine = sql.update(answers).where(answers.c.question == row.id, answers.c.person == person)
            connection.execute(mine.values(state="leased", lease_until=self._now + QUESTION_SECONDS))
            _count(connection, row.id, -1)
            return to_asked(row)

        return self._one_by_one(work)

    def look_at(self, person: str, question: str) -> Asked:
        """A question that somebody was asked, whether it is held, answered or used.

        Raises:
            UsageError: the person was never asked this.
        """
        wanted = asked_columns().where(answers.c.person == person, answers.c.question == question)
        found = self._rows(wanted)
        if not found:
            raise UsageError(f"{person} was not asked this question")
        return to_asked(found[0])

    def people(self, keys: Collection[str]) -> tuple[PersonProgress, ...]:
        """What everybody has done for some keys, by name."""
        about = questions.c.key.in_(list(keys))
        given = self._do(lambda connection: read_given(connection, about, every=True))
        holding = sql.select(answers.c.person, sql.func.count().label("held")).where(
            answers.c.key.in_(list(keys)), answers.c.state == "leased", answers.c.lease_until > self._now
        )
        leased = {str(row.person): int(row.held) for row in self._rows(holding.group_by(answers.c.person))}
        names = sorted({one.person for one in given} | set(leased))
        return tuple(sum_up(name, given, leased.get(name, 0)) for name in names)

    def paces(self, keys: Collection[str]) -> tuple[Pace, ...]:
        """How long people took for answers, by entry and kind."""
        return tuple(Pace(**row._mapping) for row in self._rows(paces_of(keys)))

    def demand(self, keys: Collection[str]) -> Demand:
        """What is asked for some keys, by whom it is answered and how fast."""
        return Demand(self.progress(keys), self.people(keys), self.paces(keys))

    # --- inside ----------------------------------------------------------------------------------

    def _one_by_one(self, work: Callable[[sql.Connection], Found]) -> Found:
        """What a transaction gives before which, and after which, all others happen."""

        def alone(connection: sql.Connection) -> Found:
            if self.embedded:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.execute(sql.select(sql.func.pg_advisory_xact_lock(SITTING)))
            return work(connection)

        return self._do(alone)

    def _held(self, connection: sql.Connection, person: str, keys: Collection[str]) -> list[Asked]:
        wanted = asked_columns().where(answers.c.person == person, answers.c.key.in_(list(keys)))
        wanted = wanted.where(answers.c.state == "leased", questions.c.state == "open")
        wanted = wanted.where(answers.c.lease_until > self._now)
        rows = connection.execute(wanted.order_by(questions.c.key, questions.c.batch, questions.c.place))
        return [to_asked(row) for row in rows]

    def _open_keys(self, connection: sql.Connection, keys: Collection[str]) -> list[str]:
        wanted = sql.select(batches.c.key).where(batches.c.key.in_(list(keys)), batches.c.state == "open")
        rows = connection.execute(wanted.order_by(batches.c.put_at, batches.c.key, batches.c.number))
        return list(dict.fromkeys(str(row.key) for row in rows))

    def _give_out(self, connection: sql.Connection, person: str, key: str, count: int) -> list[Asked]:
        """Questions of one key that somebody is given now."""
        done, gold = self._had(connection, person, key)
        rules = sql.select(batches.c.quota, batches.c.gold).where(batches.c.key == key)
        rule = connection.execute(rules.order_by(batches.c.number.desc()).limit(1)).one()
        count = count if rule.quota is None else min(count, rule.quota - done)
        if count <= 0:
            return []
        mine = sql.and_(answers.c.question == questions.c.id, answers.c.person == person)
        is_free = sql.and_(answers.c.state == "leased", answers.c.lease_until <= self._now)
        free = (
            sql.select(questions.c.id, questions.c.gold)
            .join(answers, mine, isouter=True)
            .where(questions.c.key == key, questions.c.state == "open")
            .where(sql.or_(answers.c.question.is_(None), is_free))
        )
        # What was let go comes after all that was never seen, what was let go first before the others.
        since = sql.func.coalesce(answers.c.lease_until, 0.0)
        free = free.order_by(since, questions.c.batch, questions.c.place).limit(count)
        new = connection.execute(free.where(self._has_room(person))).all()
        known = connection.execute(
            free.where(questions.c.gold.is_not(None), sql.not_(self._has_room(person)))
        )
        chosen: list[str] = []
        fresh, spare = list(new), list(known)
        while len(chosen) < count and (fresh or spare):
            # Who comes when others have answered what is known meets some of it, no more than they did.
            is_due = bool(spare) and gold < rule.gold * (done + len(chosen) + 1)
            if not fresh and not is_due:
                break
            row = spare.pop(0) if is_due else fresh.pop(0)
            gold += row.gold is not None
            chosen.append(str(row.id))
        self._lease(connection, person, key, chosen)
        wanted = asked_columns().where(answers.c.person == person, questions.c.id.in_(chosen))
        found = {row.id: to_asked(row) for row in connection.execute(wanted)}
        return [found[one] for one in chosen]

    def _had(self, connection: sql.Connection, person: str, key: str) -> tuple[int, int]:
        """How many questions of a key somebody has answered or holds, and of how many the answer is known."""
        live = sql.or_(answers.c.state == "given", answers.c.lease_until > self._now)
        wanted = sql.select(sql.func.count(), sql.func.count(questions.c.gold)).join(
            answers, answers.c.question == questions.c.id
        )
        row = connection.execute(wanted.where(answers.c.person == person, answers.c.key == key, live)).one()
        return int(row[0]), int(row[1])

    def _has_room(self, person: str) -> sql.ColumnElement[bool]:
        """Whether a question lacks answers, those that others are about to give counted."""
        others = answers.alias("others")
        theirs = (
            sql.select(sql.func.count())
            .select_from(others)
            .where(others.c.question == questions.c.id, others.c.person != person)
            .where(others.c.state == "leased", others.c.lease_until > self._now)
            .correlate(questions)
            .scalar_subquery()
        )
        return questions.c.given + theirs < questions.c.wanted

    def _lease(self, connection: sql.Connection, person: str, key: str, ids: Sequence[str]) -> None:
        if not ids:
            return
        newest = sql.select(sql.func.coalesce(sql.func.max(people.c.number) + 1, 0)).where(
            people.c.key == key
        )
        row = {"key": key, "person": person, "number": newest.scalar_subquery()}
        connection.execute(insert(self.embedded, people).values(row).on_conflict_do_nothing())
        until = self._now + QUESTION_SECONDS
        for one in ids:
            # The side stays as it was first shown: who undoes an answer sees the same again.
            about = {"question": one, "person": person, "key": key, "swapped": bool(secrets.randbits(1))}
            new = {**about, "state": "leased", "lease_until": until}
            wish = insert(self.embedded, answers).values(new)
            again = wish.on_conflict_do_update(
                index_elements=["question", "person"], set_={"lease_until": until}
            )
            connection.execute(again)

    def _extend(self, connection: sql.Connection, person: str, ids: Sequence[str]) -> None:
        mine = sql.update(answers).where(answers.c.person == person, answers.c.question.in_(ids))
        if ids:
            connection.execute(mine.values(lease_until=self._now + QUESTION_SECONDS))

    def _keep_moves(self, connection: sql.Connection, person: str, question: str, said: Said) -> None:
        if said.moves is None:
            return
        row = {"question": question, "person": person, "moves": json.dumps(said.moves)}
        wish = insert(self.embedded, moves).values(row)
        names = ["question", "person"]
        connection.execute(
            wish.on_conflict_do_update(index_elements=names, set_={"moves": wish.excluded.moves})
        )

    def _row(self, connection: sql.Connection, person: str, question: str) -> sql.Row[Any]:
        asked = questions.c.state.label("asked"), batches.c.kind, batches.c.alternatives
        wanted = sql.select(answers, *asked, moves.c.moves)
        wanted = wanted.join(questions, questions.c.id == answers.c.question).join(batches, OF_BATCH)
        wanted = wanted.join(moves, OF_ANSWER, isouter=True)
        row = connection.execute(
            wanted.where(answers.c.question == question, answers.c.person == person)
        ).first()
        if row is None:
            raise UsageError(f"{person} was not asked this question")
        return row


def _count(connection: sql.Connection, question: str, more: int) -> None:
    counted = sql.update(questions).where(questions.c.id == question)
    connection.execute(counted.values(given=questions.c.given + more))
