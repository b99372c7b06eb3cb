"""Starts the pages: which names the server goes by, who gets which link.

In: a store, the desk, a run, where to listen. Out: links, and a server that runs until it is stopped.
Touches the network, and the file of the secret.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import uvicorn

from rrm_tree.errors import UsageError
from rrm_tree.web.access import Access, Door, load_secret
from rrm_tree.web.app import Office, build_app
from rrm_tree.web.evidence import Witnesses
from rrm_tree.web.overview import Overview
from rrm_tree.web.work import Worktable

if TYPE_CHECKING:
    from rrm_tree.desk import Desk
    from rrm_tree.store import Store

SECRET = "pages.secret"
"""File beside the store: whoever removes it makes every link and session worthless."""


@dataclass(frozen=True)
class Place:
    """Where the pages are to be found."""

    host: str
    port: int
    url: str | None = None
    """As browsers reach it, where that is not host and port: behind a proxy, or by a name."""

    @property
    def address(self) -> str:
        """What links begin with."""
        if self.url is not None:
            return self.url.rstrip("/")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def hosts(self) -> set[str]:
        """The names by which a browser may call this server."""
        port = self.port
        named = {urlsplit(self.address).netloc.lower()}
        # A browser leaves the usual ports out.
        named |= {name.rpartition(":")[0] for name in named if name.endswith((":80", ":443"))}
        return named | {f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"}

    @property
    def is_loopback(self) -> bool:
        """Whether nobody on another machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def check_place(place: Place) -> None:
    """Nothing, where links to a place can be written.

    Raises:
        UsageError: they cannot.
    """
    if place.url is not None:
        parts = urlsplit(place.url)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/"):
            raise UsageError(f"--url {place.url}: write https://NAME, as browsers reach the page")
    elif place.host in {"0.0.0.0", "::"}:
        raise UsageError(
            f"--host {place.host} listens on every address: say with --url by which name browsers come,"
            " as https://label.example.org"
        )


def open_office(store: Store, desk: Desk, run: str, place: Place) -> Office:
    """Everything that the pages of a run work with.

    Raises:
        StoreError: the run or the secret cannot be read.
    """
    table = Worktable(store, desk, run)
    access = Access(load_secret(store.workplace / SECRET))
    secure = place.address.startswith("https:")
    return Office(table, access, Witnesses(table), Overview(table), secure=secure)


def open_doors(office: Office, owner: str, people: Sequence[str]) -> list[Door]:
    """Links: one that works once for whoever starts the pages, one for each person, one for metrics."""
    access = office.access
    doors = [access.open_door(owner, "owner", once=True)]
    doors += [access.open_door(name) for name in people]
    return [*doors, access.open_door("metrics", "metrics")]


def listen(place: Place) -> socket.socket:
    """A socket at a place; port 0 takes any that is free.

    Raises:
        UsageError: it is taken, or none of this machine's.
    """
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((place.host, place.port))
        # From now on whoever opens a link is heard, if only in a moment.
        made.listen(128)
    except OSError as error:
        made.close()
        cure = "another --port" if place.port else "another --host"
        raise UsageError(f"{place.host}:{place.port}: {error.strerror or error}; choose {cure}") from error
    return made


def serve(office: Office, place: Place, opened: socket.socket) -> None:
    """Answer requests until the process is told to stop."""
    settings = uvicorn.Config(
        build_app(office, place.hosts),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        # Streams never end by themselves.
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=32 * 1024,
    )
    uvicorn.Server(settings).run(sockets=[opened])
