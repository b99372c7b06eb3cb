"""When do helpers hurt? `python tests/benchmarks/study_break_even.py [PAIRS]`, a few minutes on one core.

Chess, nothing trained: each ray says what is true, a share of its squares turned round; boards are
coloured by what the rays say, without a further slip; a person who misreads one coloured square in 200 judges
mate with them. Beside it the same person alone, who errs on 2% of looks, and the domain's simple rule.
"""

import sys

from rrm_tree.measure import Bench
from rrm_tree.measure.declared import DeclaredTeam
from rrm_tree.measure.hearing import Hearing
from rrm_tree.propagation.clustered import estimate_clustered
from rrm_tree.spec import MeasureSpec, load_tree

RATES = (0.0, 0.001, 0.002, 0.0035, 0.01, 0.02, 0.09)
CAREFUL = "judge.with={look_error: 0.0, read_error: 0.0}"


def main(pairs=300):
    sets = [f"nodes.{node}.{CAREFUL}" for node in ("ray", "attacked", "defended")]
    tree = load_tree("task_specs/chess.yaml", sets)
    said = set()
    for rate in RATES:
        team = DeclaredTeam(tree, {"ray": rate})
        bench = Bench(team.station("verdict"), MeasureSpec(pairs=pairs), seed=0)
        hearing = Hearing(bench, "off", bench.off_pairs)
        shown = {"alone": hearing.alone, "simple rule": hearing.heuristic} if not said else {}
        for name, right in (*shown.items(), (f"assisted, rays wrong on {rate:.2%}", hearing.assisted)):
            share = estimate_clustered(right, hearing.pairs.root)
            print(f"| {name} | {share.value:.3f} | {share.low:.3f} to {share.high:.3f} |", flush=True)
            said.add(name)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
