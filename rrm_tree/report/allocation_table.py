"""Where the next judgments are best spent: a table, and the sentence that may be said of it.

In: an Allocation. Out: a Table, text. Names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

from rrm_tree.propagation.allocating import Allocation, Grant
from rrm_tree.report.tables import Table
from rrm_tree.report.words import code, count, gain_with_interval, share

GAIN_COLUMNS = ("node", "judgments", "error", "taken off", "reaches the root", "gain at the root")


def allocation_table(found: Allocation | None) -> Table:
    """What more judgments at each node would gain the root."""
    rows = [
        (
            code(grant.node),
            count(grant.judgments),
            share(grant.error),
            gain_with_interval(grant.relief),
            gain_with_interval(grant.carried),
            gain_with_interval(grant.gain) if grant.gain else _lacks(grant),
        )
        for grant in (found.grants if found else ())
    ]
    return Table(say_gains(found.judgments if found else None), GAIN_COLUMNS, tuple(rows))


def say_gains(judgments: int | None) -> str:
    """What stands above the table."""
    many = f"{count(judgments)} more" if judgments else "more"
    return (
        f"What {many} judgments at one node would gain the root, all above it trained anew. Taken"
        " off: of the node's own error off policy, by what parts of its judgments have taught (a + b / √n)."
        " Reaches the root: by the transfers of the edges above, off policy."
    )


def _lacks(grant: Grant) -> str:
    return f"not known: {', '.join(grant.missing)}" if grant.missing else "not known"


def write_allocation(found: Allocation, run: str) -> str:
    """The allocation as text, with the commands that measure what is missing."""
    missing = {one for grant in found.grants for one in grant.missing}
    measures = sorted({tuple(one.split(" of ")) for one in missing})
    commands = [f"missing: rrm measure {run} {node} --what {what}" for what, node in measures]
    return "\n".join([*write_words(found.words, allocation_table(found)), *commands])


def write_words(words: str, table: Table) -> list[str]:
    """What may be said, and the table in columns."""
    rows = [tuple(cell.replace("`", "") for cell in row) for row in (table.columns, *table.rows)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(table.columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return [words.replace("`", ""), "", *(line.rstrip() for line in lines)]
