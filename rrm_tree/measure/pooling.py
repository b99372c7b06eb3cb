"""Pools of proposals about the same subjects, for what choosing by score is worth.

In: a bench, a reward model, the newest agent. Out: the best of n of a node.
Reads truth, as only this package does; nothing is trained.
"""

from __future__ import annotations

import numpy as np

from rrm_tree.contracts import Agent, Imaginable
from rrm_tree.measure.bench import Bench, scores_of, true_means
from rrm_tree.outcomes import Floats, Outcomes, count_rows, take_rows
from rrm_tree.propagation.best_of_n import NodeBestOfN, Pools, best_of, estimate_truth, fit_over_optimisation
from rrm_tree.propagation.clustered import estimate_clustered
from rrm_tree.scoring import Scorer

POOL = 64
"""Proposals about each subject."""

SUBJECTS, EPISODES = 100, 512
"""At most so many subjects; of tasks whose episodes must be run step by step, so many episodes in all."""

POOL_STREAM, AGENT_STREAM = 11, 12


def measure_best_of_n(bench: Bench, name: str, scorer: Scorer, agent: Agent) -> NodeBestOfN:
    """What the best of n proposals by score is worth."""
    task = bench.station.task
    subjects = SUBJECTS if isinstance(task, Imaginable) else EPISODES // POOL
    drawn = bench.draw(min(subjects, bench.measure.agent_outcomes), 0)
    count = count_rows(drawn.subjects)
    again = take_rows(drawn.subjects, np.repeat(np.arange(count), POOL))
    proposed = bench.act(bench.station.propose, again, bench.rng(POOL_STREAM), explore=True)
    own = bench.act(agent.act, drawn.subjects, bench.rng(AGENT_STREAM), explore=False)
    score, truth = (values.reshape(count, POOL) for values in _both(scorer, proposed))
    pools = Pools(truth, score, drawn.root)
    own_score, own_truth = _both(scorer, own)
    return NodeBestOfN(
        node=name,
        subjects=count,
        pool=POOL,
        points=best_of(pools),
        fit=fit_over_optimisation(pools),
        agent_score=estimate_clustered(own_score, drawn.root),
        agent_truth=estimate_truth(own_truth, drawn.root, is_share=pools.is_share),
    )


def _both(scorer: Scorer, outcomes: Outcomes) -> tuple[Floats, Floats]:
    """Score and truth of each outcome, [n]."""
    return scores_of(scorer, outcomes), true_means(scorer.task, outcomes)
