"""What was measured of a run's nodes beside their records, for its report.

In: a run's keys, the store. Out: a NodeStudy each.
Touches the store, which it reads.
"""

from __future__ import annotations

from rrm_tree.propagation import analyse
from rrm_tree.propagation.causes import NodeCauses
from rrm_tree.propagation.nodes import rank_worst
from rrm_tree.propagation.pairs import NodeStudy, study_node
from rrm_tree.propagation.prediction import NodePredictions
from rrm_tree.propagation.transfer import NodeTransfers
from rrm_tree.records import RunResult
from rrm_tree.states import load_pairs, load_study
from rrm_tree.store import Store

MOST = 40
"""Nodes that are studied: reports show no more one by one."""


def study_run(store: Store, result: RunResult) -> tuple[NodeStudy, ...]:
    """Studies of the nodes of which anything is kept; of too many nodes, of the worst.

    Raises:
        StoreError: the store cannot be read.
    """
    keys = {node.name: node.key for node in result.nodes if node.key is not None}
    studies, analysis = [], analyse(result)
    for node in rank_worst(analysis.nodes)[:MOST]:
        found = _study(store, node.name, keys[node.name]) if node.name in keys else None
        if found is not None and found != NodeStudy(name=node.name):
            studies.append(found)
    # As in all tables: by level, the root first.
    order = {node.name: place for place, node in enumerate(analysis.nodes)}
    return tuple(sorted(studies, key=lambda study: order[study.name]))


def _study(store: Store, name: str, key: str) -> NodeStudy:
    measured = load_pairs(store, key)
    found = NodeStudy(name=name) if measured is None else study_node(name, measured)
    return found.model_copy(
        update={
            "causes": load_study(store, key, "causes", NodeCauses),
            "transfers": load_study(store, key, "transfer", NodeTransfers),
            "predictions": load_study(store, key, "prediction", NodePredictions),
        }
    )
