"""A report as data: what was recorded, and everything worked out from it.

In: a RunResult. Out: a Report, and its JSON schema. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from rrm_tree.propagation import Analysis, analyse
from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.records import RunResult, Stored
from rrm_tree.report.cause_tables import find_chain, say_chain
from rrm_tree.report.verdict import Note, give_verdict, list_notes

VERSION: Literal[1] = 1
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Report(Stored):
    """What `report.json` holds."""

    report: Literal[1] = Field(VERSION, description="version of this file's schema")
    verdict: str = Field(description="one or two sentences; names stand between backticks")
    notes: tuple[Note, ...] = Field(description="what to know before trusting the numbers")
    analysis: Analysis = Field(description="worked out from the records")
    studies: tuple[NodeStudy, ...] = Field((), description="what was measured of nodes beside their records")
    result: RunResult = Field(description="the records")


def build_report(result: RunResult, studies: Sequence[NodeStudy] = ()) -> Report:
    """The report of a run, with what the kept pairs of its nodes say."""
    analysis, chain = analyse(result), find_chain(result.root, studies)
    return Report(
        report=VERSION,
        verdict=give_verdict(result, analysis, say_chain(chain) if chain else None),
        notes=list_notes(result, analysis),
        analysis=analysis,
        studies=tuple(studies),
        result=result,
    )


def report_schema() -> dict[str, Any]:
    """The JSON schema of `report.json`."""
    schema = Report.model_json_schema(mode="serialization")
    return {"$schema": DIALECT, **schema, "title": f"rrm-tree report, version {VERSION}"}
