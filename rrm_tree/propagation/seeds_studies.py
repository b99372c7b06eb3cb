"""What was measured of nodes beside their records, over seeds: causes, transfer, prediction and more.

In: NodeStudies by seed, a SeedsResult. Out: means over seeds. Arithmetic only; touches nothing.
Needs NumPy, as `propagation.pairs` does: whoever wants it imports this module itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from rrm_tree.propagation.best_of_n import BestOfN, NodeBestOfN
from rrm_tree.propagation.causes import Cause, Kind
from rrm_tree.propagation.disagreements import MOST_DISAGREEMENTS, Disagreement, rank_disagreement
from rrm_tree.propagation.intervals import Estimate
from rrm_tree.propagation.nodes import DISTRIBUTIONS
from rrm_tree.propagation.over_seeds import OverSeeds, average, average_estimates
from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.propagation.prediction import Prediction
from rrm_tree.propagation.seeds_curves import (
    SeedsPoint,
    SeedsRound,
    SeedsSweepStep,
    average_bins,
    average_transfers,
    follow_over_seeds,
    follow_rounds,
)
from rrm_tree.propagation.seeds_nodes import finished_of
from rrm_tree.propagation.transfer import Transfer
from rrm_tree.records import Distribution, NodeResult, SeedsResult, Stored

SURE = 0.6
"""Share of pairs that a reward model is surest of, on which its errors are told."""

Studies = Mapping[int, Sequence[NodeStudy]]
"""By seed."""

Part = TypeVar("Part")


class SeedsCause(Stored):
    """One part of an error over seeds; see `Cause`."""

    distribution: Distribution
    kind: Kind
    helper: str | None
    size: OverSeeds


class SeedsTransfer(Stored):
    """One edge over seeds; see `Transfer`."""

    distribution: Distribution
    helper: str | None
    slope: OverSeeds | None
    trained_error: OverSeeds | None
    break_even: OverSeeds | None
    """Over the seeds in which help hurts anywhere in the range that was tried."""
    hurts: tuple[int, ...]
    """These seeds."""
    of: int
    """Seeds in which the edge was measured."""
    points: tuple[SeedsPoint, ...]
    """The judge's error by the helper's."""


class SeedsPrediction(Stored):
    """A judge's share of pairs put right as measured and as foretold, over seeds; see `Prediction`."""

    distribution: Distribution
    measured: OverSeeds
    predicted: OverSeeds
    unexplained: OverSeeds
    """predicted − measured."""
    composed: OverSeeds | None
    alarms: tuple[int, ...]
    """Seeds in which it is more than noise."""


class SeedsCalibration(Stored):
    """How sure a reward model is, how right, and what its errors cost, over seeds."""

    distribution: Distribution
    error: OverSeeds | None
    brier: OverSeeds | None
    wrong_when_sure: OverSeeds | None
    regret: OverSeeds | None
    bins: tuple[SeedsPoint, ...]
    """How right by how sure."""


class SeedsChoice(Stored):
    """The best of n over seeds; see `BestOfN`."""

    n: int
    root_kl: float
    score: OverSeeds
    truth: OverSeeds
    regret: OverSeeds


class SeedsBestOfN(Stored):
    """What choosing by a reward model is worth over seeds."""

    points: tuple[SeedsChoice, ...]
    alpha: OverSeeds | None
    beta: OverSeeds | None
    agent_score: OverSeeds
    agent_truth: OverSeeds


class SeedsDisagreement(Stored):
    """A pair of one seed on which reward model, judge and truth differ most."""

    distribution: Distribution
    seed: int
    disagreement: Disagreement


class SeedsStudy(Stored):
    """Everything that was measured of one node beside its records, over seeds."""

    name: str
    seeds: tuple[int, ...]
    """Seeds in which anything of it was measured."""
    causes: tuple[SeedsCause, ...]
    transfers: tuple[SeedsTransfer, ...]
    predictions: tuple[SeedsPrediction, ...]
    calibrations: tuple[SeedsCalibration, ...]
    tau: OverSeeds | None
    """Kendall's tau-b of score and truth."""
    best_of_n: SeedsBestOfN | None
    rounds: tuple[SeedsRound, ...]
    """Of nodes of several rounds, two of which at least were measured."""
    sweeps: tuple[SeedsSweepStep, ...]
    disagreements: tuple[SeedsDisagreement, ...]
    """Off and on policy each the worst of all seeds."""


def study_seeds(result: SeedsResult, studies: Studies) -> tuple[SeedsStudy, ...]:
    """Each node of which anything was measured, in the order of the first seed that has it."""
    names = dict.fromkeys(study.name for each in studies.values() for study in each)
    for one in result.results:
        names |= dict.fromkeys(node.name for node in one.nodes if node.is_main and len(node.rounds) > 1)
    found = (_study(name, _of_node(name, studies), _entries(name, result)) for name in names)
    levels = {node.name: node.level for node in result.results[0].nodes}
    kept = [one for one in found if one.seeds or one.rounds]
    return tuple(sorted(kept, key=lambda one: (-levels.get(one.name, 0), one.name)))


def _of_node(name: str, studies: Studies) -> dict[int, NodeStudy]:
    return {seed: study for seed, each in studies.items() for study in each if study.name == name}


def _entries(name: str, result: SeedsResult) -> dict[int, NodeResult]:
    return {one.seed: node for one in result.results for node in one.nodes if node.name == name}


def _study(name: str, of: Mapping[int, NodeStudy], entries: Mapping[int, NodeResult]) -> SeedsStudy:
    taus = {seed: study.outcomes.tau if study.outcomes else None for seed, study in of.items()}
    return SeedsStudy(
        name=name,
        seeds=tuple(of),
        causes=tuple(_causes(of)),
        transfers=tuple(_transfers(of)),
        predictions=tuple(_predictions(of)),
        calibrations=tuple(_calibrations(of)),
        tau=average_estimates(taus),
        best_of_n=_best_of_n({seed: study.best_of_n for seed, study in of.items() if study.best_of_n}),
        rounds=tuple(follow_rounds(finished_of(entries))),
        sweeps=tuple(follow_over_seeds({seed: one.sweeps for seed, one in of.items() if one.sweeps})),
        disagreements=tuple(_disagreements(of)),
    )


def _group(parts: Iterable[tuple[int, Part]], key: Callable[[Part], object]) -> list[dict[int, Part]]:
    """Parts of several seeds by what they are about, each by seed."""
    found: dict[object, dict[int, Part]] = {}
    for seed, part in parts:
        found.setdefault(key(part), {})[seed] = part
    return list(found.values())


def _causes(of: Mapping[int, NodeStudy]) -> Iterable[SeedsCause]:
    parts: list[tuple[int, tuple[Distribution, Cause]]] = [
        (seed, (policy, cause))
        for seed, study in of.items()
        for policy in DISTRIBUTIONS
        if study.causes is not None and (found := study.causes.at(policy)) is not None
        for cause in found.causes
    ]
    for group in _group(parts, lambda part: (part[0], part[1].kind, part[1].helper)):
        policy, first = next(iter(group.values()))
        size = average_estimates({seed: cause.size for seed, (_, cause) in group.items()})
        if size is not None:
            yield SeedsCause(distribution=policy, kind=first.kind, helper=first.helper, size=size)


def _transfers(of: Mapping[int, NodeStudy]) -> Iterable[SeedsTransfer]:
    parts: list[tuple[int, Transfer]] = [
        (seed, one)
        for seed, study in of.items()
        if study.transfers is not None
        for one in study.transfers.transfers
    ]
    for group in _group(parts, lambda one: (one.distribution, one.helper)):
        first = next(iter(group.values()))
        crossings = {seed: one.break_even.helper_error for seed, one in group.items()}
        yield SeedsTransfer(
            distribution=first.distribution,
            helper=first.helper,
            slope=average_estimates({seed: one.slope for seed, one in group.items()}),
            trained_error=average({seed: one.trained_error for seed, one in group.items()}, is_share=True),
            break_even=average(crossings, is_share=True),
            hurts=tuple(seed for seed, crossing in crossings.items() if crossing is not None),
            of=len(group),
            points=tuple(average_transfers(group)),
        )


def _predictions(of: Mapping[int, NodeStudy]) -> Iterable[SeedsPrediction]:
    parts: list[tuple[int, Prediction]] = [
        (seed, one)
        for seed, study in of.items()
        if study.predictions is not None
        for one in study.predictions.predictions
    ]
    for group in _group(parts, lambda one: one.distribution):
        measured = average_estimates({seed: one.measured for seed, one in group.items()}, is_share=True)
        unexplained = average_estimates({seed: one.unexplained for seed, one in group.items()})
        predicted = average({seed: one.predicted for seed, one in group.items()}, is_share=True)
        if measured is not None and unexplained is not None and predicted is not None:
            yield SeedsPrediction(
                distribution=next(iter(group.values())).distribution,
                measured=measured,
                predicted=predicted,
                unexplained=unexplained,
                composed=average({seed: one.composed for seed, one in group.items()}, is_share=True),
                alarms=tuple(seed for seed, one in group.items() if one.alarm),
            )


def _calibrations(of: Mapping[int, NodeStudy]) -> Iterable[SeedsCalibration]:
    for policy in DISTRIBUTIONS:
        parts = {
            seed: part
            for seed, study in of.items()
            if (part := study.off if policy == "off" else study.on) is not None
        }
        if not parts:
            continue
        known = {seed: part.calibration for seed, part in parts.items() if part.calibration}
        sure = {
            seed: next((risk.wrong for risk in part.risks if risk.coverage == SURE), None)
            for seed, part in parts.items()
        }
        yield SeedsCalibration(
            distribution=policy,
            error=average_estimates({seed: one.error for seed, one in known.items()}, is_share=True),
            brier=average_estimates({seed: one.brier for seed, one in known.items()}, is_share=True),
            wrong_when_sure=average_estimates(sure, is_share=True),
            regret=average_estimates({seed: part.regret for seed, part in parts.items()}),
            bins=tuple(average_bins({seed: one.bins for seed, one in known.items()})),
        )


def _disagreements(of: Mapping[int, NodeStudy]) -> Iterable[SeedsDisagreement]:
    for policy in DISTRIBUTIONS:
        found = [
            SeedsDisagreement(distribution=policy, seed=seed, disagreement=one)
            for seed, study in of.items()
            if (part := study.off if policy == "off" else study.on) is not None
            for one in part.disagreements
        ]
        yield from sorted(found, key=lambda one: rank_disagreement(one.disagreement))[:MOST_DISAGREEMENTS]


def _best_of_n(of: Mapping[int, NodeBestOfN]) -> SeedsBestOfN | None:
    if not of:
        return None

    fits = {seed: one.fit for seed, one in of.items() if one.fit is not None}
    points = [_choice({seed: one.points[place] for seed, one in of.items()}) for place in range(_sizes(of))]
    return SeedsBestOfN(
        points=tuple(points),
        alpha=average_estimates({seed: fit.alpha for seed, fit in fits.items()}),
        beta=average_estimates({seed: fit.beta for seed, fit in fits.items()}),
        agent_score=_mean({seed: one.agent_score for seed, one in of.items()}),
        agent_truth=_mean({seed: one.agent_truth for seed, one in of.items()}),
    )


def _sizes(of: Mapping[int, NodeBestOfN]) -> int:
    return min(len(one.points) for one in of.values())


def _choice(of: Mapping[int, BestOfN]) -> SeedsChoice:
    first = next(iter(of.values()))
    return SeedsChoice(
        n=first.n,
        root_kl=first.root_kl,
        score=_mean({seed: one.score for seed, one in of.items()}),
        truth=_mean({seed: one.truth for seed, one in of.items()}),
        regret=_mean({seed: one.regret for seed, one in of.items()}),
    )


def _mean(estimates: Mapping[int, Estimate]) -> OverSeeds:
    found = average_estimates(estimates)
    assert found is not None
    return found
