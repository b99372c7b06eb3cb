"""What agents leave behind, what helpers say about it and what judges answer, in batches.

In and out: NumPy arrays whose first axis counts outcomes, questions or judgments.
Touches nothing: no disk, no clock, no randomness, no torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rrm_tree.feedback import Kind
from rrm_tree.origin import Origin, join_origins

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = Mapping[str, Array]
Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]


ABSORBED: Final = "absorbed"
"""Name of the observation, [n, T + 1], that ended episodes have which go on: True after their end."""


def take_rows(arrays: Arrays, rows: Array) -> dict[str, Array]:
    """The chosen rows of every array."""
    return {name: values[rows] for name, values in arrays.items()}


def join_rows(batches: Sequence[Arrays]) -> dict[str, Array]:
    """Batches with the same names, one after the other."""
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def count_rows(arrays: Arrays) -> int:
    """How many rows a batch holds; 0 for no arrays."""
    return next((len(values) for values in arrays.values()), 0)


def digest_rows(arrays: Arrays) -> bytes:
    """16 bytes that stand for these very arrays: names, shapes, types and content."""
    digest = hashlib.blake2b(digest_size=16)
    for name, values in sorted(arrays.items()):
        digest.update(f"{name}{values.shape}{values.dtype}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.digest()


def bytes_of_rows(arrays: Arrays) -> NDArray[np.uint8]:
    """The content of each row of at least one, shape [rows, bytes]."""
    rows = count_rows(arrays)
    flat = [
        np.ascontiguousarray(values).reshape(rows, -1).view(np.uint8).reshape(rows, -1)
        for _, values in sorted(arrays.items())
    ]
    return np.ascontiguousarray(np.concatenate(flat, axis=1))


def mix_bits(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """64 bits that follow from 64 others and look drawn: SplitMix64 (Steele, Lea and Flood, 2014)."""
    with np.errstate(over="ignore"):
        state = state + np.uint64(0x9E37_79B9_7F4A_7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return state ^ (state >> np.uint64(31))


def unique_rows(arrays: Arrays) -> tuple[Ints, Ints]:
    """Rows that differ from each other, and where each row went.

    Returns:
        kept: indices of one representative of each distinct row, shape [distinct];
        place: for each row the position of its representative in `kept`, shape [rows].
    """
    rows = count_rows(arrays)
    if not rows:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    joined = bytes_of_rows(arrays)
    whole = joined.view(np.dtype((np.void, joined.shape[1]))).reshape(rows)
    _, kept, place = np.unique(whole, return_index=True, return_inverse=True)
    return kept.astype(np.int64), place.reshape(rows).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """A batch of trajectories: what episodes of one task left behind.

    A one-step task has T = 1. Past the end of an episode rows are padding.
    """

    observations: Arrays
    """What the agent saw, then what it left: each [n, T + 1, ...]; `observation` if the space is plain."""
    actions: Array
    """[n, T, ...]"""
    lengths: Ints
    """Steps really taken, [n]."""
    subjects: Arrays
    """What each episode was about (a root: where it started): each [n, ...]."""
    hidden: Arrays = field(default_factory=dict)
    """What truth and simulated people alone may read (`rewards`): each [n, ...]. Never trained on."""
    ended: NDArray[np.bool_] = field(default_factory=lambda: np.ones(0, np.bool_))
    """Whether the episode came to its own end, False where a limit cut it short, [n]. Left out: all did."""
    origin: Origin | None = None
    """Out of which episodes they were cut, where people are to see them played; never trained on."""

    def __post_init__(self) -> None:
        if not len(self.ended):
            object.__setattr__(self, "ended", np.ones(len(self.actions), np.bool_))

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """True at steps really taken, shape [n, T]."""
        return np.arange(self.actions.shape[1])[None, :] < self.lengths[:, None]

    @property
    def live(self) -> NDArray[np.bool_]:
        """True at steps that an agent took, neither padding nor after an episode's end, shape [n, T]."""
        if ABSORBED not in self.observations:
            return self.mask
        return self.mask & ~self.observations[ABSORBED][:, :-1]

    def take(self, rows: Array) -> Outcomes:
        """The chosen outcomes."""
        return Outcomes(
            take_rows(self.observations, rows),
            self.actions[rows],
            self.lengths[rows],
            take_rows(self.subjects, rows),
            take_rows(self.hidden, rows),
            self.ended[rows],
            None if self.origin is None else self.origin.take(rows),
        )

    def arrays(self) -> dict[str, Array]:
        """All arrays under flat names, for the store; `from_arrays` is the way back."""
        flat = {"actions": self.actions, "lengths": self.lengths, "ended": self.ended}
        for part in ("observations", "subjects", "hidden"):
            flat |= {f"{part}.{name}": values for name, values in getattr(self, part).items()}
        if self.origin is not None:
            flat |= {f"origin.{name}": values for name, values in self.origin.arrays().items()}
        return flat

    @classmethod
    def from_arrays(cls, flat: Arrays) -> Outcomes:
        """The outcomes that `arrays` took apart."""

        def part(name: str) -> dict[str, Array]:
            return {
                key.removeprefix(f"{name}."): values
                for key, values in flat.items()
                if key.startswith(f"{name}.")
            }

        seen, subjects, hidden = part("observations"), part("subjects"), part("hidden")
        known = part("origin")
        origin = Origin(**known) if known else None
        return cls(seen, flat["actions"], flat["lengths"], subjects, hidden, flat["ended"], origin)


def take_steps(outcomes: Outcomes, rows: Ints, times: Ints) -> Outcomes:
    """Single steps of episodes as outcomes of one step: of episode rows[i] that at times[i], [rows]."""

    def one(values: Array) -> Array:
        return values[rows, times][:, None]

    hidden = {k: one(v) if v.ndim > 1 else v[rows] for k, v in outcomes.hidden.items()}
    return Outcomes(
        {k: np.stack([v[rows, times], v[rows, times + 1]], axis=1) for k, v in outcomes.observations.items()},
        one(outcomes.actions),
        np.ones(len(rows), np.int64),
        take_rows(outcomes.subjects, rows),
        hidden,
        outcomes.ended[rows] & (times + 1 == outcomes.lengths[rows]),
    )


def join_outcomes(batches: Sequence[Outcomes]) -> Outcomes:
    """Batches of one task, one after the other; shorter ones are padded to the longest T."""
    if len(batches) == 1:
        return batches[0]
    steps = max(batch.actions.shape[1] for batch in batches)

    def pad(values: Array, length: int) -> Array:
        missing = length - values.shape[1]
        return np.pad(values, [(0, 0), (0, missing)] + [(0, 0)] * (values.ndim - 2)) if missing else values

    return Outcomes(
        join_rows([{k: pad(v, steps + 1) for k, v in batch.observations.items()} for batch in batches]),
        np.concatenate([pad(batch.actions, steps) for batch in batches]),
        np.concatenate([batch.lengths for batch in batches]),
        join_rows([batch.subjects for batch in batches]),
        join_rows(
            [{k: pad(v, steps) if v.ndim > 1 else v for k, v in batch.hidden.items()} for batch in batches]
        ),
        np.concatenate([batch.ended for batch in batches]),
        join_origins([(batch.origin, len(batch)) for batch in batches]),
    )


@dataclass(frozen=True, slots=True)
class Questions:
    """What one criterion asks one helper about a batch of outcomes."""

    subjects: Arrays
    """Subjects for the helper's episodes: each [questions, ...]."""
    owner: Ints
    """Which outcome each question is about, [questions]."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What the helpers say about a batch of outcomes, laid out by the outcomes' task.

    `values` is keyed by the helper's name in the spec; `kinds` says which advice type each has
    ("chess.attacked"), so that a judge finds what it can read whatever the nodes are called.
    """

    values: Arrays = field(default_factory=dict)
    """Each [n, ...]."""
    kinds: Mapping[str, str] = field(default_factory=dict)

    def of(self, kind: str) -> list[Array]:
        """The values of every helper whose advice has this type, in the helpers' order."""
        return [self.values[name] for name, is_kind in self.kinds.items() if is_kind == kind]

    def take(self, rows: Array) -> Advice:
        """Advice about the chosen outcomes."""
        return Advice(take_rows(self.values, rows), self.kinds)


def join_advice(batches: Sequence[Advice]) -> Advice:
    """Advice about one batch of outcomes after the other."""
    return Advice(join_rows([batch.values for batch in batches]), batches[0].kinds)


@dataclass(frozen=True, slots=True)
class Items:
    """What a judge is asked: about one outcome, or which of several; or about a part of them.

    Parts are the factors of a factorised action (a tile of a coloured board); tasks without
    parts have the single part 0.
    """

    first: Ints
    """Index of the outcome, [items]."""
    second: Ints | None
    """Index of the other outcome, [items]; None where items are about one outcome each."""
    part: Ints
    """[items]"""
    criterion: Ints
    """Position of the criterion in the node's list, [items]."""
    more: Ints | None = None
    """Indices of the alternatives after the second, [items, alternatives - 2]; None for two at most."""
    parts: Ints | None = None
    """Parts of the one outcome among which is chosen, [items, alternatives]; `part` is then the first of
    them. None where each item is about one part."""

    def __len__(self) -> int:
        return len(self.first)

    @classmethod
    def among(cls, alternatives: Ints, part: Ints, criterion: Ints) -> Items:
        """Items about these outcomes each, shape [items, alternatives]."""
        second = alternatives[:, 1] if alternatives.shape[1] > 1 else None
        more = alternatives[:, 2:] if alternatives.shape[1] > 2 else None
        return cls(alternatives[:, 0], second, part, criterion, more)

    @property
    def alternatives(self) -> Ints:
        """Every outcome that each item is about, [items, 1, 2 or more]."""
        ends = [self.first, *([] if self.second is None else [self.second])]
        ends += [] if self.more is None else list(self.more.T)
        return np.stack(ends, axis=1)

    @property
    def places(self) -> tuple[Ints, Ints]:
        """Outcome and part of everything that each item is about, both [items, 1, 2 or more]."""
        outcomes = self.alternatives
        if self.parts is not None:
            return np.repeat(outcomes, self.parts.shape[1], axis=1), self.parts
        return outcomes, np.broadcast_to(self.part[:, None], outcomes.shape)

    @property
    def asked(self) -> Ints:
        """A row of numbers for each item; items that ask the same have the same row, [items, numbers]."""
        return np.column_stack([*self.places, self.criterion])

    def about(self, alternatives: Ints) -> Items:
        """The same questions about outcomes that are counted otherwise, [items, 1, 2 or more]."""
        return replace(Items.among(alternatives, self.part, self.criterion), parts=self.parts)

    def take(self, rows: Array) -> Items:
        """The chosen items."""
        second = None if self.second is None else self.second[rows]
        more = None if self.more is None else self.more[rows]
        parts = None if self.parts is None else self.parts[rows]
        return Items(self.first[rows], second, self.part[rows], self.criterion[rows], more, parts)


NOTES: Final = ("who", "link", "reason", "at", "seconds", "hidden", "confidence", "gold")
"""What may be known of an answer beside the answer."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a judge said."""

    values: Floats
    """As the kind of judgment says (`learning.kinds`). Label: 1 right, 0 wrong. Preference: 1 first,
    0 second, 0.5 tie. Rating: the number. Choices: the alternative's position. NaN: cannot tell.
    Shape [items]."""
    looks: Ints
    """Elementary looks that each answer took, [items]."""
    who: Ints | None = None
    """Which judge gave each answer, where there are several, [items]."""
    link: Ints | None = None
    """Where judges may pass a question on: how often each was passed on until it was answered, -1 where
    nobody could tell, [items]."""
    reason: Ints | None = None
    """Why a judge cannot tell, as places in REASONS; of what is passed on, why the first could not; -1 where
    that is not known, [items]."""
    at: Floats | None = None
    """When each answer was given, seconds since 1970; of people alone, [items]."""
    seconds: Floats | None = None
    """How long it took, [items]; NaN where that is not known."""
    hidden: Ints | None = None
    """1 where a person was shown no advice, [items]."""
    confidence: Ints | None = None
    """1 to 3, as people say; 0 where they do not, [items]."""
    gold: Floats | None = None
    """What somebody who is trusted says of the same, NaN where that is not known, [items]."""

    @property
    def notes(self) -> dict[str, Array]:
        """What is known of each answer beside the answer, by name."""
        named = {name: getattr(self, name) for name in NOTES}
        return {name: values for name, values in named.items() if values is not None}

    def take(self, rows: Array) -> Answers:
        """The chosen answers."""
        return Answers(self.values[rows], self.looks[rows], **take_rows(self.notes, rows))


@dataclass(frozen=True, slots=True)
class Judged:
    """Outcomes, the advice shown with them, and all judgments about them: what distilling sees."""

    outcomes: Outcomes
    advice: Advice
    kind: Kind
    items: Items
    answers: Answers
    judges: tuple[str, ...] = ()
    """Names of those to whom questions are passed on, the first judge's own before them; none: nobody."""


def join_judged(batches: Sequence[Judged]) -> Judged:
    """The judgments of all rounds so far, as one batch."""
    if len(batches) == 1:
        return batches[0]
    starts = np.cumsum([0] + [len(batch.outcomes) for batch in batches[:-1]])
    every = [batch.items for batch in batches]
    parts = [items.parts for items in every if items.parts is not None]
    # What one batch alone has is not known of the others: a judge may have learned to say more since.
    notes = set.intersection(*(set(batch.answers.notes) for batch in batches))
    return Judged(
        join_outcomes([batch.outcomes for batch in batches]),
        join_advice([batch.advice for batch in batches]),
        batches[0].kind,
        replace(
            Items.among(
                np.concatenate([items.alternatives + at for items, at in zip(every, starts, strict=True)]),
                np.concatenate([items.part for items in every]),
                np.concatenate([items.criterion for items in every]),
            ),
            parts=np.concatenate(parts) if parts else None,
        ),
        Answers(
            np.concatenate([batch.answers.values for batch in batches]),
            np.concatenate([batch.answers.looks for batch in batches]),
            **{name: np.concatenate([b.answers.notes[name] for b in batches]) for name in sorted(notes)},
        ),
        batches[0].judges,
    )
