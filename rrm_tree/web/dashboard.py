"""Addresses of the dashboard, for whoever runs the tree; and of probes.

In: requests of the owner. Out: pages, a stream of what changes, metrics.
Touches the ledger where a run is cancelled or tried again, and the report's files when it is opened.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from rrm_tree.errors import UsageError
from rrm_tree.records import RunResult
from rrm_tree.report import write_reports
from rrm_tree.report.rendering import list_shades
from rrm_tree.standing import check_node, collect_standing, wish_again, wish_end
from rrm_tree.studies import study_run
from rrm_tree.web.app import Here, Office, Owner, Person, owner_of
from rrm_tree.web.guard import FORGERY_FIELD
from rrm_tree.web.overview import Snapshot, say_left, write_metrics
from rrm_tree.web.pages import render, render_part
from rrm_tree.web.views import View, Wish
from rrm_tree.web.work import Worktable

router = APIRouter(tags=["dashboard"])

EVERY_SECONDS = 1.0
"""How often those who watch hear of what has changed."""
SILENT_SECONDS = 15.0
"""After so long without news a line is sent that keeps the connection open."""

PARTS = ("tree", "nodes", "people", "machines", "events")
"""Parts of the page that are replaced when they change."""

REPORT_POLICY = (
    "sandbox allow-popups; default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The report stands alone, styles inline, without scripts."""

Seed = Annotated[int | None, Query(ge=0, lt=10**18)]
"""Whose tree is looked at, where the run has several; all together if it is not given."""


class Health(BaseModel):
    """Whether store and ledger can be used."""

    model_config = ConfigDict(frozen=True)

    status: str


@router.get("/", response_class=HTMLResponse)
def dashboard(office: Here, person: Person, seed: Seed = None) -> Response:
    """The run as it stands; people who judge go to their questions."""
    if not person.is_owner:
        return RedirectResponse("/label", 303)
    view, snapshot = office.overview.view(seed), office.overview.snapshot()
    return render(
        "dashboard.html.j2",
        person=person,
        token=office.access.forgery_token(person),
        run=office.table.run,
        shades=list_shades(),
        seed=seed,
        several=bool(snapshot.choices),
        embedded=office.table.desk.embedded,
        curves=_curves(view),
        parts={name: _draw(name, snapshot, view, office) for name in PARTS},
    )


@router.get("/live", response_class=StreamingResponse)
async def live(request: Request, office: Here, _owner: Owner, seed: Seed = None) -> StreamingResponse:
    """What changes, as it changes: server-sent events named by the part of the page."""
    # A seed that there is none of is said at once.
    await run_in_threadpool(office.overview.view, seed)
    return StreamingResponse(_follow(request, office, seed), media_type="text/event-stream")


async def _follow(request: Request, office: Office, seed: int | None) -> AsyncIterator[str]:
    sent: dict[str, str] = {}
    silent = 0.0
    while not await request.is_disconnected():
        parts = await run_in_threadpool(_draw_all, office, seed)
        for name, text in parts.items():
            if sent.get(name) != text:
                sent[name], silent = text, 0.0
                yield _event(name, text)
        if silent >= SILENT_SECONDS:
            silent = 0.0
            yield ": nothing new\n\n"
        await asyncio.sleep(EVERY_SECONDS)
        silent += EVERY_SECONDS


def _event(name: str, text: str) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\n{lines}\n"


def _draw_all(office: Office, seed: int | None) -> dict[str, str]:
    view, snapshot = office.overview.view(seed), office.overview.snapshot()
    parts = {name: _draw(name, snapshot, view, office) for name in PARTS}
    return {**parts, "curves": _curves(view)}


def _draw(name: str, snapshot: Snapshot, view: View, office: Office) -> str:
    return render_part(
        f"part-{name}.html.j2",
        now=snapshot,
        view=view,
        say_left=say_left,
        run=office.table.run,
        command=office.table.store.command(office.table.run),
        embedded=office.table.desk.embedded,
    )


def _curves(view: View) -> str:
    return json.dumps([{"node": one.node, "shares": one.shares} for one in view.curves])


# --- wishes ------------------------------------------------------------------------------------

MOST_LETTERS = 200


@router.get("/run/{wish}", response_class=HTMLResponse)
def ask(request: Request, office: Here, owner: Owner, wish: Wish, node: str = "") -> HTMLResponse:
    """Ask whether a wish is meant; what is asked is a form that says so."""
    table, named = office.table, node[:MOST_LETTERS] or None
    check_node(table.plan, table.run, named)
    about = {"wish": wish, "node": named, "field": FORGERY_FIELD}
    return _answer(request, office, owner, "part-ask.html.j2", **about)


@router.post("/run/{wish}", response_class=HTMLResponse)
def make(
    request: Request,
    office: Here,
    owner: Owner,
    wish: Wish,
    node: Annotated[str, Form(max_length=MOST_LETTERS)] = "",
) -> HTMLResponse:
    """Ask that the run or one node of it end, or that what failed or was cancelled be trained after all."""
    table, named = office.table, node or None
    if wish == "cancel":
        said = wish_end(table.store, table.desk, table.run, named)
    else:
        told = wish_again(table.store, table.desk, table.run, named)
        command = table.store.command(table.run)
        said = told or f"noted; nobody schedules {table.run} now, so give the command: `{command}`"
    office.overview.look_again()
    return _answer(request, office, owner, "part-said.html.j2", text=said)


def _answer(request: Request, office: Office, owner: Owner, part: str, **about: object) -> HTMLResponse:
    """A part to be put into the page, or a page of its own where there are no scripts."""
    whole = "HX-Request" not in request.headers
    token, run = office.access.forgery_token(owner), office.table.run
    body = partial(render_part, part, run=run, token=token, **about)
    return render("wish.html.j2", run=run, token=token, body=body()) if whole else HTMLResponse(body())


# --- the report, probes ------------------------------------------------------------------------


@router.get("/report", response_class=HTMLResponse)
def report(office: Here, _owner: Owner) -> Response:
    """The report of the run as it stands, written again."""
    return _report(office.table, office.table.run)


@router.get("/seed-{seed}/report.html", response_class=HTMLResponse)
def report_of_seed(office: Here, _owner: Owner, seed: int) -> Response:
    """The report of one seed, where that of the run has a link to it."""
    runs = [run for run, plan in office.table.runs.items() if plan.tree.seed == seed]
    if not runs:
        raise UsageError(f"run {office.table.run} has no seed {seed}")
    return _report(office.table, runs[0])


def _report(table: Worktable, run: str) -> Response:
    result = collect_standing(table.store, table.desk, run)
    if isinstance(result, RunResult):
        page = write_reports(result, Path(result.run), study_run(table.store, result))
    else:
        by_seed = {one.seed: study_run(table.store, one) for one in result.results}
        page = write_reports(result, Path(result.run), by_seed=by_seed)
    return HTMLResponse(page.read_bytes(), headers={"content-security-policy": REPORT_POLICY})


@router.get("/healthz")
def healthz(office: Here) -> Health:
    """Whether the ledger answers."""
    office.table.desk.now()
    return Health(status="ok")


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request, office: Here) -> PlainTextResponse:
    """What Prometheus reads; it comes with a token of its own."""
    if request.state.visitor is not None:
        owner_of(request)
    snapshot = office.overview.snapshot()
    gauges = write_metrics(snapshot, office.table.desk, office.table.run)
    lines = []
    for name, words, values in gauges:
        lines += [f"# HELP {name} {words}", f"# TYPE {name} gauge"]
        lines += [f"{name}{{{labels}}} {value:g}" for labels, value in values.items()]
    traffic = office.traffic
    counted = {f'method="{method}",status="{status}"': n for (method, status), n in traffic.requests.items()}
    lines += _count("rrm_http_requests_total", "Requests answered.", counted)
    refused = {f'reason="{reason}"': n for reason, n in traffic.refused.items()}
    lines += _count("rrm_http_refused_total", "Requests refused.", refused)
    lines += ["# HELP rrm_http_seconds_total Seconds in which requests were answered."]
    lines += ["# TYPE rrm_http_seconds_total counter", f"rrm_http_seconds_total {traffic.seconds:.3f}"]
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


def _count(name: str, words: str, values: Mapping[str, int]) -> list[str]:
    rows = [f"{name}{{{labels}}} {value}" for labels, value in sorted(values.items())]
    return [f"# HELP {name} {words}", f"# TYPE {name} counter", *rows]
