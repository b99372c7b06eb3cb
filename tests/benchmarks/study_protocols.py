"""What each kind of judgment teaches: `python tests/benchmarks/study_protocols.py RECORDS.jsonl`.

Every spec of `task_specs/blocks` is trained in one round with several numbers of judgments and several
seeds. Regret is what the agent's outcomes lack of ideal ones, in cells that lie wrong a step; where
nothing could be learned it is that of the random actions that the node started with. Beside them
stands an agent that PPO trains on the true reward, with as many environment steps.

Records are added to the file line by line, and those that are there are not made again. With
`--figure FILE.svg` nothing is trained: the table is printed, and the figure of
docs/results/protocols.md drawn. Intervals are 95% of Student's t over the seeds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.stats import t as student
from study_true_reward import train as train_on_truth

from rrm_tree.errors import TrainingError
from rrm_tree.node import NodeAtWork, train_node
from rrm_tree.node_spec import edit_node
from rrm_tree.propagation import compare_seeds
from rrm_tree.registry import import_modules
from rrm_tree.rounds import Setup
from rrm_tree.spec import TreeSpec, load_tree

SPECS = Path(__file__).parents[2] / "task_specs" / "blocks"
BUDGETS = (30, 100, 300, 1000)
STEPS = 40_000
SEEDS = 5
TRUTH = "the true reward"
SETS = ["measure.pairs=20", "measure.agent_outcomes=200"]
WIDTH, HEIGHT, LEFT, TOP, ACROSS = 150, 120, 34, 34, 4
LINE, PLAIN, TRUE = "#2b6cb0", "#718096", "#2f855a"


@dataclass(frozen=True)
class Attempt:
    """One agent."""

    protocol: str
    judgments: int
    seed: int
    regret: float
    """Cells that lie wrong a step, more than in ideal outcomes."""
    at_random: float
    """The same of random actions."""
    looks: int
    learned: bool
    cpu_seconds: float


def attempt(protocol: str, judgments: int, seed: int) -> Attempt:
    """Train one node of one protocol."""
    started, tree = time.process_time(), load_tree(SPECS / f"{protocol}.yaml", SETS)
    budget = {"budget": {"judgments": judgments, "steps": STEPS, "rounds": 1}}
    node = edit_node(tree.nodes["build"], budget)
    tree = tree.model_copy(update={"seed": seed, "nodes": {"build": node}})
    setup = Setup(tree, "build", node, "build@study", f"{protocol}{judgments}{seed}", {})
    ideal, proposed, steps = find_bounds(setup)
    try:
        record = [*train_node(setup)][-1].record
    except TrainingError:
        record = None
    assert record is None or record.agent_truth is not None
    reached = proposed if record is None or record.agent_truth is None else record.agent_truth.mean
    return Attempt(
        protocol,
        judgments,
        seed,
        regret=(ideal - reached) / steps,
        at_random=(ideal - proposed) / steps,
        looks=record.facts.looks if record else 0,
        learned=record is not None,
        cpu_seconds=time.process_time() - started,
    )


def find_bounds(setup: Setup) -> tuple[float, float, int]:
    """Mean truth of ideal outcomes and of random actions where the agent's own start; steps of an episode."""
    work = NodeAtWork(setup)
    task = work.station.task
    ideal, proposed = task.ideal(work.bench.about), work.bench.proposed
    return float(task.truth(ideal).mean()), float(task.truth(proposed).mean()), proposed.actions.shape[1]


def attempt_truth(seed: int) -> Attempt:
    """PPO on the true reward, with the environment steps of the others."""
    tree: TreeSpec = load_tree(SPECS / "preferences.yaml", SETS)
    setup = Setup(tree, "build", tree.nodes["build"], "build@study", f"{seed}", {})
    ideal, proposed, steps = find_bounds(setup)
    sets = [*SETS, f"nodes.build.budget.steps={STEPS}"]
    reached, _, took = train_on_truth(str(SPECS / "preferences.yaml"), sets, seed)
    # Measured on other starts than `find_bounds`, 200 of each: their means differ by chance alone.
    return Attempt(TRUTH, 0, seed, (ideal - reached) / steps, (ideal - proposed) / steps, 0, True, took)


def read(file: Path) -> list[Attempt]:
    """Those that are there."""
    return [Attempt(**json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []


def train(file: Path, protocols: Sequence[str], budgets: Sequence[int], seeds: int) -> None:
    """Add all attempts that are missing to the file, a line each."""
    torch.set_num_threads(1)
    there = {(one.protocol, one.judgments, one.seed) for one in read(file)}
    wanted = [(name, count) for name in protocols for count in ((0,) if name == TRUTH else budgets)]
    for name, judgments in wanted:
        for seed in range(seeds):
            if (name, judgments, seed) in there:
                continue
            done = attempt_truth(seed) if name == TRUTH else attempt(name, judgments, seed)
            with file.open("a") as out:
                out.write(json.dumps(asdict(done)) + "\n")


def say(values: Sequence[float]) -> str:
    """The mean over seeds with Student's interval."""
    return f"{np.mean(values):.2f} ± {half_width(values):.2f}"


def half_width(values: Sequence[float]) -> float:
    """Of the interval of a mean; not a number for a single value."""
    if len(values) < 2:
        return float("nan")
    return float(student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5)


Found = Mapping[tuple[str, int], Sequence[Attempt]]


def group(every: Sequence[Attempt]) -> Found:
    """By protocol and number of judgments, each in the order of seeds."""
    found: dict[tuple[str, int], list[Attempt]] = {}
    for one in sorted(every, key=lambda one: one.seed):
        found.setdefault((one.protocol, one.judgments), []).append(one)
    return found


def order(found: Found) -> list[str]:
    """Protocols, those with the least regret at the judgments that all have first."""
    at = shared(found)
    return sorted(
        {name for name, count in found if count == at}, key=lambda name: regrets(found, name, at).mean()
    )


def shared(found: Found) -> int:
    """The largest number of judgments that every protocol has had."""
    names = {name for name, _ in found if name != TRUTH}
    budgets = {count for _, count in found if count}
    return max(count for count in budgets if all((name, count) in found for name in names))


def regrets(found: Found, name: str, judgments: int) -> np.ndarray:
    """Of every seed."""
    return np.array([one.regret for one in found[name, judgments]])


def print_table(found: Found) -> None:
    """Regret by protocol and number of judgments, and seed by seed against preferences."""
    budgets, at = sorted({judgments for _, judgments in found if judgments}), shared(found)
    heads = [f"{count:,} judgments" for count in budgets]
    print(f"| taught by | {' | '.join(heads)} | looks of {at} | less than preferences at {at} | p |")
    print("|" + "---|" * (len(budgets) + 4))
    for name in order(found):
        cells = [cell(found[name, count]) if (name, count) in found else "" for count in budgets]
        last, plain = found[name, at], found["preferences", at]
        both = min(len(last), len(plain))
        paired = compare_seeds([one.regret for one in plain[:both]], [one.regret for one in last[:both]])
        gap = paired.difference
        beside = "" if name == "preferences" else f"{gap.value:.2f} ({gap.low:.2f} to {gap.high:.2f})"
        chance = "" if name == "preferences" else f"{paired.p_value:.3f}"
        told = [one.looks for one in last if one.learned]
        looks = f"{np.mean(told):,.0f}" if told else "–"
        print(f"| {name.replace('_', ' ')} | {' | '.join(cells)} | {looks} | {beside} | {chance} |")
    if (TRUTH, 0) in found:
        print(f"\nPPO on the true reward: {say(regrets(found, TRUTH, 0).tolist())}")
    print(f"random actions: {say([one.at_random for one in found['preferences', at]])}")
    every = [one.cpu_seconds for of in found.values() for one in of]
    print(f"{len(every)} agents, {sum(every) / 60:.0f} CPU minutes, {np.mean(every):.1f} s each")


def cell(of: Sequence[Attempt]) -> str:
    """Mean regret, and in how many seeds nothing could be learned."""
    failed = sum(not one.learned for one in of)
    remarks = [f"{len(of)} seeds"] * (len(of) != SEEDS) + [f"{failed} learned nothing"] * bool(failed)
    return say([one.regret for one in of]) + (f" ({', '.join(remarks)})" if remarks else "")


def draw(found: Found) -> str:
    """A panel a protocol: regret by judgments, on a logarithmic axis, with the mean's interval."""
    top = max(one.at_random for of in found.values() for one in of) * 1.05
    names = order(found)
    panels = "".join(panel(found, name, place, top) for place, name in enumerate(names))
    rows = -(-len(names) // ACROSS)
    wide, high = ACROSS * (WIDTH + LEFT + 6) + 8, rows * (HEIGHT + TOP + 24) + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" font-family="sans-serif">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{panels}</svg>\n'
    )


def panel(found: Found, name: str, place: int, top: float) -> str:
    """One protocol; each seed a thin dot, the mean a line."""
    left = LEFT + place % ACROSS * (WIDTH + LEFT + 6)
    above = TOP + place // ACROSS * (HEIGHT + TOP + 24)
    budgets = sorted(judgments for one, judgments in found if one == name)
    every = [count for _, count in found if count]
    low, high = np.log(min(every) / 1.4), np.log(max(every) * 1.4)

    def across(judgments: int) -> float:
        return float(left + WIDTH * (np.log(judgments) - low) / (high - low))

    def down(regret: float) -> float:
        return float(above + HEIGHT * (1 - min(max(regret, 0.0), top) / top))

    def level(regret: float, colour: str, words: str) -> str:
        return (
            f'<line x1="{left}" x2="{left + WIDTH}" y1="{down(regret):.1f}" y2="{down(regret):.1f}"'
            f' stroke="{colour}" stroke-dasharray="3 3"/><text x="{left + WIDTH - 3}"'
            f' y="{down(regret) + 9:.1f}" font-size="8" text-anchor="end" fill="{colour}">{words}</text>'
        )

    marks = [
        f'<text x="{left}" y="{above - 10}" font-size="12">{name.replace("_", " ")}</text>',
        f'<rect x="{left}" y="{above}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#cccccc"/>',
        level(float(np.mean([one.at_random for one in found[name, budgets[-1]]])), PLAIN, "random"),
    ]
    if (TRUTH, 0) in found:
        marks.append(level(float(regrets(found, TRUTH, 0).mean()), TRUE, "true reward"))
    marks += [
        f'<text x="{left - 5}" y="{down(tick) + 3:.1f}" font-size="9" text-anchor="end">{tick:g}</text>'
        for tick in np.arange(0, top, 0.5)
    ]
    means = []
    for count in budgets:
        values, x = regrets(found, name, count), across(count)
        means.append(f"{x:.1f},{down(values.mean()):.1f}")
        marks.append(f'<circle cx="{x:.1f}" cy="{down(values.mean()):.1f}" r="2.8" fill="{LINE}"/>')
        marks += [
            f'<circle cx="{x:.1f}" cy="{down(one):.1f}" r="1.6" fill="{LINE}" opacity="0.35"/>'
            for one in values
        ]
        ends = [down(values.mean() + sign * half_width(values.tolist())) for sign in (-1, 1)]
        marks.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{ends[0]:.1f}" y2="{ends[1]:.1f}" stroke="{LINE}"'
            ' stroke-width="1.6"/>'
            f'<text x="{x:.1f}" y="{above + HEIGHT + 13}" font-size="9" text-anchor="middle">{count:,}</text>'
        )
    marks.append(f'<polyline fill="none" stroke="{LINE}" stroke-width="2" points="{" ".join(means)}"/>')
    return "".join(marks)


def protocols() -> Iterator[str]:
    """Every spec of the folder, and truth."""
    yield from sorted(file.stem for file in SPECS.glob("*.yaml"))
    yield TRUTH


def main() -> None:
    """Train what is missing; or say and draw what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=Path)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS)
    parser.add_argument("--only", nargs="+", default=[*protocols()])
    parser.add_argument("--figure", type=Path)
    chosen = parser.parse_args()
    import_modules((), SPECS)
    if chosen.figure is None:
        train(chosen.records, chosen.only, chosen.budgets, chosen.seeds)
        return
    found = group(read(chosen.records))
    print_table(found)
    chosen.figure.write_text(draw(found))


if __name__ == "__main__":
    sys.exit(main())
