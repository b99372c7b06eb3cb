"""Trees of several sweeps: what is planned, what a sweep goes on from, and the same bytes again."""

from pathlib import Path

import numpy as np
import pytest
from small_trees import DIAMOND, learned, ledger_of, make_plan, make_tree, open_store, train

from rrm_tree.errors import SpecError, StoreError
from rrm_tree.executors import InlineExecutor
from rrm_tree.graph import build_graph
from rrm_tree.loop import train_together
from rrm_tree.plan import key_of
from rrm_tree.results import collect_result
from rrm_tree.rounds import Artifacts
from rrm_tree.run import Run, Stop
from rrm_tree.spec import TreeSpec
from rrm_tree.states import load_rounds, load_setup
from rrm_tree.sweeps import name_entry, node_of, spend_until
from rrm_tree.team import Team

CHAIN = {"root": ["middle"], "middle": ["leaf"], "leaf": []}

SPEC = """
version: 1
name: swept
sweeps: 2
measure: {pairs: 20, agent_outcomes: 20}
defaults:
  judge: {use: logic.person, with: {looks: 8}}
  reward_model: {epochs: 2, ensemble: 1}
  budget: {judgments: 60, steps: 2_000}
nodes:
  root:
    doc: Do most of three places say yes?
    task: {use: logic.circuit, with: {gates: [majority]}}
    criteria: {right: {question: Is the claim right?, helpers: [bit]}}
  bit:
    doc: Does the rule hold here?
    task: logic.bit
    criteria: {right: {question: Is the claim right?}}
"""


# --- the plan ----------------------------------------------------------------------------------


def test_names_of_entries_lead_back_to_their_nodes():
    names = [name_entry("ray"), name_entry("ray", 1), name_entry("ray", arm="alone")]
    assert names == ["ray", "ray^1", "ray~alone"]
    assert {node_of(name) for name in names} == {"ray"}


def test_one_sweep_is_what_every_tree_has_and_changes_nothing():
    plain, one = make_plan(make_tree()), make_plan(make_tree(sweeps=1))
    assert one.run == plain.run
    assert one.to_json() == plain.to_json()
    assert '"sweep' not in plain.to_json()


def test_the_last_sweep_bears_the_names_of_the_nodes_and_waits_for_the_one_before():
    plan = make_plan(make_tree(CHAIN, {"root": {"arms": ["ideal"]}}, sweeps=2))
    names = [entry.name for entry in plan.entries]
    assert names == ["leaf^1", "middle^1", "root^1", "leaf", "middle", "root", "root~ideal"]
    waits = {entry.name: set(entry.waits) for entry in plan.entries}
    assert waits["middle^1"] == {"leaf^1"}
    # It is asked about what those above it did, which they did with the help of all below them.
    assert waits["leaf"] == {"leaf^1", "middle^1", "root^1"}
    assert waits["root"] == {"root^1", "leaf", "middle"}
    assert waits["root~ideal"] == set()


def test_whatever_an_entry_waits_for_comes_before_it_in_the_plan():
    plan = make_plan(make_tree(DIAMOND, {"root": {"arms": ["alone"]}}, sweeps=3))
    seen = set()
    for entry in plan.entries:
        assert set(entry.waits) <= seen
        seen.add(entry.name)


def test_only_a_node_of_the_last_sweep_needs_all_that_stands_behind_it():
    tree = make_tree(CHAIN, sweeps=2)
    assert [entry.name for entry in make_plan(tree, only="leaf^1").entries] == ["leaf^1"]
    assert {entry.name for entry in make_plan(tree, only="leaf").entries} == {
        "leaf^1",
        "middle^1",
        "root^1",
        "leaf",
    }


def test_sweeps_share_a_budget_evenly_and_round_up():
    spec = make_tree(edits={"leaf": {"budget": {"judgments": 11, "rounds": 2, "steps": 100}}}).nodes["leaf"]
    budgets = [spend_until(spec, sweep, 3).budget for sweep in (1, 2, 3)]
    assert [budget.judgments for budget in budgets] == [4, 8, 11]
    assert [budget.rounds for budget in budgets] == [2, 4, 6]
    assert [budget.steps for budget in budgets] == [34, 67, 100]


def test_a_budget_that_does_not_pay_for_every_sweep_is_a_mistake():
    tree = TreeSpec.model_validate(
        {
            "version": 1,
            "name": "poor",
            "sweeps": 3,
            "nodes": {
                "bit": {
                    "doc": "a bit",
                    "task": "logic.bit",
                    "criteria": {"right": {"question": "right?"}},
                    "judge": "logic.person",
                    "budget": {"judgments": 2},
                }
            },
        }
    )
    with pytest.raises(SpecError, match="2 judgments do not pay for 3 sweeps"):
        build_graph(tree)


def test_what_those_above_have_learned_decides_the_key_of_the_next_sweep():
    plan = make_plan(make_tree(CHAIN, sweeps=2))
    done, keys = {}, {}
    from test_plan import finish

    for entry in plan.entries:
        ticket = key_of(entry, done)
        keys[entry.name], done[entry.name] = ticket.key, finish(ticket)
    other = {**done, "root^1": done["root^1"].model_copy(update={"objects": {"agent": "x", "reward": "y"}})}
    assert key_of(plan.by_name["leaf"], other).key != keys["leaf"]


# --- what helpers are asked about --------------------------------------------------------------


class FirstMove:
    """An agent that makes the first move there is."""

    def __init__(self, task):
        self.task = task

    def act(self, observations, subjects, rng, explore):
        actions, owner = self.task.candidates(observations)
        return actions[np.flatnonzero(np.diff(owner, prepend=-1))]


def test_from_the_second_sweep_on_subjects_are_what_the_agents_above_have_done():
    tree = TreeSpec.from_yaml(Path(__file__).parents[2] / "task_specs" / "chess.yaml")
    nothing = Artifacts({}, {})
    team = Team(tree, {}, {"player": nothing})
    player = team.task("player")
    team.before._agents["player"] = FirstMove(player)
    drawn = team.draw("verdict", 20, "judge", np.random.default_rng(0)).subjects["board"]
    proposed = team.draw("verdict", 20, "judge", np.random.default_rng(0), proposed=True).subjects["board"]
    plain = Team(tree, {}).draw("verdict", 20, "judge", np.random.default_rng(0)).subjects["board"]
    assert np.array_equal(proposed, plain)
    starts = player.starts(20, "judge", np.random.default_rng(0))
    from rrm_tree.learning.rollouts import rollout

    moved = rollout(
        player, FirstMove(player).act, starts, np.random.default_rng(1), explore=True
    ).outcomes.observations["board"][:, -1]
    assert {board.tobytes() for board in drawn} == {board.tobytes() for board in moved}
    assert {board.tobytes() for board in plain} != {board.tobytes() for board in moved}


# --- training ----------------------------------------------------------------------------------


def test_a_sweep_goes_on_from_the_rounds_of_the_one_before(tmp_path):
    plan = make_plan(make_tree(CHAIN, sweeps=2))
    fates = train(tmp_path, plan)
    assert {fate.state for fate in fates.values()} == {"trained"}
    store = open_store(tmp_path)
    keys = store.referred(plan.run)
    first, last = (store.manifests(keys[name]) for name in ("leaf^1", "leaf"))
    assert len(first) == 3
    assert len(last) == 6
    assert [one.objects for one in last[:3]] == [one.objects for one in first]
    assert last[3].objects != first[0].objects


@pytest.mark.parametrize("stage", ["before", "after"])
def test_what_was_lost_of_the_sweep_before_is_trained_again(tmp_path, stage):
    tree = make_tree(CHAIN, sweeps=2)
    plan = make_plan(tree)
    train(tmp_path / "calm", plan)
    store = open_store(tmp_path / "lossy")
    key = key_of(plan.by_name["leaf^1"], {}).key
    train(tmp_path / "lossy", plan if stage == "after" else make_plan(tree, only="leaf^1"))
    digest = store.manifests(key)[0].objects["agent"]
    Path(store.address, "objects", digest[:2], digest).write_bytes(b"torn")
    if stage == "after":
        store.reopen(store.referred(plan.run)["leaf"])
    with pytest.raises(StoreError, match="trains it again"):
        train(tmp_path / "lossy", plan)
    train(tmp_path / "lossy", plan)
    assert learned(tmp_path / "lossy") == learned(tmp_path / "calm")


def test_the_cost_of_a_round_may_be_lost(tmp_path):
    tree = make_tree(CHAIN, sweeps=2)
    plan = make_plan(tree)
    key = key_of(plan.by_name["leaf^1"], {}).key
    train(tmp_path, make_plan(tree, only="leaf^1"))
    (tmp_path / "keys" / key / "cost-000.json").write_bytes(b"torn")
    assert {fate.state for fate in train(tmp_path, plan).values()} == {"reused", "trained"}


def test_reports_speak_of_the_last_sweep_alone(tmp_path):
    from rrm_tree.propagation import analyse

    plan = make_plan(make_tree(CHAIN, sweeps=2))
    train(tmp_path, plan)
    result = collect_result(open_store(tmp_path), plan.run, plan, {})
    analysis = analyse(result)
    assert [node.name for node in analysis.nodes] == ["root", "middle", "leaf"]
    # Judgments of the first sweep are among those of the last, and count once.
    assert analysis.effort.judgments == 30


def test_stopped_after_any_round_the_same_command_ends_with_the_same_bytes(tmp_path):
    plan = make_plan(make_tree(CHAIN, sweeps=2))
    train(tmp_path / "calm", plan)
    for _ in range(40):
        if train_one_round(tmp_path / "stopped", plan):
            break
    assert learned(tmp_path / "stopped") == learned(tmp_path / "calm")


def train_one_round(folder, plan):
    """One more round; whether all was done already."""
    store, stop = open_store(folder), Stop()
    ledger = ledger_of(store)
    store.write_run(plan.run, plan, "", "rrm run small.yaml")
    seen = ledger.last_event(plan.run)

    def heard():
        if any(event.kind == "round" for event in ledger.events_after(plan.run, seen)):
            stop.level = 1

    executor = InlineExecutor(store, ledger, stop, heard)
    (fates,) = train_together([Run(plan, plan.run, store, ledger, executor, stop, heard)])
    return {fate.state for fate in fates.values()} <= {"trained", "reused"}


@pytest.mark.slow
def test_the_real_trainer_warm_starts_and_learns_from_the_judgments_of_both_sweeps(tmp_path):
    (tmp_path / "swept.yaml").write_text(SPEC)
    from rrm_tree.cli.opening import make_plan as plan_of

    plan = plan_of(str(tmp_path / "swept.yaml"), (), None)
    for workers in (0, 2):
        fates = train(tmp_path / str(workers), plan, workers)
        assert {fate.state for fate in fates.values()} == {"trained"}
    assert learned(tmp_path / "0") == learned(tmp_path / "2")
    store = open_store(tmp_path / "0")
    keys = store.referred(plan.run)
    rounds = load_rounds(store, keys["bit"])
    assert [state.record.facts.judgments for state in rounds] == [30, 60]
    ticket_inputs = store.inputs(keys["bit"])
    assert ticket_inputs["goes_on"] == keys["bit^1"]
    from rrm_tree.plan import Ticket

    setup = load_setup(store, plan, Ticket("bit", ticket_inputs))
    assert setup.inherited == 1
    assert set(setup.before) == {"bit", "root"}
    measured_again(store, plan)


def measured_again(store, plan):
    """Each sweep on the pairs of the last, which measuring stores and reports show."""
    from rrm_tree.remeasure import Again, RunAgain
    from rrm_tree.report.sweep_tables import gain_table, sweep_table
    from rrm_tree.studies import study_run

    again = RunAgain(store, plan.run, plan)
    assert [again.applies(name, "sweeps") for name in ("bit^1", "bit", "root")] == [False, True, True]
    found, new = again.study("root", "sweeps", again.node("root").settings(Again()))
    assert new
    assert [path.distribution for path in found.paths] == ["off", "on"]
    assert [[step.judgments for step in path.steps] for path in found.paths] == [[30, 60], [30, 60]]
    last = again.node("root").rounds[-1].record
    assert [path.steps[-1].distilled.value for path in found.paths] == [
        last.off.distilled.value,
        last.on.distilled.value,
    ]
    result = collect_result(store, plan.run, plan, {})
    assert len(sweep_table(result).rows) == 4
    assert len(gain_table(study_run(store, result)).rows) == 4
