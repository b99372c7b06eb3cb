"""Steering: where somebody who shows how it is done stands, and which key does what.

In: a question that wants an episode, the moves so far. Out: what a page shows of it.
Touches the task's environments, on the thread that draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pydantic import BaseModel, ConfigDict

from rrm_tree.contracts import Steering
from rrm_tree.errors import PluginError, UsageError
from rrm_tree.feedback import DEMONSTRATED, MOST_MOVES
from rrm_tree.outcomes import Advice, Arrays, take_rows
from rrm_tree.report.words import clean
from rrm_tree.steered import steering_of
from rrm_tree.steering import Way, allowed_after, follow
from rrm_tree.web.scene import Scene
from rrm_tree.web.sights import Form, Gallery, Sight, see

ARROWS = {"left": "ArrowLeft", "right": "ArrowRight", "up": "ArrowUp", "down": "ArrowDown"}

LETTERS = "1234567890aefgijklmoqrtvwxy"
"""Keys of actions, where arrows will not do; the other letters are commands of the page."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Action(_Frozen):
    """Something that can be done."""

    name: str
    key: str
    """Empty where there are more actions than keys."""


class Stand(_Frozen):
    """How far some moves have led."""

    moves: tuple[int, ...]
    over: bool
    enough: bool
    """Whether it can be handed in."""
    allowed: tuple[bool, ...] | None
    """Which actions may be taken now; None where the environment allows all, or the episode is over."""
    source: str
    """Where the picture of it is fetched from."""
    form: Form
    words: str
    spelled: str
    """All of it as lines of text; empty where the task cannot say it."""


class Wheel(_Frozen):
    """How a person shows something."""

    actions: tuple[Action, ...]
    across: int
    """How many stand side by side where they form a grid, else 0."""
    is_goal: bool
    now: Stand


def is_steered(kind: str) -> bool:
    """Whether questions of this kind want an episode."""
    return kind in DEMONSTRATED


def read_moves(text: str) -> tuple[int, ...]:
    """Moves as an address has them.

    Raises:
        UsageError: they are none.
    """
    parts = text.split(",") if text else []
    if len(parts) > MOST_MOVES or not all(one.isascii() and one.isdigit() and len(one) < 4 for one in parts):
        raise UsageError(f"moves are at most {MOST_MOVES:,} numbers")
    return tuple(int(one) for one in parts)


def take_wheel(scene: Scene, gallery: Gallery) -> Wheel:
    """What somebody is shown of a question that wants an episode.

    Raises:
        PluginError: people cannot steer the task after all.
    """
    found = steering_of(scene.task)
    if not isinstance(found, Steering):
        raise PluginError(found)
    names = [clean(name, 60) for name in found.names]
    keys = name_keys(names, across=found.across)
    return Wheel(
        actions=tuple(Action(name=name, key=key) for name, key in zip(names, keys, strict=True)),
        across=found.across,
        is_goal=scene.asked.kind == "goal",
        now=stand(scene, gallery, scene.asked.moves or ()),
    )


def name_keys(names: Sequence[str], *, across: int) -> list[str]:
    """A key for each action: arrows where their names say so and are free, or else digits and letters."""
    said = [[arrow for word, arrow in ARROWS.items() if word in name.split()] for name in names]
    arrows = [one[0] if len(one) == 1 else "" for one in said]
    # In a grid arrows go from one action to the next.
    usable = not across and len({one for one in arrows if one}) == sum(map(bool, arrows))
    spare = iter(LETTERS)
    return [arrow if usable and arrow else next(spare, "") for arrow in arrows]


def stand(scene: Scene, gallery: Gallery, moves: Sequence[int]) -> Stand:
    """How far these moves lead.

    Raises:
        UsageError: one of them cannot be made.
    """
    way, sight, allowed = gallery.do(partial(_reach, scene, gallery, moves))
    written = ",".join(map(str, moves))
    return Stand(
        moves=tuple(moves),
        over=way.over,
        enough=way.enough,
        allowed=allowed,
        source=f"/steered/{scene.asked.id}?moves={written}",
        form=sight.form,
        words=f"{sight.words} {sight.note}".strip(),
        spelled=sight.spelled,
    )


def look(scene: Scene, gallery: Gallery, moves: Sequence[int]) -> Sight:
    """What is to be seen there.

    Raises:
        UsageError: one of the moves cannot be made.
    """
    return gallery.get(_name(scene, moves), lambda: _see(scene, _follow(scene, moves)))


def check_shown(scene: Scene, gallery: Gallery, moves: Sequence[int] | None) -> tuple[int, ...]:
    """The moves, where they are an answer.

    Raises:
        UsageError: they are none, or lead not far enough.
    """
    way = gallery.do(partial(_follow, scene, moves or ()))
    if not way.enough:
        raise UsageError("go on to the end of the episode: so far it cannot be learned from")
    return tuple(moves or ())


def _follow(scene: Scene, moves: Sequence[int]) -> Way:
    asked = scene.asked
    if not is_steered(asked.kind):
        raise UsageError(f"a {asked.kind} is no episode")
    return follow(scene.task, asked.kind, _about(scene), moves)


def _about(scene: Scene) -> Arrays:
    """What the episode is about, one row."""
    rows = scene.judged.items.first[scene.asked.item : scene.asked.item + 1]
    return take_rows(scene.judged.outcomes.subjects, rows)


def _reach(
    scene: Scene, gallery: Gallery, moves: Sequence[int]
) -> tuple[Way, Sight, tuple[bool, ...] | None]:
    """Where the moves lead, what is to be seen there, and what may be done next."""
    way = _follow(scene, moves)
    sight = gallery.get_here(_name(scene, moves), lambda: _see(scene, way))
    allowed = None if way.over else allowed_after(scene.task, scene.asked.kind, _about(scene), moves)
    return way, sight, allowed


def _see(scene: Scene, way: Way) -> Sight:
    return see(scene.task, way.done, 0, Advice(), still=True)


def _name(scene: Scene, moves: Sequence[int]) -> tuple[object, ...]:
    return "steered", scene.asked.id, tuple(moves)
