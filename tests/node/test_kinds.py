"""A node taught by every kind of judgment, and by several at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rrm_tree.errors import TrainingError
from rrm_tree.learning.fit import Readout
from rrm_tree.learning.kinds import KINDS
from rrm_tree.learning.losses import all_orders
from rrm_tree.node import NodeAtWork, train_node
from rrm_tree.rounds import Setup
from rrm_tree.spec import NodeSpec, TreeSpec
from rrm_tree.states import pack_round
from rrm_tree.station import Station
from rrm_tree.team import Team

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
    new = station.collect(count, station.propose, "judge", rng)
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
        ({"kind": "best", "query": "disagreement"}, "blocks", "ask at random"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is_collected(judge, task, said):
    agent = {"use": "greedy"} if task == "logic.circuit" else {"use": "ppo"}
    with pytest.raises(TrainingError, match=said):
        NodeAtWork(setup(tree(judge, task, agent=agent)))


def test_a_judge_that_does_not_demonstrate_is_not_asked_to():
    work = NodeAtWork(setup(tree({})))
    station = work.station.asking("demonstration")
    station.judge = object()
    assert "does not `demonstrate`" in station.refusal
