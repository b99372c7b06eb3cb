"""Judges whose helpers say numbers: what they should put right, errors keeping what they have in common."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from rrm_tree.measure.predicting import Known, foretell_by_errors, predict
from rrm_tree.outcomes import Advice
from rrm_tree.propagation.prediction import order_chance

PAIRS = 6000


@dataclass
class Pairs:
    """So many, each of a starting state of its own."""

    first_better: np.ndarray
    root: np.ndarray = field(default_factory=lambda: np.arange(PAIRS))

    def __len__(self):
        return PAIRS


class Bench:
    """All that predicting asks of a bench: its generators."""

    def rng(self, stream):
        return np.random.default_rng([7, stream])


@dataclass
class Added:
    """Two outcomes each, worth the sum of what two helpers say; a judge who adds that up."""

    said: dict
    true: dict
    distribution: str = "off"

    def __post_init__(self):
        worth = sum(self.true.values())
        self.pairs = Pairs(worth[:PAIRS] > worth[PAIRS:])
        self.bench = Bench()
        self.helpers = self.perfect = dict.fromkeys(self.said)
        self.trained, self.ideal = Advice(self.said), Advice(self.true)

    def right(self, advice):
        found = sum(advice.values.values())
        return ((found[:PAIRS] > found[PAIRS:]) == self.pairs.first_better).astype(float)

    @property
    def assisted(self):
        return self.right(self.trained)


def added(shared, tied_to_truth=0.0):
    """Helpers whose errors share a part of their variance, and may grow with the truth."""
    rng = np.random.default_rng(1)
    true = {name: rng.standard_normal(2 * PAIRS) for name in ("one", "two")}
    common = rng.standard_normal(2 * PAIRS)
    said = {}
    for name, values in true.items():
        own = rng.standard_normal(2 * PAIRS)
        said[name] = values * (1 - tied_to_truth) + np.sqrt(shared) * common + np.sqrt(1 - shared) * own
    return Added(said, true)


@pytest.mark.parametrize("shared", [0.0, 0.9])
def test_what_is_foretold_is_what_is_measured_and_what_the_formula_says(shared):
    found = predict(added(shared), Known({}, {}))
    # Truth has the variance 2; errors have 2 and, twice their covariance, 2 * shared.
    formula = order_chance(np.sqrt(2 / (4 + 2 * shared)))
    assert found.predicted == pytest.approx(formula, abs=0.012)
    assert found.measured.value == pytest.approx(formula, abs=0.02)
    assert not found.alarm
    assert found.composed is None


def test_errors_that_hang_together_with_what_is_asked_are_left_unexplained():
    assert predict(added(0.0, tied_to_truth=0.7), Known({}, {})).alarm


def test_helpers_who_say_no_numbers_are_not_foretold_so():
    hearing = added(0.0)
    hearing.trained = Advice({name: (values > 0).astype(np.int8) for name, values in hearing.said.items()})
    assert foretell_by_errors(hearing) is None
