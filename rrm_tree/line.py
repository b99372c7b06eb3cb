"""The judges of a node in line: who is asked first, and who is asked what those before cannot tell.

In: the judges that a spec names, a Request. Out: answers, what was shown, who is which number.
Touches what the judges touch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import numpy as np

from rrm_tree.asking import Asking
from rrm_tree.contracts import Deferred, Demonstrator, Judge, Request, Taped
from rrm_tree.errors import PluginError
from rrm_tree.feedback import Kind
from rrm_tree.judges.several import Panel
from rrm_tree.node_spec import JudgeSpec
from rrm_tree.outcomes import Answers, Ints, Outcomes


@dataclass(frozen=True)
class Line:
    """Judges who are asked one after the other for judgments of one kind."""

    judge: Judge
    """The first."""
    next_in_line: tuple[Judge, ...]
    spec: JudgeSpec
    entry: str
    """Whose they are; for messages."""
    kind: Kind

    @property
    def judges(self) -> tuple[Judge, ...]:
        """All in line, in their order."""
        return (self.judge, *self.next_in_line)

    @property
    def uses(self) -> tuple[str, ...]:
        """What the spec calls them."""
        return (self.spec.use, *(one.use for one in self.spec.fallback))

    @cached_property
    def people_at(self) -> int | None:
        """The place of people in line, 0 for the judge itself; None where all answer at once."""
        return next((place for place, judge in enumerate(self.judges) if isinstance(judge, Deferred)), None)

    @property
    def people(self) -> Asking | None:
        """How people are asked; None where all in line answer at once."""
        if self.people_at is None:
            return None
        return cast(Deferred, self.judges[self.people_at]).asking

    @property
    def after_people(self) -> tuple[Judge, ...]:
        """Those who are asked what people cannot tell."""
        return () if self.people_at is None else self.next_in_line[self.people_at :]

    def number_of(self, place: int) -> int:
        """The number (`who`) of a judge in line; people are numbered after all others."""
        at = self.people_at
        return self._before + place - (at is not None and place > at)

    @property
    def first_person(self) -> int:
        """The number (`who`) of whoever of the people came first."""
        return self._before + len(self.next_in_line)

    @property
    def _before(self) -> int:
        """By how much the judge's own members move all others on."""
        return 0 if self.people_at == 0 else self._seats - 1

    @cached_property
    def _seats(self) -> int:
        """How many the judge is: members of a panel, or those whose judgments are in a file."""
        if isinstance(self.judge, Panel):
            return len(self.judge.members)
        who = self.judge.judged(self.kind).answers.who if isinstance(self.judge, Taped) else None
        return 1 if who is None else int(who.max(initial=0)) + 1

    @property
    def is_absent(self) -> bool:
        """Whether the judge cannot be asked for the sake of measuring: people, or a file."""
        return isinstance(self.judge, Deferred | Taped)

    @property
    def overlap(self) -> int:
        """How many answer a question where several do."""
        return self.spec.overlap or 1

    @property
    def answers_each(self) -> float:
        """How many answers a question gets on average."""
        share = 1.0 if self.people is None else self.people.overlap
        return 1 + share * (self.overlap - 1)

    def names(self, answers: Answers) -> tuple[str, ...]:
        """The judge and those to whom it passes on what it cannot tell; none where it passes on nothing."""
        return self.uses if answers.link is not None else ()

    def answer(self, place: int, request: Request) -> Answers:
        """The answers of the judge at this place in line, 0 for the first.

        Raises:
            PluginError: it did not give one answer an item.
        """
        return ask(self.judges[place], request, f"{self.uses[place]} of {self.entry}")

    def pass_on(
        self, request: Request, answers: Answers, after: int = 0, until: int | None = None
    ) -> Answers:
        """The answers, with those of the judges next in line where the ones before could not tell.

        A question costs the looks of all who were asked it.

        Args:
            request: what was asked.
            answers: of who has been asked so far.
            after: the place in line of who was asked last, 0 for the judge itself.
            until: the place of who is not asked any more; None: all are asked.
        """
        if not self.next_in_line:
            return answers
        values, looks = answers.values.copy(), answers.looks.copy()
        link = np.where(np.isnan(values), -1, after) if answers.link is None else answers.link.copy()
        who = None if answers.who is None else answers.who.copy()
        end = None if until is None else until - 1
        for place in range(1, len(self.judges))[after:end]:
            left = np.flatnonzero(np.isnan(values))
            if not len(left):
                break
            more = self.answer(place, replace(request, items=request.items.take(left)))
            values[left], looks[left] = more.values, looks[left] + more.looks
            told = ~np.isnan(more.values)
            link[left[told]] = place
            if who is not None:
                who[left[told]] = self.number_of(place)
        return replace(answers, values=values, looks=looks, link=link, who=who)

    def demonstrate(self, request: Request) -> tuple[Outcomes, Ints]:
        """What the first judge did about every item's subject, and its looks.

        Raises:
            PluginError: it did not do so once an item.
        """
        done, looks = cast(Demonstrator, self.judge).demonstrate(request)
        count = len(request.items)
        if len(done) != count or np.shape(looks) != (count,):
            raise PluginError(
                f"judge {self.spec.use} of {self.entry}: {len(done)} demonstrations and looks"
                f" {np.shape(looks)} for {count} items; give one of each an item"
            )
        return done, looks


def ask(judge: Judge, request: Request, who: str) -> Answers:
    """One judge's answers.

    Args:
        judge: who is asked.
        request: what.
        who: the judge's name; for messages.

    Raises:
        PluginError: it did not give one answer an item.
    """
    answers, count = judge.answer(request), len(request.items)
    if not isinstance(answers, Answers):
        raise PluginError(
            f"judge {who}: returned a {type(answers).__name__}; return rrm_tree.outcomes.Answers"
        )
    if answers.values.shape != (count,) or answers.looks.shape != (count,):
        raise PluginError(
            f"judge {who}: answers {answers.values.shape} and looks {answers.looks.shape} to {count} items;"
            " give one of each an item"
        )
    return answers
