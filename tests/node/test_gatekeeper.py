"""What counts at a gate: like is compared with like, and nothing counts twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from small_nodes import PERSON, logic_tree

from rrm_tree.gatekeeper import _agreements, try_gate
from rrm_tree.node_spec import GateSpec
from rrm_tree.outcomes import Advice, Answers, Items, Judged, Outcomes
from rrm_tree.station import Station
from rrm_tree.team import Team

NAN = float("nan")


@dataclass
class Says:
    """A reward model of declared scores, [n, parts, criteria]."""

    scores: np.ndarray

    def by_criterion(self, outcomes):
        return self.scores


def judged(kind, values, first, second=None, part=0, criterion=0):
    count = len(values)
    outcomes = Outcomes({}, np.zeros((4, 1)), np.ones(4, np.int64), {})
    first, part, criterion = (
        np.broadcast_to(np.asarray(one, np.int64), count) for one in (first, part, criterion)
    )
    items = Items(first, None if second is None else np.asarray(second), part, criterion)
    return Judged(outcomes, Advice(), kind, items, Answers(np.array(values), np.ones(count, np.int64)))


@pytest.mark.parametrize(
    ("kind", "values", "about", "agreements"),
    [
        ("label", [1.0, 0.0, NAN], {"first": [0, 1, 2]}, [1, 0, -1]),
        # The first part rises with the outcome's number, the second falls.
        ("preference", [0.0, 0.5, 1.0, NAN], {"first": 0, "second": [1] * 4}, [1, -1, 0, -1]),
        ("preference", [0.0, 1.0], {"first": 0, "second": [1, 1], "part": 1}, [0, 1]),
        ("preference", [0.0, 0.0], {"first": 0, "second": [1, 1], "criterion": [0, 1]}, [1, 0]),
        # Of ratings each is compared once, with the one beside it about the same criterion.
        ("rating", [0.1, 0.9, 0.8, 0.2], {"first": [0, 1, 2, 3]}, [-1, 1, -1, 0]),
        ("rating", [0.1, 0.9, 0.8], {"first": [0, 1, 2], "criterion": [0, 1, 1]}, [-1, -1, 1]),
        ("rating", [0.1, NAN, 0.5, 0.5], {"first": [0, 1, 2, 3]}, [-1, -1, -1, -1]),
    ],
)
def test_a_judgment_agrees_with_what_the_reward_model_says_of_the_same(kind, values, about, agreements):
    rising = np.arange(4.0)
    scores = np.stack([np.stack([rising, -rising], axis=1), np.stack([-rising, rising], axis=1)], axis=2)
    assert _agreements(judged(kind, values, **about), Says(scores)).tolist() == agreements


def test_several_judges_of_a_gate_are_not_asked_the_same():
    judge = {"use": "panel", "with": {"people": [PERSON, PERSON]}, "kind": "label", "overlap": 2}
    gate = GateSpec(reject=0.45, accept=0.55, judgments=100)
    tree = logic_tree(bit={"judge": judge, "gate": gate.model_dump()})
    station = Station(Team(tree, {}), "bit", tree.nodes["bit"])
    asked, ask = [], station.ask
    station.ask = lambda outcomes, items, rng: asked.append(items) or ask(outcomes, items, rng)

    class Guesses:
        act = staticmethod(station.propose)

    found = try_gate(station, gate, Guesses(), Says(np.zeros(0)), np.random.default_rng(0))
    assert found.judgments == 100
    assert all(len(np.unique(items.asked, axis=0)) == len(items) for items in asked)
