"""A report over seeds as data: what was recorded, and everything worked out from it.

In: a SeedsResult. Out: a SeedsReport, and its JSON schema. Touches nothing.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field

from rrm_tree.left_out import is_none
from rrm_tree.propagation import SeedsAnalysis, analyse_seeds
from rrm_tree.propagation.seeds_allocating import SeedsAllocation, allocate_over_seeds
from rrm_tree.propagation.seeds_origins import SeedsOrigin, trace_causes
from rrm_tree.propagation.seeds_studies import SeedsStudy, Studies, study_seeds
from rrm_tree.records import SeedsResult, Stored
from rrm_tree.report.answers import Answer
from rrm_tree.report.document import DIALECT, TENTH, allocate_more
from rrm_tree.report.seeds.answers import answer_over_seeds
from rrm_tree.report.seeds.verdict import give_verdict, list_notes, say_largest
from rrm_tree.report.verdict import Note

VERSION: Literal[1] = 1


class SeedsReport(Stored):
    """What `report.json` of a run of several seeds holds."""

    # Another name than a single seed's report has: who reads one must not take it for the other.
    seeds_report: Literal[1] = Field(VERSION, description="version of this file's schema")
    verdict: str = Field(description="one or two sentences; names stand between backticks")
    answers: tuple[Answer, ...] = Field((), description="what everybody asks of the root")
    notes: tuple[Note, ...] = Field(description="what to know before trusting the numbers")
    analysis: SeedsAnalysis = Field(description="worked out from the records of all seeds")
    studies: tuple[SeedsStudy, ...] = Field((), description="what was measured of nodes beside their records")
    origins: tuple[SeedsOrigin, ...] = Field((), description="where the root's error goes back to")
    allocation: SeedsAllocation | None = Field(
        default=None,
        description="what a tenth more judgments in each seed would gain, by node",
        exclude_if=is_none,
    )
    result: SeedsResult = Field(description="the records; pictures are left to the seeds' own reports")


def build_seeds_report(result: SeedsResult, studies: Studies = MappingProxyType({})) -> SeedsReport:
    """The report of a run of several seeds, with what was measured of the nodes of each, by seed."""
    analysis, origins = analyse_seeds(result), trace_causes(result.root, studies)
    return SeedsReport(
        seeds_report=VERSION,
        verdict=give_verdict(result, analysis, say_largest(result.root, origins)),
        notes=list_notes(result, analysis),
        answers=answer_over_seeds(result, analysis, origins),
        analysis=analysis,
        studies=study_seeds(result, studies),
        origins=origins,
        allocation=_allocate(result, analysis, studies),
        result=_without_pictures(result),
    )


def _allocate(result: SeedsResult, analysis: SeedsAnalysis, studies: Studies) -> SeedsAllocation | None:
    """Where a tenth more judgments would gain most, of the seeds of which a learning curve was measured."""
    judgments = analysis.effort.judgments // len(result.results) // TENTH
    found = {one.seed: allocate_more(one, studies.get(one.seed, ()), judgments) for one in result.results}
    known = {seed: one for seed, one in found.items() if one is not None}
    return allocate_over_seeds(known) if known else None


def _without_pictures(result: SeedsResult) -> SeedsResult:
    results = [
        one.model_copy(
            update={"nodes": tuple(node.model_copy(update={"pictures": ()}) for node in one.nodes)}
        )
        for one in result.results
    ]
    return result.model_copy(update={"results": tuple(results)})


def seeds_report_schema() -> dict[str, Any]:
    """The JSON schema of a `report.json` over seeds."""
    schema = SeedsReport.model_json_schema(mode="serialization")
    return {"$schema": DIALECT, **schema, "title": f"rrm-tree report over seeds, version {VERSION}"}
