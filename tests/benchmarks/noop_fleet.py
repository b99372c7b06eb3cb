"""Parts of a fleet that train nothing, so that what remains is the fleet's own cost."""

import sys
from collections import Counter
from functools import cached_property

from rrm_tree.fleet_ledger import FleetLedger
from rrm_tree.ledger import News
from rrm_tree.records import Done
from workers import main
from workers.executor import FleetExecutor
from workers.settings import read_settings
from workers.tasks import TrainTicket

STATEMENTS = 5
"""To the ledger, for each node: look, claim, fence, round, end."""

DIGESTS = {"agent": "0" * 64, "reward": "1" * 64}


class MemoryStore:
    """What a scheduler asks a store, without files."""

    def __init__(self):
        self.finished, self.trouble = set(), None

    def refer(self, run, entry, key):
        pass

    def put_inputs(self, ticket):
        pass

    def manifests(self, key):
        return ()

    def done(self, key):
        if key not in self.finished:
            return None
        entry, fingerprint = key.rsplit("@", 1)
        return Done(
            key=key,
            node=entry,
            fingerprint=fingerprint * 4,
            rounds=1,
            judgments=0,
            looks=0,
            gate_passed=None,
            objects=DIGESTS,
            content="2" * 64,
        )


class AtOnce:
    """An executor whose attempts have ended when they begin."""

    def __init__(self, store, remote):
        self.store, self.remote, self.orders = store, remote, []

    def slots(self, queue):
        return 1 - len(self.orders)

    def submit(self, order):
        self.orders.append(order)

    def poll(self):
        from rrm_tree.attempt import End
        from rrm_tree.executors import Answer

        ended, self.orders = self.orders, []
        self.store.finished.update(order.key for order in ended)
        return [Answer(order, End.DONE, "") for order in ended]

    def cancel(self, *, now):
        pass


class NoOpFleet(FleetExecutor):
    """The executor over the queue; what it hears is done counts as stored."""

    store = None

    def poll(self):
        answers = super().poll()
        self.store.finished.update(answer.order.key for answer in answers)
        return answers


class NoOpTicket(TrainTicket):
    """Takes a ticket's key and is done with it, in the child: no process, no store."""

    @cached_property
    def supervisor(self):
        return NoOpSupervisor(FleetLedger(self.settings.ledger))


class NoOpSupervisor:
    """Asks the ledger all that a supervisor and an attempt of one round ask it, one after the other."""

    def __init__(self, ledger):
        from rrm_tree.machine import this_owner

        self.ledger, self.owner = ledger, this_owner()

    def handle(self, ticket):
        held = self.ledger.look(ticket.key)
        if held is None or held.state not in {"queued", "claimed"} or held.is_live:
            return
        started = News("started", {"key": ticket.key})
        claim = self.ledger.take(ticket.key, ticket.run, self.owner, started)
        if claim is None:
            return
        assert self.ledger.holds(claim.key, claim.fence)
        self.ledger.confirm(claim.key, claim.fence, News("round", {"index": 0}))
        ended = News("done", {"gate_passed": None})
        assert self.ledger.release(claim.key, claim.fence, "done", news=ended)


def longest_first(durations, waits, remaining, slots):
    """When the last of some nodes ends, started as a fleet starts them: by `Frontier`'s order."""
    return simulate(durations, waits, slots, lambda name: (-remaining[name], name))


def first_come(durations, waits, remaining, slots):
    """The same, in the order in which nodes could start."""
    order = Counter()
    return simulate(durations, waits, slots, lambda name: order.setdefault(name, len(order)))


def simulate(durations, waits, slots, rank):
    import heapq

    lacks = {name: len(below) for name, below in waits.items()}
    above = {name: [one for one, below in waits.items() if name in below] for name in waits}
    ready, running, now = [], [], 0.0
    for name, count in lacks.items():
        if not count:
            heapq.heappush(ready, (rank(name), name))
    while ready or running:
        while ready and len(running) < slots:
            name = heapq.heappop(ready)[1]
            heapq.heappush(running, (now + durations[name], name))
        now, ended = heapq.heappop(running)
        for one in above[ended]:
            lacks[one] -= 1
            if not lacks[one]:
                heapq.heappush(ready, (rank(one), one))
    return now


if __name__ == "__main__":
    main.TrainTicket = NoOpTicket
    sys.exit(main.run_worker(read_settings({"warm": False})))
