"""Judgments as lines: a question is known by what was shown, an answer keeps all that is known of it."""

from __future__ import annotations

import json

import numpy as np

from rrm_tree.labels import labels_of, name_questions, write_labels
from rrm_tree.outcomes import Advice, Answers, Items, Judged, Outcomes


def outcomes(*cells):
    """One-step outcomes that differ in what is seen after the step."""
    seen = np.array([[[0], [cell]] for cell in cells])
    return Outcomes({"observation": seen}, np.zeros((len(cells), 1)), np.ones(len(cells), int), {})


def pairs(*rows):
    ends = np.array(rows)
    zeros = np.zeros(len(rows), np.int64)
    return Items.among(ends, zeros, zeros)


def names(shown, items, kind="preference", criteria=("Which?",), advice=Advice()):  # noqa: B008 - a value
    return name_questions(kind, criteria, shown, advice, items)


def test_a_question_is_known_by_all_that_is_shown_and_by_nothing_else():
    first = names(outcomes(1, 2), pairs([0, 1]))
    assert names(outcomes(5, 1, 2), pairs([1, 2])) == first
    assert names(outcomes(1, 2), pairs([1, 0])) != first
    assert names(outcomes(1, 3), pairs([0, 1])) != first
    assert names(outcomes(1, 2), pairs([0, 1]), kind="best") != first
    assert names(outcomes(1, 2), pairs([0, 1]), criteria=("Which is it?",)) != first
    told = Advice({"helper": np.array([1, 0])}, {"helper": "x"})
    assert names(outcomes(1, 2), pairs([0, 1]), advice=told) != first


def judged(values, items, **notes):
    shown = outcomes(1, 2, 3)
    answers = Answers(np.array(values, float), np.full(len(values), 2), **notes)
    return Judged(shown, Advice(), "preference", items, answers)


def test_a_line_says_what_was_answered_and_all_that_is_known_of_it():
    items = pairs([0, 1], [1, 2])
    given = judged([1, np.nan], items, who=np.array([0, 1]), reason=np.array([0, 2]))
    lines = [json.loads(line) for line in write_labels(labels_of(given, ("Which?",), Advice())).splitlines()]
    assert [line["question"] for line in lines] == names(given.outcomes, items)
    assert [line["answer"] for line in lines] == [1.0, None]
    assert [(line["looks"], line["who"], line["reason"]) for line in lines] == [(2, 0, 0), (2, 1, 2)]
    assert {line["criterion"] for line in lines} == {"Which?"}
    assert "seconds" not in lines[0]
