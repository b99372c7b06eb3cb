"""The two tasks of the logic world, which are one: claim whether a circuit says yes at a place.

In: bit strings and places. Out: outcomes of one step whose action is the claim.
Touches nothing but the generators that it is given.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from gymnasium import spaces

from rrm_tree.contracts import Split
from rrm_tree.domains.logic.world import Circuit
from rrm_tree.domains.one_step import OneStep
from rrm_tree.outcomes import Advice, Array, Arrays, Floats, Ints, Outcomes, Questions

CLAIM = "logic.claim"
POSITION = "logic.position"

# Shares of all strings in eighths: judges see the most, and no string is in two splits.
SPLITS: Mapping[Split, tuple[int, ...]] = {
    "train": (0, 1, 2),
    "judge": (3, 4),
    "gate": (5,),
    "measure": (6, 7),
}


class LogicTask:
    """Claim whether a circuit says yes at a place of a bit string."""

    version = "1"
    subject: str | None = POSITION
    advice: str | None = CLAIM
    parts = 1
    part_values = 2
    exclusive = True

    def __init__(self, circuit: Circuit, batch: int = 1024) -> None:
        self.circuit = circuit
        self.batch = batch
        self.accepts: Mapping[str, str] = {CLAIM: POSITION} if circuit.gates else {}

    def make_vec(self, num_envs: int) -> OneStep:
        """Shows a string and a place, takes a claim, and ends."""
        width = self.circuit.width
        seen = spaces.Dict({"bits": spaces.MultiBinary(width), "index": spaces.Discrete(width)})
        return OneStep(num_envs, seen, spaces.MultiDiscrete([2]))

    def starts(self, count: int, split: Split, rng: np.random.Generator) -> Arrays:
        """Different strings of the split, at place 0; fewer where the split is small."""
        width = self.circuit.width
        # The rarest split is an eighth of all strings: 16 draws a row find enough.
        codes = np.unique(rng.integers(0, 2**width, size=16 * count + 64))
        codes = rng.permutation(codes[np.isin(_eighth(codes), SPLITS[split])])[:count]
        bits = (codes[:, None] >> np.arange(width)) & 1
        return {"bits": bits.astype(np.int8), "index": np.zeros(len(codes), np.int64)}

    def propose(self, observations: Arrays, subjects: Arrays, rng: np.random.Generator) -> Array:
        """Claims at random."""
        return rng.integers(0, 2, size=(len(subjects["index"]), 1))

    def questions(self, outcomes: Outcomes, criterion: str, advice: str) -> Questions:
        """Whether each place below says yes: `fan_in` questions an outcome, in order."""
        children = self.circuit.children(outcomes.subjects["index"])
        owner = np.repeat(np.arange(len(outcomes)), self.circuit.fan_in)
        return Questions({"bits": outcomes.subjects["bits"][owner], "index": children.reshape(-1)}, owner)

    def lay_out(self, advice: str, questions: Questions, answers: Outcomes, count: int) -> Array:
        """The claims about the places below each outcome's, [count, fan_in]."""
        return answers.actions[:, 0, 0].reshape(count, self.circuit.fan_in).astype(np.int8)

    def encode(self, outcomes: Outcomes) -> Arrays:
        """The string as −1 and 1, turned so that the deciding bits come first: [n, T, width]."""
        bits, index = outcomes.observations["bits"][:, :-1], outcomes.observations["index"][:, :-1]
        width = self.circuit.width
        turn = (index[..., None] * self.circuit.leaves + np.arange(width)) % width
        return {"bits": np.take_along_axis(bits, turn, axis=-1).astype(np.float32) * 2 - 1}

    def imagine(self, observations: Arrays, actions: Array, subjects: Arrays) -> Outcomes:
        """The string stays as it is; the claim is the action."""
        stays = {name: np.stack([values, values], axis=1) for name, values in observations.items()}
        return Outcomes(stays, actions[:, None], np.ones(len(actions), np.int64), subjects)

    def truth(self, outcomes: Outcomes) -> Floats:
        """1 where the claim is right."""
        subjects = outcomes.subjects
        return _agrees(outcomes, self.circuit.value(subjects["bits"], subjects["index"]))

    def heuristic(self, outcomes: Outcomes) -> Floats:
        """1 where the claim is what the first input alone suggests."""
        subjects = outcomes.subjects
        return _agrees(outcomes, self.circuit.first_input_rule(subjects["bits"], subjects["index"]))

    def ideal(self, subjects: Arrays) -> Outcomes:
        """Right claims."""
        right = self.circuit.value(subjects["bits"], subjects["index"])
        return self.imagine(subjects, right[:, None].astype(np.int64), subjects)

    def picture(self, outcomes: Outcomes, row: int, advice: Advice) -> str:
        """The string, its deciding bits framed, the claim, and a line for each helper's claims."""
        bits, index = outcomes.subjects["bits"][row], int(outcomes.subjects["index"][row])
        lines = [("bits", bits), ("claim", outcomes.actions[row, 0])]
        lines += [(name, values[row]) for name, values in advice.values.items()]
        reach = self.circuit.leaves + self.circuit.window - 1
        return _draw(lines, {(index * self.circuit.leaves + k) % len(bits) for k in range(reach)})


class RootTask(LogicTask):
    """The same at the root of a tree: starts by itself and helps nobody."""

    subject = None
    advice = None


def _agrees(outcomes: Outcomes, claim: Array) -> Floats:
    """1 where the action is this claim, [n, 1]."""
    return np.asarray(outcomes.actions[:, 0] == claim[:, None], np.float64)


def _eighth(codes: Ints) -> Ints:
    """Which eighth of all strings each one is in: a fixed mixing of its bits (splitmix64)."""
    mixed = codes.astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) % np.uint64(8)).astype(np.int64)


def _draw(lines: list[tuple[str, Array]], framed: set[int]) -> str:
    """Named rows of squares, filled where 1; of the first row some are framed."""
    parts = []
    for row, (name, values) in enumerate(lines):
        top = 8 + 28 * row
        parts.append(f'<text x="4" y="{top + 15}" font-size="12">{_escape(name)}</text>')
        for column, value in enumerate(values):
            fill = "#2b6cb0" if value else "#f4f4f4"
            stroke = "#c05621" if row == 0 and column in framed else "#888888"
            parts.append(
                f'<rect x="{96 + 24 * column}" y="{top}" width="20" height="20" '
                f'fill="{fill}" stroke="{stroke}" stroke-width="2"/>'
            )
    columns = max(len(values) for _, values in lines)
    size = f'viewBox="0 0 {104 + 24 * columns} {12 + 28 * len(lines)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">{"".join(parts)}</svg>'


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
