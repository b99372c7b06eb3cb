"""A report as data: what was recorded, and everything worked out from it.

In: a RunResult. Out: a Report, and its JSON schema. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from rrm_tree.left_out import is_none
from rrm_tree.propagation import Analysis, analyse
from rrm_tree.propagation.allocating import Allocation, allocate, ask_of
from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.records import RunResult, Stored
from rrm_tree.report.answers import Answer, answer_questions
from rrm_tree.report.cause_tables import say_largest
from rrm_tree.report.verdict import Note, give_verdict, list_notes

VERSION: Literal[1] = 1
DIALECT = "https://json-schema.org/draft/2020-12/schema"


TENTH = 10
"""So much of all judgments is given out where a report says what more would gain."""


class Report(Stored):
    """What `report.json` holds."""

    report: Literal[1] = Field(VERSION, description="version of this file's schema")
    verdict: str = Field(description="one or two sentences; names stand between backticks")
    answers: tuple[Answer, ...] = Field(
        (), description="what everybody asks of the root; `question`, `answer`"
    )
    notes: tuple[Note, ...] = Field(description="what to know before trusting the numbers")
    analysis: Analysis = Field(description="worked out from the records")
    studies: tuple[NodeStudy, ...] = Field((), description="what was measured of nodes beside their records")
    allocation: Allocation | None = Field(
        default=None, description="what a tenth more judgments would gain, by node", exclude_if=is_none
    )
    result: RunResult = Field(description="the records")


def build_report(result: RunResult, studies: Sequence[NodeStudy] = ()) -> Report:
    """The report of a run, with what the kept pairs of its nodes say."""
    analysis = analyse(result)
    return Report(
        report=VERSION,
        verdict=give_verdict(result, analysis, say_largest(result.root, studies)),
        answers=answer_questions(result, analysis, studies),
        notes=list_notes(result, analysis),
        analysis=analysis,
        studies=tuple(studies),
        allocation=allocate_more(result, studies, analysis.effort.judgments // TENTH),
        result=result,
    )


def allocate_more(result: RunResult, studies: Sequence[NodeStudy], judgments: int) -> Allocation | None:
    """Where so many more judgments would gain most; None where no learning curve was measured."""
    known = {study.name: study for study in studies}
    if not any(study.learning for study in studies):
        return None
    mains = [node for node in result.nodes if node.is_main]
    asked = [
        ask_of(node, known[node.name].learning, known[node.name].transfers)
        if node.name in known
        else ask_of(node, None, None)
        for node in mains
    ]
    return allocate(asked, result.root, max(1, judgments))


def report_schema() -> dict[str, Any]:
    """The JSON schema of `report.json`."""
    schema = Report.model_json_schema(mode="serialization")
    return {"$schema": DIALECT, **schema, "title": f"rrm-tree report, version {VERSION}"}
