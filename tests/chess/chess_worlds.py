"""Boards and advice that several chess tests start from."""

from collections.abc import Iterable

import numpy as np

from rrm_tree.contracts import Request
from rrm_tree.domains import chess
from rrm_tree.outcomes import Advice, Answers, Items, Outcomes

HELPERS = {
    "chess.reach": chess.ray,
    "chess.attacked": chess.attacked,
    "chess.defended": chess.defended,
    "chess.verdict": chess.verdict,
}
MAPS = ("chess.attacked", "chess.defended")


def moves_made(count: int = 4000, seed: int = 0) -> Outcomes:
    """Outcomes of the player: half recorded mates, half any legal move."""
    task, rng = chess.player(), np.random.default_rng(seed)
    starts = task.starts(count, "train", rng)
    return task.imagine({"board": starts["board"]}, task.propose(starts, starts, rng), starts)


def proposals(name: str, count: int = 4000, seed: int = 0) -> Outcomes:
    """Random answers of one of the helping tasks about boards after such moves."""
    task, rng = getattr(chess, name)(), np.random.default_rng(seed)
    subjects = task.starts(count, "train", rng)
    return task.imagine(subjects, task.propose(subjects, subjects, rng), subjects)


def perfect_advice(name: str, outcomes: Outcomes, kinds: Iterable[str]) -> Advice:
    """What perfect helpers would say about these outcomes."""
    task, values = getattr(chess, name)(), {}
    for kind in kinds:
        questions = task.questions(outcomes, "any", kind)
        answers = HELPERS[kind]().ideal(questions.subjects)
        values[kind] = task.lay_out(kind, questions, answers, len(outcomes))
    return Advice(values, {kind: kind for kind in values})


def judge(
    name: str,
    outcomes: Outcomes,
    advice: Advice | None = None,
    part: np.ndarray | None = None,
    seed: int = 0,
    **options: object,
) -> tuple[Answers, np.ndarray]:
    """A person's labels of these outcomes, and what truth says of the same parts."""
    task, rows = getattr(chess, name)(), np.arange(len(outcomes))
    part = np.zeros(len(rows), np.int64) if part is None else part
    items = Items(rows, None, part, np.zeros(len(rows), np.int64))
    rng = np.random.default_rng(seed)
    request = Request(task, "label", ("?",), outcomes, advice or Advice(), items, rng)
    return chess.person(**options).answer(request), task.truth(outcomes)[rows, part]


def right(answers: Answers, truth: np.ndarray) -> float:
    """Share of right answers; "cannot tell" counts as half."""
    return float(np.where(np.isnan(answers.values), 0.5, answers.values == truth).mean())
