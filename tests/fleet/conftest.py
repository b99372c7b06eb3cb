"""A broker and a database of the tests' own, and fleets around them."""

import itertools
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parent.parent / "run"))

from fleets import Fleet
from servers import GET_RABBITMQ, Broker, a_database, missing

NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    if Broker.program is None:
        missing("RabbitMQ", GET_RABBITMQ)
    one = Broker(tmp_path_factory.mktemp("broker") / "node")
    one.start()
    yield one
    one.kill()


@pytest.fixture(scope="session")
def database():
    with a_database() as one:
        yield one


@pytest.fixture
def ledger_url(database):
    return database.make(f"test{next(NUMBERS)}")


@pytest.fixture
def make_fleet(broker, tmp_path, ledger_url):
    fleets = []

    def make(name="fleet", url=ledger_url, **settings):
        fleets.append(Fleet(tmp_path / name, broker.url, url, f"train.t{next(NUMBERS)}", **settings))
        return fleets[-1]

    yield make
    for fleet in fleets:
        fleet.end()


@pytest.fixture(scope="module")
def calm_fleet(broker, database, tmp_path_factory):
    """A fleet with one worker, for tests that do not hurt it: starting one takes seconds."""
    url = database.make(f"calm{next(NUMBERS)}")
    queue = f"train.calm{next(NUMBERS)}"
    fleet = Fleet(tmp_path_factory.mktemp("calm"), broker.url, url, queue, lease_seconds=4.0)
    fleet.worker("--concurrency", "2")
    yield fleet
    fleet.end()


@pytest.fixture
def fleet(make_fleet):
    """A fleet whose leases are short, so that what is lost is soon found."""
    return make_fleet(lease_seconds=4.0)
