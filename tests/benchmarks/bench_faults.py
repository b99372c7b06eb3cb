"""Is the planted fault named? `python tests/benchmarks/bench_faults.py [TRIALS [PAIRS [FAULT]]]`

A chain of five nodes of the logic world, its agents declared. In each trial every judge's slips and every
agent's share of wrong answers are drawn from 0 to .02; then one node at random gets a fault: its judge
slips, or its agent errs, at .1. Asked is which node `trace_cause` names, from 300 pairs a node.
"""

import sys
from collections import Counter

import numpy as np

from rrm_tree.measure import Bench
from rrm_tree.measure.declared import DeclaredTeam
from rrm_tree.measure.hearing import Hearing
from rrm_tree.measure.intervening import find_causes
from rrm_tree.propagation.causes import NodeCauses, trace_cause
from rrm_tree.propagation.intervals import estimate_share
from rrm_tree.records import Share
from rrm_tree.spec import MeasureSpec, TreeSpec

NODES = ("root", "third", "second", "first", "bit")
GATES = ("and", "or", "and", "or")
BASE = 0.02


def make_tree(slips):
    """The chain, each judge with its own slips."""
    nodes = {}
    for level, name in enumerate(NODES):
        gates, helper = GATES[level:], NODES[level + 1 : level + 2]
        options = {"width": 32, **({"gates": list(gates), "fan_in": 2} if gates else {})}
        use = "logic.circuit" if level == 0 else "logic.gate" if gates else "logic.bit"
        error = {"look_error": slips[name], "read_error": slips[name], "looks": 64}
        nodes[name] = {
            "doc": name,
            "task": {"use": use, "with": options},
            "criteria": {"right": {"question": "is it right?", "helpers": list(helper)}},
            "judge": {"use": "logic.person", "with": error},
        }
    return TreeSpec.model_validate({"version": 1, "name": "chain", "nodes": nodes})


def name_fault(trial, pairs, fault):
    """Where the fault was planted and of which kind, and where and what it was found to be."""
    rng = np.random.default_rng(trial)
    slips, wrong = ({name: float(rng.uniform(0, BASE)) for name in NODES} for _ in range(2))
    node, kind = NODES[rng.integers(len(NODES))], ("slips", "distilling")[rng.integers(2)]
    (slips if kind == "slips" else wrong)[node] = fault
    team = DeclaredTeam(make_tree(slips), wrong, seed=trial)
    found = {}
    for name in NODES:
        bench = Bench(team.station(name), MeasureSpec(pairs=pairs), int(rng.integers(2**31)))
        causes = find_causes(Hearing(bench, "off", bench.off_pairs), team.declared(name))
        found[name] = NodeCauses(node=name, off=causes, on=None)
    chain = trace_cause(NODES[0], found)
    return node, kind, chain.culprit, chain.kind


def main(trials=200, pairs=300, fault=0.1):
    named, kinds, missed = 0, 0, Counter()
    for trial in range(trials):
        node, kind, culprit, found = name_fault(trial, pairs, fault)
        named += node == culprit
        kinds += node == culprit and kind == found
        if node != culprit:
            missed[f"{node} ({kind}) taken for {culprit} ({found})"] += 1
    share = estimate_share(Share(right=named, pairs=trials))
    print(
        f"named {named} of {trials}: {share.value:.3f} [{share.low:.3f}, {share.high:.3f}]; kind too {kinds}"
    )
    for words, count in missed.most_common():
        print(f"  {count} x {words}")


if __name__ == "__main__":
    main(*(kind(text) for kind, text in zip((int, int, float), sys.argv[1:], strict=False)))
