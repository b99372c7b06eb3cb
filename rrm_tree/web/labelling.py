"""Addresses of the label page.

In: requests of a person. Out: questions, pictures, evidence; answers go to the desk.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from rrm_tree.asking import Received
from rrm_tree.feedback import MOST_MOVES, REASONS
from rrm_tree.web.app import Here, Office, Person
from rrm_tree.web.guard import PLUGIN_POLICY
from rrm_tree.web.overview import say_left
from rrm_tree.web.pages import render
from rrm_tree.web.pressed import Pressed
from rrm_tree.web.scene import Scene
from rrm_tree.web.sights import Sight
from rrm_tree.web.wheel import Stand, look, read_moves, stand
from rrm_tree.web.work import Shown

router = APIRouter(tags=["label"])

AHEAD = 4
"""Questions that a page may have at once: the one that is shown and those that come next."""

MOST_AHEAD = 8

PART = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")
"""How a browser asks for a part of a clip."""

Identifier = Annotated[str, Field(max_length=64)]

Moves = Annotated[str, Query(max_length=4 * MOST_MOVES, description="Places of actions, with commas.")]

REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"description": "no session"},
    403: {"description": "not from our own pages, or not for this person"},
    404: {"description": "this person was not asked this, or it cannot be answered so"},
    413: {"description": "too large"},
    429: {"description": "too many requests"},
    503: {"description": "store or ledger away"},
}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Standing(_Frozen):
    """How far the person and everybody are."""

    mine: int
    open: int
    """Questions that still lack answers."""
    left: int
    """Answers that are still wanted, of everybody."""
    wanted: int
    compared: int
    agreed: int
    """Answers of others to the same questions: how many there are, and how many are the same."""
    seconds: float | None
    time_left: str
    """For one person, in words; empty before anybody has answered."""


class Desktop(_Frozen):
    """What a page has before it."""

    questions: tuple[Shown, ...]
    standing: Standing


class Kept(_Frozen):
    """What became of an answer."""

    state: Received


class Names(_Frozen):
    """Some questions."""

    ids: tuple[Identifier, ...] = Field(max_length=MOST_AHEAD)


class Undone(_Frozen):
    """The question whose answer was taken back, if there is one."""

    question: Shown | None


@router.get("/label", response_class=HTMLResponse)
def label_page(request: Request, office: Here, person: Person) -> HTMLResponse:
    """The page on which a person judges."""
    token = office.access.forgery_token(person)
    return render("label.html.j2", person=person, token=token, run=office.table.run, reasons=REASONS)


@router.get("/api/work", responses=REFUSALS)
def work(office: Here, person: Person, count: Annotated[int, Query(ge=1, le=MOST_AHEAD)] = AHEAD) -> Desktop:
    """Questions for this person, held for two minutes: those that are held already come first."""
    scenes = office.table.take(person.name, count)
    for scene in scenes:
        office.witnesses.warm(scene)
    shown = tuple(_show(office, scene, person.name) for scene in scenes)
    return Desktop(questions=shown, standing=_stand(office, person.name))


def _show(office: Office, scene: Scene, person: str) -> Shown:
    return office.table.show(scene, person, office.witnesses.counsel(scene))


def _stand(office: Office, name: str) -> Standing:
    demand = office.table.demand()
    batches = demand.questions
    mine = next((one for one in demand.people if one.person == name), None)
    return Standing(
        mine=mine.given if mine else 0,
        open=sum(one.open for one in batches),
        left=sum(one.wanted - one.given for one in batches),
        wanted=sum(one.wanted for one in batches),
        compared=mine.compared if mine else 0,
        agreed=mine.agreed if mine else 0,
        seconds=mine.seconds if mine else None,
        time_left=say_left(demand.all_seconds_left),
    )


@router.get("/api/standing", responses=REFUSALS)
def standing(office: Here, person: Person) -> Standing:
    """How far this person and everybody are."""
    return _stand(office, person.name)


@router.post("/api/answer", responses=REFUSALS)
def answer(pressed: Pressed, office: Here, person: Person) -> Kept:
    """Keep an answer; the same again changes nothing."""
    return Kept(state=office.table.answer(person.name, pressed))


@router.post("/api/undo", responses=REFUSALS)
def undo(office: Here, person: Person) -> Undone:
    """Take the last answer back that nothing was learned from yet."""
    scene = office.table.undo(person.name)
    return Undone(question=None if scene is None else _show(office, scene, person.name))


@router.get("/api/question/{question}", responses=REFUSALS)
def question(question: Identifier, office: Here, person: Person) -> Shown:
    """A question that this person was asked, whatever has become of it."""
    return _show(office, office.table.find(person.name, question), person.name)


@router.post("/api/hold", responses=REFUSALS)
def hold(names: Names, office: Here, person: Person) -> Names:
    """Hold questions two minutes longer; those that are still this person's."""
    return Names(ids=tuple(office.table.hold(person.name, names.ids)))


@router.post("/api/release", responses=REFUSALS, status_code=204, response_class=PlainTextResponse)
def release(names: Names, office: Here, person: Person) -> Response:
    """Let others have questions at once."""
    office.table.give_back(person.name, names.ids)
    return Response(status_code=204)


@router.get("/api/steer/{question}", responses=REFUSALS)
def steer(question: Identifier, office: Here, person: Person, moves: Moves = "") -> Stand:
    """Where these moves lead, of a question that this person shows an answer to; nothing is kept."""
    scene = office.table.find(person.name, question)
    return stand(scene, office.table.gallery, read_moves(moves))


@router.get("/steered/{question}", response_class=Response, responses=REFUSALS)
def steered(question: Identifier, office: Here, person: Person, moves: Moves = "") -> Response:
    """What is to be seen there."""
    scene = office.table.find(person.name, question)
    return _send(look(scene, office.table.gallery, read_moves(moves)))


# --- what is looked at -------------------------------------------------------------------------


@router.get("/shown/{question}/{pane}", response_class=Response, responses=REFUSALS)
def shown(request: Request, question: Identifier, pane: int, office: Here, person: Person) -> Response:
    """One outcome of a question, as this person sees it; a part of it where a browser asks for one."""
    scene = office.table.find(person.name, question)
    return _send(office.table.sight(scene, person.name, pane), request.headers.get("range", ""))


@router.get("/evidence/{question}/{pane}/{way:path}", response_class=HTMLResponse, responses=REFUSALS)
def evidence(question: Identifier, pane: int, way: str, office: Here, person: Person) -> HTMLResponse:
    """What a helper answered, to be put into the page; its own helpers are the next click."""
    scene = office.table.find(person.name, question)
    found = office.witnesses.look(scene, person.name, pane, way)
    return render("evidence.html.j2", found=found, question=question, pane=pane, mark=scene.mark(person.name))


@router.get("/witness/{question}/{pane}/{way:path}", response_class=Response, responses=REFUSALS)
def witness(question: Identifier, pane: int, way: str, office: Here, person: Person) -> Response:
    """The picture of one answer of a helper."""
    scene = office.table.find(person.name, question)
    return _send(office.witnesses.sight(scene, person.name, pane, way))


def _send(sight: Sight, part: str = "") -> Response:
    # A page shows it twice: once when it is fetched ahead, once when its turn comes.
    kept = {"cache-control": "private, max-age=600", "content-security-policy": PLUGIN_POLICY}
    # Without parts a browser cannot go to a frame of a clip.
    kept["accept-ranges"] = "bytes"
    asked, whole = PART.fullmatch(part), len(sight.data)
    first = int(asked[1]) if asked else 0
    if asked is None or first >= whole:
        return Response(sight.data, media_type=sight.media, headers=kept)
    last = min(int(asked[2]), whole - 1) if asked[2] else whole - 1
    kept["content-range"] = f"bytes {first}-{last}/{whole}"
    return Response(sight.data[first : last + 1], status_code=206, media_type=sight.media, headers=kept)
