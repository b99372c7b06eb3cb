"""What the records of one node say over several seeds.

In: a node's NodeResults by seed. Out: means over seeds with intervals. Touches nothing.

Only seeds in which the node's training has ended are averaged: a node half-way is another node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from rrm_tree.propagation.accuracy import (
    ORDERERS,
    Accuracy,
    Orderer,
    Split,
    SplitEstimates,
    Worth,
    estimate_split,
)
from rrm_tree.propagation.effort import Effort, add_effort
from rrm_tree.propagation.intervals import Estimate, Paired, estimate_mean
from rrm_tree.propagation.nodes import DISTRIBUTIONS, NodeAnalysis, analyse_node
from rrm_tree.propagation.over_seeds import (
    Estimates,
    OverSeeds,
    average,
    average_estimates,
    pair,
    subtract_each,
)
from rrm_tree.records import Distribution, Mean, NodeResult, Stored

FINISHED = ("trained", "reused")

Truth = Literal["agent_truth", "proposal_truth", "heuristic_truth"]
TRUTHS: tuple[Truth, ...] = ("agent_truth", "proposal_truth", "heuristic_truth")


class SeedsSplit(Stored):
    """What the error of a reward model is made of, each part over seeds; see `Split`."""

    error: OverSeeds
    own: OverSeeds | None
    inherited: OverSeeds | None
    judging: OverSeeds
    distilling: OverSeeds


class SeedsWorth(Stored):
    """What the helpers are worth: assisted − max(alone, heuristic), compared seed by seed."""

    base: Literal["alone", "heuristic"]
    """The better of the two in the mean over seeds."""
    before: OverSeeds
    after: OverSeeds
    gain: Paired | None
    """The smaller of the two differences; None for fewer than three seeds."""
    better: tuple[int, ...]
    """Seeds in which the assisted judge is right more often than both."""
    verdict: Literal["helps", "hurts", "unclear"]


class SeedsAccuracy(Stored):
    """How right each orderer is on one distribution, over seeds."""

    alone: OverSeeds | None
    heuristic: OverSeeds | None
    assisted: OverSeeds | None
    ideal: OverSeeds | None
    distilled: OverSeeds | None
    split: SeedsSplit | None
    shown: Split | None
    """The split of mean shares rounded to three digits, as reports print it."""
    worth: SeedsWorth | None
    looks_alone: OverSeeds | None
    looks_assisted: OverSeeds | None
    looks_ideal: OverSeeds | None
    abstained: OverSeeds | None

    def of(self, orderer: Orderer) -> OverSeeds | None:
        """The share of pairs that this orderer puts right."""
        found: OverSeeds | None = getattr(self, orderer)
        return found


class SeedsGate(Stored):
    """What a node's gate found in each seed."""

    passed: tuple[int, ...]
    missed: tuple[int, ...]
    undecided: tuple[int, ...]


class SeedState(Stored):
    """How far one node is in one seed."""

    seed: int
    state: str
    reason: str | None


class SeedsAlarms(Stored):
    """In which seeds the alarm was tested, was raised, and was raised in the last round tested."""

    tested: tuple[int, ...]
    raised: tuple[int, ...]
    still: tuple[int, ...]


class SeedsNode(Stored):
    """What the records of one node say over all seeds."""

    name: str
    level: int
    helped: bool
    seeds: tuple[int, ...]
    """Seeds in which it is finished: those that are averaged."""
    unfinished: tuple[SeedState, ...]
    off: SeedsAccuracy | None
    on: SeedsAccuracy | None
    shift: Paired | None
    """distilled on − distilled off."""
    solve_looks: OverSeeds | None
    agent_truth: OverSeeds | None
    proposal_truth: OverSeeds | None
    heuristic_truth: OverSeeds | None
    above_proposals: Paired | None = None
    """The agents' truth less that of proposals."""
    above_heuristic: Paired | None = None
    gate: SeedsGate | None
    alarms: SeedsAlarms | None = None
    effort: Effort
    """Sums over all seeds."""
    warnings: Mapping[int, tuple[str, ...]]
    """Of each seed that has any."""

    def at(self, distribution: Distribution) -> SeedsAccuracy | None:
        """The accuracies off or on policy."""
        return self.off if distribution == "off" else self.on

    @property
    def best_known(self) -> SeedsAccuracy | None:
        """Off policy where it was measured, otherwise on policy."""
        measured = (part for part in (self.off, self.on) if part is not None and part.distilled is not None)
        return next(measured, self.off or self.on)

    @property
    def distilled(self) -> float | None:
        """The reward model's mean share, off policy where it was measured."""
        known = self.best_known
        return known.distilled.mean if known and known.distilled else None

    @property
    def added(self) -> float | None:
        """Error of its own making, in the mean: 1 − distilled without what it inherits, as far as known."""
        split = self.best_known.split if self.best_known else None
        if split is None:
            return None if self.distilled is None else 1 - self.distilled
        return (split.own or split.judging).mean + split.distilling.mean


def finished_of(entries: Mapping[int, NodeResult]) -> dict[int, NodeResult]:
    """The entries whose training has ended."""
    return {seed: entry for seed, entry in entries.items() if entry.state in FINISHED and entry.rounds}


def analyse_over_seeds(name: str, entries: Mapping[int, NodeResult]) -> SeedsNode:
    """The numbers of a node's last rounds over the seeds in which it is finished."""
    every = {seed: analyse_node(entry) for seed, entry in entries.items()}
    ended = finished_of(entries)
    of = {seed: every[seed] for seed in ended}
    helped = next(iter(every.values())).helped
    off, on = (_average_accuracy(of, distribution, helped) for distribution in DISTRIBUTIONS)
    truths = {name: average_truths(ended, name) for name in TRUTHS}
    return SeedsNode(
        name=name,
        level=next(iter(every.values())).level,
        helped=helped,
        seeds=tuple(ended),
        unfinished=tuple(
            SeedState(seed=seed, state=entry.state, reason=entry.reason)
            for seed, entry in entries.items()
            if seed not in ended
        ),
        off=off,
        on=on,
        shift=pair(on.distilled, off.distilled, {seed: one.shift for seed, one in of.items()})
        if on and off
        else None,
        solve_looks=average({seed: one.solve_looks for seed, one in of.items()}),
        **truths,
        above_proposals=_rise_above(truths, of, "proposal_truth"),
        above_heuristic=_rise_above(truths, of, "heuristic_truth"),
        gate=_gather_gates(every),
        alarms=_gather_alarms(every),
        effort=add_effort(one.effort for one in every.values()),
        warnings={seed: one.warnings for seed, one in every.items() if one.warnings},
    )


# --- accuracy ----------------------------------------------------------------------------------


def _average_accuracy(
    of: Mapping[int, NodeAnalysis], distribution: Distribution, helped: bool
) -> SeedsAccuracy | None:
    parts = {seed: part for seed, node in of.items() if (part := node.at(distribution)) is not None}
    if not parts:
        return None

    def looks(name: str) -> OverSeeds | None:
        return average({seed: getattr(part, name) for seed, part in parts.items()})

    shares = {orderer: average_estimates(_of(parts, orderer), is_share=True) for orderer in ORDERERS}
    return SeedsAccuracy(
        **shares,
        split=_average_split(parts, helped),
        shown=_show_split(shares, helped),
        worth=_average_worth(parts, shares),
        looks_alone=looks("looks_alone"),
        looks_assisted=looks("looks_assisted"),
        looks_ideal=looks("looks_ideal"),
        abstained=looks("abstained"),
    )


def _of(parts: Mapping[int, Accuracy], orderer: Orderer) -> Estimates:
    """What each seed has measured of one orderer."""
    return {seed: part.of(orderer) for seed, part in parts.items()}


def _average_split(parts: Mapping[int, Accuracy], helped: bool) -> SeedsSplit | None:
    """Means of the parts of those seeds in which the error could be split; they sum as the parts do."""
    splits = {seed: estimate_split(part, helped) for seed, part in parts.items() if part.split is not None}

    def over(
        take: Callable[[SplitEstimates], Estimate | None], *, is_share: bool = False
    ) -> OverSeeds | None:
        values = {seed: take(split) for seed, split in splits.items()}
        return average_estimates(values, is_share=is_share) if None not in values.values() else None

    error, judging, own = (
        over(take, is_share=True)
        for take in (lambda split: split.error, lambda split: split.judging, lambda split: split.own)
    )
    distilling = over(lambda split: split.distilling)
    if error is None or judging is None or distilling is None:
        return None
    inherited = over(lambda split: split.inherited)
    return SeedsSplit(error=error, own=own, inherited=inherited, judging=judging, distilling=distilling)


def _show_split(shares: Mapping[Orderer, OverSeeds | None], helped: bool) -> Split | None:
    """The split as printed: its parts are differences of the printed mean shares."""
    means = {orderer: None if one is None else round(one.mean, 3) for orderer, one in shares.items()}
    distilled, assisted = means["distilled"], means["assisted"]
    if distilled is None or assisted is None:
        return None
    ideal = means["ideal"] if helped else assisted
    return Split(
        error=1 - distilled,
        own=None if ideal is None else 1 - ideal,
        inherited=None if ideal is None else ideal - assisted,
        judging=1 - assisted,
        distilling=assisted - distilled,
    )


def _average_worth(
    parts: Mapping[int, Accuracy], shares: Mapping[Orderer, OverSeeds | None]
) -> SeedsWorth | None:
    """As `value_helpers` does it for one seed, with differences paired by seed."""
    bases: tuple[Literal["alone", "heuristic"], ...] = ("alone", "heuristic")
    worths: dict[int, Worth] = {seed: part.worth for seed, part in parts.items() if part.worth is not None}
    after = shares["assisted"]
    known = {name: found for name in bases if (found := shares[name]) is not None}
    if not worths or after is None or not known:
        return None
    base = max(known, key=lambda name: known[name].mean)
    assisted = _of(parts, "assisted")
    gaps = [
        gap
        for name, before in known.items()
        if (gap := pair(after, before, subtract_each(assisted, _of(parts, name))))
    ]
    verdict: Literal["helps", "hurts", "unclear"] = "unclear"
    if gaps and min(gap.difference.low for gap in gaps) > 0:
        verdict = "helps"
    elif gaps and min(gap.difference.high for gap in gaps) < 0:
        verdict = "hurts"
    return SeedsWorth(
        base=base,
        before=known[base],
        after=after,
        gain=min(gaps, key=lambda gap: gap.difference.value, default=None),
        better=tuple(seed for seed, worth in worths.items() if worth.gain.value > 0),
        verdict=verdict,
    )


# --- truth, gates ------------------------------------------------------------------------------


def average_truths(entries: Mapping[int, NodeResult], name: Truth) -> OverSeeds | None:
    """Mean over seeds of the seeds' mean truths in their last rounds."""
    means: dict[int, Mean | None] = {seed: getattr(one.rounds[-1], name) for seed, one in entries.items()}
    is_share = all(mean.binary for mean in means.values() if mean is not None)
    return average_estimates({seed: estimate_mean(mean) for seed, mean in means.items()}, is_share=is_share)


def _rise_above(
    truths: Mapping[Truth, OverSeeds | None], of: Mapping[int, NodeAnalysis], name: Truth
) -> Paired | None:
    """How much better the agents are than what was there without training."""
    ours, others = (
        {seed: getattr(one, which) for seed, one in of.items()} for which in ("agent_truth", name)
    )
    return pair(truths["agent_truth"], truths[name], subtract_each(ours, others))


def _gather_alarms(every: Mapping[int, NodeAnalysis]) -> SeedsAlarms | None:
    tested = {seed: node.alarms for seed, node in every.items() if node.alarms}
    if not tested:
        return None
    return SeedsAlarms(
        tested=tuple(tested),
        raised=tuple(seed for seed, alarms in tested.items() if any(alarm.raised for alarm in alarms)),
        still=tuple(seed for seed, alarms in tested.items() if alarms[-1].raised),
    )


def _gather_gates(every: Mapping[int, NodeAnalysis]) -> SeedsGate | None:
    gates = {seed: node.gate for seed, node in every.items() if node.gate is not None}
    if not gates:
        return None

    def seeds(accepted: bool | None) -> tuple[int, ...]:
        return tuple(seed for seed, gate in gates.items() if gate.accepted is accepted)

    return SeedsGate(passed=seeds(True), missed=seeds(False), undecided=seeds(None))
