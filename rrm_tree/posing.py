"""What a node asks people, and what becomes of their answers.

In: a station, drafted judgments, a generator. Out: a Posed; then, with what people gave, judgments.
Touches no disk and no ledger: who asks them is the caller's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.random import Generator

from rrm_tree.asking import SHOWN, Asking, Given, Question
from rrm_tree.choosing import used_of
from rrm_tree.contracts import Demonstrator, Request, Taped
from rrm_tree.errors import PluginError
from rrm_tree.feedback import DEMONSTRATED
from rrm_tree.judges.function import count_looks
from rrm_tree.learning.queries import log_odds_of
from rrm_tree.learning.several_judges import copies_of
from rrm_tree.outcomes import (
    ABSORBED,
    Answers,
    Floats,
    Ints,
    Items,
    Judged,
    Outcomes,
    join_outcomes,
    take_rows,
)
from rrm_tree.rounds import Posed
from rrm_tree.scoring import Scorer
from rrm_tree.station import Station, is_exclusive
from rrm_tree.steering import follow

HARDLY = 1e-9
"""Keeps sureness finite where the members agree to the last bit."""


def pose(station: Station, drafted: Judged, number: int, rng: Generator, scorer: Scorer | None) -> Posed:
    """The questions that people are asked about drafted items: all that nobody before them could tell.

    Copies of an item that stand one after the other are one question for as many people.

    Args:
        station: the node's, who has people in line.
        drafted: what `Station.ask` or `replay` gives.
        number: of the batch.
        rng: what everything is drawn from.
        scorer: the reward model so far; what it is least sure about may come first.
    """
    line = station.line
    asking, drafted = line.people or Asking(), _left_to_people(station, drafted)
    which, _ = copies_of(drafted.items)
    starts = np.flatnonzero(np.diff(which, prepend=-1))
    count = len(starts)
    place = rng.permutation(count)
    if asking.order == "unsure" and scorer is not None and count:
        # Ranks: the place that each has when they are put in order.
        place = _sureness(station, drafted, scorer)[starts].argsort(kind="stable").argsort()
    # Advice is about what agents did, which nobody sees who shows something.
    gives_numbers = station.kind not in DEMONSTRATED
    hidden = _share_of(count, asking.hidden if station.shown.helpers and gives_numbers else 0.0, rng)
    known = _share_of(count, asking.gold if line.after_people and gives_numbers else 0.0, rng)
    gold, looks = np.full(count, np.nan), drafted.answers.looks.copy()
    if known.any():
        said = line.answer((line.people_at or 0) + 1, _request(station, drafted, starts[known], rng))
        gold[known] = said.values
        looks[starts[known]] += said.looks
    drafted = replace(drafted, answers=replace(drafted.answers, looks=looks))
    copies = np.bincount(which, minlength=count)
    asked = tuple(
        Question(
            item=int(starts[one]),
            place=int(place[one]),
            wanted=int(copies[one]),
            gold=None if np.isnan(gold[one]) else float(gold[one]),
            hidden=bool(hidden[one]),
        )
        for one in range(count)
    )
    return Posed(number, drafted, asked, asking)


def _left_to_people(station: Station, drafted: Judged) -> Judged:
    """The drafted items that people are asked about, and of the outcomes those that they show."""
    if station.line.people_at == 0:
        return drafted
    left = np.flatnonzero(np.isnan(drafted.answers.values))
    used, items = used_of(drafted.items.take(left))
    outcomes, answers = drafted.outcomes.take(used), drafted.answers.take(left)
    shown = replace(drafted, outcomes=outcomes, advice=drafted.advice.take(used), items=items)
    request = _request(station, shown, np.arange(len(items)), np.random.default_rng(0))
    looks = answers.looks + count_looks(request, outcomes.lengths)
    return replace(shown, answers=replace(answers, looks=looks))


def hear(station: Station, drafted: Judged, posed: Posed, given: Sequence[Given], rng: Generator) -> Judged:
    """The judgments that people gave, and of those in line after them where they could not tell.

    Whoever else is in line is numbered before all people (`Line.number_of`).

    Args:
        station: the node's.
        drafted: what the questions were drawn from.
        posed: the questions.
        given: what people answered.
        rng: for judges after them.
    """
    line = station.line
    left, asked_at = posed.judged, line.people_at or 0
    answers = _unanswered(left.answers)
    for question in posed.asked:
        rows = slice(question.item, question.item + question.wanted)
        notes = answers.notes
        notes["hidden"][rows] = question.hidden
        notes["gold"][rows] = np.nan if question.gold is None else question.gold
    so_far: dict[int, int] = {}
    for one in given:
        row = one.item + so_far.get(one.item, 0)
        so_far[one.item] = so_far.get(one.item, 0) + 1
        _keep(answers, row, one, station)
    if station.kind in DEMONSTRATED:
        return _unplayed(see_shown(station, left, answers, given, rng))
    request = _request(station, left, np.arange(len(left.items)), rng)
    heard = line.pass_on(request, answers, asked_at)
    whole = heard if asked_at == 0 else _put_back(station, drafted.answers, heard)
    return _unplayed(replace(drafted, answers=whole, judges=line.names(heard)))


def _unplayed(judged: Judged) -> Judged:
    """Judgments without what playing them again takes: that lies with the questions, and teaches nothing."""
    return replace(judged, outcomes=replace(judged.outcomes, origin=None))


def see_shown(
    station: Station, left: Judged, answers: Answers, given: Sequence[Given], rng: Generator
) -> Judged:
    """Judgments by what people have done themselves, or who comes after them where they could not.

    Of what nobody has shown an agent's own outcome stands in, and the answer says that it is none.
    """
    line = station.line
    moves, so_far = {}, Counter[int]()
    for one in given:
        moves[one.item + so_far[one.item]] = one.moves
        so_far[one.item] += 1
    task, items, looks = station.task, left.items, answers.looks.copy()
    values, link = answers.values.copy(), np.where(np.isnan(answers.values), -1, 0)
    shown = [left.outcomes.take(items.first[row : row + 1]) for row in range(len(items))]

    def show(row: int, done: Outcomes) -> None:
        looks[row] = (looks[row] if link[row] > 0 else 0) + int(done.lengths[0])
        shown[row] = station.as_shown(done, rng)

    for row in np.flatnonzero(link == 0).tolist():
        about = take_rows(left.outcomes.subjects, items.first[row : row + 1])
        show(row, follow(task, station.kind, about, moves[row] or ()).done)
    rest = np.flatnonzero(link < 0)
    if len(rest) and line.after_people:
        showing = cast(Demonstrator, line.after_people[0])
        done, _ = showing.demonstrate(_request(station, left, rest, rng))
        values[rest], link[rest] = SHOWN, 1
        for place, row in enumerate(rest.tolist()):
            show(row, done.take(np.array([place])))
    outcomes, items = station.add_shown(left.outcomes, items, join_outcomes(shown))
    who = np.where(link > 0, line.number_of(1), answers.notes["who"])
    told = replace(answers, values=values, looks=looks, who=who)
    if line.next_in_line:
        told = replace(told, link=link)
    advisor = station.shown if station.shown.helpers else station.seen
    return Judged(outcomes, advisor.advise(outcomes), station.kind, items, told, line.names(told))


def _unanswered(answers: Answers) -> Answers:
    """Room for what people may say of each question; why others could not tell stays."""
    count = len(answers.values)
    reason = np.full(count, -1) if answers.reason is None else answers.reason.copy()
    return Answers(
        np.full(count, np.nan),
        answers.looks.copy(),
        who=np.zeros(count, np.int64),
        reason=reason,
        at=np.full(count, np.nan),
        seconds=np.full(count, np.nan),
        hidden=np.zeros(count, np.int64),
        confidence=np.zeros(count, np.int64),
        gold=np.full(count, np.nan),
    )


def _put_back(station: Station, before: Answers, heard: Answers) -> Answers:
    """Answers of judges before people, with what was heard where they could not tell."""
    left, nobody = np.isnan(before.values), np.zeros(len(before.values), np.int64)
    link = nobody if before.link is None else before.link
    who = (nobody if before.who is None else before.who).copy()
    for place in range(1, station.line.people_at or 0):
        who[link == place] = station.line.number_of(place)
    values, looks = before.values.copy(), before.looks.copy()
    values[left], looks[left] = heard.values, heard.looks
    notes = {**_unanswered(before).notes, **before.notes, "link": link, "who": who}
    for name, said in heard.notes.items():
        notes[name] = notes[name].copy()
        notes[name][left] = said
    return Answers(values, looks, **notes)


def replay(station: Station, tape: Taped, start: int, end: int, rng: Generator) -> Judged:
    """Some of the judgments on a tape, with advice of this tree's helpers where the reward model needs it.

    Args:
        station: the node's.
        tape: what was judged before.
        start: the first of them.
        end: the one after the last of them.
        rng: for judges next in line.

    Raises:
        PluginError: the outcomes are not of the node's task, or an answer is about nothing of it.
    """
    line, whole = station.line, tape.judged(station.kind)
    items = whole.items.take(np.arange(start, min(end, len(whole.items))))
    used, items = used_of(items)
    outcomes = whole.outcomes.take(used)
    _check_task(station, outcomes, items)
    advisor = station.shown if station.shown.helpers else station.seen
    advice = whole.advice.take(used)
    if set(advice.values) != set(advisor.helpers):
        advice = advisor.advise(outcomes)
    answers = replace(whole.answers.take(np.arange(start, start + len(items))), link=None)
    request = station.request(outcomes, advice, items, rng)
    passed = line.pass_on(request, answers, until=line.people_at)
    return Judged(outcomes, advice, station.kind, items, passed, line.names(passed))


def _check_task(station: Station, outcomes: Outcomes, items: Items) -> None:
    """Nothing, where these look like outcomes of the node's task.

    Raises:
        PluginError: they do not.
    """
    task, where = station.task, f"judge {station.node.judge.use} of {station.entry}"
    space, acts = (getattr(task.make_vec(1), f"single_{name}_space") for name in ("observation", "action"))
    known = {name: one.shape for name, one in space.spaces.items()} if hasattr(space, "spaces") else {}
    known = known or {"observation": space.shape}
    # What comes after an episode's end is no part of what the environment shows.
    seen = {name: values for name, values in outcomes.observations.items() if name != ABSORBED}
    found = {name: values.shape[2:] for name, values in seen.items()}
    if found != known or outcomes.actions.shape[2:] != (acts.shape or ()):
        raise PluginError(f"{where}: the file is about outcomes {found}, and the task has {known}")
    parts, criteria = max(1, task.parts), len(station.questions)
    if items.part.max(initial=0) >= parts or items.criterion.max(initial=0) >= criteria:
        raise PluginError(f"{where}: the file asks about other parts or criteria than the node has")


def _keep(answers: Answers, row: int, one: Given, station: Station) -> None:
    """Write a person's answer down in its row."""
    notes = answers.notes
    answers.values[row] = np.nan if one.value is None else one.value
    notes["who"][row] = station.line.first_person + one.number
    if station.line.people_at == 0:
        notes["reason"][row] = -1 if one.reason is None else one.reason
    notes["at"][row] = one.at
    notes["seconds"][row] = np.nan if one.seconds is None else one.seconds
    notes["confidence"][row] = one.confidence or 0


def _request(station: Station, drafted: Judged, rows: Ints, rng: Generator) -> Request:
    return station.request(drafted.outcomes, drafted.advice, drafted.items.take(rows), rng)


def _share_of(count: int, share: float, rng: Generator) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which of so many are a share of them, drawn at random."""
    chosen = np.zeros(count, np.bool_)
    chosen[rng.permutation(count)[: round(share * count)]] = True
    return chosen


def _sureness(station: Station, drafted: Judged, scorer: Scorer) -> Floats:
    """How sure the members are together of each item's answer: their mean over their deviation, [items]."""
    scores = scorer.member_steps(drafted.outcomes).sum(axis=2)
    items = drafted.items
    outcomes, parts = items.places
    said = scores[:, outcomes, np.minimum(parts, scores.shape[2] - 1), items.criterion[:, None]]
    said = -said if drafted.kind == "critique" else said
    if said.shape[2] > 1:
        # The two that stand at the top of what all say together.
        top = np.argsort(-said.mean(axis=0), axis=1, kind="stable")[:, :2]
        ends = np.take_along_axis(said, np.broadcast_to(top, (len(said), *top.shape)), axis=2)
        said = ends[:, :, :1] - ends[:, :, 1:]
    elif drafted.kind == "label" and is_exclusive(station.task):
        said = log_odds_of(said)
    margins = said[:, :, 0]
    return np.asarray(np.abs(margins.mean(axis=0)) / (margins.std(axis=0) + HARDLY))
