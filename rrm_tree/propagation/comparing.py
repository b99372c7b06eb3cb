"""Two runs side by side: what differs between them, and what of that is more than noise.

In: the RunResults of two runs, one a seed. Out: a Comparison. Arithmetic only; touches nothing.

Where both runs have at least three seeds in common, differences are taken within each seed. Of one seed they
are taken pair by pair, where both were measured on the same pairs. Otherwise single measurements are
compared, as if they had been made on different pairs, which errs on the wide side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

from rrm_tree.propagation.changes import Change, Measure, Verdict, compare_measures, reject
from rrm_tree.propagation.intervals import GapTest
from rrm_tree.propagation.seeds_nodes import finished_of
from rrm_tree.records import Edit, NodeResult, RunResult, Stored

ALPHA = 0.05
"""Chance that any difference is called one that is none (Holm), over all numbers of two runs."""


class GateChange(Stored):
    """In how many seeds a gate was passed."""

    passed_before: int
    passed_after: int
    of_before: int
    """Seeds in which the gate was tried."""
    of_after: int

    @property
    def flipped(self) -> Verdict:
        """Whether a larger or a smaller share of seeds passes."""
        before, after = self.passed_before * self.of_after, self.passed_after * self.of_before
        return "same" if before == after else "better" if after > before else "worse"


class NodeComparison(Stored):
    """One entry in both runs."""

    name: str
    level: int
    only_in: Literal["first", "second"] | None = None
    same_keys: bool = False
    """Every seed has the same key in both runs: the same bytes, and nothing to compare."""
    task_differs: bool = False
    """Its task differs, so that its truth may be another one."""
    finished_before: int = 0
    """Seeds in which it is trained."""
    finished_after: int = 0
    of_before: int = 0
    of_after: int = 0
    gate: GateChange | None = None
    changes: tuple[Change, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Worse if anything of it is; better if something is and nothing is worse."""
        said = [change.verdict for change in self.changes]
        if self.gate is not None:
            said.append(self.gate.flipped)
        lost = self.finished_after * self.of_before < self.finished_before * self.of_after
        if lost or "worse" in said:
            return "worse"
        return "better" if "better" in said else "same"


class LevelComparison(Stored):
    """All nodes of a level that both runs have, taken together; every pair counts alike."""

    level: int
    nodes: int
    changes: tuple[Change, ...]


class Comparison(Stored):
    """Two runs side by side."""

    first: str
    second: str
    seeds: tuple[int, ...]
    """Seeds that both have."""
    edits: tuple[Edit, ...]
    """In what their configurations differ."""
    nodes: tuple[NodeComparison, ...]
    """Flipped gates first, then the worse, the better and the rest; within each from the root down."""
    levels: tuple[LevelComparison, ...]
    """The root's first; their verdicts allow for how many numbers of levels were compared."""
    tests: int
    """Numbers of nodes that were compared."""

    @property
    def verdict(self) -> Verdict:
        """Worse if any node is."""
        said = {node.verdict for node in self.nodes}
        return "worse" if "worse" in said else "better" if "better" in said else "same"


Compared = TypeVar("Compared", NodeComparison, LevelComparison)


@dataclass(frozen=True)
class PairedTests:
    """Tests of two runs on what both were measured on, by entry and by level."""

    nodes: Mapping[str, Mapping[Measure, GapTest]]
    levels: Mapping[int, Mapping[Measure, GapTest]]


UNPAIRED = PairedTests({}, {})


class _Entries(NamedTuple):
    """One entry by seed, in both runs."""

    first: Mapping[int, NodeResult]
    second: Mapping[int, NodeResult]


def compare_runs(
    first: Sequence[RunResult],
    second: Sequence[RunResult],
    edits: Sequence[Edit] = (),
    paired: PairedTests = UNPAIRED,
    *,
    names: tuple[str, str] | None = None,
) -> Comparison:
    """What became better and what worse from one run to another.

    Args:
        first: the results of the one, one a seed.
        second: those of the other.
        edits: in what their configurations differ.
        paired: of one seed each, tests on the very pairs that both were measured on.
        names: what the two are called, where they are not single runs.
    """
    entries = {
        name: _Entries(_by_seed(first, name), _by_seed(second, name)) for name in _names(first, second)
    }
    tasks = {edit.path.split(".")[1] for edit in edits if ".task" in edit.path and edit.path.count(".") >= 2}
    compared = [
        _by_pairs(_compare_entry(name, both, tasks), paired.nodes.get(name)) for name, both in entries.items()
    ]
    decided = _decide(compared)
    ranks: dict[Verdict, int] = {"worse": 1, "better": 2, "same": 3}

    def rank(node: NodeComparison) -> tuple[int, int, str]:
        flipped = node.gate is not None and node.gate.flipped != "same"
        return (0 if flipped else ranks[node.verdict], -node.level, node.name)

    return Comparison(
        first=names[0] if names else first[0].run,
        second=names[1] if names else second[0].run,
        seeds=tuple(one.seed for one in first if one.seed in {other.seed for other in second}),
        edits=tuple(edits),
        nodes=tuple(sorted(decided, key=rank)),
        levels=_compare_levels(entries, paired),
        tests=sum(len(node.changes) for node in decided),
    )


def _names(first: Sequence[RunResult], second: Sequence[RunResult]) -> list[str]:
    # The last sweep has all that those before it have learned.
    each = (node for one in (*first, *second) for node in one.nodes if node.sweep is None)
    return list(dict.fromkeys(node.name for node in each))


def _by_seed(results: Sequence[RunResult], name: str) -> dict[int, NodeResult]:
    return {one.seed: node for one in results for node in one.nodes if node.name == name}


def _compare_entry(name: str, both: _Entries, tasks: set[str]) -> NodeComparison:
    some = next(iter((both.first or both.second).values()))
    if not (both.first and both.second):
        return NodeComparison(name=name, level=some.level, only_in="first" if both.first else "second")
    first, second = _finished(both)
    keys = [{node.key for node in one.values()} for one in both]
    same = keys[0] == keys[1] and None not in keys[0]
    return NodeComparison(
        name=name,
        level=some.level,
        same_keys=same,
        task_differs=some.node in tasks,
        finished_before=len(first),
        finished_after=len(second),
        of_before=len(both.first),
        of_after=len(both.second),
        gate=_compare_gates(first, second),
        changes=() if same else tuple(compare_measures(*(_each(one) for one in (first, second)))),
    )


def _finished(both: _Entries) -> _Entries:
    return _Entries(finished_of(both.first), finished_of(both.second))


def _each(entries: Mapping[int, NodeResult]) -> dict[int, list[NodeResult]]:
    return {seed: [node] for seed, node in entries.items()}


def _by_pairs(found: Compared, tests: Mapping[Measure, GapTest] | None) -> Compared:
    """The same with the tests on pairs that were measured in both, where there are such and no seeds."""

    def tested(change: Change) -> Change:
        test = (tests or {}).get(change.measure)
        if test is None or change.paired_by == "seed":
            return change
        update = {"difference": test.difference, "p_value": test.p_value, "paired_by": "pair"}
        return change.model_copy(update=update)

    return found.model_copy(update={"changes": tuple(map(tested, found.changes))})


def _compare_levels(entries: Mapping[str, _Entries], paired: PairedTests) -> tuple[LevelComparison, ...]:
    """Nodes that both runs have, level by level, in the seeds in which all of a level are finished."""
    levels: dict[int, list[_Entries]] = {}
    for both in entries.values():
        if both.first and both.second and (node := next(iter(both.first.values()))).arm is None:
            levels.setdefault(node.level, []).append(_finished(both))
    compared = []
    for level in sorted(levels, reverse=True):
        sides = [
            {
                seed: [one[side][seed] for one in levels[level]]
                for seed in levels[level][0][side]
                if all(seed in one[side] for one in levels[level])
            }
            for side in (0, 1)
        ]
        changes = tuple(compare_measures(*sides))
        one = LevelComparison(level=level, nodes=len(levels[level]), changes=changes)
        compared.append(_by_pairs(one, paired.levels.get(level)))
    return tuple(_decide(compared))


def _compare_gates(first: Mapping[int, NodeResult], second: Mapping[int, NodeResult]) -> GateChange | None:
    before, after = (
        [gates[-1].accepted for node in one.values() if (gates := [r.gate for r in node.rounds if r.gate])]
        for one in (first, second)
    )
    if not before or not after:
        return None
    return GateChange(
        passed_before=before.count(True),
        passed_after=after.count(True),
        of_before=len(before),
        of_after=len(after),
    )


# --- more than noise ---------------------------------------------------------------------------


def _decide(nodes: Sequence[Compared]) -> list[Compared]:
    """Nodes, or levels, with a verdict on every number: Holm's procedure over all of them."""
    values = [change.p_value for node in nodes for change in node.changes]
    sure = iter(reject(values, ALPHA))

    def judged(change: Change) -> Change:
        if not next(sure):
            return change
        return change.model_copy(update={"verdict": "better" if change.difference.value > 0 else "worse"})

    return [
        node.model_copy(update={"changes": tuple(judged(change) for change in node.changes)})
        for node in nodes
    ]
