"""A node taught by every kind of judgment, and by several at once."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from rrm_tree.archive import check_judged
from rrm_tree.collecting import Collector
from rrm_tree.errors import TrainingError
from rrm_tree.feedback import ALIKE
from rrm_tree.labels import labels_of
from rrm_tree.learning.fit import Readout
from rrm_tree.learning.kinds import KINDS
from rrm_tree.learning.losses import all_orders
from rrm_tree.node import NodeAtWork, train_node
from rrm_tree.node_spec import NodeSpec
from rrm_tree.outcomes import Advice, join_judged
from rrm_tree.packing import pack_judged, unpack_judged
from rrm_tree.rounds import Setup
from rrm_tree.spec import TreeSpec
from rrm_tree.states import pack_round
from rrm_tree.station import Station
from rrm_tree.team import Team
from rrm_tree.web.scene import Scene

SMALL = {
    "network": {"use": "mlp", "with": {"hidden": [16]}},
    "ensemble": 2,
    "epochs": 5,
    "learning_rate": 0.01,
}
SEVERAL = [kind for kind, of in KINDS.items() if of.shown == "several"]


def tree(judge, task="blocks", **parts):
    node = {
        "doc": "Does it build a square?",
        "task": {"use": task, "with": {"steps": 4} if task == "blocks" else {}},
        "criteria": {"square": {"question": "Which comes closer?"}},
        "judge": {"use": "teacher", **judge},
        "reward_model": SMALL,
        "agent": {"use": "ppo", "with": {"episodes": 16, "n_steps": 64, "batch_size": 32, "n_epochs": 1}},
        "budget": {"judgments": 40, "steps": 3000},
        **parts,
    }
    measure = {"pairs": 10, "agent_outcomes": 8}
    return TreeSpec(version=1, name="small", nodes={"build": NodeSpec.model_validate(node)}, measure=measure)


def setup(spec):
    return Setup(spec, "build", spec.nodes["build"], "build@0", "fingerprint", {})


def judged(kind, count=12, **judge):
    """Judgments of that kind, by somebody who is never wrong."""
    spec = tree({"kind": kind, **judge})
    station = Station(Team(spec, {}), "build", spec.nodes["build"])
    rng = np.random.default_rng(0)
    new = Collector(station, station.propose, rng).collect(count, "judge")
    return station, station.ask(new.outcomes, new.items, rng)


@pytest.mark.parametrize("kind", SEVERAL)
@pytest.mark.parametrize("judge", [{"with": {"beta": None}}, {"use": "truth"}])
def test_whoever_is_never_wrong_chooses_what_is_best_by_truth(kind, judge):
    station, answers = judged(kind, **judge)
    truth = station.task.truth(answers.outcomes)[answers.items.alternatives, 0]
    assert truth.shape == (12, 17 if kind == "correction" else 4)
    first = answers.answers.values.astype(int)
    if kind == "ranking":
        ranked = np.take_along_axis(truth, all_orders(4)[first], axis=1)
        assert (np.diff(ranked, axis=1) <= 0).all()
        return
    taken = truth[np.arange(12), first]
    assert (taken == (truth.min(axis=1) if kind == "critique" else truth.max(axis=1))).all()


def test_all_that_is_chosen_among_is_about_the_same_start():
    _, answers = judged("best", alternatives=5)
    starts = answers.outcomes.subjects["grid"][answers.items.alternatives]
    assert starts.shape[:2] == (12, 5)
    assert (starts == starts[:, :1]).all()


def test_steps_that_are_criticised_are_different_steps_of_one_episode():
    _, answers = judged("critique", alternatives=3)
    grids = answers.outcomes.observations["observation"][answers.items.alternatives]
    assert grids.shape[:3] == (12, 3, 2)
    assert answers.outcomes.actions.shape[1] == 1
    starts = answers.outcomes.subjects["grid"][answers.items.alternatives]
    assert (starts == starts[:, :1]).all()


def test_of_a_goal_only_the_end_is_shown():
    station, answers = judged("goal", use="truth")
    assert answers.outcomes.actions.shape[1] == 1
    shown = station.task.truth(answers.outcomes.take(answers.items.first))
    assert shown.mean() > -2


@pytest.mark.slow
@pytest.mark.parametrize("kind", SEVERAL)
def test_a_node_is_taught_by_every_kind(kind):
    learning = {**SMALL, "epochs": 30}
    budget = {"judgments": 120, "steps": 6000}
    spec = tree({"kind": kind, "with": {"beta": None}}, reward_model=learning, budget=budget)
    record = [*train_node(setup(spec))][-1].record
    assert record.facts.judgments == 120
    assert record.facts.held_out_chance == pytest.approx(1 / 17 if kind == "correction" else 1 / 4)
    # The teacher can compare two outcomes, whatever it is asked for in training.
    assert record.off.assisted is not None


@pytest.mark.slow
def test_several_kinds_share_the_judgments_and_come_back_from_the_store_as_they_were():
    spec = tree({"kinds": {"preference": 2, "label": 1, "best": 1}, "with": {"right_above": -15}})
    state = [*train_node(setup(spec))][-1]
    counts = {kind: facts.judgments for kind, facts in state.record.facts.kinds.items()}
    assert counts == {"preference": 20, "label": 10, "best": 10}
    assert state.record.facts.judgments == 40
    objects = pack_round(state)
    assert {"judgments", "judgments-02", "judgments-03"} <= set(objects)


@pytest.mark.slow
def test_several_kinds_give_the_same_bytes_again_and_from_any_round_on():
    spec = tree(
        {"kinds": {"preference": 1, "label": 1}}, budget={"judgments": 40, "steps": 4000, "rounds": 2}
    )
    whole = [*train_node(setup(spec))]
    resumed = [*train_node(setup(spec), whole[:1])]
    assert pack_round(resumed[-1]) == pack_round(whole[-1])


def test_a_readout_turns_scores_of_one_scale_into_another():
    readout = Readout.fresh(2)
    readout.log_slope.data[1], readout.shift.data[1] = np.log(2.0), -3.0
    scores = readout.copy().read(torch.tensor([[1.0, 2.0], [1.0, 2.0]]))
    assert scores.tolist() == [[1.0, 2.0], [-1.0, 1.0]]


@pytest.mark.parametrize(
    ("judge", "task", "said"),
    [
        ({"kind": "correction"}, "spider", "does not say what other actions lead to"),
        ({"kind": "critique"}, "logic.circuit", "says nothing of them"),
        (
            {"kind": "goal", "query": "disagreement", "alternatives": 2},
            "blocks",
            "leaves `query` nothing to compare",
        ),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is_collected(judge, task, said):
    agent = {"use": "greedy"} if task == "logic.circuit" else {"use": "ppo"}
    with pytest.raises(TrainingError, match=said):
        NodeAtWork(setup(tree(judge, task, agent=agent)))


def test_a_judge_that_does_not_demonstrate_is_not_asked_to():
    work = NodeAtWork(setup(tree({})))
    station = work.station.asking("demonstration")
    station.line = replace(station.line, judge=object())
    assert "does not `demonstrate`" in station.refusal


@pytest.mark.slow
def test_an_agent_that_starts_from_what_its_judge_shows_has_done_more_before_it_improves():
    agent = {"use": "ppo", "with": {"episodes": 16, "n_steps": 64, "batch_size": 32, "n_epochs": 1}}
    cloning = {"use": "ppo", "with": {**agent["with"], "demonstrations": "judged", "clone_epochs": 200}}
    judge = {"kind": "demonstration", "use": "truth"}
    plain, cloned = (
        [*train_node(setup(tree(judge, agent=one, budget={"judgments": 100, "steps": 3000})))][-1].record
        for one in (agent, cloning)
    )
    # 400 transitions, 13 minibatches an epoch.
    assert cloned.optimiser_steps - plain.optimiser_steps == 13 * 200
    assert cloned.agent_truth.mean > plain.agent_truth.mean + 1


class Undecided:
    """A scorer whose two members agree about one half of all subjects, and only about them."""

    def member_steps(self, outcomes):
        first = outcomes.subjects["grid"][:, 0]
        scores = np.random.default_rng(1).normal(size=(2, len(outcomes), 1, 1, 1)) * 5
        scores[1, first == 1] = scores[0, first == 1]
        return scores


@pytest.mark.parametrize("query", ["disagreement", "information"])
@pytest.mark.parametrize("kind", SEVERAL)
def test_every_choice_can_be_chosen_by_what_members_dispute(kind, query):
    spec = tree({"kind": kind, "query": query})
    station = Station(Team(spec, {}), "build", spec.nodes["build"])
    assert station.refusal is None
    assert station.chooses
    rng = np.random.default_rng(0)
    new = Collector(station, station.propose, rng, Undecided()).collect(40, "judge")
    assert len(new.items) == 40
    assert not new.outcomes.subjects["grid"][new.items.first, 0].any()
    judged = station.ask(new.outcomes, new.items, rng)
    assert not np.isnan(judged.answers.values).any()


def test_steps_of_the_same_episodes_are_chosen_among_at_no_cost():
    at_random, chosen = (
        Station(Team(spec, {}), "build", spec.nodes["build"])
        for spec in (tree({"kind": "correction"}), tree({"kind": "correction", "query": "disagreement"}))
    )
    plain = Collector(at_random, at_random.propose, np.random.default_rng(0)).collect(20, "judge")
    pool = Collector(chosen, chosen.propose, np.random.default_rng(0), Undecided()).collect(20, "judge")
    assert plain.steps == pool.steps
    assert len(pool.items) == len(plain.items) == 20


def boards(**judge):
    """A station at a node whose outcomes have 64 parts, each right or wrong."""
    node = {
        "doc": "Which squares are attacked?",
        "task": "chess.attacked",
        "criteria": {"right": {"question": "Which of these squares has the wrong colour?"}},
        "judge": {"use": "chess.person", "kind": "critique", **judge},
        "reward_model": {"network": "lines", "ensemble": 1, "epochs": 30, "learning_rate": 0.01},
        "budget": {"judgments": 2500, "steps": 3000},
    }
    asked = {"right": {"question": "Is it mate?", "helpers": ["squares"]}}
    above = {**node, "task": "chess.player", "criteria": asked, "judge": "chess.person"}
    measure = {"pairs": 60, "agent_outcomes": 40}
    spec = {"version": 1, "name": "boards", "measure": measure, "nodes": {"play": above, "squares": node}}
    return TreeSpec.model_validate(spec)


def pointed(count=200, **judge):
    spec = boards(**judge)
    station, rng = Station(Team(spec, {}), "squares", spec.nodes["squares"]), np.random.default_rng(0)
    new = Collector(station, station.propose, rng).collect(count, "judge")
    return station, station.ask(new.outcomes, new.items, rng)


def test_a_critique_points_at_a_part_of_an_outcome_that_has_parts():
    station, judged = pointed(alternatives=5, parts_per_outcome=2)
    parts = judged.items.parts
    assert parts.shape == (200, 5)
    assert (np.sort(parts) == parts[np.arange(200)[:, None], parts.argsort()]).all()
    assert all(len(set(row)) == 5 for row in parts.tolist())
    assert len(np.unique(judged.items.first)) == 100
    of_one = parts[judged.items.first == judged.items.first[0]].ravel()
    assert len(set(of_one.tolist())) == 10
    truth = station.task.truth(judged.outcomes)[judged.items.places]
    told = ~np.isnan(judged.answers.values)
    wrong = truth[told, judged.answers.values[told].astype(int)] == 0
    assert wrong.mean() > 0.8
    # Proposals are coin flips: none of five is wrong in one of 32 cases, and two looks can be amiss.
    assert told.mean() > 0.85
    assert set(judged.answers.reason[~told]) <= {ALIKE}


@pytest.mark.parametrize("judge", [{"use": "truth"}, {"use": "teacher", "with": {"beta": None}}])
def test_whoever_is_never_wrong_points_at_a_part_that_is_wrong(judge):
    station, judged = pointed(**judge)
    truth = station.task.truth(judged.outcomes)[judged.items.places]
    taken = truth[np.arange(200), judged.answers.values.astype(int)]
    assert (taken == truth.min(axis=1)).all()
    assert set(judged.answers.looks) == ({0} if judge["use"] == "truth" else {4})


def test_parts_among_which_was_chosen_come_back_from_the_store_and_are_exported():
    _, judged = pointed(count=8)
    both = join_judged([judged, judged])
    back = unpack_judged(pack_judged(both))
    assert back.items.parts.tolist() == np.tile(judged.items.parts, (2, 1)).tolist()
    labels = [*labels_of(judged, ["Which?"], Advice())]
    assert labels[3].parts == tuple(judged.items.parts[3].tolist())
    assert len({label.question for label in labels}) == 8


def test_what_people_are_shown_of_parts_is_the_outcome_once_for_each():
    station, judged = pointed(count=8)
    scene = Scene(SimpleNamespace(item=3, kind="critique"), None, station.task, judged)
    assert scene.rows == [int(judged.items.first[3])] * 4
    assert scene.parts == judged.items.parts[3].tolist()
    assert scene.order("anna") == [0, 1, 2, 3]


def test_parts_from_elsewhere_that_cannot_be_are_refused():
    _, judged = pointed(count=8)
    check_judged(judged, 1)
    wrong = replace(judged, items=replace(judged.items, parts=judged.items.parts - 64))
    with pytest.raises(ValueError, match="parts"):
        check_judged(wrong, 1)


def test_groups_of_parts_are_chosen_by_what_members_dispute():
    spec = boards(use="truth", query="disagreement")
    station = Station(Team(spec, {}), "squares", spec.nodes["squares"])

    class LeftIsKnown:
        def member_steps(self, outcomes):
            scores = np.random.default_rng(1).normal(size=(2, len(outcomes), 1, 64, 1)) * 5
            scores[1, :, :, :32] = scores[0, :, :, :32]
            return -np.abs(scores)

    scorer = LeftIsKnown()
    new = Collector(station, station.propose, np.random.default_rng(0), scorer).collect(30, "judge")
    assert new.items.parts.shape == (30, 4)
    # Of random fours each square is from the known half in 2 of 4.
    assert (new.items.parts < 32).mean() < 0.45


@pytest.mark.slow
def test_a_node_is_taught_by_pointing_at_parts():
    spec = boards()
    record = [*train_node(Setup(spec, "squares", spec.nodes["squares"], "squares@0", "fingerprint", {}))][
        -1
    ].record
    assert record.facts.judgments == 2500
    assert record.off.distilled.value > 0.7
