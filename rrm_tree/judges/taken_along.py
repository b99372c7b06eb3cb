"""Judgments from a file as a judge: what was judged is in the file, and nothing else is judged.

In: a file and its digest. Out: its judgments.
Reads that file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from rrm_tree.archive import Part, read_archive
from rrm_tree.asking import BY_PEOPLE
from rrm_tree.contracts import Request
from rrm_tree.errors import PluginError, UsageError
from rrm_tree.feedback import Kind
from rrm_tree.labels import name_questions
from rrm_tree.outcomes import Answers, Judged, join_judged


@dataclass(frozen=True)
class Recorded:
    """Judgments that somebody gave before."""

    version: ClassVar[str] = "1"
    kinds: ClassVar[tuple[str, ...]] = BY_PEOPLE
    direct: ClassVar[bool] = True
    tasks: ClassVar[tuple[str, ...] | None] = None
    taped: ClassVar[bool] = True

    file: Path
    node: str | None

    def answer(self, request: Request) -> Answers:
        """What the file says of the very same question, for the looks that it took then; NaN for all others.

        Raises:
            PluginError: the file is not what it says.
        """
        items, known = request.items, self._answers
        names = name_questions(request.kind, request.questions, request.outcomes, request.advice, items)
        found = [known.get(name, (np.nan, 0)) for name in names]
        values, looks = np.array(found, np.float64).reshape(-1, 2).T
        return Answers(values.copy(), looks.astype(np.int64))

    def judged(self, kind: Kind) -> Judged:
        """All judgments of a kind, in the file's order.

        Raises:
            PluginError: there are none, or the file is not what it says.
        """
        found = [part.judged for part in self._parts if part.judged.kind == kind]
        if not found:
            known = ", ".join(sorted({part.judged.kind for part in self._parts})) or "nothing"
            of = f" of {self.node}" if self.node else ""
            raise PluginError(f"judge recorded: {self.file} holds no {kind}{of}, but {known}")
        return join_judged(found)

    @cached_property
    def _parts(self) -> tuple[Part, ...]:
        try:
            every = read_archive(self.file)
        except UsageError as error:
            raise PluginError(f"judge recorded: {error}") from error
        return tuple(part for part in every if self.node in (None, part.node))

    @cached_property
    def _answers(self) -> dict[str, tuple[float, int]]:
        """The first answer to each question, by its digest, and the looks that it took."""
        answers: dict[str, tuple[float, int]] = {}
        for part in self._parts:
            judged = part.judged
            names = name_questions(judged.kind, part.questions, judged.outcomes, judged.advice, judged.items)
            for row in np.flatnonzero(~np.isnan(judged.answers.values)):
                said = float(judged.answers.values[row]), int(judged.answers.looks[row])
                answers.setdefault(names[row], said)
        return answers
