"""How errors grow with depth: `python tests/benchmarks/study_depth.py [--seeds 10] [--folder FOLDER]`.

Trees of gates of the synthetic world with declared noise at every node: each agent says what its judge
finds with its helpers' claims, a share of it turned round. Every level is asked as the whole tree below
it really answers, leaves and all; beside it stands what arithmetic says. So it does beside trees of sums,
whose nodes say numbers. Then the noise at which votes of three lose everything is found by bisection.
Each seed draws places and errors anew; a few minutes on one core. With a folder, the specs of the trees of
gates and a plot go there.
"""

import argparse
from pathlib import Path

import numpy as np

from rrm_tree.corrupting import corrupt
from rrm_tree.domains.synthetic.task import Gate
from rrm_tree.measure.declared import DeclaredTeam
from rrm_tree.propagation.depth import bound_of_votes, foretell_levels, foretell_sums
from rrm_tree.propagation.intervals import estimate_share
from rrm_tree.propagation.over_seeds import average, average_estimates
from rrm_tree.records import Share
from rrm_tree.spec import TreeSpec

PLACES = 2000
STUDIES = (
    ("vote", 3, 0.05, 5),
    ("vote", 3, 0.10, 5),
    ("vote", 3, 0.15, 5),
    ("vote", 3, 0.20, 5),
    ("majority", 3, 0.02, 5),
    ("and", 2, 0.02, 7),
    ("or", 2, 0.02, 7),
    ("parity", 2, 0.02, 7),
)

SUMS = ((2, 0.1, 0.0, 4), (2, 0.1, 0.5, 4), (3, 0.05, 0.3, 4))
"""Trees of sums: how many are added up, noise, which part of it is shared, depth."""


def grow_tree(rule, fan_in, depth):
    """A tree of one node a level, each gate asking the node below about `fan_in` places."""
    judge = {"use": "synthetic.person", "with": {"look_error": 0.0, "read_error": 0.0}}
    nodes = {}
    for level in range(depth, -1, -1):
        use = "synthetic.leaf" if level == 0 else "synthetic.root" if level == depth else "synthetic.gate"
        below = [f"level{level - 1}"] if level else []
        nodes[f"level{level}"] = {
            "doc": f"Is it true of this place, {level} levels above the leaves?",
            "task": {"use": use, "with": {"rule": rule, "fan_in": fan_in} if level else {}},
            "criteria": {"right": {"question": "Is the claim right?", "helpers": below}},
            "judge": judge,
        }
    return TreeSpec.model_validate({"version": 1, "name": f"{rule}{fan_in}-{depth}", "nodes": nodes})


def measure_levels(rule, fan_in, noise, depth, seed=0):
    """Each level's error with its interval, from the leaves up; places of which it is true and not alike."""
    tree = grow_tree(rule, fan_in, depth)
    team = DeclaredTeam(tree, dict.fromkeys(tree.nodes, noise), seed)
    found = []
    for level in range(depth + 1):
        agent = team.declared(f"level{level}")
        subjects = agent.task.starts(PLACES, "measure", np.random.default_rng([seed, level]))
        wrong = agent.task.truth(agent.answer(subjects))[:, 0] == 0
        found.append(estimate_share(Share(right=float(wrong.sum()), pairs=len(wrong))))
    return found


def foretell(rule, fan_in, noise, depth):
    """The same levels by arithmetic."""
    gate = Gate(rule, fan_in, 1)
    patterns = tuple([tuple(map(bool, one)) for one in some] for some in gate.patterns)
    return foretell_levels(lambda said: bool(gate.says(np.array([said]))[0]), patterns, noise, depth)


def find_threshold(places=400_000, seed=0, steps=8):
    """The noise above which a deep tree of votes of three loses everything, by bisection.

    Near a coin's error, does a vote win back more of an advantage than the node's own noise takes? What is
    kept of an advantage a is k + l a² (a vote of three is a cubic), so that .2 and .4 give k.
    """
    rng = np.random.default_rng(seed)
    subjects = {"code": rng.integers(0, 1 << 62, places), "value": np.arange(places) % 2}
    found = {}
    for advantage in (0.2, 0.4):
        team = DeclaredTeam(grow_tree("vote", 3, 1), {"level0": 0.5 - advantage}, seed)
        found[advantage] = team.declared("level1").answer(subjects)
    task = team.task("level1")

    def keeps(noise):
        kept = {
            advantage: (task.truth(corrupt(task, answers, noise, seed + 1)).mean() - 0.5) / advantage
            for advantage, answers in found.items()
        }
        return (4 * kept[0.2] - kept[0.4]) / 3

    low, high = 0.0, 0.5
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if keeps(middle) > 1 else (low, middle)
    return (low + high) / 2


def over_seeds(rule, fan_in, noise, depth, seeds):
    """Each level's error over seeds, each of which has drawn places and errors of its own."""
    found = [measure_levels(rule, fan_in, noise, depth, seed) for seed in range(seeds)]
    levels = ({seed: one[level] for seed, one in enumerate(found)} for level in range(depth + 1))
    return [average_estimates(of, is_share=True) for of in levels]


def answer_sums(places, fan_in, noise, shared, level, asked, rng):
    """What so many places are worth, and what a node says of them; `asked` of them in each question.

    Answers to one question have a part of their error in common: they come from one helper.
    """
    if level:
        below = answer_sums(places * fan_in, fan_in, noise, shared, level - 1, fan_in, rng)
        worth, said = (values.reshape(places, fan_in).sum(axis=1) / np.sqrt(fan_in) for values in below)
    else:
        worth = said = rng.standard_normal(places)
    common = np.repeat(rng.standard_normal(places // asked), asked)
    own = rng.standard_normal(places)
    return worth, said + np.sqrt(noise * shared) * common + np.sqrt(noise * (1 - shared)) * own


def measure_sums(fan_in, noise, shared, depth, seed=0):
    """Of each level, how often a node orders two places wrongly, from the leaves up."""
    found = []
    for level in range(depth + 1):
        rng = np.random.default_rng([seed, level])
        worth, said = answer_sums(2 * PLACES, fan_in, noise, shared, level, 1, rng)
        wrong = (worth[::2] > worth[1::2]) != (said[::2] > said[1::2])
        found.append(estimate_share(Share(right=float(wrong.sum()), pairs=len(wrong))))
    return found


def sums_over_seeds(fan_in, noise, shared, depth, seeds):
    """The same over seeds."""
    found = [measure_sums(fan_in, noise, shared, depth, seed) for seed in range(seeds)]
    levels = ({seed: one[level] for seed, one in enumerate(found)} for level in range(depth + 1))
    return [average_estimates(of, is_share=True) for of in levels]


def say(over, digits=4):
    """A mean over seeds with its interval."""
    return f"{over.mean:.{digits}f} ({over.low:.{digits}f} to {over.high:.{digits}f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    if chosen.seeds < 3:
        parser.error("intervals over seeds take at least three")
    folder, seeds = chosen.folder, chosen.seeds
    curves = []
    for rule, fan_in, noise, depth in STUDIES:
        measured = over_seeds(rule, fan_in, noise, depth, seeds)
        expected = foretell(rule, fan_in, noise, depth)
        curves.append((f"{rule} of {fan_in}, noise {noise:g}", measured, expected))
        cells = (f"{one.mean:.3f} ({e:.3f})" for one, e in zip(measured, expected, strict=True))
        inside = sum(one.low <= e <= one.high for one, e in zip(measured, expected, strict=True))
        print(f"| {curves[-1][0]} | {' | '.join(cells)} | {inside} of {depth + 1} |", flush=True)
    for fan_in, noise, shared, depth in SUMS:
        measured = sums_over_seeds(fan_in, noise, shared, depth, seeds)
        expected = foretell_sums(fan_in, noise, shared, depth)
        name = f"sum of {fan_in}, noise {noise:g}, {shared:.0%} shared"
        cells = (f"{one.mean:.3f} ({e:.3f})" for one, e in zip(measured, expected, strict=True))
        inside = sum(one.low <= e <= one.high for one, e in zip(measured, expected, strict=True))
        print(f"| {name} | {' | '.join(cells)} | {inside} of {depth + 1} |", flush=True)
    for noise in (0.05, 0.10, 0.15):
        print(f"bound of votes of three at noise {noise}: {bound_of_votes(noise):.3f}")
    thresholds = {seed: find_threshold(seed=seed) for seed in range(seeds)}
    print(f"threshold of votes of three: {say(average(thresholds))} (1/6 = {1 / 6:.4f})")
    if folder is not None:
        for rule, fan_in, _, depth in STUDIES:
            tree = grow_tree(rule, fan_in, depth)
            Path(folder, f"{tree.name}.yaml").write_text(tree.to_yaml())
        plot(curves, Path(folder, "depth.svg"))


def plot(curves, file):
    """Measured errors as points with intervals, foretold ones as lines."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["svg.hashsalt"] = "depth"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    for name, measured, expected in curves:
        values = np.array([one.mean for one in measured])
        ends = np.abs([[one.low for one in measured], [one.high for one in measured]] - values)
        drawn = axes.errorbar(range(len(values)), values, yerr=ends, fmt="o", markersize=4, label=name)
        axes.plot(expected, color=drawn.lines[0].get_color(), linewidth=1)
    axes.set(xlabel="level (0: leaves)", ylabel="error", ylim=(0, 0.52))
    axes.axhline(0.5, color="#888888", linewidth=0.8, linestyle=":")
    axes.legend(frameon=False, fontsize="small")
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main()
