"""The tasks of the synthetic world, which are one: claim whether it is true of a place.

In: places. Out: outcomes of one step whose action is the claim; questions about the places below.
Touches nothing but the generators that it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
from gymnasium import spaces

from rrm_tree.contracts import Split
from rrm_tree.domains.logic.task import SPLITS
from rrm_tree.domains.logic.world import RULES, Bools
from rrm_tree.domains.one_step import OneStep
from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Advice, Array, Arrays, Floats, Ints, Outcomes, Questions, mix_bits

CLAIM = "synthetic.claim"
PLACE = "synthetic.place"

VOTE = "vote"
"""A majority of places that all hold or all do not: redundancy."""

CODES = 1 << 62


class Gate:
    """Claim whether it is true of a place; a leaf where there is no rule."""

    version = "1"
    subject: str | None = PLACE
    advice: str | None = CLAIM
    parts = 1
    part_values = 2
    exclusive = True

    def __init__(self, rule: str | None, fan_in: int, batch: int) -> None:
        self.rule, self.fan_in, self.batch = rule, fan_in, batch
        self.accepts: Mapping[str, str] = {CLAIM: PLACE} if rule else {}
        inputs = np.array(list(product((False, True), repeat=fan_in)))
        if rule == VOTE:
            inputs = inputs[[0, -1]]
        output = self.says(inputs)
        self.patterns = [inputs[output == value] for value in (False, True)]
        """What may hold below, by what holds at the place: each [patterns, fan_in]."""

    def make_vec(self, num_envs: int) -> OneStep:
        """Shows a place, takes a claim, and ends."""
        seen = spaces.Dict(
            {"code": spaces.Box(0, CODES, (), np.int64), "value": spaces.Box(0, 1, (), np.int64)}
        )
        return OneStep(num_envs, seen, spaces.MultiDiscrete([2]))

    def starts(self, count: int, split: Split, rng: np.random.Generator) -> Arrays:
        """Different places of the split, it being true of every other one."""
        # The rarest split is an eighth of all places: 16 draws a row find enough.
        codes = np.unique(rng.integers(0, CODES, size=16 * count + 64))
        eighth = mix_bits(codes.astype(np.uint64)) % np.uint64(8)
        codes = rng.permutation(codes[np.isin(eighth, SPLITS[split])])[:count]
        return {"code": codes, "value": rng.permutation(np.arange(len(codes)) % 2)}

    def propose(self, observations: Arrays, subjects: Arrays, rng: np.random.Generator) -> Array:
        """Claims at random."""
        return rng.integers(0, 2, size=(len(subjects["code"]), 1))

    def below(self, subjects: Arrays) -> Bools:
        """What holds at the places below each place, [n, fan_in]."""
        codes = mix_bits(subjects["code"].astype(np.uint64) ^ np.uint64(0x5DEE_CE66))
        drawn = [one[(codes % np.uint64(len(one))).astype(np.int64)] for one in self.patterns]
        return np.asarray(np.where(subjects["value"][:, None] != 0, drawn[1], drawn[0]))

    def says(self, inputs: Bools) -> Bools:
        """What the gate makes of what holds below, [n, fan_in] → [n]."""
        if self.rule is None:
            return np.asarray(inputs[:, 0])
        return RULES["majority" if self.rule == VOTE else self.rule](inputs)

    def questions(self, outcomes: Outcomes, criterion: str, advice: str) -> Questions:
        """Whether it is true of each place below: `fan_in` questions an outcome, in order.

        Raises:
            PluginError: nothing is below a leaf.
        """
        if self.rule is None:
            raise PluginError(f"synthetic.leaf accepts no helpers, so it cannot ask for {advice}")
        subjects, owner = outcomes.subjects, np.repeat(np.arange(len(outcomes)), self.fan_in)
        which = np.tile(np.arange(self.fan_in), len(outcomes)).astype(np.uint64)
        codes = mix_bits(subjects["code"][owner].astype(np.uint64) * np.uint64(16) + which)
        values = self.below(subjects).reshape(-1).astype(np.int64)
        return Questions({"code": (codes % np.uint64(CODES)).astype(np.int64), "value": values}, owner)

    def lay_out(self, advice: str, questions: Questions, answers: Outcomes, count: int) -> Array:
        """The claims about the places below, [count, fan_in]."""
        return answers.actions[:, 0, 0].reshape(count, self.fan_in).astype(np.int8)

    def encode(self, outcomes: Outcomes) -> Arrays:
        """What is seen at the place, −1 or 1: [n, T, 1]."""
        return {"value": outcomes.observations["value"][:, :-1, None].astype(np.float32) * 2 - 1}

    def imagine(self, observations: Arrays, actions: Array, subjects: Arrays) -> Outcomes:
        """The place stays as it is; the claim is the action."""
        stays = {name: np.stack([values, values], axis=1) for name, values in observations.items()}
        return Outcomes(stays, actions[:, None], np.ones(len(actions), np.int64), subjects)

    def truth(self, outcomes: Outcomes) -> Floats:
        """1 where the claim is right."""
        return _agrees(outcomes, outcomes.subjects["value"])

    def heuristic(self, outcomes: Outcomes) -> Floats:
        """1 where the claim is what holds at the first place below; at a leaf 1 for "yes"."""
        subjects = outcomes.subjects
        first = self.below(subjects)[:, 0] if self.rule else np.ones(len(outcomes), bool)
        return _agrees(outcomes, first)

    def ideal(self, subjects: Arrays) -> Outcomes:
        """Right claims."""
        return self.imagine(subjects, subjects["value"][:, None].astype(np.int64), subjects)

    def picture(self, outcomes: Outcomes, row: int, advice: Advice) -> str:
        """The place, the claim and what is said of the places below, as filled and empty squares."""
        rows: list[Ints] = [outcomes.subjects["value"][row : row + 1], outcomes.actions[row, 0]]
        rows += [values[row] for values in advice.values.values()]
        squares = "".join(
            f'<rect x="{4 + 24 * column}" y="{4 + 28 * line}" width="20" height="20" stroke="#888888" '
            f'fill="{"#2b6cb0" if value else "#f4f4f4"}"/>'
            for line, values in enumerate(rows)
            for column, value in enumerate(values)
        )
        size = f"0 0 {8 + 24 * max(map(len, rows))} {8 + 28 * len(rows)}"
        return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}">{squares}</svg>'


class Root(Gate):
    """The same at the root of a tree: starts by itself and helps nobody."""

    subject = None
    advice = None


def _agrees(outcomes: Outcomes, claim: Array) -> Floats:
    """1 where the action is this claim, [n, 1]."""
    return np.asarray(outcomes.actions[:, 0] == claim[:, None], np.float64)
