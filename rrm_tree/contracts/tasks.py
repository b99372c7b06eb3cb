"""What a task must offer, and what it may: acting, being judged, being shown, being measured.

Holds protocols and the small values that cross them; loads neither NumPy nor torch nor gymnasium.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from gymnasium.vector import VectorEnv
    from numpy.random import Generator

    from rrm_tree.outcomes import Advice, Array, Arrays, Floats, Ints, Outcomes, Questions

Split: TypeAlias = Literal["train", "judge", "gate", "measure"]
"""Starting states that never overlap: to act on, to be judged, to pass gates, to be measured on."""


class Task(Protocol):
    """What a node's agent does, and how its outcomes are looked at.

    `version`, `subject`, `advice` and `accepts` are read before anything trains; a door carries
    them too.
    """

    version: str
    """Declared by the author; change it when outcomes, encodings or rules change."""
    subject: str | None
    """Type of what an episode is about; None for a task that starts by itself (roots only)."""
    advice: str | None
    """Type of what its outcomes tell a parent's judge; None if it can help nobody."""
    accepts: Mapping[str, str]
    """Advice types that its judges can read → subject type that such a helper is asked about."""
    parts: int
    """Into how many parts a judge can take an outcome (tiles of a board); 1 if it is judged whole."""
    batch: int
    """How many episodes to run side by side."""

    def make_vec(self, num_envs: int) -> VectorEnv:
        """A vector environment; `reset(options={"subject": Arrays})` sets what each episode is about."""

    def starts(self, count: int, split: Split, rng: Generator) -> Arrays:
        """Starting states of a root task, each [count, ...]; given to `reset` as the subject.

        Fewer than `count` rows when the split holds fewer.
        """

    def propose(self, observations: Arrays, subjects: Arrays, rng: Generator) -> Array:
        """Actions before anything is trained (random, or from data), shape [n, ...]."""

    def questions(self, outcomes: Outcomes, criterion: str, advice: str) -> Questions:
        """What the criterion asks a helper with that advice type about these outcomes."""

    def lay_out(self, advice: str, questions: Questions, answers: Outcomes, count: int) -> Array:
        """The answers as raw advice about each of `count` outcomes, shape [count, ...]."""

    def encode(self, outcomes: Outcomes) -> Arrays:
        """What a reward network sees of the outcomes themselves: each [n, T, ...]."""

    def picture(self, outcomes: Outcomes, row: int, advice: Advice) -> str:
        """An SVG of one outcome with the advice drawn on it."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Moving pictures."""

    data: bytes
    media: Literal["video/webm", "image/webp"]
    per_second: float = 15.0
    """Frames a second: how far people go when they look at one after the other."""


@runtime_checkable
class Filmed(Protocol):
    """A task whose outcomes can be watched."""

    def film(self, outcomes: Outcomes, row: int) -> Clip | str:
        """A clip of one outcome; or why there is none, which may be empty where none was to be expected."""


@runtime_checkable
class Still(Protocol):
    """A task of whose outcomes the end can be seen, while somebody steers it."""

    def still(self, outcomes: Outcomes, row: int) -> bytes | str:
        """A PNG of where one outcome has ended so far; or why there is none, which may be empty."""


@dataclass(frozen=True, slots=True)
class Steering:
    """How people act in a task: by its actions, one after the other."""

    names: tuple[str, ...]
    """Every action in a few words, in their order: "put or take at row 1, column 2"."""
    across: int = 0
    """How many stand side by side where they form a grid; 0: they form none."""


@runtime_checkable
class Steered(Protocol):
    """A task that has words for its actions, or knows why people cannot take them.

    Other tasks can be steered where their actions are one of a few, which are then numbered.
    """

    def steering(self) -> Steering | str:
        """How people act in it; or why they cannot, and what to do instead."""


@runtime_checkable
class Arrangeable(Protocol):
    """A task whose states can be put together move by move, for who shows a goal and no way to it."""

    def arrange(self, subjects: Arrays, moves: Array) -> Outcomes:
        """The last of these moves as outcomes of one step, however many steps an episode has.

        Args:
            subjects: where episodes begin, each [n, ...].
            moves: actions, at least one, [n, moves].
        """


@runtime_checkable
class Worded(Protocol):
    """A task whose outcomes can be read, in a terminal or aloud."""

    def words(self, outcomes: Outcomes, row: int, part: int, advice: Advice) -> str:
        """One outcome and the part of it that is asked about, with the advice about it, as lines of text."""


@runtime_checkable
class Pointed(Protocol):
    """A task with parts that can show people which part of an outcome is meant."""

    def name_part(self, part: int) -> str:
        """A part in a few words: "square e4"."""

    def point(self, outcomes: Outcomes, row: int, advice: Advice, part: int) -> str:
        """An SVG as `picture` draws it, with one part marked, and what is said about that part."""


@runtime_checkable
class Imaginable(Protocol):
    """A one-step task whose outcomes follow from observation and action without running it."""

    def imagine(self, observations: Arrays, actions: Array, subjects: Arrays) -> Outcomes:
        """The outcomes that these actions would leave behind; row by row as in a rollout."""


@runtime_checkable
class Listed(Imaginable, Protocol):
    """A one-step task whose actions can be listed."""

    def candidates(self, observations: Arrays) -> tuple[Array, Ints]:
        """All actions, shape [candidates, ...], and the row that each belongs to, [candidates]."""


@runtime_checkable
class Factorised(Imaginable, Protocol):
    """A one-step task whose action is a value for each part, judged one by one.

    Actions are integers, shape [n, T, parts], in range(part_values). What helpers are asked must
    not depend on the action.
    """

    part_values: int
    """How many values each part can take."""
    exclusive: bool
    """Exactly one value of each part is right, so one label says something about all values."""


@runtime_checkable
class Measurable(Protocol):
    """A domain that can compute the truth. Measurement alone reads it."""

    def truth(self, outcomes: Outcomes) -> Floats:
        """Utility of each part of each outcome, shape [n, parts]."""


@runtime_checkable
class Stepwise(Protocol):
    """A domain whose truth is a sum over the steps of an outcome."""

    def rewards(self, outcomes: Outcomes) -> Floats:
        """What each step adds to truth, shape [n, T]; 0 at steps that were not taken."""


@runtime_checkable
class Ruled(Protocol):
    """A domain with a simple rule to beat. Plain gymnasium environments have none; domains must."""

    def heuristic(self, outcomes: Outcomes) -> Floats:
        """What the strongest simple rule thinks of each part of each outcome, shape [n, parts]."""


@runtime_checkable
class Perfect(Protocol):
    """A domain that can compute what a perfect helper would answer."""

    def ideal(self, subjects: Arrays) -> Outcomes:
        """The outcomes of a perfect agent about these subjects."""


@runtime_checkable
class Segmented(Protocol):
    """A task whose judges see windows of its episodes rather than whole episodes.

    Its reward model's score of a window is the sum over the window's steps, whatever comes before, so
    that algorithms may ask for rewards of any stretch of an episode.
    """

    segment: int | None
    """Steps of a window; None where judges see whole episodes all the same."""

    def whole(self, outcomes: Outcomes) -> Outcomes:
        """The episodes that windows are cut from; where the task is absorbing, ended ones go on."""

    def last_start(self, outcomes: Outcomes) -> Ints:
        """The last step of each episode at which a window may start, [n]; 0 where it fills the episode."""

    def windows(self, outcomes: Outcomes, rows: Ints, starts: Ints) -> Outcomes:
        """A window of episode rows[i] from step starts[i], [windows]; padded and masked past the end."""


@runtime_checkable
class Correctable(Protocol):
    """A task of which it is known what other actions would have led to, so that steps can be corrected.

    As with windows, what a reward model says of a step must not depend on what came before it.
    """

    def instead(self, outcomes: Outcomes) -> Outcomes:
        """What every action would have led to from where these outcomes of one step began.

        Action by action about the first outcome, then about the next; as many of each, [n · actions].
        """


@runtime_checkable
class Absorbing(Protocol):
    """A task whose ended episodes may go on in one absorbing state, so that their ends tell nothing.

    Kostrikov et al., "Discriminator-actor-critic" (2019), section 4.2.
    """

    def absorbing(self) -> Outcomes | None:
        """One outcome of one step in the absorbing state; None where episodes do not go on."""


@runtime_checkable
class Noted(Protocol):
    """A task that has something to say about outcomes that were judged; the record carries it."""

    def notes(self, outcomes: Outcomes) -> tuple[str, ...]:
        """Sentences that a reader of the results should see; none where all is well."""
