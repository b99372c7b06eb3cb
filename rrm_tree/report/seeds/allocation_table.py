"""Where the next judgments are best spent over seeds: a table, and the sentence that may be said of it.

In: a SeedsAllocation. Out: a Table, text. Names stand between backticks. Touches nothing.
"""

from __future__ import annotations

from rrm_tree.propagation.seeds_allocating import SeedsAllocation
from rrm_tree.report.allocation_table import GAIN_COLUMNS, say_gains, write_words
from rrm_tree.report.seeds.words import share_over, signed_over
from rrm_tree.report.tables import Table
from rrm_tree.report.words import code, count


def allocation_table(found: SeedsAllocation | None) -> Table:
    """What more judgments at each node would gain the root, in the mean over seeds."""
    rows = [
        (
            code(grant.node),
            count(grant.judgments.mean),
            share_over(grant.error),
            signed_over(grant.relief),
            signed_over(grant.carried),
            signed_over(grant.gain) if grant.gain else "not known",
            f"{len(grant.gain.by_seed) if grant.gain else 0}",
        )
        for grant in (found.grants if found else ())
    ]
    return Table(
        f"{say_gains(found.judgments if found else None)} Means over seeds with their 95% intervals.",
        (*GAIN_COLUMNS, "seeds"),
        tuple(rows),
    )


def write_allocation(found: SeedsAllocation) -> str:
    """The allocation over seeds as text."""
    return "\n".join(write_words(found.words, allocation_table(found)))
