"""Truth is for measurement alone: training does not notice when it is taken away."""

import numpy as np
import pytest
from small_nodes import logic_tree, train_both

ROUNDS = {
    "budget": {"judgments": 120, "rounds": 2},
    "judge": {"use": "logic.person", "with": {"looks": 8}, "query": "entropy"},
    "gate": {"reject": 0.6, "accept": 0.9, "judgments": 60},
}


def everything(state):
    """All that a round leaves behind but what was measured."""
    judged = state.judged
    return {
        **{f"agent.{name}": values for name, values in state.agent.items()},
        **{f"reward.{name}": values for name, values in state.reward.items()},
        **judged.outcomes.arrays(),
        **judged.advice.values,
        "items": np.stack([judged.items.first, judged.items.part, judged.items.criterion]),
        "answers": judged.answers.values,
        "looks": judged.answers.looks,
    }


@pytest.mark.slow
def test_training_with_truth_removed_gives_the_same_bytes():
    seeing = train_both(logic_tree(ROUNDS, ROUNDS))
    blind = train_both(
        logic_tree({**ROUNDS, "task": "blind:build_bit"}, {**ROUNDS, "task": "blind:build_root"})
    )
    for rounds, others in zip(seeing, blind, strict=True):
        assert [state.record.off is None for state in (*rounds, *others)] == [False] * 2 + [True] * 2
        for state, other in zip(rounds, others, strict=True):
            assert state.record.facts == other.record.facts
            assert state.record.gate == other.record.gate
            found, left = everything(state), everything(other)
            assert found.keys() == left.keys()
            assert all(values.tobytes() == left[name].tobytes() for name, values in found.items())
