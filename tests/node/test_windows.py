"""Several windows of an episode are judged in training: windows are cheap, steps are not."""

from __future__ import annotations

import numpy as np
import pytest
from small_nodes import CARTPOLE, make_tree, set_up, train_node_of

from rrm_tree.collecting import Collector
from rrm_tree.node import NodeAtWork, train_node
from rrm_tree.purse import Spent
from rrm_tree.rounds import Setup
from rrm_tree.station import Station
from rrm_tree.team import Team

PENDULUM = {
    **CARTPOLE,
    "task": {"use": "Pendulum-v1", "with": {"segment": 10, "max_episode_steps": 40}},
    "budget": {"judgments": 40, "steps": 100_000},
}


def judge_once(**parts):
    """What the first round of a node judges, all of one kind, and the steps that collecting took."""
    tree = make_tree({"only": {**PENDULUM, **parts}})
    work = NodeAtWork(Setup(tree, "only", tree.nodes["only"], "only@0", "only", {}))
    return work.judge([], [], Spent.over([]))


@pytest.mark.parametrize(("each", "episodes"), [(None, 20), (1, 80), (8, 10)])
def test_an_episode_is_paid_for_once_whatever_is_judged_of_it(each, episodes):
    judge = {**PENDULUM["judge"], "windows_per_episode": each}
    new = judge_once(judge=judge)
    assert len(new.judged[0].items) == 40
    # The first two episodes show how many windows there are; one pair of theirs may be left over.
    assert new.steps <= (episodes + 2) * 40


def test_windows_of_training_are_compared_across_episodes():
    new = judge_once()
    (judged,) = new.judged
    seeds, items = judged.outcomes.subjects["seed"], judged.items
    assert (judged.outcomes.lengths == 10).all()
    assert len(np.unique(np.concatenate([items.first, items.second]))) == 80
    assert (seeds[items.first] != seeds[items.second]).mean() > 0.5


@pytest.mark.parametrize("kind", ["label", "rating"])
def test_windows_are_judged_one_by_one_where_the_judge_compares_nothing(kind):
    new = judge_once(judge={**PENDULUM["judge"], "kind": kind})
    assert len(new.judged[0].items) == 40
    assert new.steps <= 11 * 40


def test_pairs_of_gates_are_independent_one_window_of_each_episode_about_one_start():
    tree = make_tree({"only": PENDULUM})
    station = Station(Team(tree, {}), "only", tree.nodes["only"])
    new = Collector(station, station.propose, np.random.default_rng(0)).collect(12, "gate")
    seeds = new.outcomes.subjects["seed"]
    assert (len(new.outcomes), new.episodes) == (24, 24)
    assert (seeds[new.items.first] == seeds[new.items.second]).all()


@pytest.mark.slow
@pytest.mark.parametrize("steps", [301, 2000])
def test_the_budget_of_steps_is_as_hard_for_windows(steps):
    task = {"use": "CartPole-v1", "with": {"segment": 6, "max_episode_steps": 30}}
    rounds = train_node_of(CARTPOLE, task=task, budget={"judgments": 5000, "steps": steps, "rounds": 2})
    spent = [state.record.steps for state in rounds]
    assert 0.9 * steps < sum(spent) <= steps
    assert spent[0] <= -(-steps // 2)


class DisputesOddSeeds:
    """A scorer of two members that are at odds about episodes of odd seed, and know nothing of others."""

    def member_steps(self, outcomes):
        odd = outcomes.subjects["seed"] % 2 == 1
        steps = np.where(odd[:, None] & outcomes.mask, 1.0, 0.0)
        return np.stack([steps, -steps])[..., None, None]


@pytest.mark.parametrize("query", ["disagreement", "information", "kcenter"])
def test_choosing_among_windows_executes_no_step_more_and_asks_about_each_once(query):
    tree = make_tree({"only": {**PENDULUM, "judge": {**PENDULUM["judge"], "query": query}}})
    station = Station(Team(tree, {}), "only", tree.nodes["only"])
    rng = np.random.default_rng(0)
    new = Collector(station, station.propose, rng, DisputesOddSeeds()).collect_windows(24, per_episode=2.0)
    assert (len(new.items), new.steps, new.episodes) == (24, 12 * 40, 12)
    assert len(np.unique(np.concatenate([new.items.first, new.items.second]))) == len(new.outcomes) == 48
    assert (new.outcomes.lengths == 10).all()


def test_the_chosen_pairs_are_those_that_members_dispute():
    tree = make_tree({"only": {**PENDULUM, "judge": {**PENDULUM["judge"], "query": "disagreement"}}})
    station = Station(Team(tree, {}), "only", tree.nodes["only"])
    rng = np.random.default_rng(0)
    scorer = DisputesOddSeeds()
    new = Collector(station, station.propose, rng, scorer).collect_windows(24, per_episode=2.0)
    odd = new.outcomes.subjects["seed"] % 2 == 1
    # Over two windows of odd seed, or two of even, the members foretell a tie alike.
    assert (odd[new.items.first] != odd[new.items.second]).all()


@pytest.mark.slow
def test_a_node_that_chooses_its_windows_resumes_with_the_same_bytes():
    parts = {
        "judge": {**PENDULUM["judge"], "query": "information", "schedule": {"first": 0.5}},
        "reward_model": {"ensemble": 3, "epochs": 4, "caution": 1.0},
        "budget": {"judgments": 40, "steps": 4000, "rounds": 3},
    }
    setup = set_up(make_tree({"only": {**PENDULUM, **parts}}), "only")
    every = list(train_node(setup))
    assert [state.record.facts.judgments for state in every] == [20, 30, 40]
    resumed = list(train_node(setup, every[:1]))
    for state, other in zip(every[1:], resumed, strict=True):
        assert state.record == other.record
        for name in ("agent", "reward"):
            found, again = getattr(state, name), getattr(other, name)
            assert {key: values.tobytes() for key, values in found.items()} == {
                key: values.tobytes() for key, values in again.items()
            }
