"""What a fleet costs and how soon it recovers.

    PYTHONPATH=tests/fleet:tests/run python tests/benchmarks/bench_fleet.py [PART ...]

Parts: noop, statements, makespan, startup, recovery, growth, chaos. Starts a RabbitMQ node and a PostgreSQL
cluster of its own.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
from chaos import KINDS, Chaos, slow_nodes
from fleets import Fleet, kill_family
from noop_fleet import STATEMENTS, AtOnce, MemoryStore, NoOpFleet, NoOpSupervisor, first_come, longest_first
from servers import Broker, Database, wait_for
from small_trees import learned, ledger_of, make_plan, make_tree, open_store, train

from rrm_tree.fleet_ledger import FleetLedger
from rrm_tree.ledger import Ledger
from rrm_tree.loop import train_together
from rrm_tree.machine import this_owner
from rrm_tree.plan import Plan
from rrm_tree.run import Run
from rrm_tree.standing import look_at
from workers.app import make_app
from workers.sender import Sender
from workers.settings import FleetSettings
from workers.tickets import Ticket

ROOT = Path(__file__).parents[1]


def branching_tree(count, width=4):
    """A tree of so many nodes, each with up to four helpers."""
    return {
        f"n{node}": [
            f"n{below}" for below in range(width * node + 1, width * node + width + 1) if below < count
        ]
        for node in range(count)
    }


def say(*cells):
    print(" | ".join(str(cell) for cell in ("", *cells, "")).strip(), flush=True)


@contextmanager
def servers(**settings):
    with tempfile.TemporaryDirectory(prefix="rrm-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        broker, database = Broker(Path(folder) / "broker", **settings), Database(Path(folder) / "database")
        broker.start()
        database.start()
        try:
            yield Path(folder), broker, database
        finally:
            broker.kill()
            database.stop("immediate")


class NoLedger:
    """A ledger that forgets, for the cost of the loop alone."""

    def __getattr__(self, name):
        return {"last_event": lambda *_: 0, "cancelled": lambda *_: frozenset()}.get(
            name, lambda *_, **__: []
        )


def noop(counts=(100, 1_000, 10_000)):
    say("tree of", "through", "nodes/s", "CPU a node", "of it", "peak memory of the scheduler")
    say(*["---"] * 6)
    with servers() as (folder, broker, database):
        for count in counts:
            plan = make_plan(make_tree(branching_tree(count)))
            for name, ledger, remote in (
                ("the scheduler's loop alone", NoLedger(), True),
                ("the loop with a SQLite ledger", Ledger(f"sqlite:///{folder / f'{count}.sqlite'}"), False),
            ):
                store = MemoryStore()
                run = Run(plan, plan.run, store, ledger, AtOnce(store, remote))
                time_it(count, name, run, {"scheduler": psutil.Process()})
            fleet_noop(count, plan, folder, broker, database)


def time_it(count, name, run, parts):
    """Nodes a second, and the CPU that each part took, its children included."""
    before, wall = {part: cpu_of(one) for part, one in parts.items()}, time.perf_counter()
    (fates,) = train_together([run])
    wall = time.perf_counter() - wall
    took = {part: (cpu_of(one) - before[part]) * 1e6 / count for part, one in parts.items()}
    assert len(fates) == count and {fate.state for fate in fates.values()} == {"trained"}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    split = ", ".join(f"{part} {spent:,.0f}" for part, spent in took.items())
    say(f"{count:,}", name, f"{count / wall:,.0f}", f"{sum(took.values()):,.0f} µs", split, f"{peak:,.0f} MB")


def cpu_of(process):
    """CPU seconds of a process and those it has started, that run or were waited for."""
    family = [process] if process.pid == os.getpid() else [process, *process.children(recursive=True)]
    times = [one.cpu_times() for one in family]
    return sum(one.user + one.system for one in times)


def fleet_noop(count, plan, folder, broker, database, children=8):
    url = database.make(f"noop{count}")
    ledger, store = FleetLedger(url, patience_seconds=60.0), MemoryStore()
    shared = {
        "RRM_BROKER": broker.url,
        "RRM_LEDGER": url,
        "RRM_STORE": str(folder / "store"),
        "PYTHONPATH": str(ROOT.parent),
    }
    open_store(folder / "store")
    worker = subprocess.Popen(
        [sys.executable, str(ROOT / "benchmarks" / "noop_fleet.py")],
        env={**os.environ, **shared, "RRM_CONCURRENCY": str(children)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for("a worker", 300, ledger.fleet)
        executor = NoOpFleet(ledger, Sender(make_app(FleetSettings(broker=broker.url))), this_owner())
        executor.store = store
        run = Run(plan, plan.run, store, ledger, executor)
        parts = {
            "scheduler": psutil.Process(),
            "worker": psutil.Process(worker.pid),
            "broker": psutil.Process(broker.process.pid),
            "database": psutil.Process(database.pid),
        }
        time_it(count, f"a fleet, a worker of {children} children", run, parts)
    finally:
        kill_family(worker.pid)
        worker.wait()
        ledger.close()


def statements(nodes=400):
    """What a child pays for a statement to the ledger: the five of each node, one child alone."""
    say("statements", "CPU, µs", "from question to answer, µs")
    say(*["---"] * 3)
    with servers() as (_, _, database):
        ledger = FleetLedger(database.make("statements"))
        supervisor = NoOpSupervisor(ledger)
        tickets = [Ticket("run", f"n{node}@0123456789abcdef") for node in range(nodes)]
        ledger.queue("run", {ticket.key: ticket.entry for ticket in tickets}, "scheduler/1/0.0")
        for ticket in tickets[:50]:
            supervisor.handle(ticket)
        cpu, wall = time.process_time(), time.perf_counter()
        for ticket in tickets[50:]:
            supervisor.handle(ticket)
        count = STATEMENTS * (nodes - 50)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        say(f"{count:,}", f"{1e6 * cpu / count:.0f}", f"{1e6 * wall / count:.0f}")
        ledger.close()


def makespan(slots=8, trees=20, nodes=400):
    rng = np.random.default_rng(0)
    ratios = {"longest path first": [], "times known to 30%": [], "first come": []}
    for _ in range(trees):
        waits = {f"n{k}": set() for k in range(nodes)}
        for node in range(1, nodes):
            for above in rng.choice(node, size=min(node, int(rng.integers(1, 3))), replace=False):
                waits[f"n{above}"].add(f"n{node}")
        durations = {name: float(rng.lognormal(0, 0.8)) for name in waits}
        guess = {name: seconds * rng.uniform(0.7, 1.3) for name, seconds in durations.items()}
        exact, rough = remaining(durations, waits), remaining(guess, waits)
        bound = max(*exact.values(), sum(durations.values()) / slots)
        ratios["longest path first"].append(longest_first(durations, waits, exact, slots) / bound)
        ratios["times known to 30%"].append(longest_first(durations, waits, rough, slots) / bound)
        ratios["first come"].append(first_come(durations, waits, exact, slots) / bound)
    say("order", "makespan / lower bound, mean", "worst")
    say(*["---"] * 3)
    for name, found in ratios.items():
        say(name, f"{np.mean(found):.3f}", f"{np.max(found):.3f}")


def remaining(durations, waits):
    """Work from the start of each node to the end of the longest path above it."""
    longest = dict.fromkeys(waits, 0.0)
    for name in waits:  # whatever waits for a node comes before it
        longest[name] += durations[name]
        for below in waits[name]:
            longest[below] = max(longest[below], longest[name])
    return longest


def startup():
    say("attempts", "started → first word, median of 6")
    say(*["---"] * 2)
    with servers() as (folder, broker, database):
        for name, warm in (("afresh", "false"), ("forked", "true")):
            fleet = Fleet(folder / name, broker.url, database.make(f"startup-{warm}"))
            chain = {f"n{k}": [f"n{k + 1}"] if k < 7 else [] for k in range(8)}
            plan = fleet.plan(chain, slow_nodes(chain, 0, 1))
            fleet.worker("--concurrency", "1", RRM_WARM=warm)
            fleet.train(plan)
            at = {kind: {e.entry: e.at for e in fleet.events(plan, kind)} for kind in ("started", "phase")}
            taken = sorted(at["phase"][one] - at["started"][one] for one in chain)[:-2]
            say(name, f"{np.median(taken):.2f} s")
            fleet.end()


def recovery():
    say("what", "seconds", "aim")
    say(*["---"] * 3)
    with servers() as (folder, broker, database):
        fleet = Fleet(folder / "fleet", broker.url, database.make("recovery"))
        plan = fleet.plan({"root": ["leaf"], "leaf": []}, slow_nodes(["root", "leaf"], 2.0, 40))
        first = fleet.worker("--concurrency", "1", machine="first")
        scheduler = fleet.schedule(plan)
        fleet.wait_for_event(plan, "round", "leaf")
        fleet.worker("--concurrency", "1", machine="second")
        wait_for("two workers", 60, lambda: len(fleet.ledger.fleet()) == 2)
        began = fleet.ledger.now()
        kill_family(first.pid)
        wait_for("a second start", 60, lambda: len(fleet.events(plan, "started")) == 2)
        say("kill -9 of a worker's machine → claimed again", f"{started(fleet, plan) - began:.1f}", "≤ 31")
        scheduler.kill()
        scheduler.wait()
        starts = len(fleet.events(plan, "started"))
        began = time.time()
        scheduler = fleet.schedule(plan)
        wait_for("a scheduler", 60, lambda: fleet.ledger.scheduler_of(plan.run))
        say("scheduler started again → registered", f"{time.time() - began:.1f}", "≤ 2")
        time.sleep(5)
        say("… attempts started again", len(fleet.events(plan, "started")) - starts, "0")
        kill_family(scheduler.pid)
        fleet.end()
        broker_recovery(folder, broker, database)


def started(fleet, plan):
    return fleet.events(plan, "started")[-1].at


def broker_recovery(folder, broker, database):
    fleet = Fleet(folder / "broker-fleet", broker.url, database.make("broker"))
    shape = {"root": ["one", "two"], "one": [], "two": []}
    plan = fleet.plan(shape, {**slow_nodes(["one"], 1.0, 8), **slow_nodes(["two"], 1.0, 30)})
    fleet.worker("--concurrency", "2")
    scheduler = fleet.schedule(plan)
    wait_for("two starts", 60, lambda: len(fleet.events(plan, "started")) == 2)
    broker.stop()
    # One ends while the broker is away; its parent waits for both.
    fleet.wait_for_event(plan, "done", "one")
    fleet.wait_for_event(plan, "done", "two")
    broker.start()
    back = fleet.ledger.now()
    fleet.wait_for_event(plan, "started", "root")
    say("broker back → next node started", f"{started(fleet, plan) - back:.1f}", "≤ 5")
    assert scheduler.wait(60) == 0
    starts = [event.entry for event in fleet.events(plan, "started")]
    say("… nodes started twice", len(starts) - len(set(starts)), "0")
    fleet.end()


def growth(count=10_000):
    say("of 10,000 nodes", "CPU seconds")
    say(*["---"] * 2)
    tree = make_tree(branching_tree(count))
    plan = timed("plan", lambda: make_plan(tree))
    text = timed(f"write the plan ({len(plan.to_json()) / 1e6:.0f} MB)", plan.to_json)
    timed("read the plan, as every attempt does", lambda: Plan.model_validate_json(text))
    with tempfile.TemporaryDirectory() as folder:
        few = make_plan(make_tree(branching_tree(200), slow_nodes(branching_tree(200), 0, 1)))
        cpu = time.process_time()
        train(folder, few)
        taken = time.process_time() - cpu
        say("train, no-op, with a store on this disk (of 200, times 50)", f"{50 * taken:.0f}")
        store = open_store(folder)
        cpu = time.process_time()
        train(folder, few)
        say("resume, all done (of 200, times 50)", f"{50 * (time.process_time() - cpu):.0f}")
        cpu = time.process_time()
        look_at(store, ledger_of(store), few.run, few)
        say("status (of 200, times 50)", f"{50 * (time.process_time() - cpu):.0f}")
        shutil.rmtree(store.files.folder)


def chaos(schedules=20, nodes=200, misfortunes=10):
    """Nodes that take longer than the broker's consumer_timeout are among them."""
    shape = branching_tree(nodes)
    edits = slow_nodes(shape, 0.05, 2) | slow_nodes([f"n{node}" for node in range(7, nodes, 50)], 4.0, 2)
    schedules = range(int(os.environ.get("FIRST", "0")), schedules)
    say("schedule", "seconds", "attempts", "lost", "done twice", "bytes of a calm run", "what happened")
    say(*["---"] * 7)
    with (
        tempfile.TemporaryDirectory() as calm,
        servers(consumer_timeout_seconds=5) as (folder, broker, database),
    ):
        train(calm, make_plan(make_tree(shape, edits)))
        for seed in schedules:
            rng = np.random.default_rng(seed)
            queue = f"train.chaos{seed}"
            fleet = Fleet(folder / f"{seed}", broker.url, database.make(f"chaos{seed}"), queue, 6.0)
            plan, began = fleet.plan(shape, edits), time.monotonic()
            trial = Chaos(fleet, plan, broker, database, rng, pause=(1.0, 10.0))
            trial.play(rng.choice(KINDS, misfortunes, replace=False), seconds=3600)
            seconds = time.monotonic() - began
            done = [event.entry for event in fleet.events(plan, "done")]
            same = learned(fleet.store.address) == learned(calm)
            started, lost = len(fleet.events(plan, "started")), len(fleet.events(plan, "lost"))
            twice = len(done) - len(set(done))
            say(seed, f"{seconds:.0f}", started, lost, twice, same, ", ".join(trial.done))
            fleet.end()
            trial.check(learned(calm))


def timed(name, call):
    cpu = time.process_time()
    found = call()
    say(name, f"{time.process_time() - cpu:.1f}")
    return found


PARTS = {one.__name__: one for one in (noop, statements, makespan, startup, recovery, growth, chaos)}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        print(f"\n## {part}\n", flush=True)
        PARTS[part]()
