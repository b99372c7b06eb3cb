"""What was measured of a run's nodes beside their records, for its report.

In: a run's keys, the store. Out: a NodeStudy each.
Touches the store, which it reads.
"""

from __future__ import annotations

from rrm_tree.paired import compare_with_arms
from rrm_tree.propagation import analyse
from rrm_tree.propagation.allocating import Allocation, Asked, allocate, ask_of
from rrm_tree.propagation.best_of_n import NodeBestOfN
from rrm_tree.propagation.causes import NodeCauses
from rrm_tree.propagation.disagreements import NodeDisagreements
from rrm_tree.propagation.learning_curves import NodeLearning
from rrm_tree.propagation.nodes import rank_worst
from rrm_tree.propagation.pairs import NodeStudy, study_node
from rrm_tree.propagation.prediction import NodePredictions
from rrm_tree.propagation.step_rewards import NodeSteps
from rrm_tree.propagation.sweep_gains import NodeSweeps
from rrm_tree.propagation.transfer import NodeTransfers
from rrm_tree.records import NodeResult, RunResult
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
        if found is not None:
            found = found.model_copy(update={"arms": compare_with_arms(store, result, node.name)})
        if found is not None and found != NodeStudy(name=node.name):
            studies.append(found)
    # As in all tables: by level, the root first.
    order = {node.name: place for place, node in enumerate(analysis.nodes)}
    return tuple(sorted(studies, key=lambda study: order[study.name]))


def allocate_run(store: Store, result: RunResult, judgments: int) -> Allocation:
    """Where so many more judgments would gain the root most, as far as that was measured.

    Raises:
        StoreError: the store cannot be read.
    """
    mains = [node for node in result.nodes if node.is_main]
    return allocate([_asked(store, node) for node in mains], result.root, judgments)


def _asked(store: Store, node: NodeResult) -> Asked:
    if node.key is None:
        return ask_of(node, None, None)
    learning = load_study(store, node.key, "learning", NodeLearning)
    return ask_of(node, learning, load_study(store, node.key, "transfer", NodeTransfers))


def _study(store: Store, name: str, key: str) -> NodeStudy:
    measured = load_pairs(store, key)
    found = NodeStudy(name=name) if measured is None else study_node(name, measured)
    return found.model_copy(
        update={
            "causes": load_study(store, key, "causes", NodeCauses),
            "transfers": load_study(store, key, "transfer", NodeTransfers),
            "predictions": load_study(store, key, "prediction", NodePredictions),
            "best_of_n": load_study(store, key, "best-of-n", NodeBestOfN),
            "disagreements": load_study(store, key, "disagreements", NodeDisagreements),
            "sweeps": load_study(store, key, "sweeps", NodeSweeps),
            "learning": load_study(store, key, "learning", NodeLearning),
            "steps": load_study(store, key, "steps", NodeSteps),
        }
    )
