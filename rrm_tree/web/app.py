"""The web application: pages for people who judge, and a dashboard for whoever runs the tree.

In: a store, the desk, a run, a secret. Out: an ASGI application.
Touches the desk, and the ledger where a run is cancelled or tried again. Every other address refuses
visitors without a session (see `guard`).
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.staticfiles import StaticFiles

from rrm_tree.errors import RrmError, StoreError, UsageError
from rrm_tree.report.words import clean
from rrm_tree.web.access import SESSION_SECONDS, Access, Visitor
from rrm_tree.web.evidence import Witnesses
from rrm_tree.web.guard import Guard, Traffic
from rrm_tree.web.overview import Overview
from rrm_tree.web.pages import refuse
from rrm_tree.web.work import Worktable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp

HERE = Path(__file__).parent
TOKENS = ("style.css", "marks.css")
"""The report's own colours and marks."""


@dataclass
class Office:
    """All that the pages work with."""

    table: Worktable
    access: Access
    witnesses: Witnesses
    overview: Overview
    secure: bool = False
    """Whether browsers come by https, so that cookies may go no other way."""
    traffic: Traffic = field(default_factory=Traffic)


def office_of(request: Request) -> Office:
    """The office of the application that a request came to."""
    return cast(Office, request.app.state.office)


def visitor_of(request: Request) -> Visitor:
    """Who makes a request; the guard has let nobody else through."""
    visitor = request.state.visitor
    if visitor is None:
        raise HTTPException(401, "open the link that you were given")
    return cast(Visitor, visitor)


def owner_of(request: Request) -> Visitor:
    """Who makes a request that only the owner may make."""
    visitor = visitor_of(request)
    if not visitor.is_owner:
        raise HTTPException(
            403, "only whoever started this page may see the run: judges who know it are biased"
        )
    return visitor


Here = Annotated[Office, Depends(office_of)]
Person = Annotated[Visitor, Depends(visitor_of)]
Owner = Annotated[Visitor, Depends(owner_of)]


def build_app(office: Office, hosts: Collection[str]) -> ASGIApp:
    """The application, guarded.

    Args:
        office: what it works with.
        hosts: `host:port` as browsers may name it.
    """
    from rrm_tree.web import dashboard, labelling  # noqa: PLC0415 - they import what stands above

    @asynccontextmanager
    async def living(_app: FastAPI) -> AsyncIterator[None]:
        yield
        office.table.gallery.close()

    app = FastAPI(
        title="rrm-tree",
        description="Judging outcomes of a run, and watching it.",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        lifespan=living,
    )
    app.state.office = office
    tokens = "".join((HERE.parent / "report" / "templates" / name).read_text() for name in TOKENS)

    @app.get("/static/tokens.css", include_in_schema=False)
    def colours() -> Response:
        """Colours and marks as in reports."""
        return Response(tokens, media_type="text/css")

    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.include_router(labelling.router)
    app.include_router(dashboard.router)
    _add_entrance(app)
    for kind in (RrmError, StoreError, UsageError):
        app.add_exception_handler(kind, _explain)
    app.add_exception_handler(StarletteHTTPException, _explain_refusal)
    app.add_exception_handler(RequestValidationError, _explain_invalid)
    return Guard(app, office.access, hosts, office.traffic)


def _add_entrance(app: FastAPI) -> None:
    @app.get("/enter/{token}", status_code=303, response_class=RedirectResponse)
    def enter(request: Request, token: str, office: Here) -> Response:
        """Come in by a link."""
        visitor = office.access.enter(token)
        if office.access.is_of(token, request.state.visitor):
            # Whoever opens the link again in the browser that it let in goes on, and so do the other tabs.
            visitor = request.state.visitor
        if visitor is None:
            raise HTTPException(
                403,
                "this link is not good any more: used, too old, or cut short. Ask for a new one",
            )
        response = RedirectResponse("/" if visitor.is_owner else "/label", 303)
        response.set_cookie(
            office.access.cookie,
            office.access.seal(visitor),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="lax",
            secure=office.secure,
        )
        return response

    @app.get("/openapi.json", include_in_schema=False)
    def describe(_owner: Owner) -> JSONResponse:
        """What can be asked for."""
        return JSONResponse(app.openapi())


async def _explain(request: Request, error: Exception) -> Response:
    status = 503 if isinstance(error, StoreError) else 404 if isinstance(error, UsageError) else 500
    return refuse(request, status, clean(str(error), 500))


async def _explain_refusal(request: Request, error: Exception) -> Response:
    told = cast(StarletteHTTPException, error)
    return refuse(request, told.status_code, clean(str(told.detail), 500), told.headers or {})


async def _explain_invalid(_request: Request, error: Exception) -> JSONResponse:
    # What was sent is not sent back: it may be anything.
    found = cast(RequestValidationError, error).errors()
    told = [
        {"at": [clean(str(part), 60) for part in one["loc"]], "wrong": clean(one["msg"], 200)}
        for one in found
    ]
    return JSONResponse({"detail": told[:20]}, 422)
