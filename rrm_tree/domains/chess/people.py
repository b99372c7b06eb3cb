"""The judge of the chess tasks: someone with rules, errors and a limit.

In: a Request. Out: labels or preferences, with the looks that they really took.
Touches nothing but the request's generator.
"""

from __future__ import annotations

from typing import Literal, cast

import numpy as np
from numpy.random import Generator

from rrm_tree.contracts import Request, Task
from rrm_tree.domains.chess.attention import Attention
from rrm_tree.domains.chess.geometry import Bools
from rrm_tree.domains.chess.looking import Looking, Shown
from rrm_tree.domains.chess.moves import make_moves
from rrm_tree.domains.chess.play import Player
from rrm_tree.domains.chess.rules import chunks
from rrm_tree.domains.chess.tasks import Attacked, Defended, Ray, Verdict
from rrm_tree.errors import PluginError
from rrm_tree.feedback import ALIKE, TOO_LONG
from rrm_tree.outcomes import Answers, Arrays, Floats, Ints, count_rows, take_rows

UNLIMITED = 1 << 40


class Person:
    """A bounded procedure, not truth plus noise; see `looking` for its steps.

    - A look (does this piece reach that square? is this piece pinned?) errs at `look_error`; reading
      one square of the advice counts as a look and errs at `read_error`.
    - Ray: one look. A coloured tile: piece by piece, by looks or by reading what a helper says each
      piece reaches. Mate: the king's square, the squares around it, then those of the checking
      piece and before it, each by looks or by reading the coloured boards.
    - Shown a verdict: with nothing else, it is read and believed; beside coloured boards they decide,
      and the last look is kept for the verdict, in case looks run out.
    - Out of looks: the toss of a coin (`guess`) or no answer (`cannot_tell`).
    - A critique looks at one part after the other and points at the first that seems wrong.
    - A preference compares two labels; what both outcomes are about is worked out once.
    """

    version = "1"
    kinds: tuple[str, ...] = ("label", "preference", "critique")
    direct = True
    tasks: tuple[str, ...] | None = (
        "chess.ray",
        "chess.attacked",
        "chess.defended",
        "chess.verdict",
        "chess.player",
    )

    def __init__(
        self,
        look_error: float,
        read_error: float,
        looks: int | None,
        out_of_looks: Literal["guess", "cannot_tell"],
    ) -> None:
        self._look_error, self._read_error = look_error, read_error
        self._looks = UNLIMITED if looks is None else looks
        self._guesses = out_of_looks == "guess"

    def answer(self, request: Request) -> Answers:
        """Label: whether that part of the outcome is right. Preference: whose is. Critique: which is wrong.

        Raises:
            PluginError: the task is not one of chess.
        """
        items = request.items
        budget = np.full(len(items), self._looks)
        if request.kind == "critique":
            return self._point_at(request, budget)
        believed, looks = self._look_at(request, items.first, items.part, budget)
        label = _agrees(request, items.first, items.part, believed)
        if items.second is None:
            return self._give(label, looks)
        others, more = self._look_at(request, items.second, items.part, budget - looks)
        same = _same(request, items.first, items.second)
        other = _agrees(request, items.second, items.part, np.where(same, believed, others))
        return self._give(0.5 + 0.5 * (label - other), looks + np.where(same, 0, more))

    def _give(self, values: Floats, looks: Ints) -> Answers:
        """The answers; of who may run out of looks and says so, with the reason."""
        if self._guesses:
            return Answers(values, looks)
        return Answers(values, looks, reason=np.where(np.isnan(values), TOO_LONG, 0))

    def _point_at(self, request: Request, left: Ints) -> Answers:
        """The first alternative that seems wrong, one after the other; "cannot tell" if none does."""
        rows, parts = request.items.places
        values, budget = np.full(len(rows), np.nan), left.copy()
        reason = np.full(len(rows), ALIKE)
        for place in range(rows.shape[1]):
            still = np.flatnonzero(np.isnan(values) & (reason == ALIKE))
            about, part = rows[still, place], parts[still, place]
            believed, looks = self._look_at(request, about, part, left[still])
            left[still] -= looks
            label = _agrees(request, about, part, believed)
            values[still[label == 0]] = place
            reason[still[np.isnan(label)]] = TOO_LONG
        return Answers(values, budget - left, reason=np.where(np.isnan(values), reason, 0))

    def solve_looks(self, task: Task, subjects: Arrays, rng: Generator) -> Floats:
        """Looks to do the task unaided: every tile, or the moves in random order up to a mate; [n].

        Nobody's looks are limited here.
        """
        count = count_rows(subjects)
        if isinstance(task, Player):
            return self._search_moves(task, subjects, rng)
        rows = np.repeat(np.arange(count), task.parts)
        part = np.tile(np.arange(task.parts), count)
        _, looks = self._find_out(task, take_rows(subjects, rows), part, Shown(rows), None, rng)
        return cast(Floats, np.bincount(rows, looks, count))

    def _search_moves(self, task: Player, subjects: Arrays, rng: Generator) -> Floats:
        """Looks until a move seems to mate; every move's where none does."""
        count = count_rows(subjects)
        moves, rows = task.candidates(subjects)
        order = np.lexsort((rng.random(len(rows)), rows))
        after = make_moves(subjects["board"][rows], moves[order])
        mates, looks = self._find_out(task, {"board": after}, np.zeros_like(rows), Shown(rows), None, rng)
        # A move is tried unless an earlier one of the same position has seemed to mate.
        earlier = np.cumsum(mates) - mates
        tried = earlier == earlier[np.searchsorted(rows, rows)]
        return cast(Floats, np.bincount(rows, looks * tried, count))

    def _look_at(self, request: Request, rows: Ints, part: Ints, budget: Ints) -> tuple[Floats, Ints]:
        """What holds for that part of these outcomes (NaN: cannot tell), and the looks it took."""
        subjects, shown = _about(request, rows), Shown.of(request.advice, rows)
        return self._find_out(request.task, subjects, part, shown, budget, request.rng)

    def _find_out(
        self, task: Task, subjects: Arrays, part: Ints, shown: Shown, budget: Ints | None, rng: Generator
    ) -> tuple[Floats, Ints]:
        budget = np.full(len(part), UNLIMITED) if budget is None else budget
        believed, looks = np.zeros(len(part)), np.zeros(len(part), np.int64)
        for some in chunks(len(part)):
            attention = Attention(budget[some], rng)
            boards = subjects["board"][some]
            looking = Looking(boards, shown.take(some), attention, self._look_error, self._read_error)
            about = {name: values[some] for name, values in subjects.items()}
            believed[some] = self._settle(looking, _believe(task, looking, about, part[some]))
            looks[some] = budget[some] - attention.left
        return believed, looks

    def _settle(self, looking: Looking, believed: Bools) -> Floats:
        """Beliefs of those who found out; a guess, or NaN, for those who ran out of looks."""
        attention = looking.attention
        guess = attention.perceive(np.zeros(len(believed)), 0.5) if self._guesses else np.nan
        return np.where(attention.ran_out, guess, believed)


def _believe(task: Task, looking: Looking, subjects: Arrays, part: Ints) -> Bools:
    """What holds for that part of each subject, [n]."""
    who = np.arange(len(part))
    if isinstance(task, Verdict | Player):
        return looking.mated()
    if isinstance(task, Ray):
        return looking.reaches(who, subjects["square"], part)
    if isinstance(task, Attacked):
        return looking.attacked(who, part)
    if isinstance(task, Defended):
        return looking.defended(who, part)
    raise PluginError(f"chess.person knows the tasks of chess, not {type(task).__name__}")


def _about(request: Request, rows: Ints) -> Arrays:
    """What has to be found out about: the subject, or the board after a move."""
    if isinstance(request.task, Player):
        return {"board": request.outcomes.observations["board"][rows, -1]}
    return take_rows(request.outcomes.subjects, rows)


def _same(request: Request, first: Ints, second: Ints) -> Bools:
    """Whether the same has to be found out about both, [items]."""
    one, other = _about(request, first), _about(request, second)
    equal = [(one[name] == other[name]).reshape(len(first), -1).all(axis=1) for name in one]
    return cast(Bools, np.logical_and.reduce(equal))


def _agrees(request: Request, rows: Ints, part: Ints, believed: Floats) -> Floats:
    """1 where the outcome's part is what is believed, 0 where not, NaN where nothing is believed."""
    if isinstance(request.task, Player):
        return believed
    return cast(Floats, 1 - np.abs(believed - request.outcomes.actions[rows, 0, part]))
