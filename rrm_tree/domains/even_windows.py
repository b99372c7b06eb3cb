"""Windows of episodes that all last as long, so that none needs padding.

In: outcomes. Out: pieces of them.
Touches nothing.
"""

from __future__ import annotations

import numpy as np

from rrm_tree.outcomes import Ints, Outcomes, take_rows


def cut_even(outcomes: Outcomes, steps: int, rows: Ints, starts: Ints) -> Outcomes:
    """A window of `steps` steps of episode rows[i] from step starts[i], [windows]; none of them has ended."""
    row, step = rows[:, None], starts[:, None] + np.arange(steps + 1)
    return Outcomes(
        {name: values[row, step] for name, values in outcomes.observations.items()},
        outcomes.actions[row, step[:, :-1]],
        np.full(len(rows), steps, np.int64),
        take_rows(outcomes.subjects, rows),
        {name: values[row, step[:, :-1]] for name, values in outcomes.hidden.items()},
        np.zeros(len(rows), np.bool_),
    )
