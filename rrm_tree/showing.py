"""A question to people in words: what is asked, every outcome, the advice, what may be answered.

In: a task, what a batch shows, a question. Out: text, safe for a terminal.
Touches nothing.
"""

from __future__ import annotations

import numpy as np

from rrm_tree.asking import Asked
from rrm_tree.contracts import Task, Worded
from rrm_tree.outcomes import Advice, Array, Judged, Outcomes

MOST_NUMBERS = 12
"""Of an array that are written out; of longer ones the first."""

MOST_LETTERS = 20_000
"""Of one outcome's words."""


def show_item(task: Task, judged: Judged, asked: Asked) -> list[str]:
    """The outcomes of a question in words, in the order in which they are shown."""
    items = judged.items
    ends, part = items.alternatives[asked.item], int(items.part[asked.item])
    advice = Advice() if asked.hidden else judged.advice
    if items.parts is not None:
        text = spell(task, judged.outcomes, int(ends[0]), part, advice)
        return [text, *(f"part {one}" for one in items.parts[asked.item])]
    shown = ends[::-1] if asked.swapped and len(ends) == 2 else ends
    return [spell(task, judged.outcomes, int(row), part, advice) for row in shown]


def spell(task: Task, outcomes: Outcomes, row: int, part: int, advice: Advice) -> str:
    """One outcome and the part of it that is asked about in words."""
    return clean_text(_words(task, outcomes, row, part, advice))


def _words(task: Task, outcomes: Outcomes, row: int, part: int, advice: Advice) -> str:
    if isinstance(task, Worded):
        return task.words(outcomes, row, part, advice)
    steps = int(outcomes.lengths[row])
    lines = [f"steps: {steps}"]
    lines += [f"{name}, in the end: {_numbers(of[row, steps])}" for name, of in outcomes.observations.items()]
    lines.append(f"done: {_numbers(outcomes.actions[row, :steps])}")
    if task.parts > 1:
        lines.append(f"asked about: part {part}, which is {_numbers(_part_of(outcomes.actions[row], part))}")
    lines += [f"{name} says: {_numbers(values[row])}" for name, values in advice.values.items()]
    return "\n".join(lines)


def _part_of(actions: Array, part: int) -> Array:
    flat = actions.reshape(-1)
    return flat[part : part + 1] if part < len(flat) else flat[:0]


def _numbers(values: Array) -> str:
    flat = np.asarray(values).ravel()
    text = " ".join(f"{one:.4g}" for one in flat[:MOST_NUMBERS].astype(np.float64))
    return text + (f" … ({len(flat):,} numbers)" if len(flat) > MOST_NUMBERS else "")


def clean_text(text: str) -> str:
    """Text without what a terminal would obey: escapes, and letters that turn the line round."""
    kept = (one if one.isprintable() or one == "\n" else "·" for one in text[:MOST_LETTERS])
    return "".join(kept)
