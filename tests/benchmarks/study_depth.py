"""How errors grow with depth: `python tests/benchmarks/study_depth.py [FOLDER]`, a few minutes on one core.

Trees of gates of the synthetic world with declared noise at every node: each agent says what its judge
finds with its helpers' claims, a share of it turned round. Every level is asked as the whole tree below
it really answers, leaves and all; beside it stands what arithmetic says. Then the noise at which votes
of three lose everything is found by bisection. With a folder, the specs of the trees and a plot go there.
"""

import sys
from pathlib import Path

import numpy as np

from rrm_tree.corrupting import corrupt
from rrm_tree.domains.synthetic.task import Gate
from rrm_tree.measure.declared import DeclaredTeam
from rrm_tree.propagation.depth import bound_of_votes, foretell_levels
from rrm_tree.propagation.intervals import estimate_share
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


def main(folder=None):
    curves = []
    for rule, fan_in, noise, depth in STUDIES:
        measured = measure_levels(rule, fan_in, noise, depth)
        expected = foretell(rule, fan_in, noise, depth)
        curves.append((f"{rule} of {fan_in}, noise {noise:g}", measured, expected))
        cells = (f"{one.value:.3f} ({e:.3f})" for one, e in zip(measured, expected, strict=True))
        inside = sum(one.low <= e <= one.high for one, e in zip(measured, expected, strict=True))
        print(f"| {curves[-1][0]} | {' | '.join(cells)} | {inside} of {depth + 1} |", flush=True)
    for noise in (0.05, 0.10, 0.15):
        print(f"bound of votes of three at noise {noise}: {bound_of_votes(noise):.3f}")
    print(f"threshold of votes of three: {find_threshold():.4f} (1/6 = {1 / 6:.4f})")
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
        values = np.array([one.value for one in measured])
        ends = np.abs([[one.low for one in measured], [one.high for one in measured]] - values)
        drawn = axes.errorbar(range(len(values)), values, yerr=ends, fmt="o", markersize=4, label=name)
        axes.plot(expected, color=drawn.lines[0].get_color(), linewidth=1)
    axes.set(xlabel="level (0: leaves)", ylabel="error", ylim=(0, 0.52))
    axes.axhline(0.5, color="#888888", linewidth=0.8, linestyle=":")
    axes.legend(frameon=False, fontsize="small")
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
