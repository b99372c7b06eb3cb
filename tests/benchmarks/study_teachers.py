"""B-Pref's six teachers and every choice of queries: `python tests/benchmarks/study_teachers.py RECORDS 5`.

Trains task_specs/pendulum.yaml with each teacher of Lee et al., "B-Pref" (2021), section 3, and each
selection of what is asked, for so many seeds. Keeps every run as a line of the file RECORDS; runs that
are there already are not trained again. Prints the tables of docs/results/teachers.md from the file;
with 0 seeds it trains nothing.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from scipy.stats import t as student

from rrm_tree import Tree
from rrm_tree.errors import TrainingError
from rrm_tree.node import train_node
from rrm_tree.propagation import compare_seeds
from rrm_tree.records import RoundRecord
from rrm_tree.rounds import Setup

SPEC = Path(__file__).parents[2] / "task_specs" / "pendulum.yaml"
NODE = "swing_up"
TEACHERS: Mapping[str, str] = {
    "oracle": "{beta: null}",
    "stochastic": "{beta: 1.0}",
    "mistake": "{beta: null, mistake: 0.1}",
    "skip": "{beta: null, skip_below: -150}",
    "equal": "{beta: null, equal_within: 15}",
    "myopic": "{beta: null, gamma: 0.9}",
}
"""Windows of 25 steps of proposals sum to about -150, with a deviation of about 60."""
STEPS = 16_000
"""Two thirds of the spec's environment steps: what is compared is what is asked, and who answers."""
QUERIES = ("random", "disagreement", "entropy", "information", "kcenter")


def train(teacher: str, query: str, seed: int) -> dict[str, object]:
    """What one run's last record says, as JSON."""
    sets = [
        f"seed={seed}",
        "measure.rounds=last",
        "measure.pairs=100",
        f"nodes.{NODE}.budget.steps={STEPS}",
        f"nodes.{NODE}.judge.with={TEACHERS[teacher]}",
        f"nodes.{NODE}.judge.query={query}",
    ]
    tree = Tree.from_yaml(SPEC, sets=sets)
    started = time.process_time()
    setup = Setup(tree, NODE, tree.nodes[NODE], f"{NODE}@0", f"{teacher} {query} {seed}", {})
    try:
        last = list(train_node(setup))[-1].record
        record = last.model_dump(mode="json")
    except TrainingError as error:
        record = {"refused": str(error)}
    cpu = time.process_time() - started
    return {"teacher": teacher, "query": query, "seed": seed, "cpu": cpu, "record": record}


def read(file: Path) -> dict[tuple[str, str, int], dict[str, object]]:
    """The kept runs by teacher, query and seed."""
    lines = file.read_text().splitlines() if file.exists() else []
    runs = [json.loads(line) for line in lines]
    return {(run["teacher"], run["query"], run["seed"]): run for run in runs}


def value(run: Mapping[str, object], what: str) -> float:
    """True return of a run's agent, or how right its reward model is; not a number if it was refused."""
    content = run["record"]
    if not isinstance(content, dict) or "refused" in content:
        return float("nan")
    record = RoundRecord.model_validate(content)
    if what == "return":
        return record.agent_truth.mean if record.agent_truth else float("nan")
    shares = record.off if what == "off" else record.on
    return shares.distilled.value if shares and shares.distilled else float("nan")


def say(values: Sequence[float], digits: int) -> str:
    """The mean over seeds with Student's 95% interval, and how many were refused."""
    kept = [one for one in values if np.isfinite(one)]
    refused = f" ({len(values) - len(kept)} refused)" if len(kept) < len(values) else ""
    if len(kept) < 2:
        return f"no interval{refused}"
    half = student.ppf(0.975, len(kept) - 1) * np.std(kept, ddof=1) / len(kept) ** 0.5
    return f"{np.mean(kept):.{digits}f} ± {half:.{digits}f}{refused}"


def of_seeds(
    runs: Mapping[tuple[str, str, int], Mapping[str, object]],
    seeds: Sequence[int],
    teachers: Sequence[str],
    queries: Sequence[str],
    what: str,
    digits: int,
) -> str:
    """A cell; of several teachers or queries a seed counts with its mean over them."""
    every = [
        [
            value(runs[cell], what)
            for teacher in teachers
            for query in queries
            if (cell := (teacher, query, seed)) in runs
        ]
        for seed in seeds
    ]
    means = [float(np.nanmean(of)) if np.isfinite(of).any() else float("nan") for of in every if of]
    return say(means, digits) if means else "not run"


def print_tables(runs: Mapping[tuple[str, str, int], Mapping[str, object]]) -> None:
    """A table a figure, teachers down and queries across, then each query against random."""
    seeds = sorted({seed for _, _, seed in runs})
    for what, digits in (("return", 0), ("off", 3), ("on", 3)):
        heads = ["teacher", *QUERIES, "all"]
        print(f"\n{what}, seeds {seeds}\n\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
        for name, teachers in {**{one: [one] for one in TEACHERS}, "all": [*TEACHERS]}.items():
            cells = [of_seeds(runs, seeds, teachers, [query], what, digits) for query in QUERIES]
            print(
                f"| {name} | {' | '.join(cells)} | {of_seeds(runs, seeds, teachers, QUERIES, what, digits)} |"
            )
    for what, digits in (("return", 1), ("on", 3)):
        print(f"\n| {what}, against random, all teachers and seeds | difference | p |\n|---|---|---|")
        for query in QUERIES[1:]:
            both = [
                (value(runs[teacher, query, seed], what), value(runs[teacher, "random", seed], what))
                for teacher in TEACHERS
                for seed in seeds
                if (teacher, query, seed) in runs and (teacher, "random", seed) in runs
            ]
            both = [pair for pair in both if np.isfinite(pair).all()]
            if len(both) > 1:
                paired = compare_seeds([one for one, _ in both], [other for _, other in both])
                gap = paired.difference
                interval = f"{gap.low:.{digits}f} to {gap.high:.{digits}f}"
                print(f"| {query} | {gap.value:.{digits}f} ({interval}) | {paired.p_value:.2g} |")
    cpu = [float(str(run["cpu"])) for run in runs.values()]
    print(f"\n{len(runs)} runs, {np.mean(cpu):.1f} CPU s each, at most {max(cpu):.1f}")


def main(file: Path, seeds: int) -> None:
    """Train what is missing, seed after seed, then print."""
    torch.set_num_threads(1)
    for seed in range(seeds):
        for teacher in TEACHERS:
            for query in QUERIES:
                if (teacher, query, seed) not in read(file):
                    with file.open("a") as out:
                        out.write(json.dumps(train(teacher, query, seed)) + "\n")
    print_tables(read(file))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
