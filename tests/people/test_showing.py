"""People show how it is done: the same moves lead to the same episode wherever they are played."""

import hashlib
from functools import partial

import numpy as np
import pytest
from answering import Person, call
from blocks_people import show, write_blocks

from rrm_tree.asking import Said
from rrm_tree.contracts import Steering
from rrm_tree.domains.blocks import blocks
from rrm_tree.domains.blocks.task import BlocksTask
from rrm_tree.domains.blocks.world import World
from rrm_tree.domains.gym import environment
from rrm_tree.domains.gym.steering import NAMES
from rrm_tree.errors import ExitCode, PluginError, SpecError, UsageError
from rrm_tree.learning.demonstrations import shown_by_judges
from rrm_tree.states import load_rounds
from rrm_tree.steered import steering_of
from rrm_tree.steering import follow
from rrm_tree.store import Store
from rrm_tree.testing import check_task

WAITING = ExitCode.WAITING_FOR_PEOPLE
POLE = """
version: 1
name: pole
measure: {{pairs: 4, agent_outcomes: 4}}
nodes:
  balance:
    doc: Does the pole stay up?
    task: {{use: CartPole-v1, with: {{segment: 3}}}}
    criteria: {{up: {{question: Show how the pole is kept up.}}}}
    judge: {judge}
    reward_model: {{network: {{use: mlp, with: {{hidden: [8]}}}}, ensemble: 1, epochs: 3}}
    agent:
      use: ppo
      with: {{episodes: 4, n_steps: 64, batch_size: 64, n_epochs: 1, demonstrations: judged}}
    budget: {{judgments: 4, steps: 3000, rounds: 1}}
"""
EMPTY = {"grid": np.zeros((1, 9), np.int8)}


def run(spec, store, code):
    return call("run", spec, "--store", store, "--executor", "inline", "--no-wait", code=code)


def only_state(store):
    one = Store(str(store))
    return load_rounds(one, next(iter(one.referred(one.runs()[-1]).values())))[-1]


def test_moves_lead_step_by_step_to_an_episode_that_ends_where_the_task_ends_it():
    task = blocks(size=3, steps=3)
    begin = follow(task, "demonstration", EMPTY, ())
    assert begin.done.actions.shape == (1, 0) and not begin.enough and not begin.over
    way = follow(task, "demonstration", EMPTY, (0, 1))
    assert way.done.observations["observation"][0, -1].tolist() == [1, 1] + [0] * 7 and not way.enough
    whole = follow(task, "demonstration", EMPTY, (0, 1, 9))
    assert whole.over and whole.enough and whole.done.lengths.tolist() == [3]
    with pytest.raises(UsageError, match="over after 3 steps"):
        follow(task, "demonstration", EMPTY, (0, 1, 9, 2))
    with pytest.raises(UsageError, match="no action 10; there are 10"):
        follow(task, "demonstration", EMPTY, (10,))


def test_a_goal_is_arranged_by_as_many_moves_as_it_takes_and_is_one_step():
    task = blocks(size=3, steps=1)
    way = follow(task, "goal", EMPTY, (0, 1, 3, 4, 8, 8))
    assert way.enough and way.done.lengths.tolist() == [1]
    assert way.done.observations["observation"][0, -1].tolist() == [1, 1, 0, 1, 1, 0, 0, 0, 0]
    assert task.world.wrong(way.done.observations["observation"][:, -1]) == [0]


def test_windows_may_be_shown_as_soon_as_they_are_full():
    task = blocks(size=3, steps=6, segment=2)
    assert not follow(task, "demonstration", EMPTY, (0,)).enough
    assert follow(task, "demonstration", EMPTY, (0, 1)).enough


def test_a_gymnasium_environment_is_steered_by_its_actions_names_and_is_the_same_when_played_again():
    task = environment(id="CartPole-v1")
    assert steering_of(task).names == ("push left", "push right")
    seed = {"seed": np.array([5])}
    one, other = (follow(task, "demonstration", seed, (0, 1, 1, 1)) for _ in range(2))
    assert (one.done.observations["observation"] == other.done.observations["observation"]).all()
    assert not one.enough
    drawn = task.still(one.done, 0)
    assert drawn.startswith(b"\x89PNG")


REFUSED = {
    "MountainCarContinuous-v0": "not one of a few",
    "Pendulum-v1": "not one of a few",
}


@pytest.mark.parametrize("id", REFUSED)
def test_what_nobody_can_steer_is_refused_before_anything_trains_with_what_to_do_instead(tmp_path, id):
    spec = write_blocks(tmp_path, "{use: person, kind: demonstration}")
    text = spec.read_text(encoding="utf-8").replace(
        "{use: blocks, with: {size: 3, steps: 4}}", f"{{use: gym, with: {{id: {id}}}}}"
    )
    spec.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=r"judge\.kind: people cannot steer .*" + REFUSED[id]) as error:
        call("validate", spec)
    assert "`preference`" in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["demonstration", "goal"])
def test_a_tiny_node_learns_from_what_people_show_and_others_show_what_they_cannot(tmp_path, kind):
    judge = f"{{use: person, kind: {kind}, fallback: [{{use: teacher, with: {{beta: null}}}}]}}"
    spec, store = write_blocks(tmp_path, judge), tmp_path / "store"
    assert "8 of 8 questions" in run(spec, store, WAITING)
    person = Person(store)

    def say(asked):
        return Said(None, reason=4) if asked.item == 2 else show(person, asked)

    assert person.answer(said=say) == 8
    run(spec, store, ExitCode.DONE)
    state = only_state(store)
    judged = state.judged
    assert judged.kind == kind and judged.answers.values.tolist() == [0.0] * 8
    assert judged.answers.link.tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
    assert [one.judge for one in state.record.facts.links] == ["person", "teacher"]
    shown = judged.outcomes.take(judged.items.first)
    task = person.task("build")
    # By truth what was shown is at least as good as all that agents did.
    assert (task.truth(shown) >= task.truth(judged.outcomes)[judged.items.places[0]].max(axis=1)).all()
    assert state.record.people.whole.right.value == 1.0 and state.record.facts.informative
    imitated = shown_by_judges([judged])
    assert (imitated is None) == (kind == "goal")


@pytest.mark.slow
def test_what_nobody_shows_teaches_nothing(tmp_path):
    spec, store = write_blocks(tmp_path, "{use: person, kind: demonstration}"), tmp_path / "store"
    run(spec, store, WAITING)
    person = Person(store)
    person.answer(said=lambda asked: Said(None) if asked.item < 4 else show(person, asked))
    run(spec, store, ExitCode.DONE)
    judged = only_state(store).judged
    assert np.isnan(judged.answers.values[:4]).all() and len(shown_by_judges([judged])) == 4


@pytest.mark.slow
def test_in_the_terminal_actions_go_by_their_numbers_and_are_taken_back(tmp_path):
    spec, store = write_blocks(tmp_path, "{use: person, kind: demonstration}", 4), tmp_path / "store"
    run(spec, store, WAITING)
    said = call(
        "label", "--store", store, "--as", "ann", says="1 2\nu\nd\n10 10 10\n10\nd\nn0\nq\n", code=WAITING
    )
    assert "row 1, column 1" in said and "10  wait" in said and "so far it cannot be learned from" in said
    assert "over after 4 steps" in said and "1 answered" in said
    person = Person(store)
    (given,) = person.desk.answers_for(person.keys[0], 0)
    assert given.value == 0.0 and given.moves == (0, 9, 9, 9)


def test_the_desk_refuses_what_is_no_episode_and_keeps_moves_when_an_answer_is_changed(tmp_path):
    spec, store = write_blocks(tmp_path, "{use: person, kind: demonstration}", 4), tmp_path / "store"
    run(spec, store, WAITING)
    person = Person(store)
    (asked,) = person.desk.take("ann", person.keys)
    for wrong in (Said(0.0), Said(1.0, moves=(1,)), Said(None, moves=(1,)), Said(0.0, moves=())):
        with pytest.raises(UsageError):
            person.desk.answer("ann", asked.id, wrong)
    answer = partial(person.desk.answer, "ann", asked.id)
    answer(Said(0.0, moves=(1, 2, 3, 4)))
    answer(Said(0.0, moves=(4, 3, 2, 1)))
    (given,) = person.desk.answers_for(asked.key, asked.batch)
    assert given.moves == (4, 3, 2, 1)
    assert person.desk.undo("ann", person.keys).moves == (4, 3, 2, 1)


OWN = ["CartPole-v1", "MountainCar-v0", "Acrobot-v1", "FrozenLake-v1", "CliffWalking-v1", "Taxi-v4"]


@pytest.mark.parametrize("id", OWN)
def test_the_names_known_of_gymnasium_s_own_actions_are_as_many_as_there_are(id):
    names = steering_of(environment(id=id)).names
    assert names == NAMES[id.partition("-")[0]] and not names[0].startswith("action")


def test_the_test_kit_tells_wrong_names_and_arranging_that_ends_nowhere():
    class Misnamed(BlocksTask):
        def steering(self):
            return Steering(("put",))

    class Unarranged(BlocksTask):
        def arrange(self, subjects, moves):
            return super().arrange(subjects, moves[:1])

    check_task(BlocksTask(World.of(3, "square"), 3, None))
    for broken, said in ((Misnamed, "steering.*names 1 actions, of 10"), (Unarranged, "arrange")):
        with pytest.raises(PluginError, match=said):
            check_task(broken(World.of(3, "square"), 3, None))


@pytest.mark.slow
def test_windows_of_a_gymnasium_episode_are_shown_by_hand_imitated_and_taken_along(tmp_path):
    spec, store, file = tmp_path / "pole.yaml", tmp_path / "store", tmp_path / "shown.safetensors"
    spec.write_text(POLE.format(judge="{use: person, kind: demonstration}"), encoding="utf-8")
    run(spec, store, WAITING)
    call("label", "--store", store, says="1 2 1 2 2\nd\n" * 4, code=ExitCode.DONE)
    run(spec, store, ExitCode.DONE)
    judged = only_state(store).judged
    shown = judged.outcomes.take(judged.items.first)
    # Windows of three steps from anywhere in the five.
    ways = {tuple(actions) for actions in shown.actions.tolist()}
    assert ways <= {(0, 1, 0), (1, 0, 1), (0, 1, 1)} and (shown.lengths == 3).all()
    call("labels", "export", "--store", store, "--as", "archive", "--to", file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    again = f"{{use: recorded, kind: demonstration, with: {{file: {file}, sha256: {digest}}}}}"
    spec.write_text(POLE.format(judge=again), encoding="utf-8")
    run(spec, tmp_path / "second", ExitCode.DONE)
    assert only_state(tmp_path / "second").judged.answers.values.tolist() == [0.0] * 4
