"""Where the next judgments are best spent, on curves and slopes made up to be worked out by hand."""

import numpy as np
import pytest

from rrm_tree.propagation.allocating import Allocation, Asked, Grant, allocate
from rrm_tree.propagation.intervals import Estimate
from rrm_tree.propagation.learning_curves import Learned, trace_learning
from rrm_tree.propagation.seeds_allocating import allocate_over_seeds
from rrm_tree.propagation.transfer import BreakEven, NodeTransfers, Transfer
from rrm_tree.report.allocation_table import write_allocation
from rrm_tree.report.seeds.allocation_table import write_allocation as write_over_seeds

PAIRS = 4000


def curve(name, a, b, counts=(100, 200, 400), draws=4, noise=0.0):
    """A node of which a share a + b / √n of the pairs is wrong, exactly but for the noise over draws."""
    rng, learned = np.random.default_rng(1), []
    for count in counts:
        wrong = [a + b / np.sqrt(count) + noise * rng.standard_normal() for _ in range(draws)]
        right = [np.arange(PAIRS) >= round(share * PAIRS) for share in wrong]
        learned.append(Learned(count, np.stack(right).astype(float)))
    return trace_learning(name, learned, np.arange(PAIRS))


def edge(helper, slope, trained_error, half=0.01):
    return Transfer(
        helper=helper,
        distribution="off",
        start="ideal",
        bar="alone",
        points=(),
        slope=Estimate(value=slope, low=slope - half, high=slope + half, count=300),
        trained_error=trained_error,
        break_even=BreakEven(helper_error=None, low=None, high=None, tried=0.5),
    )


def chain(root=(0.02, 0.1), leaf=(0.05, 1.0), slope=2.0, noise=0.0):
    """A root and its leaf, with the a and b of each."""
    return [
        Asked("root", 400, ("leaf",), curve("root", *root, noise=noise), transfers("root", slope, leaf)),
        Asked("leaf", 400, (), curve("leaf", *leaf, noise=noise), None),
    ]


def transfers(parent, slope, leaf):
    return NodeTransfers(node=parent, transfers=(edge("leaf", slope, leaf[0] + leaf[1] / 20),))


def test_a_curve_finds_the_slope_that_it_was_drawn_with():
    found = curve("leaf", 0.05, 1.0)
    assert found.slope.value == pytest.approx(1.0, abs=0.02)
    assert [point.judgments for point in found.points] == [100, 200, 400]
    assert found.gain(1200).value == pytest.approx(1 / 20 - 1 / 40, abs=0.001)


def test_draws_that_differ_widen_the_interval():
    calm, noisy = curve("leaf", 0.05, 1.0), curve("leaf", 0.05, 1.0, noise=0.02)
    assert noisy.slope.high - noisy.slope.low > 1.5 * (calm.slope.high - calm.slope.low)


def test_what_is_equal_at_every_number_of_judgments_has_a_slope_of_exactly_0():
    assert curve("leaf", 0.1, 0.0).slope.value == 0.0


def test_the_gain_of_a_helper_is_its_relief_carried_up_by_the_transfer():
    found = allocate(chain(), "root", 1200)
    by_name = {grant.node: grant for grant in found.grants}
    # 1/√400 − 1/√1600 is a fortieth.
    assert by_name["leaf"].gain.value == pytest.approx(2.0 * 1.0 / 40, abs=0.002)
    assert by_name["root"].gain.value == pytest.approx(0.1 / 40, abs=0.002)
    assert found.best.node == "leaf"
    assert found.words.startswith("Spend them on `leaf`: the root gains 0.050")


def test_a_way_up_over_two_edges_multiplies_their_slopes():
    middle = Asked("middle", 400, ("leaf",), curve("middle", 0.1, 0.0), transfers("middle", 0.5, (0.05, 1.0)))
    above = NodeTransfers(node="root", transfers=(edge("middle", 0.4, 0.1),))
    root = Asked("root", 400, ("middle",), curve("root", 0.1, 0.0), above)
    found = allocate([root, middle, chain()[1]], "root", 1200)
    leaf = next(grant for grant in found.grants if grant.node == "leaf")
    assert leaf.carried.value == pytest.approx(0.2, rel=0.05)
    assert leaf.gain.value == pytest.approx(0.2 / 40, rel=0.1)


def test_a_node_is_looked_at_once_however_many_ways_lead_up_from_it():
    # Two nodes a level that both hear both below: 2 ** 40 ways up from the lowest.
    learning = curve("any", 0.1, 0.0)
    nodes = [Asked("root", 400, ("0.0", "0.1"), learning, ladder("root", "0.0", "0.1"))]
    for level in range(40):
        below = (f"{level + 1}.0", f"{level + 1}.1") if level < 39 else ()
        nodes += [
            Asked(name, 400, below, learning, ladder(name, *below)) for name in (f"{level}.0", f"{level}.1")
        ]
    carried = {grant.node: grant.carried.value for grant in allocate(nodes, "root", 100).grants}
    # Half of a relief by each of two ways, at every level.
    assert carried["39.0"] == pytest.approx(0.5)


def ladder(parent, *helpers):
    return NodeTransfers(node=parent, transfers=tuple(edge(one, 0.5, 0.1, half=0) for one in helpers))


def test_overlapping_intervals_are_no_detectable_difference():
    same = chain(root=(0.05, 1.0), slope=1.0, noise=0.01)
    found = allocate(same, "root", 1200)
    assert found.best is None
    assert found.words == "No detectable difference: the intervals of the best nodes overlap."
    flat = allocate(chain(root=(0.1, 0.0), leaf=(0.1, 0.0)), "root", 1200)
    assert flat.words == "No detectable difference: no node's gain is told from none."


def test_no_more_error_is_taken_off_than_there_is():
    found = allocate(chain(leaf=(0.0, 0.4), noise=0.02), "root", 10**9)
    leaf = next(grant for grant in found.grants if grant.node == "leaf")
    assert leaf.relief.high <= leaf.error
    # A curve that falls steeper than its error is high goes no lower than 0.
    steep = allocate(chain(root=(-0.04, 1.0)), "root", 10**9).grants
    root = next(grant for grant in steep if grant.node == "root")
    assert (root.relief.value, root.gain.value) == pytest.approx((root.error, root.error))
    assert root.relief.low <= root.relief.value <= root.relief.high


def test_what_is_missing_is_named_with_the_command_that_measures_it():
    root, leaf = chain()
    found = allocate([Asked("root", 400, ("leaf",), root.learning, None), leaf], "root", 100)
    grants = {grant.node: grant for grant in found.grants}
    assert grants["root"].gain is not None
    assert grants["leaf"].missing == ("transfer of root",)
    assert "missing: rrm measure july root --what transfer" in write_allocation(found, "july")
    # Of what was not measured nothing is claimed.
    assert found.words.endswith("and of no other node it is known.")


def test_a_helper_that_nobody_hears_gains_the_root_nothing():
    root, leaf = chain()
    found = allocate([Asked("root", 400, (), root.learning, None), leaf], "root", 100)
    assert {grant.node: grant.gain.value for grant in found.grants}["leaf"] == 0.0


# --- over seeds --------------------------------------------------------------------------------


def granted(judgments=500, half=0.001, **gains):
    """One seed's allocation with these gains, each known to so much; None for what was not measured."""

    def grant(node, gain):
        if gain is None:
            return Grant(node=node, judgments=400, error=None, relief=None, carried=None, gain=None)
        known = Estimate(value=gain, low=gain - half, high=gain + half, count=300)
        return Grant(node=node, judgments=400, error=0.1, relief=known, carried=known, gain=known)

    return Allocation(judgments=judgments, grants=tuple(grant(node, gain) for node, gain in gains.items()))


def over_seeds(root, leaf, half=0.001):
    both = zip(root, leaf, strict=True)
    return allocate_over_seeds(
        {seed: granted(half=half, root=one, leaf=other) for seed, (one, other) in enumerate(both)}
    )


def test_gains_are_averaged_over_seeds_and_compared_seed_by_seed():
    # Seeds differ by more than the nodes do: only differences within a seed show which one is better.
    found = over_seeds((0.03, 0.04, 0.05, 0.06), (0.02, 0.031, 0.04, 0.049))
    assert [grant.node for grant in found.grants] == ["root", "leaf"]
    gain = found.best.gain
    # Student with 3 degrees of freedom: 3.1824 · 0.01291 / √4.
    assert (gain.mean, gain.high - gain.mean) == (pytest.approx(0.045), pytest.approx(0.020542, rel=1e-3))
    assert found.words == (
        "Over 4 seeds: spend them on `root`: the root gains 0.045 in the mean (95% over seeds: 0.024 to"
        " 0.066), more than from any other node."
    )
    assert "+0.045 (+0.024 to +0.066)" in write_over_seeds(found)


def test_gains_that_seeds_agree_on_are_told_apart_no_better_than_they_were_measured():
    found = over_seeds((0.03, 0.04, 0.05, 0.06), (0.02, 0.031, 0.04, 0.049), half=0.02)
    assert found.grants[0].gain.low > 0
    assert found.best is None
    assert found.words.endswith("the best nodes are not told apart.")


@pytest.mark.parametrize(
    ("root", "leaf", "words"),
    [
        ((0.03, 0.05, 0.04), (0.05, 0.03, 0.04), "over 3 seeds: the best nodes are not told apart."),
        ((0.03, -0.03, 0.0), (-0.02, 0.02, 0.0), "over 3 seeds: no node's mean gain is told from none."),
        ((0.03, 0.03), (0.0, 0.0), "over seeds yet: it takes 3 of which nothing is missing."),
        ((None, None, None), (None, None, None), "over seeds yet: measure what is missing."),
    ],
)
def test_what_seeds_cannot_tell_is_said(root, leaf, words):
    found = over_seeds(root, leaf)
    assert found.best is None
    assert found.words.endswith(words)
    assert "leaf" in write_over_seeds(found)
