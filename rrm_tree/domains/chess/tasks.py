"""The tasks that help: what a piece reaches, coloured boards, and the verdict on mate.

In: subjects and actions, as batches. Out: outcomes, questions to helpers, advice, truth.
Touches nothing but the shipped positions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import cast

import numpy as np
from chess import SQUARE_NAMES
from gymnasium import Space, spaces
from numpy.random import Generator

from rrm_tree.contracts import Split
from rrm_tree.domains.chess import facts, heuristics, letters, picture, rules
from rrm_tree.domains.chess.geometry import KING
from rrm_tree.domains.chess.moves import make_moves, random_moves
from rrm_tree.domains.chess.positions import draw_positions
from rrm_tree.domains.one_step import OneStep
from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Advice, Array, Arrays, Floats, Outcomes, Questions

PIECES = np.array([piece for piece in range(-KING, KING + 1) if piece], np.int8)
"""The order of piece planes: black king … black pawn, white pawn … white king."""


BOARD_SPACE = spaces.Box(-KING, KING, (64,), np.int8)


def piece_planes(boards: Array) -> Array:
    """One plane for each kind of piece, uint8 [n, 12, 8, 8]."""
    return cast(Array, (boards[:, None] == PIECES[:, None]).view(np.uint8).reshape(-1, 12, 8, 8))


def as_planes(answers: Array) -> Array:
    """Tiles [n, 64] as one plane, uint8 [n, 1, 8, 8]."""
    return answers.astype(np.uint8).reshape(-1, 1, 8, 8)


class BoardTask(ABC):
    """What all chess tasks share: one step, boards as int8 [n, 64], facts read from `facts`."""

    def __init__(self, declared: facts.Facts, seen: spaces.Dict, acts: Space[Array]) -> None:
        self.version: str = declared.version
        self.subject: str | None = declared.subject
        self.advice: str | None = declared.advice
        self.accepts: Mapping[str, str] = declared.accepts
        self.parts: int = declared.parts
        self.batch: int = declared.batch
        self._seen, self._acts = seen, acts

    def make_vec(self, num_envs: int) -> OneStep:
        """A vector environment of one-step episodes."""
        return OneStep(
            num_envs,
            self._seen,
            self._acts,
            leave=self.leave,
            draw=lambda count, rng: self.starts(count, "train", rng),
        )

    def leave(self, observations: Mapping[str, Array], actions: Array) -> dict[str, Array]:
        """What is there after the action; nothing has changed unless a task says otherwise."""
        return dict(observations)

    def imagine(self, observations: Arrays, actions: Array, subjects: Arrays) -> Outcomes:
        """The outcomes that a rollout would leave behind."""
        after = self.leave(observations, actions)
        return Outcomes(
            {name: np.stack([values, after[name]], axis=1) for name, values in observations.items()},
            actions[:, None],
            np.ones(len(actions), np.int64),
            subjects,
        )

    def encode(self, outcomes: Outcomes) -> Arrays:
        """The pieces on the board that is left, uint8 [n, 1, 12, 8, 8]."""
        return {"board": piece_planes(outcomes.observations["board"][:, -1])[:, None]}

    def picture(self, outcomes: Outcomes, row: int, advice: Advice) -> str:
        """The board with coloured tiles."""
        return picture.draw(self.advice, outcomes.take(np.array([row])), advice.take(np.array([row])))

    def words(self, outcomes: Outcomes, row: int, part: int, advice: Advice) -> str:
        """The board in letters, and what helpers say of it."""
        one = np.array([row])
        return letters.spell(self.advice, outcomes.take(one), part, advice.take(one))

    def name_part(self, part: int) -> str:
        """The square."""
        return f"square {SQUARE_NAMES[part]}"

    def point(self, outcomes: Outcomes, row: int, advice: Advice, part: int) -> str:
        """The same board with one square ringed, and the pieces that are said to reach it."""
        one = np.array([row])
        return picture.draw(self.advice, outcomes.take(one), advice.take(one), part)

    @abstractmethod
    def starts(self, count: int, split: Split, rng: Generator) -> Arrays:
        """Subjects from the shipped positions."""


class YesNo(BoardTask):
    """A task whose action is yes or no for each part; exactly one of them is right."""

    part_values = 2
    exclusive = True

    def __init__(self, declared: facts.Facts, seen: spaces.Dict) -> None:
        super().__init__(declared, seen, cast("Space[Array]", spaces.MultiBinary(declared.parts)))

    @abstractmethod
    def answers(self, subjects: Arrays) -> Array:
        """The right answers, [n, parts]."""

    def propose(self, observations: Arrays, subjects: Arrays, rng: Generator) -> Array:
        """Yes or no by the toss of a coin, int8 [n, parts]."""
        return rng.integers(0, 2, (len(observations["board"]), self.parts), np.int8)

    def truth(self, outcomes: Outcomes) -> Floats:
        """1 where the part's answer is right, [n, parts]."""
        return cast(Floats, (self.answers(outcomes.subjects) == outcomes.actions[:, 0]).astype(np.float64))

    def ideal(self, subjects: Arrays) -> Outcomes:
        """Outcomes in which every answer is right."""
        actions = self.answers(subjects).astype(np.int8)
        return self.imagine({name: subjects[name] for name in self._seen}, actions, subjects)

    def heuristic(self, outcomes: Outcomes) -> Floats:
        """1 where the part's answer is that of the task's simple rule, [n, parts]."""
        return cast(Floats, (self.rule(outcomes.subjects) == outcomes.actions[:, 0]).astype(np.float64))

    @abstractmethod
    def rule(self, subjects: Arrays) -> Array:
        """What the strongest simple rule answers, [n, parts]."""

    def starts(self, count: int, split: Split, rng: Generator) -> Arrays:
        """Boards after a move in at most `count` positions: the recorded mate or any, half and half."""
        positions = draw_positions(count, split, rng)
        boards, mates = positions["board"], rng.random(len(positions["board"])) < 0.5
        moves = np.where(mates[:, None], positions["played"], random_moves(boards, rng))
        return {"board": make_moves(boards, moves)}


class Ray(YesNo):
    """Which squares does this piece reach? A leaf: nobody helps its judge."""

    def __init__(self) -> None:
        super().__init__(
            facts.RAY,
            spaces.Dict({"board": BOARD_SPACE, "square": spaces.Discrete(64)}),
        )

    def answers(self, subjects: Arrays) -> Array:
        """Who reaches what by the rules; see `rules.Reach`."""
        answers = np.empty((len(subjects["board"]), 64), bool)
        for some in rules.chunks(len(answers)):
            boards, squares = subjects["board"][some], subjects["square"][some, None]
            rows = np.arange(len(boards))[:, None]
            answers[some] = rules.Reach(boards).at(rows, squares, np.arange(64)[None])
        return answers

    def rule(self, subjects: Arrays) -> Array:
        """Geometry: as if nothing stood in the way."""
        return heuristics.ray(subjects["board"], subjects["square"])

    def starts(self, count: int, split: Split, rng: Generator) -> Arrays:
        """A random piece, the black king apart, on each board after a move."""
        boards = super().starts(count, split, rng)["board"]
        weights = rng.random(boards.shape) * ((boards != 0) & (boards != -KING))
        return {"board": boards, "square": weights.argmax(axis=1)}

    def encode(self, outcomes: Outcomes) -> Arrays:
        """The pieces, and the one in question alone on a board; uint8 [n, 1, 24, 8, 8]."""
        boards = outcomes.observations["board"][:, -1]
        source = outcomes.observations["square"][:, -1, None] == np.arange(64)
        alone = np.where(source, boards, 0)
        return {"board": np.concatenate([piece_planes(boards), piece_planes(alone)], axis=1)[:, None]}

    def questions(self, outcomes: Outcomes, criterion: str, advice: str) -> Questions:
        """None: this task accepts no advice."""
        raise PluginError(f"chess.ray accepts no helpers, so it cannot ask for {advice}")

    def lay_out(self, advice: str, questions: Questions, answers: Outcomes, count: int) -> Array:
        """None: this task accepts no advice."""
        raise PluginError(f"chess.ray accepts no helpers, so it cannot lay out {advice}")


class Colouring(YesNo):
    """Which squares has one colour in its grip? Asks what each of its pieces reaches."""

    def __init__(self, declared: facts.Facts) -> None:
        super().__init__(declared, spaces.Dict({"board": BOARD_SPACE}))

    @abstractmethod
    def pieces(self, boards: Array) -> Array:
        """Where the pieces that count stand, Boolean [n, 64]."""

    def questions(self, outcomes: Outcomes, criterion: str, advice: str) -> Questions:
        """One for each piece that counts."""
        boards = outcomes.observations["board"][:, -1]
        owner, square = np.nonzero(self.pieces(boards))
        return Questions({"board": boards[owner], "square": square}, owner)

    def lay_out(self, advice: str, questions: Questions, answers: Outcomes, count: int) -> Array:
        """Raw: a plane for each square a piece stands on, uint8 [count, 64, 8, 8]."""
        laid_out = np.zeros((count, 64, 64), np.uint8)
        laid_out[questions.owner, questions.subjects["square"]] = answers.actions[:, 0]
        return laid_out.reshape(count, 64, 8, 8)


class Attacked(Colouring):
    """Which squares does White attack, the black king being transparent?"""

    def __init__(self) -> None:
        super().__init__(facts.ATTACKED_SQUARES)

    def pieces(self, boards: Array) -> Array:
        """White's."""
        return boards > 0

    def answers(self, subjects: Arrays) -> Array:
        """Attacked squares by the rules."""
        return rules.attacked(subjects["board"])

    def rule(self, subjects: Arrays) -> Array:
        """Geometry, a little short-sighted; see `heuristics`."""
        return heuristics.attacked(subjects["board"])


class Defended(Colouring):
    """Which squares can an unpinned black piece, not the king, move to?"""

    def __init__(self) -> None:
        super().__init__(facts.DEFENDED_SQUARES)

    def pieces(self, boards: Array) -> Array:
        """Black's, the king apart."""
        return cast(Array, (boards < 0) & (boards != -KING))

    def answers(self, subjects: Arrays) -> Array:
        """Defended squares by the rules."""
        return rules.defended(subjects["board"])

    def rule(self, subjects: Arrays) -> Array:
        """Geometry, a little short-sighted; see `heuristics`."""
        return heuristics.defended(subjects["board"])


def about_boards(boards: Array) -> Questions:
    """One question about each board."""
    return Questions({"board": boards}, np.arange(len(boards)))


def lay_out_boards(questions: Questions, answers: Outcomes, count: int) -> Array:
    """Coloured boards (or verdicts, alike on every square) as planes, uint8 [count, 1, 8, 8]."""
    laid_out = np.zeros((count, 64), np.uint8)
    laid_out[questions.owner] = answers.actions[:, 0]
    return as_planes(laid_out)


class Verdict(YesNo):
    """Is Black mated? Asks for the coloured boards."""

    def __init__(self) -> None:
        super().__init__(facts.MATE, spaces.Dict({"board": BOARD_SPACE}))

    def answers(self, subjects: Arrays) -> Array:
        """Mate by the rules, [n, 1]."""
        return rules.is_mate(subjects["board"])[:, None]

    def rule(self, subjects: Arrays) -> Array:
        """A glance at the king; see `heuristics`."""
        return heuristics.mate(subjects["board"])[:, None]

    def questions(self, outcomes: Outcomes, criterion: str, advice: str) -> Questions:
        """The board itself, to be coloured."""
        return about_boards(outcomes.observations["board"][:, -1])

    def lay_out(self, advice: str, questions: Questions, answers: Outcomes, count: int) -> Array:
        """The coloured board as a plane, uint8 [count, 1, 8, 8]."""
        return lay_out_boards(questions, answers, count)
