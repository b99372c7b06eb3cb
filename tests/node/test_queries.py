"""What is asked after the first round, and whom helpers get their subjects from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rrm_tree.rounds import Artifacts
from rrm_tree.spec import TreeSpec, load_tree
from rrm_tree.station import Station
from rrm_tree.team import Scorer, Team

LOGIC = Path(__file__).parents[2] / "task_specs" / "logic.yaml"


class Unsure:
    """Knows every part but those with an even number of the outcome it belongs to."""

    def part_scores(self, outcomes: object) -> np.ndarray:
        rows = np.arange(len(outcomes))  # type: ignore[arg-type]
        return np.where(rows[:, None] % 2 == 0, np.log(0.5), np.log(1 - 1e-9))


def leaf(tree: TreeSpec) -> str:
    return next(name for name, node in tree.nodes.items() if not node.helpers)


def test_what_the_reward_model_is_unsure_about_is_asked_first() -> None:
    tree = load_tree(LOGIC)
    name = leaf(tree)
    station = Station(Team(tree, {}), name, tree.nodes[name])
    rng = np.random.default_rng(0)
    new = station.collect(100, station.propose, "judge", rng, pool=True)
    scorer: Scorer = Unsure()  # type: ignore[assignment]
    _, items = station.select(new.outcomes, new.items, 100, scorer, rng)
    kept, _ = station.select(new.outcomes, new.items, 100, scorer, np.random.default_rng(1))
    assert len(items) == 100
    unsure = new.outcomes.lengths[::2].size
    assert unsure >= 200
    # A sure item keeps a small chance (1e-3 nats against 0.69): a handful of a hundred at most.
    sure = sum(_row_of(new.outcomes, kept, row) % 2 for row in range(len(kept)))
    assert sure <= 5


def _row_of(pool: object, kept: object, row: int) -> int:
    for place in range(len(pool)):  # type: ignore[arg-type]
        same = all(
            np.array_equal(values[place], kept.subjects[name][row])  # type: ignore[attr-defined]
            for name, values in pool.subjects.items()  # type: ignore[attr-defined]
        )
        if same and np.array_equal(pool.actions[place], kept.actions[row]):  # type: ignore[attr-defined]
            return place
    raise AssertionError("kept outcomes come from the pool")


def test_the_order_of_nodes_in_a_spec_does_not_change_a_helpers_subjects() -> None:
    tree = load_tree(LOGIC)
    turned = tree.model_copy(update={"nodes": dict(reversed(list(tree.nodes.items())))})
    name = leaf(tree)
    none: dict[str, Artifacts] = {}
    one, other = (
        Team(which, none).subjects(name, 30, "train", np.random.default_rng(3)) for which in (tree, turned)
    )
    assert all(np.array_equal(one[key], other[key]) for key in one)
