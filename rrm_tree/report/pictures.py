"""Which pictures a page has room for, and what is said beside them.

In: a RunResult, NodeStudies. Out: views of pictures. Touches nothing. Pictures come from plug-ins and are
shown as images, in which nothing runs and nothing loads.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rrm_tree.propagation import Distribution
from rrm_tree.propagation.disagreements import AdviceErrors, Disagreement, ShownPair
from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.records import Picture, RunResult
from rrm_tree.report.words import clean, code, quantity, share

PICTURES, PICTURE_BYTES = 12, 280_000
"""At most so many pictures, and so many bytes of drawings and clips, are put into the page."""

DISAGREEMENTS, DISAGREEMENT_BYTES = 4, 200_000
"""Of these at most so many pairs, and so many bytes, for disagreements."""

SHOWN_FIRST: tuple[Distribution, ...] = ("on", "off")


@dataclass(frozen=True)
class PictureView:
    """A picture as an image, or a clip, that can do nothing but be seen."""

    source: str
    caption: str
    is_video: bool = False


def view_picture(picture: Picture) -> PictureView:
    """A picture as the page takes it."""
    data = picture.data or b64encode(picture.svg.encode()).decode()
    source = f"data:{picture.media};base64,{data}"
    return PictureView(source, clean(picture.caption, 200), picture.media.startswith("video/"))


def choose_pictures(result: RunResult, limit: int = PICTURES, room: int = PICTURE_BYTES) -> list[Picture]:
    """One picture of each node in turn, the root's first, while there is room.

    Args:
        result: whose.
        limit: at most so many.
        room: in bytes.
    """
    nodes = sorted((node for node in result.nodes if node.pictures), key=lambda node: -node.level)
    turns = zip_longest(*(node.pictures for node in nodes))
    chosen: list[Picture] = []
    for picture in (picture for turn in turns for picture in turn if picture is not None):
        size = len(picture.svg.encode()) or len(picture.data)
        if len(chosen) < limit and size <= room:
            chosen.append(picture)
            room -= size
    return chosen


# --- disagreements -----------------------------------------------------------------------------


@dataclass(frozen=True)
class PairView:
    """A pair on which reward model, judge and truth differ, ready to show."""

    title: str
    pictures: tuple[PictureView, PictureView]
    sentences: tuple[str, ...]
    size: int
    """Bytes of both drawings."""


@dataclass(frozen=True)
class FoundPair:
    """A disagreement that might be shown, and where it was found."""

    node: str
    policy: Distribution
    pair: ShownPair
    seed: int | None = None
    """Of several; None for the only one."""

    @property
    def title(self) -> str:
        """What stands above it."""
        where = "" if self.seed is None else f", seed {self.seed}"
        return f"{code(self.node)}, {self.policy} policy{where}"


def each_disagreement(study: NodeStudy, seed: int | None = None) -> list[FoundPair]:
    """The disagreements of one node that were drawn, those on policy before the others."""
    found = study.disagreements
    if found is None:
        return []
    return [FoundPair(study.name, policy, pair, seed) for policy in SHOWN_FIRST for pair in found.at(policy)]


def choose_disagreements(of_nodes: Sequence[Sequence[FoundPair]]) -> list[PairView]:
    """One pair of each node in turn, while there is room.

    Args:
        of_nodes: what there is to show of each node, the root first.
    """
    chosen: list[PairView] = []
    room = DISAGREEMENT_BYTES
    for found in (one for turn in zip_longest(*of_nodes) for one in turn if one is not None):
        view = _view_pair(found)
        if len(chosen) < DISAGREEMENTS and view.size <= room:
            chosen.append(view)
            room -= view.size
    return chosen


def _view_pair(found: FoundPair) -> PairView:
    pair, one = found.pair, found.pair.disagreement
    ends = (("first", pair.first, one.first_truth, one.first_by), *_second(pair))
    first, second = (
        view_picture(Picture(caption=f"the {which}, {say_maker(by)}: truth {quantity(truth)}", svg=drawing))
        for which, drawing, truth, by in ends
    )
    size = len(pair.first.encode()) + len(pair.second.encode())
    return PairView(found.title, (first, second), tuple(_say_pair(pair)), size)


def _second(pair: ShownPair) -> tuple[tuple[str, str, float, int]]:
    return (("second", pair.second, pair.disagreement.second_truth, pair.disagreement.second_by),)


def _say_pair(pair: ShownPair) -> Iterator[str]:
    one = pair.disagreement
    yield f"Truth prefers {say_which(one.first_truth - one.second_truth)}."
    yield f"The judge prefers {say_which(one.judge)} ({_right(one, one.judge)})."
    yield f"The reward model prefers {say_which(one.reward)}{say_sure(one)} ({_right(one, one.reward)})."
    yield from (_say_advice(said) for said in pair.advice)


def _right(one: Disagreement, margin: float) -> str:
    if margin == 0:
        return "a tie"
    return "right" if (margin > 0) == (one.first_truth > one.second_truth) else "wrong"


def _say_advice(said: AdviceErrors) -> str:
    who = f"Advice of {code(said.helper)}"
    if said.first == said.second == 0:
        return f"{who}: all right."
    if said.first == said.second:
        return f"{who}: {share(said.first, 2)} of it wrong."
    both = f"{share(said.first, 2)} of it wrong about the first, {share(said.second, 2)} about the second"
    return f"{who}: {both}."


def say_maker(round_: int) -> str:
    """Whose outcome it is."""
    return "a proposal" if round_ < 0 else f"the agent's of round {round_ + 1}"


def say_which(margin: float) -> str:
    """Which of two outcomes somebody prefers."""
    return "neither" if margin == 0 else "the first" if margin > 0 else "the second"


def say_sure(one: Disagreement) -> str:
    """How sure the reward model is, where it says so."""
    return "" if one.chance is None else f", {max(one.chance, 1 - one.chance):.0%} sure"
