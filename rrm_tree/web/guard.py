"""What every request passes on its way in, and every answer on its way out.

In: requests. Out: the same, or a refusal; answers with headers that keep foreign code from running.
Touches the clock, and counts in memory.

Refused are: a host that is not ours (DNS rebinding), a body that is too large, too many requests, visitors
without a session, and changes that do not come from our own pages (CSRF).
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rrm_tree.web.access import Access, Visitor
from rrm_tree.web.pages import refuse

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What our own pages may load and run: our own files, nothing inline."""

PLUGIN_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""What plug-ins draw may load: nothing but what it brings along; it runs nothing, wherever it is opened."""

MOST_BYTES = 64 * 1024
"""Of a request's body."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
METHODS = SAFE | {"POST", "PUT", "PATCH", "DELETE"}
OPEN = ("/static/", "/enter/", "/healthz")
"""Begins the paths that nobody must be known for."""
FORM = "application/x-www-form-urlencoded"
FORGERY_HEADER, FORGERY_FIELD = "x-csrf-token", "csrf"
"""Where the token stands: scripts send a header, forms a field."""


@dataclass
class Buckets:
    """How many requests each caller may still make: so many at once, then so many a second."""

    burst: float
    per_second: float
    clock: Callable[[], float] = time.monotonic
    most: int = 10_000
    """Callers that are remembered."""
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def take(self, caller: str) -> float:
        """Take one request out; 0 if it is allowed, else the seconds after which the next one is."""
        now = self.clock()
        with self._lock:
            left, since = self._left.pop(caller, (self.burst, now))
            left = min(self.burst, left + (now - since) * self.per_second)
            allowed = left >= 1
            self._left[caller] = (left - 1 if allowed else left, now)
            while len(self._left) > self.most:
                self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self.per_second


@dataclass
class Traffic:
    """Requests answered, for `/metrics`."""

    requests: Counter[tuple[str, int]] = field(default_factory=Counter)
    """By method and status."""
    seconds: float = 0.0
    refused: Counter[str] = field(default_factory=Counter)
    """By reason."""


@dataclass(frozen=True)
class Refusal:
    """Why a request goes no further."""

    status: int
    reason: str
    said: str
    retry_after: float = 0.0

    def respond(self, request: Request) -> Response:
        """The answer."""
        headers = {"retry-after": str(max(1, round(self.retry_after)))} if self.retry_after else {}
        return refuse(request, self.status, self.said, headers)


class Guard:
    """An ASGI application around another."""

    def __init__(self, app: ASGIApp, access: Access, hosts: Collection[str], traffic: Traffic) -> None:
        """Guard an application.

        Args:
            app: the application.
            access: knows visitors.
            hosts: `host:port` as browsers may name this server.
            traffic: where requests are counted.
        """
        self.app, self.access, self.traffic = app, access, traffic
        self.hosts = frozenset(host.lower() for host in hosts)
        self.known = Buckets(burst=300, per_second=60)
        # Whoever tries tokens does not come far.
        self.unknown = Buckets(burst=60, per_second=2)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        request, began = Request(scope), time.perf_counter()
        visitor = self.access.visitor(_cookie(request.headers, self.access.cookie))
        scope.setdefault("state", {})["visitor"] = visitor
        refusal, receive = self.check(request, visitor), _limited(receive)
        # A page that names its session is asked by whoever came in later by the same browser.
        if refusal is None and (request.method not in SAFE or FORGERY_HEADER in request.headers):
            refusal, receive = await self._check_forgery(request, visitor, receive)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                _harden(MutableHeaders(scope=message), request.url.path)
            await send(message)

        try:
            if refusal is not None:
                self.traffic.refused[refusal.reason] += 1
                await refusal.respond(request)(scope, receive, answer)
            else:
                await self.app(scope, receive, answer)
        finally:
            method = request.method if request.method in METHODS else "other"
            self.traffic.requests[method, status] += 1
            self.traffic.seconds += time.perf_counter() - began

    def check(self, request: Request, visitor: Visitor | None) -> Refusal | None:
        """Why a request goes no further, without its body; None where it may."""
        headers, path = request.headers, request.url.path
        host = headers.get("host", "").lower()
        if host not in self.hosts:
            return Refusal(421, "host", "this server does not go by that name; see `rrm ui --url`")
        wait = self._wait(request, visitor)
        if wait:
            return Refusal(429, "rate", "too many requests; try again in a moment", wait)
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > MOST_BYTES:
            return Refusal(413, "too large", _SAY_LARGE)
        is_open = path.startswith(OPEN) or (path == "/metrics" and self._reads_metrics(headers))
        if visitor is None and not is_open:
            return Refusal(401, "unknown", "open the link that you were given; there is no other way in")
        if request.method in SAFE:
            return None
        if not _from_own_page(headers, host):
            return Refusal(403, "foreign", "this request does not come from our own pages")
        return None

    async def _check_forgery(
        self, request: Request, visitor: Visitor | None, receive: Receive
    ) -> tuple[Refusal | None, Receive]:
        """Why a change is not made, if it does not come from this session's own page; and its body."""
        token = request.headers.get(FORGERY_HEADER)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if token is None and kind == FORM:
            try:
                body = await _read(receive)
            except HTTPException as error:
                return Refusal(error.status_code, "too large", str(error.detail)), receive
            token, receive = _find_token(body), _again(body, receive)
        if visitor is not None and self.access.is_own_request(visitor, token):
            return None, receive
        return Refusal(403, "forged", "the page is out of date; load it again"), receive

    def _wait(self, request: Request, visitor: Visitor | None) -> float:
        if visitor is not None:
            return self.known.take(f"{visitor.name}\n{visitor.session}")
        if request.url.path.startswith("/static/") or request.url.path == "/healthz":
            return 0.0
        return self.unknown.take(request.client.host if request.client else "")

    def _reads_metrics(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self.access.may_read_metrics(token.strip())


_SAY_LARGE = f"a request may hold {MOST_BYTES // 1024} KiB at most"


def _limited(receive: Receive) -> Receive:
    """The same body, up to the limit; its declared length may be missing or a lie."""
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > MOST_BYTES:
            # What reads the body hands this on, and any other error for one of its own.
            raise HTTPException(413, _SAY_LARGE)
        return message

    return counted


async def _read(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = bool(message.get("more_body"))
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """A body that has been read, to be read once more."""
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def first() -> Message:
        return unread.pop() if unread else await receive()

    return first


def _find_token(body: bytes) -> str | None:
    try:
        fields = parse_qs(body.decode("ascii", "replace"), max_num_fields=20)
    except ValueError:
        return None
    return fields.get(FORGERY_FIELD, [None])[0]


def _cookie(headers: Headers, name: str) -> str | None:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except CookieError:
        return None
    return jar[name].value if name in jar else None


def _from_own_page(headers: Headers, host: str) -> bool:
    """Whether a browser says, or does not deny, that a request comes from a page of this server."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == host


def _harden(headers: MutableHeaders, path: str) -> None:
    headers.setdefault("content-security-policy", POLICY)
    headers["x-content-type-options"] = "nosniff"
    headers["referrer-policy"] = "same-origin"
    headers["cross-origin-opener-policy"] = "same-origin"
    headers["cross-origin-resource-policy"] = "same-origin"
    headers["permissions-policy"] = "camera=(), microphone=(), geolocation=()"
    if not path.startswith("/static/"):
        headers.setdefault("cache-control", "no-store")
