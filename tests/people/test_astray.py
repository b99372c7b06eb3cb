"""Advice counts as wrong where it leads a reader without slips astray, and not wherever it errs."""

from dataclasses import replace

import numpy as np
import pytest

from rrm_tree.advising import PerfectHelper
from rrm_tree.measure.answered import describe_people
from rrm_tree.measure.reading import astray, reader_of
from rrm_tree.outcomes import Advice, Answers, Items, Judged
from rrm_tree.rounds import Artifacts
from rrm_tree.spec import load_tree
from rrm_tree.station import Station
from rrm_tree.team import Team

TREE = """
version: 1
name: astray
nodes:
  verdict:
    doc: Does the rule hold at most of these three places?
    task: {use: logic.circuit, with: {gates: [majority], width: 9}}
    criteria: {right: {question: Is the claim right?, helpers: [bit]}}
    judge: {use: person, kind: label, with: {hidden: 0.5}}
    budget: {judgments: 12}
  bit:
    doc: Does the bit at this place differ from the next one?
    task: {use: logic.bit, with: {width: 9}}
    criteria: {right: {question: Is the claim right?}}
    judge: logic.person
    budget: {judgments: 12}
"""


@pytest.fixture
def station(tmp_path):
    file = tmp_path / "tree.yaml"
    file.write_text(TREE, encoding="utf-8")
    tree = load_tree(file)
    team = Team(tree, {"bit": Artifacts({}, {})})
    team._helpers["bit"] = PerfectHelper(team.task("bit"))
    return Station(team, "verdict", tree.nodes["verdict"])


def outcomes_of(station, count=40):
    task, rng = station.task, np.random.default_rng(0)
    subjects = task.starts(count, "judge", rng)
    return task.imagine(subjects, task.propose({}, subjects, rng), subjects)


def judged_of(station, advice, values=None, hidden=None):
    outcomes = outcomes_of(station)
    count = len(outcomes)
    zeros = np.zeros(count, np.int64)
    answers = Answers(
        np.ones(count) if values is None else values,
        zeros,
        who=zeros,
        reason=zeros - 1,
        at=np.ones(count),
        seconds=np.ones(count),
        hidden=zeros if hidden is None else hidden,
        confidence=zeros,
        gold=np.full(count, np.nan),
    )
    return Judged(outcomes, advice, "label", Items(np.arange(count), None, zeros, zeros), answers)


def advice_of(station):
    return station.team.perfect_advisor("verdict", station.node).advise(outcomes_of(station))


def test_a_wrong_claim_leads_astray_where_it_turns_the_majority_and_nowhere_else(station):
    right = advice_of(station)
    claims = right.values["bit"]
    assert (astray(station, judged_of(station, right)) == 0).all()
    turned = claims.copy()
    turned[:, 0] = 1 - turned[:, 0]
    misled = astray(station, judged_of(station, Advice({"bit": turned}, right.kinds)))
    majority = [(of.sum(axis=1) >= 2) for of in (claims, turned)]
    # All of the advice is wrong somewhere; about half of it misleads.
    assert (misled == (majority[0] != majority[1])).all() and 0 < misled.mean() < 1


def test_people_s_shares_are_counted_apart_where_advice_leads_right_and_astray(station):
    right = advice_of(station)
    turned = right.values["bit"].copy()
    turned[:20] = 1 - turned[:20]
    advice = Advice({"bit": turned}, right.kinds)
    truth = station.task.truth(outcomes_of(station))[:, 0]
    # Whom advice is shown follows it; from whom it is hidden knows better.
    hidden = np.arange(40) % 2
    followed = np.where(np.arange(40) < 20, 1 - truth, truth)
    judged = judged_of(station, advice, np.where(hidden == 1, truth, followed), hidden)
    told = describe_people(station, [judged])
    assert (told.shown.wrong_advice.right, told.shown.wrong_advice.pairs) == (0, 10)
    assert (told.shown.right_advice.right, told.shown.right_advice.pairs) == (10, 10)
    assert (told.hidden.wrong_advice.right, told.hidden.wrong_advice.pairs) == (10, 10)
    assert told.whole.right.value == 0.75


def test_a_domain_without_a_judge_who_makes_no_slips_says_nothing(station):
    assert reader_of("logic.circuit", "label").read_error == 0 and reader_of("blocks", "label") is None
    judged = replace(judged_of(station, advice_of(station)), kind="rating")
    assert np.isnan(astray(station, judged)).all()
