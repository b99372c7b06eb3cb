"""How right the training judgments are, judge by judge, as truth says.

In: a task, judged outcomes. Out: facts about each judge.
Reads truth; nothing here flows back into training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from rrm_tree.contracts import Measurable, Task
from rrm_tree.learning.kinds import KINDS, Choice, first_places
from rrm_tree.outcomes import Floats, Judged
from rrm_tree.records import JudgeRight, Share


def judge_by_truth(task: Task, every: Sequence[Judged]) -> tuple[JudgeRight, ...] | None:
    """Each judge's share of right answers; None where a single one answers, and always can.

    Args:
        task: one that can compute truth.
        every: all judgments, one batch of each kind.
    """
    found = [one for judged in every for one in _each_judge(task, judged)]
    return tuple(found) if found else None


def _each_judge(task: Task, judged: Judged) -> list[JudgeRight]:
    answers, who, link = judged.answers, judged.answers.who, judged.answers.link
    told = ~np.isnan(answers.values)
    if link is not None:
        # What a judge answers was passed on by all before it, and what nobody could tell reached all.
        groups = [(name, (link >= k) | (link < 0), link == k) for k, name in enumerate(judged.judges)]
    elif who is not None:
        groups = [(f"{k + 1}", who == k, told & (who == k)) for k in range(int(who.max(initial=-1)) + 1)]
    elif answers.reason is not None:
        groups = [("", np.ones_like(told), told)]
    else:
        return []
    right = right_answers(task, judged)
    return [
        JudgeRight(
            judge=name,
            kind=judged.kind,
            asked=int(asked.sum()),
            told=int(answered.sum()),
            right=_share(right[answered]),
        )
        for name, asked, answered in groups
    ]


def right_answers(task: Task, judged: Judged) -> Floats:
    """1 where an answer is what truth says, 0 where not, half for a tie of the judge's, [items].

    NaN where the judge could not tell, and where truth says nothing: it ties, or the kind has no right
    answer (ratings; labels where truth is not 0 or 1).
    """
    items, answers = judged.items, judged.answers.values
    truth = cast(Measurable, task).truth(judged.outcomes)[items.places]
    told = np.where(np.isnan(answers), 0.0, answers)
    if KINDS[judged.kind].shown == "several":
        kind = KINDS[judged.kind]
        truth = -truth if isinstance(kind, Choice) and kind.worst else truth
        taken = truth[np.arange(len(truth)), first_places(judged.kind, told, truth.shape[1])]
        right = (taken == truth.max(axis=1)).astype(np.float64)
        right[truth.max(axis=1) == truth.min(axis=1)] = np.nan
    elif items.second is not None:
        better = np.sign(truth[:, 0] - truth[:, 1])
        right = np.where(better == 0, np.nan, 0.5 + 0.5 * better * np.sign(told - 0.5))
    else:
        right = (told == truth[:, 0]).astype(np.float64)
        if judged.kind != "label" or not np.isin(truth, (0, 1)).all():
            right[:] = np.nan
    return np.where(np.isnan(answers), np.nan, right)


def _share(right: Floats) -> Share | None:
    known = right[~np.isnan(right)]
    return Share(right=float(known.sum()), pairs=len(known)) if len(known) else None
