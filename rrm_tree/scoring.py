"""What a node's reward model says of outcomes, with the advice that it sees.

In: outcomes of one task. Out: rewards, scores, what a reward network takes.
Touches what asking the helpers touches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from rrm_tree.advising import Advisor
from rrm_tree.contracts import Absorbing, Factorised, Shapes, Task
from rrm_tree.learning.reward_model import RewardModel
from rrm_tree.outcomes import Advice, Array, Arrays, Floats, Outcomes


@dataclass(frozen=True)
class Scorer:
    """A reward model with the advice that it sees: scores outcomes of one task."""

    task: Task
    model: RewardModel
    advisor: Advisor
    """With no helpers where the model sees outcomes alone."""
    weights: Floats
    caution: float = 0.0
    """How many of the members' deviations are taken off the rewards on which an agent improves."""

    def inputs(self, outcomes: Outcomes, advice: Advice | None = None) -> Arrays:
        """What the network sees of these outcomes; asks the helpers unless told what they said."""
        seen = self.advisor.advise(outcomes) if advice is None else advice
        return network_inputs(self.task, outcomes, seen)

    def rewards(self, outcomes: Outcomes) -> Floats:
        """Reward of every transition, shape [n, T]."""
        actions = outcomes.actions if isinstance(self.task, Factorised) else None
        return self.model.rewards(self.inputs(outcomes), actions, outcomes.mask, self.weights)

    def beyond(self) -> float | None:
        """Reward of every step after an episode's end, where the task lets it go on; None elsewhere."""
        step = self.task.absorbing() if isinstance(self.task, Absorbing) else None
        return None if step is None else float(self.cautious_rewards(step)[0, 0])

    def cautious_rewards(self, outcomes: Outcomes) -> Floats:
        """Rewards to improve on, [n, T]; `rewards` themselves without caution."""
        if not self.caution:
            return self.rewards(outcomes)
        actions = outcomes.actions if isinstance(self.task, Factorised) else None
        inputs, mask = self.inputs(outcomes), outcomes.mask
        return self.model.cautious_rewards(inputs, actions, mask, self.weights, self.caution)

    def cautious_table(self, outcomes: Outcomes) -> Floats:
        """Table to improve on, [n, parts, values]; `table` itself without caution."""
        if not self.caution:
            return self.table(outcomes)
        return self.model.cautious_table(self.inputs(outcomes), self.weights, self.caution)[:, 0]

    def member_steps(self, outcomes: Outcomes) -> Floats:
        """What every member says of every step, not normalised: [members, n, T, parts, criteria]."""
        actions = outcomes.actions if isinstance(self.task, Factorised) else None
        return self.model.member_steps(self.inputs(outcomes), actions, outcomes.mask)

    def scores(self, outcomes: Outcomes) -> Floats:
        """Score of every outcome, shape [n]."""
        return cast(Floats, (self.rewards(outcomes) * outcomes.mask).sum(axis=1))

    def table(self, outcomes: Outcomes) -> Floats:
        """Score of every value of every part of one-step outcomes, shape [n, parts, values]."""
        mean, _ = self.model.table(self.inputs(outcomes))
        return cast(Floats, (mean[:, 0] * self.weights).sum(axis=-1))

    def by_criterion(self, outcomes: Outcomes) -> Floats:
        """Score of each part as it was acted, by each criterion alone, shape [n, parts, criteria]."""
        actions = outcomes.actions if isinstance(self.task, Factorised) else None
        return self.model.part_scores(self.inputs(outcomes), actions, outcomes.mask)

    def part_scores(self, outcomes: Outcomes) -> Floats:
        """Score of each part as it was acted, shape [n, parts]; one column for undivided tasks."""
        if not isinstance(self.task, Factorised):
            return self.scores(outcomes)[:, None]
        return pick_values(self.table(outcomes), outcomes.actions[:, 0])


def pick_values(table: Floats, actions: Array) -> Floats:
    """The table's entry for each part's value: [n, parts, values], [n, parts] → [n, parts]."""
    chosen = actions.reshape(table.shape[:2]).astype(np.int64)
    picked: Floats = np.take_along_axis(table, chosen[:, :, None], axis=2)[:, :, 0]
    return picked


def network_inputs(task: Task, outcomes: Outcomes, advice: Advice) -> dict[str, Array]:
    """The outcomes' encoding and the raw advice, as a reward network takes them: each [n, T, ...]."""
    inputs = dict(task.encode(outcomes))
    steps = outcomes.actions.shape[1]
    for name, values in advice.values.items():
        shown = values[:, None]
        inputs[f"advice.{name}"] = np.broadcast_to(shown, (len(values), steps, *values.shape[1:]))
    return inputs


def network_shapes(task: Task, inputs: Arrays, criteria: int) -> Shapes:
    """What a reward network for these inputs is built for."""
    values = task.part_values if isinstance(task, Factorised) else 1
    parts = task.parts if isinstance(task, Factorised) else 1
    return Shapes({name: tuple(v.shape[2:]) for name, v in inputs.items()}, parts, values, criteria)
