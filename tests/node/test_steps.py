"""How far a reward model is from truth step by step: shaping is no distance, and another reward is one."""

from types import SimpleNamespace

import numpy as np
import pytest

from rrm_tree.measure.bench import Bench
from rrm_tree.measure.stepping import compare_steps
from rrm_tree.node_spec import NodeSpec
from rrm_tree.propagation.step_rewards import measure_distance, pearson_distance
from rrm_tree.spec import MeasureSpec, TreeSpec
from rrm_tree.station import Station
from rrm_tree.team import Team

GAMMA = 0.99


def bench_of(task):
    node = {
        "doc": "a task of steps",
        "task": task,
        "criteria": {"better": {"question": "which?"}},
        "judge": {"use": "teacher", "with": {"beta": None}},
        "agent": "ppo",
    }
    tree = TreeSpec.model_validate({"version": 1, "name": "steps", "nodes": {"only": node}})
    spec = NodeSpec.model_validate(node)
    return Bench(Station(Team(tree, {}), "only", spec), MeasureSpec(pairs=10, agent_outcomes=30), 5)


def scoring(bench, rewards):
    """A scorer by a function of outcomes of one step."""
    return SimpleNamespace(
        task=bench.station.task, rewards=rewards, advisor=SimpleNamespace(helpers={}), model=None
    )


def blocks():
    return bench_of({"use": "blocks", "with": {"segment": 5}})


def potential(outcomes, time):
    """Any number of a grid: of how many blocks lie on it, and where."""
    grid = outcomes.observations["observation"][:, time].astype(float)
    return 3.0 * grid.sum(axis=-1) + (grid * np.sin(np.arange(grid.shape[-1]))).sum(axis=-1)


def test_a_shaped_truth_is_no_distance_from_truth_though_its_rewards_differ():
    bench = blocks()
    task = bench.station.task

    def shaped(outcomes):
        extra = GAMMA * potential(outcomes, 1) - potential(outcomes, 0)
        return task.truth(outcomes) + extra[:, None]

    found = compare_steps(bench, scoring(bench, shaped))
    assert found.plain.value > 0.3
    assert found.epic.value == pytest.approx(0, abs=1e-6)
    assert found.dard.value == pytest.approx(0, abs=1e-6)


def test_the_opposite_of_truth_is_as_far_away_as_can_be():
    bench = blocks()
    found = compare_steps(bench, scoring(bench, lambda outcomes: -2 * bench.station.task.truth(outcomes)))
    assert found.plain.value == pytest.approx(1)
    assert found.epic.value == pytest.approx(1)
    assert found.dard.value == pytest.approx(1)


def test_where_truth_is_noted_of_steps_taken_alone_there_is_no_epic():
    bench = bench_of({"use": "Pendulum-v1", "with": {"max_episode_steps": 20, "segment": 5}})
    rng = np.random.default_rng(0)
    noise = lambda outcomes: rng.normal(size=(len(outcomes), 1))  # noqa: E731
    found = compare_steps(bench, scoring(bench, noise))
    assert found.epic is found.dard is None
    # Two rewards that have nothing to do with each other.
    assert found.plain.value == pytest.approx(np.sqrt(0.5), abs=0.08)


def test_a_constant_reward_has_no_distance():
    bench = blocks()
    assert compare_steps(bench, scoring(bench, lambda outcomes: np.zeros((len(outcomes), 1)))) is None


def test_episodes_are_the_clusters_of_the_interval():
    rng = np.random.default_rng(4)
    first = np.repeat(rng.normal(size=20), 30)
    second = first + np.repeat(rng.normal(size=20), 30)
    by_step = measure_distance(first, second, np.arange(600))
    by_episode = measure_distance(first, second, np.repeat(np.arange(20), 30))
    assert by_step.value == by_episode.value == pytest.approx(pearson_distance(first, second))
    assert by_episode.high - by_episode.low > 2 * (by_step.high - by_step.low)
