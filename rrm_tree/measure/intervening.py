"""What an error is made of: its makers exchanged one after the other, in all orders.

In: hearings off and on policy, a reward model. Out: causes that sum to the error, with intervals.
Evaluation alone: nothing is trained.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rrm_tree.measure.hearing import Hearing
from rrm_tree.outcomes import Floats
from rrm_tree.propagation.causes import Cause, ErrorCauses, Kind
from rrm_tree.propagation.clustered import estimate_clustered, estimate_clustered_share, split_gain
from rrm_tree.propagation.intervals import Estimate
from rrm_tree.scoring import Scorer

EXACT_HELPERS = 6
"""Up to so many helpers all orders are taken."""

SAMPLED_ORDERS = 64
"""Otherwise so many; each is followed by its reverse."""

ORDERS_STREAM = 8


def find_causes(hearing: Hearing, scorer: Scorer, acting: Estimate | None = None) -> ErrorCauses | None:
    """What 1 − distilled is made of on these pairs; None for no pairs.

    Args:
        hearing: the pairs before the judge.
        scorer: the node's reward model.
        acting: what the agent loses beside, where that can be compared.
    """
    if not len(hearing.pairs):
        return None
    distilled = hearing.distilled(scorer)
    parts: list[tuple[Kind, str | None, Floats]] = []
    orders: Sequence[Sequence[str]] = ()
    if hearing.helpers and len(hearing.perfect) < len(hearing.helpers):
        parts.append(("judging", None, 1 - hearing.assisted))
    else:
        names = sorted(hearing.helpers)
        orders = _sample_orders(hearing, names) if len(names) > EXACT_HELPERS else ()
        shares = split_gain(lambda perfect: hearing.right(hearing.mix(perfect)), names, orders)
        parts += _own(hearing)
        parts += [("helper", name, share) for name, share in shares.items()]
    parts.append(("distilling", None, hearing.assisted - distilled))
    root = hearing.pairs.root
    causes = [
        Cause(kind=kind, helper=name, size=estimate_clustered(values, root)) for kind, name, values in parts
    ]
    if acting is not None:
        causes.append(Cause(kind="acting", size=acting))
    return ErrorCauses(
        error=estimate_clustered_share(1 - distilled, root),
        causes=tuple(causes),
        orders=len(orders) or int(np.prod(np.arange(1, len(hearing.helpers) + 1))),
    )


def _own(hearing: Hearing) -> list[tuple[Kind, str | None, Floats]]:
    """What perfect helpers would leave of the error."""
    ideal = hearing.right(hearing.ideal)
    if hearing.careful_judge is None:
        return [("own", None, 1 - ideal)]
    careful = hearing.right(hearing.ideal, hearing.careful_judge)
    return [("limits", None, 1 - careful), ("slips", None, careful - ideal)]


def _sample_orders(hearing: Hearing, names: Sequence[str]) -> list[list[str]]:
    """Some orders, each followed by its reverse: what is early in one is late in the other."""
    rng = hearing.bench.rng(ORDERS_STREAM)
    drawn = [[names[place] for place in rng.permutation(len(names))] for _ in range(SAMPLED_ORDERS // 2)]
    return [order for one in drawn for order in (one, one[::-1])]
