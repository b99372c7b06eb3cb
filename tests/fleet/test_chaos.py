"""Whatever happens to a fleet, its run ends with the bytes of an undisturbed one.

The short form: every kind of misfortune once or more, in schedules that seeds give. The long one is
not written yet.
"""

import numpy as np
import pytest
from chaos import KINDS, Chaos, leafy_tree, slow_nodes
from small_trees import learned, make_plan, make_tree, train

SCHEDULES = 5


def misfortunes(seed):
    """Each schedule's share of all kinds, shuffled together."""
    order = np.random.default_rng(5).permutation(KINDS)
    return list(np.array_split(order, SCHEDULES)[seed])


SHAPE = leafy_tree(2, 2)
EDITS = slow_nodes(SHAPE, 0.25, 4)


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """What an undisturbed run leaves, in this process."""
    folder = tmp_path_factory.mktemp("calm")
    train(folder, make_plan(make_tree(SHAPE, EDITS)))
    return learned(folder)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_a_run_to_which_things_happen_ends_like_one_to_which_nothing_does(
    fleet, broker, database, calm, seed
):
    chaos = Chaos(fleet, fleet.plan(SHAPE, EDITS), broker, database, np.random.default_rng(seed))
    chaos.play(misfortunes(seed))
    chaos.check(calm)
