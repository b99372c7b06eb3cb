"""Templates to pages; everything is escaped that is not said to be safe.

In: a template's name and values. Out: an answer.
Touches the templates beside it and those of the report.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.requests import Request

from rrm_tree.report.rendering import draw, prose


@cache
def environment() -> Environment:
    """The templates of the pages; drawings are those of the report."""
    made = Environment(
        loader=ChoiceLoader([PackageLoader("rrm_tree.web"), PackageLoader("rrm_tree.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["prose"] = prose
    made.globals["draw"] = draw
    return made


def render(name: str, **values: object) -> HTMLResponse:
    """A page, or a part of one."""
    return HTMLResponse(environment().get_template(name).render(**values))


def render_part(name: str, **values: object) -> str:
    """A part of a page as text."""
    return environment().get_template(name).render(**values)


def refuse(
    request: Request, status: int, said: str, headers: Mapping[str, str] = MappingProxyType({})
) -> Response:
    """Why a request got nothing: a page for whoever follows a link, JSON for scripts."""
    is_visit = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if not is_visit:
        return JSONResponse({"detail": said}, status, dict(headers))
    page = environment().get_template("refused.html.j2").render(status=status, said=said)
    return HTMLResponse(page, status, dict(headers))
