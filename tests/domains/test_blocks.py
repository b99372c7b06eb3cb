"""Blocks: shapes and distances by hand, and what a judge may be asked about their steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rrm_tree.domains.blocks import blocks
from rrm_tree.domains.blocks.task import BlocksTask
from rrm_tree.domains.blocks.world import World
from rrm_tree.domains.scripted import ScriptedReward
from rrm_tree.errors import PluginError
from rrm_tree.learning.rollouts import rollout
from rrm_tree.node_spec import edit_node
from rrm_tree.outcomes import take_steps
from rrm_tree.spec import load_tree
from rrm_tree.testing import check_task

SQUARES = World.of(4, "square")
SPECS = Path(__file__).parents[2] / "task_specs"
BY_ITSELF = {"code"}
"""Taught in a way that is no arm of `blocks.yaml`."""


def grid(*rows):
    return np.array([[cell == "#" for row in rows for cell in row]], np.int8)


def proposed(task, count):
    rng = np.random.default_rng(0)
    act = lambda seen, about, rng, explore: task.propose(seen, about, rng)  # noqa: E731
    return rollout(task, act, task.starts(count, "judge", rng), rng, explore=True).outcomes


@pytest.mark.parametrize(
    ("shape", "places"), [("square", 9), ("line", 16), ("corner", 36), ("plus", 4), ("ring", 4)]
)
def test_a_shape_may_lie_wherever_it_fits_turned_every_way(shape, places):
    assert len(World.of(4, shape).places) == places


def test_a_shape_that_does_not_fit_is_refused():
    with pytest.raises(PluginError, match="does not fit on a grid of 2 cells"):
        World.of(2, "plus")


def test_cells_lie_wrong_as_seen_from_the_nearest_place():
    assert SQUARES.wrong(grid("##..", "##..", "....", "....")).tolist() == [0]
    assert SQUARES.wrong(grid("##..", "#...", "....", "...#")).tolist() == [2]
    assert SQUARES.wrong(grid("....", "....", "....", "....")).tolist() == [4]


def test_an_action_changes_its_cell_and_the_last_one_none():
    empty = grid("....", "....", "....", "....")
    assert SQUARES.act(empty, np.array([5])).nonzero()[1].tolist() == [5]
    assert not SQUARES.act(empty, np.array([16])).any()


def test_the_best_action_mends_a_cell_and_waits_when_all_is_right():
    assert SQUARES.best(grid("##..", "#...", "....", "....")).tolist() == [5]
    assert SQUARES.best(grid("##..", "##..", "....", "....")).tolist() == [16]


def test_an_ideal_episode_mends_a_cell_a_step_as_no_other_can():
    task = blocks(steps=3)
    done = task.ideal({"grid": grid("#..#", "....", "..#.", "....")})
    # No two of the three blocks are in one square: 5 cells lie wrong, then 4, 3, 2.
    assert task.rewards(done).tolist() == [[-4.0, -3.0, -2.0]]


def test_what_actions_would_have_led_to_is_every_change_of_one_cell():
    task = blocks()
    acted = take_steps(proposed(task, 2), np.array([0, 1]), np.array([3, 0]))
    others = task.instead(acted)
    assert len(others) == 2 * 17
    changed = np.abs(np.diff(others.observations["observation"].astype(int), axis=1)).sum(axis=(1, 2))
    assert changed.tolist() == ([1] * 16 + [0]) * 2
    taken = int(acted.actions[1, 0]) + 17
    same = others.observations["observation"][taken] == acted.observations["observation"][1]
    assert same.all()


def test_truth_is_the_sum_of_what_single_steps_are_worth():
    task = blocks(steps=4)
    outcomes = proposed(task, 3)
    rows, times = np.repeat(np.arange(3), 4), np.tile(np.arange(4), 3)
    by_step = task.truth(take_steps(outcomes, rows, times)).reshape(3, 4)
    assert by_step.sum(axis=1).tolist() == task.truth(outcomes)[:, 0].tolist()


def test_the_kit_finds_out_a_task_that_forgets_the_action_taken_or_where_it_began():
    class Forgets(BlocksTask):
        def instead(self, outcomes):
            others = super().instead(outcomes)
            return replace(others, observations={"observation": 1 - others.observations["observation"]})

    check_task(BlocksTask(SQUARES, 4, None))
    with pytest.raises(PluginError, match="must begin where the steps began") as found:
        check_task(Forgets(SQUARES, 4, None))
    assert "must hold the action that was taken" in str(found.value)


@pytest.mark.parametrize("file", sorted((SPECS / "blocks").glob("*.yaml")), ids=lambda file: file.stem)
def test_each_way_of_teaching_stands_by_itself_as_it_stands_among_the_arms(file):
    node, alone = (load_tree(one).nodes["build"] for one in (SPECS / "blocks.yaml", file))
    if file.stem in BY_ITSELF:
        assert file.stem not in node.arms
        return
    arm = node if file.stem == "preferences" else edit_node(node, node.arms[file.stem])
    asked = {"criteria": alone.criteria, "arms": {}}
    assert arm.model_copy(update=asked).model_dump(exclude={"judge"}) == alone.model_dump(exclude={"judge"})
    assert arm.judge.shares == alone.judge.shares
    assert arm.judge.options == alone.judge.options


def test_the_reward_written_as_code_is_what_is_true_of_blocks(monkeypatch):
    monkeypatch.syspath_prepend(SPECS / "blocks")
    task = blocks(size=3, steps=4)
    outcomes = proposed(task, 20)
    written = ScriptedReward.load("squares:closeness")(outcomes)
    assert written.tolist() == task.rewards(outcomes).tolist()
