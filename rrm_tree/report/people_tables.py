"""What people answered, with advice and without: a table.

In: a RunResult. Out: a Table. Names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

from rrm_tree.propagation.intervals import estimate_share
from rrm_tree.records import PeoplePart, RunResult, Share
from rrm_tree.report.people_words import people_of
from rrm_tree.report.tables import Table
from rrm_tree.report.words import code, count, with_interval

PEOPLE = (
    "People as judges, on what they were asked in training: right by truth where there is one, said the"
    " same as others who were asked the same, said what the judge says that they are compared with."
    " Advice leads astray where somebody who knows the rules and reads it without slips answers otherwise"
    " than with that of perfect helpers."
)
PEOPLE_COLUMNS = (
    "answers",
    "could tell",
    "right",
    "agree",
    "as known",
    "seconds each",
    "right where advice leads right",
    "right where it leads astray",
)
PARTS = (("all", "whole"), ("advice shown", "shown"), ("advice hidden", "hidden"))


def people_table(result: RunResult) -> Table:
    """How right people are, whom they agree with and how long they take, with advice and without."""
    rows = [
        (code(node.name), words, *_cells(part))
        for node, facts in people_of(result)
        for words, name in PARTS
        if (part := getattr(facts, name)) is not None
    ]
    return Table(PEOPLE, ("node", "of the answers", *PEOPLE_COLUMNS), tuple(rows), numeric=2)


def _cells(part: PeoplePart) -> tuple[str, ...]:
    return (
        count(part.answers),
        with_interval(estimate_share(Share(right=part.told, pairs=part.answers))),
        *(with_interval(estimate_share(one)) for one in (part.right, part.agreed, part.trusted)),
        "–" if part.seconds is None else f"{part.seconds:.1f}",
        *(with_interval(estimate_share(one)) for one in (part.right_advice, part.wrong_advice)),
    )
