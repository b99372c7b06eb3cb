"""What is asked after the first round, and whom helpers get their subjects from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rrm_tree.collecting import Collector
from rrm_tree.outcomes import Outcomes
from rrm_tree.scoring import Scorer
from rrm_tree.spec import load_tree
from rrm_tree.station import Station
from rrm_tree.team import Team

SPECS = Path(__file__).parents[2] / "task_specs"


class SureOfSetBits:
    """A scorer that is certain where the first bit is set, and knows nothing elsewhere."""

    def part_scores(self, outcomes: Outcomes) -> np.ndarray:
        return np.where(outcomes.subjects["bits"][:, :1] == 1, np.log(1 - 1e-9), np.log(0.5))


def test_what_the_reward_model_is_unsure_about_is_asked_first() -> None:
    tree = load_tree(SPECS / "logic.yaml", ["nodes.bit.judge.query=entropy"])
    station = Station(Team(tree, {}), "bit", tree.nodes["bit"])
    rng = np.random.default_rng(0)
    scorer: Scorer = SureOfSetBits()  # type: ignore[assignment]
    new = Collector(station, station.propose, rng, scorer).collect(100, "judge")
    assert len(new.items) == 100
    # Half of all subjects have the bit set. A sure item keeps a small chance (1e-3 nats against
    # 0.69): a handful of a hundred at most.
    assert new.outcomes.subjects["bits"][new.items.first, 0].sum() <= 5


def test_the_order_of_nodes_in_a_spec_does_not_change_a_helpers_subjects() -> None:
    tree = load_tree(SPECS / "chess.yaml")
    turned = tree.model_copy(update={"nodes": dict(reversed(list(tree.nodes.items())))})
    one, other = (
        Team(which, {}).subjects("ray", 20, "train", np.random.default_rng(3)) for which in (tree, turned)
    )
    assert all(np.array_equal(one[key], other[key]) for key in one)
