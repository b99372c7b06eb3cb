"""What the kept pairs of a run's nodes say, for its report.

In: a run's keys, the store. Out: a NodeStudy each.
Touches the store, which it reads.
"""

from __future__ import annotations

from rrm_tree.propagation import analyse
from rrm_tree.propagation.nodes import rank_worst
from rrm_tree.propagation.pairs import NodeStudy, study_node
from rrm_tree.records import RunResult
from rrm_tree.states import load_pairs
from rrm_tree.store import Store

MOST = 40
"""Nodes that are studied: reports show no more one by one."""


def study_run(store: Store, result: RunResult) -> tuple[NodeStudy, ...]:
    """Studies of the nodes that have kept pairs; of too many nodes, of the worst.

    Raises:
        StoreError: the store cannot be read.
    """
    keys = {node.name: node.key for node in result.nodes if node.key is not None}
    studies = []
    for node in rank_worst(analyse(result).nodes)[:MOST]:
        measured = load_pairs(store, keys[node.name]) if node.name in keys else None
        if measured is not None:
            studies.append(study_node(node.name, measured))
    return tuple(sorted(studies, key=lambda study: study.name))
