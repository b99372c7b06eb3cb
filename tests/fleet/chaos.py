"""What can happen to a fleet, in the order that a seed gives, and what must be true afterwards."""

import contextlib
import os
import signal
import time

import psutil
from fleets import Fleet, family_of, kill_family
from small_trees import learned


class Chaos:
    """A run on a fleet of two workers, to which things happen."""

    def __init__(self, fleet: Fleet, plan, broker, database, rng, pause=(0.4, 1.6)):
        self.fleet, self.plan, self.broker, self.database, self.rng = fleet, plan, broker, database, rng
        self.pause = pause  # seconds between two misfortunes
        self.workers = [fleet.worker("--concurrency", "2", machine=f"host{number}") for number in range(2)]
        self.made = 2
        self.scheduler = fleet.schedule(plan)
        self.done = []

    def play(self, misfortunes, seconds=150):
        """Let misfortunes happen at random moments, then see the run to its end."""
        # Nothing that happens before the first attempt is interesting.
        self.fleet.wait_for_event(self.plan, "started", seconds=seconds)
        for name in misfortunes:
            time.sleep(self.rng.uniform(*self.pause))
            self.done.append(name)
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                getattr(self, name)()
            self.mend()
        self.see_to_its_end(seconds)

    def mend(self):
        """Start again what has ended, as a service manager does."""
        for place, worker in enumerate(self.workers):
            if worker.poll() is not None:
                # Another machine: it must not know who of the old one is dead.
                self.workers[place] = self.fleet.worker("--concurrency", "2", machine=f"host{self.made}")
                self.made += 1
        if self.scheduler.poll() not in (None, 0):
            self.scheduler = self.fleet.schedule(self.plan)

    def see_to_its_end(self, seconds):
        end = time.monotonic() + seconds
        while self.scheduler.poll() != 0:
            assert time.monotonic() < end, f"{self.done} hung\n{self.fleet.logs()}"
            time.sleep(0.2)
            # A node that was killed three times before its first round is given up; the same command,
            # given again, tries again.
            self.mend()

    def check(self, calm):
        """The bytes of the undisturbed run, each key committed once, nobody who thinks otherwise."""
        assert learned(self.fleet.store.address) == calm, self.done
        done = [event.entry for event in self.fleet.events(self.plan, "done")]
        assert len(done) == len(set(done)), (self.done, done)
        assert not self.fleet.events(self.plan, "nondeterminism", "corrupt"), self.done
        keys = self.fleet.store.referred(self.plan.run).values()
        claims = self.fleet.ledger.claims_of(keys).values()
        assert {claim.state for claim in claims} == {"done"}, (self.done, claims)

    # --- misfortunes -----------------------------------------------------------------------------

    def kill_attempt(self):
        attempts = family_of(self._worker())[1]
        if attempts:
            self._one(attempts).kill()

    def kill_supervisor(self):
        supervisors = family_of(self._worker())[0]
        if supervisors:
            self._one(supervisors).kill()

    def kill_worker_parent(self):
        self._worker().kill()

    def switch_machine_off(self):
        kill_family(self._worker().pid)

    def kill_scheduler(self):
        self.scheduler.kill()
        self.scheduler.wait()

    def freeze_supervisor(self):
        """For longer than a lease: what it commits afterwards must be refused, or be the same."""
        self._freeze(family_of(self._worker())[0])

    def freeze_attempt(self):
        self._freeze(family_of(self._worker())[1])

    def restart_broker(self):
        self.broker.stop()
        self.broker.start()

    def kill_broker(self):
        self.broker.kill()
        self.broker.start()

    def restart_database(self):
        self.database.stop()
        self.database.start()

    def crash_database(self):
        self.database.stop("immediate")
        self.database.start()

    def delete_queue(self):
        with contextlib.suppress(OSError):
            self.broker.delete_queue(self.fleet.queue)

    def _worker(self):
        return self._one(self.workers)

    def _one(self, things):
        return things[int(self.rng.integers(len(things)))]

    def _freeze(self, processes):
        if not processes:
            return
        one = self._one(processes)
        lease = float(self.fleet.environment["RRM_LEASE_SECONDS"])
        os.kill(one.pid, signal.SIGSTOP)
        time.sleep(lease + 1.5)
        with contextlib.suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGCONT)


KINDS = tuple(
    name
    for name, value in vars(Chaos).items()
    if callable(value)
    and not name.startswith("_")
    and name not in {"play", "mend", "see_to_its_end", "check"}
)


def leafy_tree(levels, width):
    """A tree whose nodes have `width` helpers each."""
    shape, above = {"root": []}, ["root"]
    for level in range(levels):
        below = []
        for parent in above:
            helpers = [f"n{level}x{len(below) + number}" for number in range(width)]
            shape[parent] = helpers
            below += helpers
        shape.update({name: [] for name in below})
        above = below
    return shape


def slow_nodes(shape, seconds, rounds):
    return {
        name: {"task": {"use": "fake", "with": {"sleep": seconds}}, "budget": {"rounds": rounds}}
        for name in shape
    }
