"""Two trained keys that were measured on the same held-out pairs: their differences, pair by pair.

In: stores, keys, results. Out: tests of one against the other.
Touches the store, which it reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from rrm_tree.measured import PROPOSAL, NodeMeasurement, OutcomeResults, PairResults, PairSettings
from rrm_tree.outcomes import Floats, Ints
from rrm_tree.propagation.accuracy import Orderer
from rrm_tree.propagation.changes import Measure
from rrm_tree.propagation.comparing import PairedTests
from rrm_tree.propagation.intervals import ArmTest, GapTest
from rrm_tree.propagation.pair_tests import compare_gaps, compare_numbers
from rrm_tree.records import Distribution, NodeResult, RunResult
from rrm_tree.states import PAIRS, load_pairs
from rrm_tree.store import Store

SHARES: tuple[tuple[Measure, Orderer, Distribution], ...] = (
    ("distilled off", "distilled", "off"),
    ("distilled on", "distilled", "on"),
    ("assisted off", "assisted", "off"),
    ("assisted on", "assisted", "on"),
)


@dataclass(frozen=True)
class Gaps:
    """Second minus first, item by item."""

    values: Floats
    clusters: Ints
    """Which starting state of the root each item goes back to."""
    numbers: bool = False
    """Differences of numbers, and not of right and wrong."""

    def test(self) -> GapTest:
        """Whether one is better than the other."""
        return (compare_numbers if self.numbers else compare_gaps)(self.values, self.clusters)


def pair_runs(first: tuple[Store, RunResult], second: tuple[Store, RunResult]) -> PairedTests:
    """Tests of the second run against the first wherever both were measured on the same.

    Raises:
        StoreError: a store cannot be read.
    """
    ours = {node.name: node for node in first[1].nodes if node.sweep is None}
    theirs = {node.name: node for node in second[1].nodes if node.sweep is None}
    gaps = {
        name: dict(gaps_between(own_pairs(first[0], ours[name]), own_pairs(second[0], theirs[name])))
        for name in ours
        if name in theirs
    }
    levels: dict[int, list[dict[Measure, Gaps]]] = {}
    for name, found in gaps.items():
        if ours[name].arm is None:
            levels.setdefault(ours[name].level, []).append(found)
    return PairedTests(
        {name: {measure: one.test() for measure, one in found.items()} for name, found in gaps.items()},
        {level: dict(_together(each)) for level, each in levels.items()},
    )


def compare_with_arms(store: Store, result: RunResult, name: str) -> tuple[ArmTest, ...]:
    """A node as declared against each of its arms, where both have kept what they were measured on.

    Raises:
        StoreError: the store cannot be read.
    """
    arms = [node for node in result.nodes if node.node == name and node.arm is not None]
    main = next(node for node in result.nodes if node.name == name)
    ours = own_pairs(store, main) if arms else None
    tests = []
    for arm in arms:
        found = dict(gaps_between(own_pairs(store, arm), ours))
        truth, distilled = found.get("truth"), found.get("distilled off")
        if truth or distilled:
            one, other = (None if gaps is None else gaps.test() for gaps in (truth, distilled))
            tests.append(ArmTest(arm=arm.arm or "", truth=one, distilled=other))
    return tuple(tests)


def _together(nodes: list[dict[Measure, Gaps]]) -> Iterator[tuple[Measure, GapTest]]:
    """All nodes of a level as one, of what every one of them has."""
    for measure, _, _ in SHARES:
        known = [node[measure] for node in nodes if measure in node]
        if len(known) == len(nodes):
            ends = np.cumsum([0, *(int(one.clusters.max(initial=-1)) + 1 for one in known)])
            clusters = [one.clusters + end for one, end in zip(known, ends, strict=False)]
            values = np.concatenate([one.values for one in known])
            yield measure, Gaps(values, np.concatenate(clusters)).test()


def own_pairs(store: Store, node: NodeResult) -> NodeMeasurement | None:
    """The pairs that a node's own record rests on; None where they were not kept."""
    if node.key is None:
        return None
    kept = [PairSettings.model_validate(one.settings) for one in store.measurements(node.key, PAIRS)]
    own = [one for one in kept if one.draw == 0 and one.round == node.rounds[-1].round] if node.rounds else []
    for settings in own:
        found = load_pairs(store, node.key, settings)
        if found is not None and _rests_on(node, found):
            return found
    return None


def _rests_on(node: NodeResult, found: NodeMeasurement) -> bool:
    said = node.rounds[-1].off
    share = found.off.share("distilled")
    return share is None or (said is not None and said.distilled == share)


def gaps_between(
    first: NodeMeasurement | None, second: NodeMeasurement | None
) -> Iterator[tuple[Measure, Gaps]]:
    """What can be compared item by item of two measurements."""
    if first is None or second is None:
        return
    for measure, orderer, distribution in SHARES:
        one, other = first.at(distribution), second.at(distribution)
        if _same_pairs(one, other):
            names = [_whose(pairs, orderer) for pairs in (one, other)]
            if all(name in pairs.margins for name, pairs in zip(names, (one, other), strict=True)):
                yield measure, Gaps(other.right(names[1]) - one.right(names[0]), one.root)
    truths = _same_outcomes(first.outcomes, second.outcomes)
    if truths is not None:
        yield "truth", truths


def _whose(pairs: PairResults, orderer: Orderer) -> str:
    """Whom nobody helps is measured alone."""
    return "alone" if orderer == "assisted" and "assisted" not in pairs.margins else orderer


def _same_pairs(one: PairResults, other: PairResults) -> bool:
    if not len(one) or len(one) != len(other):
        return False
    each: Mapping[str, tuple[object, object]] = {
        name: (getattr(one, name), getattr(other, name))
        for name in ("subject", "root", "part", "first_truth", "second_truth", "first_by", "second_by")
    }
    return all(np.array_equal(mine, theirs) for mine, theirs in each.values())  # type: ignore[arg-type]


def _same_outcomes(one: OutcomeResults, other: OutcomeResults) -> Gaps | None:
    """The agents' truths about the same subjects, if what was proposed about these is the same."""
    ours, theirs = one.by != PROPOSAL, other.by != PROPOSAL
    about, same = one.about[ours], np.array_equal(one.truth[~ours], other.truth[~theirs])
    if not len(about) or not same or not np.array_equal(about, other.about[theirs]):
        return None
    numbers = not np.isin(np.concatenate([one.truth, other.truth]), (0, 1)).all()
    return Gaps(other.truth[theirs] - one.truth[ours], about, numbers)
