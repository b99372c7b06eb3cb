"""What a person sees of one outcome: a clip, a drawing or a page, with what it says in words.

In: a task, outcomes, advice. Out: bytes with their type, and a caption.
Touches what a task touches when it draws; whatever a plug-in returns or raises ends as something that
can be shown, and never as an error of the page.
"""

from __future__ import annotations

import html
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, TypeVar

from rrm_tree.contracts import Clip, Filmed, Pointed, Still, Task, Worded
from rrm_tree.outcomes import Advice, Outcomes
from rrm_tree.report.words import clean

Done = TypeVar("Done")

log = logging.getLogger(__name__)

Form: TypeAlias = Literal["image", "video", "frame"]

SVG, HTML = "image/svg+xml", "text/html; charset=utf-8"

MOST_BYTES = 8 << 20
"""Of one sight; larger ones are not shown."""

KEPT_BYTES = 128 << 20
"""Of all sights that are kept for when they are asked for again."""

MOST_LINES = 200
MOST_LETTERS = 400
"""Of a caption."""

TITLE = re.compile(r"<title[^>]*>(.{0,4000}?)</title>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sight:
    """Something to look at."""

    data: bytes
    media: str
    words: str
    """What it shows, for those who do not see it."""
    spelled: str = ""
    """All of it as lines of text, where the task can say it."""
    per_second: float = 0.0
    """Frames a second, where it moves."""
    note: str = ""
    """Why it is no clip, where one was to be expected."""

    @property
    def form(self) -> Form:
        """How a page embeds it."""
        kind = self.media.partition("/")[0]
        return "video" if kind == "video" else "frame" if kind == "text" else "image"


def see(
    task: Task, outcomes: Outcomes, row: int, advice: Advice, part: int | None = None, *, still: bool = False
) -> Sight:
    """One outcome as people see it: its clip where it has one, otherwise the task's drawing.

    Args:
        task: draws.
        outcomes: the batch in which the outcome stands.
        row: which of them.
        advice: about the whole batch; drawn on it. Empty to hide it.
        part: of tasks that are judged part by part, the one that is asked about.
        still: where it stands at its end instead of a clip.
    """
    try:
        clip: Clip | bytes | str = ""
        if still and isinstance(task, Still):
            clip = task.still(outcomes, row)
        elif not still and isinstance(task, Filmed):
            clip = task.film(outcomes, row)
        spelled = _spell(task.words(outcomes, row, part or 0, advice)) if isinstance(task, Worded) else ""
        if isinstance(clip, bytes):
            return _checked(Sight(clip, "image/png", "Where it stands", spelled))
        if isinstance(clip, Clip):
            seen = Sight(clip.data, clip.media, "A clip of what was done", spelled, clip.per_second)
            return _checked(seen)
        if part is not None and task.parts > 1 and isinstance(task, Pointed):
            drawn = task.point(outcomes, row, advice, part)
        else:
            drawn = task.picture(outcomes, row, advice)
        return _checked(replace(_read_drawing(drawn, clip), spelled=spelled))
    # A drawing is a plug-in's; without it the question can still be passed over.
    except Exception as error:
        log.exception("an outcome cannot be drawn")
        return _notice(f"This outcome cannot be drawn: {type(error).__name__}: {error}")


def _read_drawing(drawn: object, why_no_clip: str) -> Sight:
    if not isinstance(drawn, str):
        return _notice(f"This outcome cannot be drawn: its picture is a {type(drawn).__name__}, not text")
    head = drawn.lstrip("\ufeff \t\r\n")[:256].lower()
    is_svg = head.startswith("<svg") or (head.startswith("<?xml") and "<svg" in head)
    found = TITLE.search(drawn[:100_000])
    words = clean(html.unescape(found.group(1)) if found else "", MOST_LETTERS)
    note = clean(why_no_clip and f"No clip: {why_no_clip}.", MOST_LETTERS)
    return Sight(drawn.encode("utf-8", "replace"), SVG if is_svg else HTML, words, note=note)


def _spell(text: str) -> str:
    """Lines of others, each without control characters and none that turn directions."""
    lines = text[:20_000].split("\n")[:MOST_LINES]
    # Boards stand in columns: spaces are kept.
    return "\n".join("".join(one if one.isprintable() else "?" for one in line) for line in lines).rstrip()


def _checked(sight: Sight) -> Sight:
    if len(sight.data) > MOST_BYTES:
        return _notice(f"This outcome is too large to show: {len(sight.data) / 1e6:.0f} MB.")
    return sight


def _notice(text: str) -> Sight:
    said = clean(text, MOST_LETTERS)
    lines = [said[start : start + 48] for start in range(0, len(said), 48)]
    texts = "".join(
        f'<text x="12" y="{24 + 18 * place}">{html.escape(line)}</text>' for place, line in enumerate(lines)
    )
    height = 24 + 18 * len(lines)
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 360 {height}" width="360" height="{height}"'
        f' font-family="sans-serif" font-size="13" fill="#8a2a10">{texts}</svg>'
    )
    return Sight(drawn.encode(), SVG, said)


class Gallery:
    """Sights that were made, newest kept; each is made once, one at a time.

    One thread draws: environments that render keep things that belong to the thread that made them.
    """

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self.most_bytes = most_bytes
        self._kept: OrderedDict[Hashable, Sight] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._painter = ThreadPoolExecutor(1, thread_name_prefix="painter")

    def get(self, name: Hashable, make: Callable[[], Sight]) -> Sight:
        """The sight of that name, made now if it is not kept."""
        return self._find(name) or self._painter.submit(self.get_here, name, make).result()

    def paint(self, work: Callable[[], object]) -> None:
        """Do something on the thread that draws, some time soon."""
        self._painter.submit(work)

    def do(self, work: Callable[[], Done]) -> Done:
        """What something gives that is done on the thread that draws."""
        return self._painter.submit(work).result()

    def close(self) -> None:
        """Draw no more."""
        self._painter.shutdown(wait=False, cancel_futures=True)

    def _find(self, name: Hashable) -> Sight | None:
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
            return self._kept.get(name)

    def get_here(self, name: Hashable, make: Callable[[], Sight]) -> Sight:
        """The same on the thread that draws, for work that is done there."""
        # Somebody may have asked for the same while this one waited for its turn.
        known = self._find(name)
        if known is not None:
            return known
        made = make()
        with self._lock:
            self._kept[name] = made
            self._bytes += len(made.data)
            while self._bytes > self.most_bytes and len(self._kept) > 1:
                self._bytes -= len(self._kept.popitem(last=False)[1].data)
        return made
