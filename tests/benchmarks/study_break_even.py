"""When do helpers hurt? `python tests/benchmarks/study_break_even.py RECORDS [--seeds 10] [--pairs 60]`.

Chess, nothing trained: each ray says what is true, a share of its squares turned round; boards are
coloured by what the rays say, without a further slip; a person who misreads one coloured square in 200 judges
mate with them. Beside it the same person alone, who errs on 2% of looks, the domain's simple rule, and
what is foretold from how often the boards' squares are wrong, counted on other positions. Each seed draws
positions, errors and slips anew; RECORDS keeps what is done, so that the same command goes on. It takes
about a minute a seed on one core. With --figure a plot is drawn, too.
"""

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rrm_tree.measure import Bench
from rrm_tree.measure.declared import DeclaredTeam
from rrm_tree.measure.hearing import Hearing
from rrm_tree.measure.predicting import foretell_right, tally
from rrm_tree.propagation.intervals import compare_seeds
from rrm_tree.propagation.over_seeds import average
from rrm_tree.propagation.prediction import Confusion
from rrm_tree.spec import MeasureSpec, load_tree

SPEC = "task_specs/studies/break_even.yaml"
RATES = (0.0, 0.001, 0.0035, 0.01, 0.02, 0.05, 0.09)


@dataclass
class Counting:
    """A helper whose answers are compared with perfect ones as they are given."""

    helper: object
    counts: np.ndarray = field(default_factory=lambda: np.zeros((2, 2)))

    @property
    def task(self):
        return self.helper.task

    def answer(self, subjects):
        answers = self.helper.answer(subjects)
        self.counts += np.array(tally(self.task.ideal(subjects).actions, answers.actions, 2).counts)
        return answers


def count_confusions(hearing):
    """How often each board says each colour where each is true."""
    counting = {name: Counting(helper) for name, helper in hearing.helpers.items()}
    hearing.advise(counting)
    return {name: Confusion(counts=tuple(map(tuple, one.counts))) for name, one in counting.items()}


def judge_mates(rate, seed, pairs):
    """Who judges how many pairs rightly when rays err so often."""
    team = DeclaredTeam(load_tree(SPEC), {"ray": rate}, seed)
    station = team.station("verdict")
    here, other = (
        Hearing(bench, "off", bench.off_pairs)
        for bench in (Bench(station, MeasureSpec(pairs=pairs), seed=2 * seed + k) for k in range(2))
    )
    confusions = count_confusions(other)
    found = {
        "boards wrong": float(np.mean([one.error for one in confusions.values()])),
        "assisted": float(here.assisted.mean()),
        "predicted": float(foretell_right(here, confusions).mean()),
        "pairs": len(here.pairs),
    }
    return (
        found if rate else found | {"alone": float(here.alone.mean()), "rule": float(here.heuristic.mean())}
    )


def read(file):
    """What is done: (seed, rate) → shares."""
    lines = file.read_text().splitlines() if file.exists() else ()
    return {(one["seed"], one["rate"]): one for one in map(json.loads, lines)}


def say(over, digits=3):
    """A mean over seeds with Student's interval."""
    ends = "" if over.low is None else f" ({over.low:.{digits}f} to {over.high:.{digits}f})"
    return f"{over.mean:.{digits}f}{ends}"


def apart(first, second):
    """First minus second, seed by seed."""
    seeds = sorted(first.by_seed)
    if len(seeds) < 3:
        return "–"
    found = compare_seeds([first.by_seed[s] for s in seeds], [second.by_seed[s] for s in seeds])
    one = found.difference
    return f"{one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f}), p = {found.p_value:.2g}".replace("-", "−")


def columns(done):
    """Each number over seeds, by name and rate."""
    seeds = sorted({seed for seed, _ in done})
    names = ("boards wrong", "assisted", "predicted")
    by_rate = {
        rate: {name: average({seed: done[seed, rate][name] for seed in seeds}) for name in names}
        for rate in RATES
    }
    free = {name: average({seed: done[seed, 0.0][name] for seed in seeds}) for name in ("alone", "rule")}
    return seeds, by_rate, free


def print_tables(done):
    """What docs/results/errors.md shows."""
    seeds, by_rate, free = columns(done)
    pairs = sum(one["pairs"] for one in done.values()) / len(done)
    print(f"{len(seeds)} seeds, {pairs:.0f} pairs each")
    print(f"| alone | | {say(free['alone'])} | | | |\n| simple rule | | {say(free['rule'])} | | | |")
    for rate, of in by_rate.items():
        cells = (
            f"assisted, {rate:.2%} of the rays' squares wrong",
            say(of["boards wrong"], 4),
            say(of["assisted"]),
            say(of["predicted"]),
            apart(of["predicted"], of["assisted"]),
            apart(of["assisted"], free["alone"]),
        )
        print(f"| {' | '.join(cells)} |")
    for name, bar in free.items():
        crossings = {seed: crossing(by_rate, bar, seed) for seed in seeds}
        known = [one for one in crossings.values() if one is not None]
        crossed = average({seed: one for seed, one in crossings.items() if one is not None})
        if crossed:
            print(f"break-even against {name}: {say(crossed, 4)} in {len(known)} of {len(seeds)} seeds")


def crossing(by_rate, bar, seed):
    """The rays' error at which help falls to the bar, by straight lines; None if it never does."""
    gains = [of["assisted"].by_seed[seed] - bar.by_seed[seed] for of in by_rate.values()]
    for place in range(1, len(RATES)):
        if gains[0] > 0 and gains[place] <= 0:
            before, after = gains[place - 1], gains[place]
            return RATES[place - 1] + (RATES[place] - RATES[place - 1]) * before / (before - after)
    return None


def plot(done, file):
    """Verdicts over the rays' error: as measured, as foretold, and without help."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["svg.hashsalt"] = "break-even"
    from matplotlib import pyplot

    _, by_rate, free = columns(done)
    figure, axes = pyplot.subplots(figsize=(7, 3.8), layout="constrained")
    measured = [of["assisted"] for of in by_rate.values()]
    x, y = 100 * np.array(RATES), np.array([one.mean for one in measured])
    ends = np.abs([[one.low for one in measured], [one.high for one in measured]] - y)
    axes.errorbar(x, y, yerr=ends, fmt="o", color="#0072b2", label="assisted, measured")
    axes.plot(
        x, [of["predicted"].mean for of in by_rate.values()], color="#d55e00", label="assisted, foretold"
    )
    for name, line in (("alone", "--"), ("rule", ":")):
        over, words = free[name], {"alone": "alone", "rule": "simple rule"}[name]
        axes.axhline(over.mean, color="#666666", linestyle=line, label=words)
        axes.axhspan(over.low, over.high, color="#666666", alpha=0.12, linewidth=0)
    axes.set(xlabel="squares of the rays that are wrong, %", ylabel="verdicts right", ylim=(0.5, 1))
    axes.legend(frameon=False)
    figure.savefig(file, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--figure", type=Path)
    chosen = parser.parse_args()
    done = read(chosen.records)
    for seed in range(chosen.seeds):
        for rate in RATES:
            if (seed, rate) not in done:
                found = {"seed": seed, "rate": rate, **judge_mates(rate, seed, chosen.pairs)}
                done[seed, rate] = found
                with chosen.records.open("a") as out:
                    out.write(json.dumps(found) + "\n")
    print_tables(done)
    if chosen.figure:
        plot(done, chosen.figure)


if __name__ == "__main__":
    main()
