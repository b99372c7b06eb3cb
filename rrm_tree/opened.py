"""A run as people meet it in a notebook: what it learned, as one tidy table or as its report.

In: a store's address, a run's name. Out: a Run.
Reads the store alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from rrm_tree.errors import StoreError, UsageError
from rrm_tree.propagation import DISTRIBUTIONS, ORDERERS, Estimate, NodeAnalysis, analyse_node
from rrm_tree.records import NodeResult, RunResult, SeedsResult

if TYPE_CHECKING:
    from pandas import DataFrame


class Row(TypedDict):
    """One number of one round of one entry in one seed."""

    seed: int
    node: str
    arm: str | None
    level: int
    round: int
    """From 1."""
    judgments: int
    """Asked for up to the end of the round."""
    policy: str | None
    """`off` or `on` for shares; None for what belongs to neither."""
    measure: str
    """`alone`, `heuristic`, `assisted`, `ideal`, `distilled`, `agent_truth`, …"""
    value: float
    low: float
    """95% interval."""
    high: float
    count: int
    """Pairs or outcomes that it rests on."""


@dataclass(frozen=True)
class Run:
    """What a run of one seed or of several has learned."""

    result: RunResult | SeedsResult

    @classmethod
    def open(cls, address: str | Path, name: str | None = None) -> Run:
        """A run out of its store.

        Args:
            address: of the store, a folder or a URL that fsspec knows.
            name: which run; the latest one if left out.

        Raises:
            StoreError: there is no such run, or the store cannot be read.
        """
        from rrm_tree.mistakes import suggest  # noqa: PLC0415 - all of these are rarely needed
        from rrm_tree.results import collect_results  # noqa: PLC0415
        from rrm_tree.store import Store  # noqa: PLC0415

        store = Store(str(address))
        runs = store.runs()
        if not runs:
            raise StoreError(f"{address} holds no run")
        name = name or runs[-1]
        if name not in runs:
            raise StoreError(f"{address} has no run '{name}'{suggest(name, runs)}")
        return cls(collect_results(store, name, store.plan(name), {}))

    @cached_property
    def by_seed(self) -> tuple[RunResult, ...]:
        """The results, one a seed."""
        return self.result.results if isinstance(self.result, SeedsResult) else (self.result,)

    def rows(self) -> list[Row]:
        """One tidy table: a row for each number of each round, with its interval and its count."""
        return [
            row
            for one in self.by_seed
            for node in one.nodes
            if node.sweep is None
            for row in _rows_of(one.seed, node)
        ]

    def frame(self) -> DataFrame:
        """The same as a pandas DataFrame.

        Raises:
            UsageError: pandas is not installed.
        """
        try:
            from pandas import DataFrame  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise UsageError(
                "pandas is not installed: `pip install 'rrm-tree[frames]'`, or use Run.rows()"
            ) from error
        return DataFrame(self.rows(), columns=list(Row.__annotations__))

    def _repr_html_(self) -> str:
        """What a notebook shows: the verdict, and the tables of nodes and levels."""
        from rrm_tree.report import notebook_report  # noqa: PLC0415

        return notebook_report(self.result)

    def __str__(self) -> str:
        return f"run {escape(self.result.run)} of {self.result.name}"


def _rows_of(seed: int, node: NodeResult) -> Iterator[Row]:
    for index, record in enumerate(node.rounds):
        one = analyse_node(node.model_copy(update={"rounds": node.rounds[: index + 1]}))
        for policy, measure, estimate in _estimates(one):
            yield Row(
                seed=seed,
                node=node.node,
                arm=node.arm,
                level=node.level,
                round=record.round + 1,
                judgments=record.facts.judgments,
                policy=policy,
                measure=measure,
                value=estimate.value,
                low=estimate.low,
                high=estimate.high,
                count=estimate.count,
            )


def _estimates(one: NodeAnalysis) -> Iterator[tuple[str | None, str, Estimate]]:
    for policy in DISTRIBUTIONS:
        part = one.at(policy)
        for orderer in ORDERERS if part is not None else ():
            if part is not None and (found := part.of(orderer)) is not None:
                yield policy, orderer, found
    truths = {
        "agent_truth": one.agent_truth,
        "proposal_truth": one.proposal_truth,
        "heuristic_truth": one.heuristic_truth,
    }
    yield from ((None, name, found) for name, found in truths.items() if found is not None)
