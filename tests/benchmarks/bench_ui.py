"""People at the label page at once: how long their requests take, and what one page costs.

    PYTHONPATH=. python tests/benchmarks/bench_ui.py --people 20 --answers 30

A run of `tests/web/people.yaml` is trained until it waits for people; `rrm ui` is a process of its own. Each
person is a thread that does what the page does: takes four questions, fetches their pictures, answers, takes
again. First as fast as they can, then at a pace of two seconds an answer. Prints milliseconds at the 50th,
90th, 95th, 99th and 100th percentile.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx2
import numpy as np
import psutil

from rrm_tree.desk import Desk
from rrm_tree.store import Store

SPEC = Path(__file__).parents[1] / "web" / "people.yaml"


class Person(threading.Thread):
    """Answers until nothing is left, and notes how long everything took."""

    def __init__(self, link: str, pace: float, most: int, start: threading.Barrier) -> None:
        super().__init__()
        self.link, self.pace, self.most, self.start_together = link, pace, most, start
        self.took: dict[str, list[float]] = {"questions": [], "picture": [], "answer": []}
        self.answered: list[str] = []

    def timed(self, what: str, method: str, path: str, **more: object) -> httpx2.Response:
        """One request, and how long it took."""
        for _ in range(20):
            began = time.perf_counter()
            answer = self.client.request(method, path, **more)
            if answer.status_code != 429:
                self.took[what].append(1e3 * (time.perf_counter() - began))
                return answer.raise_for_status()
            time.sleep(0.5)
        raise SystemExit("refused for too many requests, again and again")

    def run(self) -> None:
        """Come in, and judge."""
        address = self.link.partition("/enter/")[0]
        with httpx2.Client(base_url=address, timeout=60) as self.client:
            self.client.get(self.link)
            page = self.client.get("/label").text
            self.client.headers["x-csrf-token"] = re.search(r'csrf-token" content="(\w+)"', page)[1]
            self.start_together.wait()
            while len(self.answered) < self.most:
                asked = self.timed("questions", "GET", "/api/work").json()["questions"]
                if not asked:
                    return
                for question in asked:
                    for pane in question["panes"]:
                        self.timed("picture", "GET", pane["source"])
                    time.sleep(self.pace)
                    said = {"id": question["id"], "choice": "yes", "seconds": self.pace}
                    self.timed("answer", "POST", "/api/answer", json=said)
                    self.answered.append(question["id"])


def main() -> None:
    """Measure and print."""
    read = argparse.ArgumentParser()
    read.add_argument("--people", type=int, default=20)
    read.add_argument("--answers", type=int, default=30, help="of each person")
    read.add_argument("--pace", type=float, default=2.0, help="seconds an answer")
    given = read.parse_args()
    for pace in (0.0, given.pace):
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder) / "store", given.people, given.answers, pace)


def measure(folder: Path, people: int, answers: int, pace: float) -> None:
    """One run of the tree, one server, so many people."""
    judgments = f"nodes.verdict.budget.judgments={people * answers}"
    train = [sys.executable, "-m", "rrm_tree", "run", str(SPEC), "--store", str(folder), "--no-wait"]
    done = subprocess.run(
        [*train, "--set", judgments, "--workers", "1"], stdout=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 4, done.stdout
    names = ",".join(f"person{number}" for number in range(people))
    serve = [sys.executable, "-m", "rrm_tree", "ui", "--store", str(folder), "--port", "0", "--people", names]
    server = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
    links = []
    for line in server.stdout:
        links += re.findall(r"^person\d+: (\S+)", line)
        if line.startswith("metrics"):
            break
    start = threading.Barrier(people + 1)
    everybody = [Person(link, pace, answers, start) for link in links]
    for one in everybody:
        one.start()
    start.wait()
    process, began = psutil.Process(server.pid), time.perf_counter()
    before = sum(process.cpu_times()[:2])
    for one in everybody:
        one.join()
    seconds, cpu = time.perf_counter() - began, sum(process.cpu_times()[:2]) - before
    answered = [question for one in everybody for question in one.answered]
    store = Store(str(folder))
    key = store.referred(store.runs()[-1])["verdict"]
    kept = Desk(f"sqlite:///{folder / 'ledger.sqlite'}").answers_for(key, 0)
    assert sorted(answered) == sorted(one.question for one in kept), "an answer was lost or doubled"
    print(
        f"{people} people, {pace:g} s an answer: {len(answered)} answers in {seconds:.1f} s"
        f" ({len(answered) / seconds:.1f} a second), all of them in the ledger once;"
        f" {1e3 * cpu / len(answered):.1f} ms of the server's CPU each;"
        f" {process.memory_info().rss / 1e6:.0f} MB"
    )
    for what in ("questions", "picture", "answer"):
        took = np.concatenate([one.took[what] for one in everybody])
        shares = np.percentile(took, [50, 90, 95, 99, 100])
        print(f"  {what:10} {len(took):6}  " + "  ".join(f"{value:8.1f}" for value in shares))
    server.kill()
    server.wait()


if __name__ == "__main__":
    main()
