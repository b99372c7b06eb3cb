"""The same no-op trees through Celery's chords, Dask and Ray: those of them that are installed.

    pip install distributed ray redis
    PYTHONPATH=tests/fleet:tests/run python tests/benchmarks/bench_other_queues.py NODES

They keep no ledger and no store: what they do for a node is less. Chords need a store of results that
others can wait on: a Redis on its usual port, where this script writes (database 9).
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
from bench_fleet import branching_tree, say, time_it
from celery import Celery, chord, group
from fleets import kill_family
from servers import Broker, wait_for

CHILDREN = 2
"""Of each: as many as the cores of the machine that the figures are from."""

app = Celery("others", broker=os.environ.get("OTHERS_BROKER"), backend="redis://127.0.0.1:6379/9")


@app.task(name="noop")
def noop_task(*_below):
    return None


def noop(*_below):
    return None


class Fate:
    """What `time_it` asks of a node's end."""

    state = "trained"


def with_chords(tree):
    def canvas(name):
        below = tree[name]
        return chord(group(canvas(one) for one in below), noop_task.si()) if below else noop_task.si()

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        broker = Broker(Path(folder) / "broker")
        broker.start()
        app.conf.broker_url = broker.url
        command = [sys.executable, "-m", "celery", "-A", "bench_other_queues", "worker", "-c", str(CHILDREN)]
        worker = subprocess.Popen(
            command,
            env={**os.environ, "OTHERS_BROKER": broker.url, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for("a worker", 300, lambda: app.control.ping(timeout=2))
            parts = {
                "client": psutil.Process(),
                "worker": psutil.Process(worker.pid),
                "broker": psutil.Process(broker.process.pid),
            }

            def go():
                canvas("n0").apply_async().get(timeout=1_000)
                return dict.fromkeys(tree, Fate)

            time_it(len(tree), f"Celery's chords, {CHILDREN} children", go, parts)
        finally:
            kill_family(worker.pid)
            worker.wait()
            broker.kill()


def with_dask(tree):
    from distributed import Client, LocalCluster

    cluster = LocalCluster(n_workers=CHILDREN, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster) as client:
        client.submit(noop).result()

        def go():
            found = {}
            # Every node stands before those below it.
            for name in reversed(tree):
                below = [found[one] for one in tree[name]]
                found[name] = client.submit(noop, *below, key=name, pure=False)
            found["n0"].result()
            return dict.fromkeys(tree, Fate)

        time_it(len(tree), f"Dask, {CHILDREN} workers", go, {"all": Family()})


def with_ray(tree):
    import ray

    ray.init(num_cpus=CHILDREN, include_dashboard=False, log_to_driver=False)
    remote = ray.remote(noop)
    ray.get(remote.remote())

    def go():
        found = {}
        for name in reversed(tree):
            found[name] = remote.remote(*(found[one] for one in tree[name]))
        ray.get(found["n0"])
        return dict.fromkeys(tree, Fate)

    time_it(len(tree), f"Ray, {CHILDREN} workers", go, {"all": Family()})
    ray.shutdown()


class Family:
    """This process with all it has started, as `cpu_of` wants it."""

    pid = -1

    def __init__(self):
        self.cpu_times = psutil.Process().cpu_times

    def children(self, recursive):
        return psutil.Process().children(recursive=recursive)


NEEDS = {with_chords: "redis", with_dask: "distributed", with_ray: "ray"}

if __name__ == "__main__":
    say("tree of", "through", "nodes/s", "CPU a node", "of it", "peak memory of the client")
    say(*["---"] * 6)
    count = int(sys.argv[1])
    for part, needed in NEEDS.items():
        if importlib.util.find_spec(needed):
            part(branching_tree(count))
        else:
            say(f"{count:,}", part.__name__, f"{needed} is not installed", "", "", "")
