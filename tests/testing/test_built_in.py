"""Everything that comes with the package passes the kit that users are given."""

import importlib
import pkgutil

import pytest

import rrm_tree
from rrm_tree.registry import BUILT_IN, find
from rrm_tree.testing import check_algorithm, check_judge, check_network, check_task, subjects_for

SMALL = {"net_arch": [16], "gradient_steps": 1}
OPTIONS = {
    "gym": {"id": "CartPole-v1", "segment": 10},
    "sac": SMALL,
    "td3": SMALL,
    "panel": {"people": ["teacher", "truth"]},
}
TASK_OF_ALGORITHM = {
    "greedy": "logic.bit",
    "ppo": "CartPole-v1",
    "maskable_ppo": "sb3_contrib.common.envs:InvalidActionEnvDiscrete",
    "sac": "MountainCarContinuous-v0",
    "td3": "MountainCarContinuous-v0",
    "dqn": "CartPole-v1",
    "search": "CartPole-v1",
}


def build(kind, name):
    return find(kind, name).build(OPTIONS.get(name, {}))


def scene(name):
    """A task, subjects for it (None for one that starts by itself), and one helper of each type."""
    task = build("task", name)
    tasks = [find("task", one) for one in BUILT_IN["task"] if one != "gym"]
    helpers = {}
    for one in tasks:
        if one.facts.advice in task.accepts and one.name != name:
            helpers.setdefault(one.facts.advice, one.build({}))
    return task, subjects(task, name), list(helpers.values())


def subjects(task, name):
    """What a parent asks, which may itself have to be asked by its own parent first."""
    if task.subject is None:
        return None
    parent = next(
        one for one in BUILT_IN["task"] if task.advice in find("task", one).facts.accepts and one != name
    )
    other = build("task", parent)
    return subjects_for(task, other, about=subjects(other, parent))


def test_every_name_leads_to_a_door_even_when_all_modules_are_loaded():
    for found in pkgutil.walk_packages(rrm_tree.__path__, "rrm_tree."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    for kind, names in BUILT_IN.items():
        for name in names:
            assert callable(find(kind, name).target), name


@pytest.mark.parametrize("name", BUILT_IN["task"])
def test_every_task_keeps_its_contract(name):
    task, about, helpers = scene(name)
    check_task(task, subjects=about, helpers=helpers)


@pytest.mark.parametrize("name", ["Pendulum-v1", "Blackjack-v1", "FrozenLake-v1", "MountainCarContinuous-v0"])
def test_gymnasiums_own_environments_keep_the_contract_of_tasks(name):
    check_task(find("task", name).build({"segment": 10, "max_episode_steps": 30}))


# `recorded` needs a file; tests/people has some.
@pytest.mark.parametrize("name", [one for one in BUILT_IN["judge"] if one != "recorded"])
def test_every_judge_keeps_its_contract_on_every_task_that_it_knows(name):
    judge = build("judge", name)
    for known in judge.tasks or ("CartPole-v1", "logic.bit"):
        task, about, helpers = scene(known) if known in BUILT_IN["task"] else (build("task", known), None, [])
        check_judge(judge, task, subjects=about, helpers=helpers)


@pytest.mark.parametrize("name", BUILT_IN["network"])
def test_every_network_keeps_its_contract(name):
    check_network(build("network", name))


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILT_IN["algorithm"])
def test_every_algorithm_keeps_its_contract(name):
    task = build("task", TASK_OF_ALGORITHM[name])
    check_algorithm(build("algorithm", name), task)
