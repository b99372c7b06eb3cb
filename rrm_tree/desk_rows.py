"""Questions to people and their answers as rows of a ledger: what is asked of its tables, what is read there.

In: conditions, rows. Out: statements, plain values.
Touches nothing but the connection that it is given.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import sqlalchemy as sql

from rrm_tree.asking import Asked, Given, Said
from rrm_tree.tables import answers, batches, moves, people, questions

LONGEST_SECONDS = 300.0
"""What an answer that took longer counts for in the pace: the page lay open."""

OF_BATCH = sql.and_(batches.c.key == questions.c.key, batches.c.number == questions.c.batch)
"""Joins a question with its batch."""

OF_ANSWER = sql.and_(moves.c.question == answers.c.question, moves.c.person == answers.c.person)
"""Joins an answer with its moves."""


def progress_of(keys: Collection[str], now: sql.ColumnElement[float]) -> sql.Select[Any]:
    """How far the open batches of some keys are, by the names of `Progress`."""
    looking = (
        sql.select(sql.func.count(sql.distinct(answers.c.question)))
        .where(answers.c.key == batches.c.key, answers.c.state == "leased")
        .where(answers.c.lease_until > now)
        .correlate(batches)
        .scalar_subquery()
    )
    lacks = questions.c.given < questions.c.wanted
    have = sql.case((lacks, questions.c.given), else_=questions.c.wanted)
    names = (
        batches.c.key,
        batches.c.run,
        batches.c.entry,
        batches.c.number.label("batch"),
        batches.c.kind,
    )
    return (
        sql.select(
            *names,
            sql.func.count(questions.c.id).label("questions"),
            sql.cast(sql.func.sum(sql.case((lacks, 1), else_=0)), sql.Integer).label("open"),
            sql.cast(sql.func.sum(questions.c.wanted), sql.Integer).label("wanted"),
            sql.cast(sql.func.sum(have), sql.Integer).label("given"),
            looking.label("leased"),
            (now - batches.c.put_at).label("waited"),
        )
        .join(questions, OF_BATCH)
        .where(batches.c.state == "open", batches.c.key.in_(list(keys)))
        .group_by(*names, batches.c.put_at)
        .order_by(batches.c.put_at, batches.c.key)
    )


def paces_of(keys: Collection[str]) -> sql.Select[Any]:
    """How long people took for answers, by the names of `Pace`."""
    least = sql.case((answers.c.seconds > LONGEST_SECONDS, LONGEST_SECONDS), else_=answers.c.seconds)
    about = (batches.c.entry, batches.c.kind)
    return (
        sql.select(*about, sql.func.count().label("answers"), sql.func.avg(least).label("seconds"))
        .join(questions, questions.c.id == answers.c.question)
        .join(batches, OF_BATCH)
        .where(answers.c.key.in_(list(keys)), answers.c.state == "given", answers.c.seconds.is_not(None))
        .group_by(*about)
        .order_by(*about)
    )


def _read_moves(text: str | None) -> tuple[int, ...] | None:
    return None if text is None else tuple(json.loads(text))


def _read_said(text: str | None) -> Said | None:
    if text is None:
        return None
    said = json.loads(text)
    done = said.get("moves")
    return Said(**{**said, "moves": None if done is None else tuple(done)})


def to_asked(row: sql.Row[Any]) -> Asked:
    """A row of `asked_columns`."""
    return Asked(**{**row._mapping, "moves": _read_moves(row.moves)})


def asked_columns() -> sql.Select[Any]:
    """What a person is told of a question, by the names of `Asked`."""
    of_question = (questions.c.id, questions.c.key, questions.c.batch, questions.c.item, questions.c.hidden)
    of_batch = (batches.c.run, batches.c.entry, batches.c.kind, batches.c.alternatives)
    return (
        sql.select(*of_question, *of_batch, answers.c.swapped, answers.c.value, moves.c.moves)
        .join(answers, answers.c.question == questions.c.id)
        .join(batches, OF_BATCH)
        .join(moves, OF_ANSWER, isouter=True)
    )


def is_same(row: sql.Row[Any], said: Said) -> bool:
    """Whether an answer says what was said before."""
    # Not the seconds: the same key pressed in two tabs is one answer.
    same = (row.value, row.reason, row.confidence) == (said.value, said.reason, said.confidence)
    return same and (said.moves is None or said.moves == _read_moves(row.moves))


def read_given(
    connection: sql.Connection, about: sql.ColumnElement[bool], *, every: bool = False
) -> tuple[Given, ...]:
    """Answers to questions, question by question, who came first at the beginning.

    Args:
        connection: to the database.
        about: which questions.
        every: those beyond what a question wants too.
    """
    of_answer = [answers.c[name] for name in ("question", "person", "value", "reason", "confidence")]
    of_answer += [answers.c[name] for name in ("seconds", "at", "swapped", "amended")]
    of_question = [questions.c[name] for name in ("item", "wanted", "hidden", "gold")]
    wanted = (
        sql.select(*of_answer, *of_question, people.c.number, moves.c.moves)
        .join(questions, questions.c.id == answers.c.question)
        .join(people, sql.and_(people.c.key == answers.c.key, people.c.person == answers.c.person))
        .join(moves, OF_ANSWER, isouter=True)
        .where(about, answers.c.state == "given")
        .order_by(questions.c.key, questions.c.batch, questions.c.item, answers.c.at, people.c.number)
    )
    found: list[Given] = []
    so_far: dict[str, int] = {}
    for row in connection.execute(wanted):
        so_far[row.question] = so_far.get(row.question, 0) + 1
        if every or so_far[row.question] <= row.wanted:
            values = {name: value for name, value in row._mapping.items() if name != "wanted"}
            done = None if row.value is None else _read_moves(row.moves)
            found.append(Given(**{**values, "amended": _read_said(row.amended), "moves": done}))
    return tuple(found)
