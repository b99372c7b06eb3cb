"""What the records of one node say, and which node adds most error.

In: NodeResults. Out: analyses of single nodes and of levels. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol, TypeVar

from rrm_tree.propagation.accuracy import ORDERERS, Accuracy, Orderer, analyse_shares
from rrm_tree.propagation.effort import Effort, sum_effort
from rrm_tree.propagation.hacking import Alarm, watch
from rrm_tree.propagation.intervals import Difference, Estimate, estimate_mean, estimate_share, subtract
from rrm_tree.records import Distribution, GateResult, NodeResult, Share, Stored

DISTRIBUTIONS: tuple[Distribution, ...] = ("off", "on")


class NodeAnalysis(Stored):
    """What the records of one entry say: a node, or an arm of one."""

    name: str
    node: str
    arm: str | None
    level: int
    state: str
    helped: bool
    """Whether the judge sees the advice of helpers."""
    rounds: int
    off: Accuracy | None
    on: Accuracy | None
    shift: Difference | None
    """distilled on − distilled off."""
    solve_looks: float | None
    agent_truth: Estimate | None
    agent_score: Estimate | None = None
    """The reward model's score of the agent's own outcomes."""
    proposal_truth: Estimate | None
    heuristic_truth: Estimate | None
    gate: GateResult | None
    alarms: tuple[Alarm, ...] = ()
    """A test for every round with fresh judgments, raised or not."""
    effort: Effort
    warnings: tuple[str, ...]
    """Each once, with its rounds."""

    def at(self, distribution: Distribution) -> Accuracy | None:
        """The accuracies off or on policy."""
        return self.off if distribution == "off" else self.on

    @property
    def best_known(self) -> Accuracy | None:
        """Off policy where it was measured, otherwise on policy."""
        measured = (part for part in (self.off, self.on) if part is not None and part.distilled is not None)
        return next(measured, self.off or self.on)

    @property
    def distilled(self) -> float | None:
        """The reward model's share, off policy where it was measured."""
        known = self.best_known
        return known.distilled.value if known and known.distilled else None


def sees_advice(node: NodeResult, who: Literal["judge", "reward"]) -> bool:
    """Whether the judge, or the reward model, is shown what helpers say."""
    return bool(node.helpers) and "advice" in (node.judge_sees if who == "judge" else node.reward_sees)


def analyse_node(node: NodeResult) -> NodeAnalysis:
    """The numbers of an entry's last round, and what all rounds cost."""
    last = node.rounds[-1] if node.rounds else None
    helped = sees_advice(node, "judge")
    off = analyse_shares(last.off if last else None, helped)
    on = analyse_shares(last.on if last else None, helped)
    before, after = off.distilled if off else None, on.distilled if on else None
    return NodeAnalysis(
        name=node.name,
        node=node.node,
        arm=node.arm,
        level=node.level,
        state=node.state,
        helped=helped,
        rounds=len(node.rounds),
        off=off,
        on=on,
        shift=subtract(after, before) if before and after else None,
        solve_looks=last.solve_looks if last else None,
        agent_truth=estimate_mean(last.agent_truth if last else None),
        agent_score=estimate_mean(last.agent_score if last else None),
        proposal_truth=estimate_mean(last.proposal_truth if last else None),
        heuristic_truth=estimate_mean(last.heuristic_truth if last else None),
        gate=next((record.gate for record in reversed(node.rounds) if record.gate), None),
        alarms=watch(node.rounds),
        effort=sum_effort(node),
        warnings=_gather_warnings(node),
    )


def _gather_warnings(node: NodeResult) -> tuple[str, ...]:
    rounds: dict[str, list[int]] = {}
    for record in node.rounds:
        for warning in record.warnings:
            rounds.setdefault(warning, []).append(record.round + 1)
    return tuple(
        f"{warning} (round {', '.join(str(number) for number in numbers)} of {len(node.rounds)})"
        for warning, numbers in rounds.items()
    )


class LevelSummary(Stored):
    """All nodes of one level together; every pair counts the same."""

    level: int
    nodes: int
    measured: int
    """Nodes whose reward model was measured."""
    worst: str | None
    off: Mapping[Orderer, Estimate]
    on: Mapping[Orderer, Estimate]


def pool_shares(shares: Iterable[Share | None]) -> Share | None:
    """Shares of several nodes as one; its interval speaks of these nodes, not of others like them."""
    known = [share for share in shares if share is not None]
    if not known:
        return None
    return Share(right=sum(share.right for share in known), pairs=sum(share.pairs for share in known))


def summarise_levels(
    results: Sequence[NodeResult], nodes: Sequence[NodeAnalysis]
) -> tuple[LevelSummary, ...]:
    """One summary a level, the root's first; arms left out."""
    rows: dict[int, list[tuple[NodeResult, NodeAnalysis]]] = {}
    for result, node in zip(results, nodes, strict=True):
        rows.setdefault(node.level, []).append((result, node))

    def pool(level: int, distribution: Distribution) -> dict[Orderer, Estimate]:
        lasts = [getattr(result.rounds[-1], distribution) for result, _ in rows[level] if result.rounds]
        pooled = {
            orderer: estimate_share(pool_shares(getattr(shares, orderer) for shares in lasts if shares))
            for orderer in ORDERERS
        }
        return {orderer: estimate for orderer, estimate in pooled.items() if estimate}

    return tuple(
        LevelSummary(
            level=level,
            nodes=len(rows[level]),
            measured=sum(node.distilled is not None for _, node in rows[level]),
            worst=_name_worst(node for _, node in rows[level]),
            off=pool(level, "off"),
            on=pool(level, "on"),
        )
        for level in sorted(rows, reverse=True)
    )


class Measured(Protocol):
    """A node of one seed or of several: what it is called, and how right its reward model is."""

    @property
    def name(self) -> str:
        """The node's."""
        ...

    @property
    def distilled(self) -> float | None:
        """The reward model's share of pairs put right; None where that was not measured."""
        ...


Node = TypeVar("Node", bound=Measured)


def rank_worst(nodes: Iterable[Node]) -> list[Node]:
    """Lowest accuracy of the reward model first; the unmeasured last."""
    return sorted(nodes, key=lambda node: (2.0 if node.distilled is None else node.distilled, node.name))


def _name_worst(nodes: Iterable[NodeAnalysis]) -> str | None:
    return next((node.name for node in rank_worst(nodes) if node.distilled is not None), None)


Part = Literal["own", "distilling", "judging", "undivided"]
"""Of the error that a node adds: judging where own is not known apart, undivided where its judge was not
measured, as people are not."""


class WeakestLink(Stored):
    """The node that adds most error of its own making: 1 − distilled without what it inherits.

    Where the error is not divided all of it counts.
    """

    node: str
    added: float
    distilled: float
    largest: Part
    """Which part of the added error is the largest."""


def find_weakest(nodes: Iterable[NodeAnalysis]) -> WeakestLink | None:
    """Where error enters the tree most; None where nothing was measured."""
    links = []
    for node in nodes:
        if node.distilled is None:
            continue
        split = node.best_known.split if node.best_known else None
        added, largest = 1 - node.distilled, name_part(None, None, None)
        if split is not None:
            added = (split.judging if split.own is None else split.own) + split.distilling
            largest = name_part(split.own, split.judging, split.distilling)
        links.append(WeakestLink(node=node.name, added=added, distilled=node.distilled, largest=largest))
    return max(links, key=lambda link: link.added, default=None)


def name_part(own: float | None, judging: float | None, distilling: float | None) -> Part:
    """The largest part of the error that a node adds; None for what is not known."""
    if judging is None or distilling is None:
        return "undivided"
    if distilling > (judging if own is None else own):
        return "distilling"
    return "judging" if own is None else "own"
