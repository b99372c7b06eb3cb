"""A report over seeds as data: what was recorded, and everything worked out from it.

In: a SeedsResult. Out: a SeedsReport, and its JSON schema. Touches nothing.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from rrm_tree.propagation import SeedsAnalysis, analyse_seeds
from rrm_tree.records import SeedsResult, Stored
from rrm_tree.report.document import DIALECT
from rrm_tree.report.seeds.verdict import give_verdict, list_notes
from rrm_tree.report.verdict import Note

VERSION: Literal[1] = 1


class SeedsReport(Stored):
    """What `report.json` of a run of several seeds holds."""

    # Another name than a single seed's report has: who reads one must not take it for the other.
    seeds_report: Literal[1] = Field(VERSION, description="version of this file's schema")
    verdict: str = Field(description="one or two sentences; names stand between backticks")
    notes: tuple[Note, ...] = Field(description="what to know before trusting the numbers")
    analysis: SeedsAnalysis = Field(description="worked out from the records of all seeds")
    result: SeedsResult = Field(description="the records; pictures are left to the seeds' own reports")


def build_seeds_report(result: SeedsResult) -> SeedsReport:
    """The report of a run of several seeds."""
    analysis = analyse_seeds(result)
    return SeedsReport(
        seeds_report=VERSION,
        verdict=give_verdict(result, analysis),
        notes=list_notes(result, analysis),
        analysis=analysis,
        result=_without_pictures(result),
    )


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
