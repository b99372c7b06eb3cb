"""What batching is worth: µs of CPU per item, beside the same work done piece by piece.

`pytest -m benchmark -s tests/benchmarks/test_learning_speed.py`, on one thread. Piece by piece is how
HumanCompatibleAI/imitation 1.0.1 goes about it: a forward pass for each fragment and each member, a
pair at a time; rewards in a wrapper around the environments, a step at a time. Same networks, same
items, same run.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rrm_tree.contracts import Shapes
from rrm_tree.learning import mlp
from rrm_tree.learning.cases import Cases, make_cases, minibatches, predict
from rrm_tree.learning.ensemble import Ensemble, build_module
from rrm_tree.learning.fit import DistillOptions, batch_loss
from rrm_tree.learning.queries import STRATEGIES, Expected
from rrm_tree.learning.reward_model import RewardModel
from rrm_tree.learning.windows import Windows, window_sums
from rrm_tree.outcomes import Advice, Answers, Items, Judged, Outcomes

pytestmark = pytest.mark.benchmark

PAIRS, STEPS, BATCH, MEMBERS = 200, 50, 32, 3
EPISODES, LENGTH, CANDIDATES, CHOSEN = 1000, 200, 10_000, 100
NETWORK = mlp(hidden=(32, 32))
SHAPES = Shapes({"observation": (3,), "action": (1,), "next": (3,)}, 1, 1, 1)
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def timed(call: Callable[[], object], items: int, repeats: int = 3) -> float:
    """The fastest of some runs, in µs of CPU an item."""
    call()
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return min(taken) / items * 1e6


def compare(what: str, ours: float, piecewise: float, at_least: float) -> None:
    """A line of the table; the test fails where batching is not worth what it is said to be at least."""
    print(f"\n{what:<44}{ours:>10.2f}{piecewise:>12.1f}{piecewise / ours:>8.1f}×", end="")
    assert piecewise / ours >= at_least


def features(*lead: int) -> dict[str, np.ndarray]:
    return {name: RNG.normal(size=(*lead, *dims)).astype(np.float32) for name, dims in SHAPES.inputs.items()}


def judged() -> tuple[Cases, dict[str, np.ndarray], np.ndarray]:
    """Preferences between windows, as cases and as they are."""
    inputs = features(2 * PAIRS, STEPS)
    first, zeros = np.arange(PAIRS), np.zeros(PAIRS, np.int64)
    outcomes = Outcomes(
        {"observation": np.zeros((2 * PAIRS, STEPS + 1, 1))},
        np.zeros((2 * PAIRS, STEPS)),
        np.full(2 * PAIRS, STEPS),
        {},
    )
    answers = RNG.integers(0, 2, PAIRS).astype(float)
    items = Items(first, first + PAIRS, zeros, zeros)
    batch = Judged(outcomes, Advice(), "preference", items, Answers(answers, zeros))
    return make_cases(batch, inputs, None, False), inputs, answers


def fragment(
    inputs: dict[str, np.ndarray], row: int, start: int = 0, steps: int = STEPS
) -> dict[str, Tensor]:
    return {name: torch.from_numpy(values[row, start : start + steps]) for name, values in inputs.items()}


def epoch_of_one(module: nn.Module, inputs: dict[str, np.ndarray], answers: np.ndarray) -> None:
    """One member over all pairs, each fragment by itself."""
    for start in range(0, PAIRS, BATCH):
        losses = []
        for pair in range(start, min(start + BATCH, PAIRS)):
            margin = module(fragment(inputs, pair)).sum() - module(fragment(inputs, pair + PAIRS)).sum()
            chance = torch.sigmoid(margin)
            losses.append(nn.functional.binary_cross_entropy(chance, torch.tensor(answers[pair]).float()))
        torch.stack(losses).mean().backward()


def epoch(ensemble: Ensemble, cases: Cases) -> None:
    fresh = ensemble.map(lambda weights: weights.detach().requires_grad_())
    for chosen in minibatches([np.arange(PAIRS)] * fresh.members, BATCH):
        batch_loss(cases, predict(fresh, cases, chosen), DistillOptions(mistakes=0.0)).backward()


def members(count: int) -> list[nn.Module]:
    return [build_module(NETWORK, SHAPES, seed) for seed in range(count)]


@pytest.mark.parametrize(
    ("count", "what"), [(1, "an epoch of a reward model"), (MEMBERS, "of an ensemble of 3")]
)
def test_epoch(count: int, what: str) -> None:
    cases, inputs, answers = judged()
    ensemble, alone = Ensemble.build(NETWORK, SHAPES, count, 0), members(count)
    ours = timed(lambda: epoch(ensemble, cases), PAIRS)
    piecewise = timed(lambda: [epoch_of_one(one, inputs, answers) for one in alone], PAIRS)
    compare(f"{what}, a pair", ours, piecewise, 3)


def model(count: int) -> RewardModel:
    return RewardModel(Ensemble.build(NETWORK, SHAPES, count, 0), False, np.zeros(1), np.ones(1))


@pytest.fixture(scope="module")
def pool() -> tuple[dict[str, np.ndarray], Windows, Windows]:
    """Episodes, and both windows of every candidate pair."""

    def windows() -> Windows:
        return Windows(RNG.integers(0, EPISODES, CANDIDATES), RNG.integers(0, LENGTH - STEPS + 1, CANDIDATES))

    return features(EPISODES, LENGTH), windows(), windows()


def expect(pool: tuple[dict[str, np.ndarray], Windows, Windows]) -> Expected:
    inputs, first, second = pool
    steps = model(MEMBERS).member_steps(inputs, None, np.ones((EPISODES, LENGTH), bool))[..., 0, 0]
    return Expected("preference", window_sums(steps, first, STEPS) - window_sums(steps, second, STEPS))


@pytest.mark.parametrize("query", STRATEGIES)
def test_query(query: str, pool: tuple[dict[str, np.ndarray], Windows, Windows]) -> None:
    alone, looked_at = members(MEMBERS), 200

    def piecewise() -> None:
        """Every member about every fragment of every candidate, then the variance, pair by pair."""
        inputs, first, second = pool
        scores = np.zeros(looked_at)
        with torch.no_grad():
            for place in range(looked_at):
                ends = [
                    fragment(inputs, windows.rows[place], windows.starts[place])
                    for windows in (first, second)
                ]
                margins = [float(one(ends[0]).sum() - one(ends[1]).sum()) for one in alone]
                scores[place] = np.var(1 / (1 + np.exp(-np.array(margins))))
        np.argsort(scores)[-CHOSEN:]

    def ours() -> None:
        STRATEGIES[query](expect(pool), CHOSEN, np.random.default_rng(0))

    compare(f"query by {query}, a candidate", timed(ours, CANDIDATES, 1), timed(piecewise, looked_at), 3)


def test_query_alone(pool: tuple[dict[str, np.ndarray], Windows, Windows]) -> None:
    """Where the time of a query goes: all but the first line once every step is scored."""
    expected = expect(pool)
    everything = timed(lambda: expect(pool), CANDIDATES, 1)
    print(f"\n{'scoring all steps, a candidate':<44}{everything:>10.2f}", end="")
    for name, strategy in STRATEGIES.items():
        taken = timed(lambda s=strategy: s(expected, CHOSEN, np.random.default_rng(0)), CANDIDATES)
        print(f"\n{'then ' + name + ', a candidate':<44}{taken:>10.2f}", end="")
        assert taken < everything


@pytest.mark.parametrize("envs", [1, 8])
def test_inference(envs: int) -> None:
    one, alone = model(1), members(1)[0]
    rollout = features(envs, 2048 // envs)
    mask = np.ones((envs, 2048 // envs), bool)

    def piecewise() -> None:
        with torch.no_grad():
            for step in range(2048 // envs):
                alone({name: torch.from_numpy(values[:, step]) for name, values in rollout.items()}).numpy()

    ours = timed(lambda: one.rewards(rollout, None, mask, np.ones(1)), 2048)
    compare(f"reward inference, {envs} side by side, a step", ours, timed(piecewise, 2048), 1.5)
