"""The root task: choose White's move; mating is what is wanted.

In: positions with White to move. Out: outcomes of one move each, questions, advice, truth.
Touches nothing but the shipped positions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
from gymnasium import Space, spaces
from numpy.random import Generator

from rrm_tree.contracts import Split
from rrm_tree.domains.chess import facts, heuristics, rules
from rrm_tree.domains.chess.moves import is_legal, legal_moves, make_moves, random_moves
from rrm_tree.domains.chess.positions import draw_positions
from rrm_tree.domains.chess.tasks import BOARD_SPACE, BoardTask, about_boards, lay_out_boards
from rrm_tree.outcomes import Array, Arrays, Floats, Ints, Outcomes, Questions

MOVE_SPACE = spaces.MultiDiscrete([64, 64, 6])


class Player(BoardTask):
    """Choose a move [from, to, promotion]; an illegal one is not made."""

    def __init__(self, proposal_mates: float) -> None:
        super().__init__(facts.PLAYER, spaces.Dict({"board": BOARD_SPACE}), cast("Space[Array]", MOVE_SPACE))
        self._proposal_mates = proposal_mates

    def starts(self, count: int, split: Split, rng: Generator) -> Arrays:
        """Positions with a mate in one, and the recorded mate that only `propose` plays."""
        return draw_positions(count, split, rng)

    def leave(self, observations: Mapping[str, Array], actions: Array) -> dict[str, Array]:
        """The board after the move, or as it was if the move is illegal."""
        boards = observations["board"]
        legal = is_legal(boards, actions)
        return {"board": np.where(legal[:, None], make_moves(boards, actions), boards)}

    def candidates(self, observations: Arrays) -> tuple[Array, Ints]:
        """All legal moves [moves, 3], and the row that each belongs to."""
        return legal_moves(observations["board"])

    def propose(self, observations: Arrays, subjects: Arrays, rng: Generator) -> Array:
        """The recorded mate with the declared chance, otherwise any legal move, [n, 3]."""
        records = rng.random(len(observations["board"])) < self._proposal_mates
        return np.where(records[:, None], subjects["played"], random_moves(observations["board"], rng))

    def questions(self, outcomes: Outcomes, criterion: str, advice: str) -> Questions:
        """The board after the move: to be coloured, or judged."""
        return about_boards(outcomes.observations["board"][:, -1])

    def lay_out(self, advice: str, questions: Questions, answers: Outcomes, count: int) -> Array:
        """Coloured boards, or the verdict on every square, uint8 [count, 1, 8, 8]."""
        return lay_out_boards(questions, answers, count)

    def truth(self, outcomes: Outcomes) -> Floats:
        """1 if the move mates, [n, 1]."""
        return rules.is_mate(outcomes.observations["board"][:, -1])[:, None].astype(np.float64)

    def ideal(self, subjects: Arrays) -> Outcomes:
        """The recorded mates."""
        return self.imagine({"board": subjects["board"]}, subjects["played"], subjects)

    def heuristic(self, outcomes: Outcomes) -> Floats:
        """How much of a mate the move looks like at a glance, [n, 1]; see `heuristics`."""
        return heuristics.move(outcomes.observations["board"][:, -1])[:, None]
