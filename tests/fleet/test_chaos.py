"""Whatever happens to a fleet, its run ends with the bytes of an undisturbed one.

The short form: every kind of misfortune once or more, in schedules that seeds give. The long one is
the part `chaos` of `tests/benchmarks/bench_fleet.py`.
"""

import numpy as np
import pytest
from chaos import KINDS, Chaos, leafy_tree, slow_nodes
from servers import GET_RABBITMQ, Broker, missing
from small_trees import learned, make_plan, make_tree, train

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("chaos")]

SCHEDULES = 5


def misfortunes(seed):
    """Each schedule's share of all kinds, shuffled together."""
    order = np.random.default_rng(5).permutation(KINDS)
    return list(np.array_split(order, SCHEDULES)[seed])


SHAPE = leafy_tree(2, 2)
EDITS = slow_nodes(SHAPE, 0.25, 4)


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """A broker that hands a ticket out again after seconds, where others wait for half an hour."""
    if Broker.program is None:
        missing("RabbitMQ", GET_RABBITMQ)
    one = Broker(tmp_path_factory.mktemp("broker") / "node", consumer_timeout_seconds=4)
    one.start()
    yield one
    one.kill()


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """What an undisturbed run leaves, in this process."""
    folder = tmp_path_factory.mktemp("calm")
    train(folder, make_plan(make_tree(SHAPE, EDITS)))
    return learned(folder)


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_a_run_to_which_things_happen_ends_like_one_to_which_nothing_does(
    fleet, broker, database, calm, seed
):
    chaos = Chaos(fleet, fleet.plan(SHAPE, EDITS), broker, database, np.random.default_rng(seed))
    chaos.play(misfortunes(seed))
    chaos.check(calm)


def test_a_node_that_takes_longer_than_the_broker_waits_for_it_is_trained_once(fleet, tmp_path):
    plan = fleet.plan({"leaf": []}, slow_nodes(["leaf"], 3.0, 4))
    worker = fleet.worker("--concurrency", "1", RRM_WARM="false")
    assert fleet.schedule(plan).wait(120) == 0, fleet.logs()
    assert worker.poll() is None
    assert "PRECONDITION_FAILED" in fleet.logs()
    assert [event.data["index"] for event in fleet.events(plan, "round")] == [0, 1, 2, 3]
    assert len(fleet.events(plan, "started")) == 1
    train(tmp_path / "inline", plan)
    assert learned(fleet.store.address) == learned(tmp_path / "inline")
