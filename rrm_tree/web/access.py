"""Who may use the pages: signed links, sessions, and tokens against forged requests.

In: a secret, a clock. Out: links, cookies, visitors.
Touches the file of the secret, which it makes where there is none.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rrm_tree.asking import MOST_LETTERS
from rrm_tree.errors import StoreError

Role = Literal["owner", "person", "metrics"]

Value = TypeVar("Value", bound=BaseModel)

DAY = 24 * 3600
LINK_SECONDS = 14 * DAY
"""How long a person's link is good for."""
ONCE_SECONDS = DAY
"""How long a link that works once waits to be used."""
SESSION_SECONDS = 30 * DAY


class Visitor(BaseModel):
    """Who is at the page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=MOST_LETTERS)
    role: Role
    session: str
    """Tells two browsers of one person apart."""

    @property
    def is_owner(self) -> bool:
        """Whether this is who started the page, and may see and steer the run."""
        return self.role == "owner"


class _Link(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    role: Role
    once: str | None = None
    """Of a link that works once: which one it is."""


@dataclass(frozen=True, slots=True)
class Door:
    """A link, with whom it lets in."""

    name: str
    role: Role
    token: str


class Access:
    """Signs and checks everything by which visitors are known."""

    def __init__(self, secret: bytes) -> None:
        self._links = URLSafeTimedSerializer(secret, salt="rrm link")
        self._sessions = URLSafeTimedSerializer(secret, salt="rrm session")
        self._secret = secret
        self._unused: set[str] = set()
        self._lock = threading.Lock()
        # Cookies know no ports: two stores on one machine must not take each other's.
        self.cookie = f"rrm_{hashlib.sha256(secret).hexdigest()[:8]}"

    def open_door(self, name: str, role: Role = "person", *, once: bool = False) -> Door:
        """A link for somebody; one that works once is forgotten when this process ends."""
        which = secrets.token_urlsafe(12) if once else None
        if which is not None:
            self._unused.add(which)
        return Door(name, role, self._dump(self._links, _Link(name=name, role=role, once=which)))

    def enter(self, token: str) -> Visitor | None:
        """Who comes in by a link; None where it is not one of ours, too old or used up."""
        link = self._load(self._links, token, LINK_SECONDS, _Link)
        if link is None or link.role == "metrics":
            return None
        if link.once is not None:
            if self._load(self._links, token, ONCE_SECONDS, _Link) is None:
                return None
            with self._lock:
                if link.once not in self._unused:
                    return None
                self._unused.discard(link.once)
        return Visitor(name=link.name, role=link.role, session=secrets.token_urlsafe(12))

    def is_of(self, token: str, visitor: Visitor | None) -> bool:
        """Whether a link, used up or not, is one that a visitor may have come in by."""
        link = self._load(self._links, token, LINK_SECONDS, _Link)
        return bool(link and visitor and (link.name, link.role) == (visitor.name, visitor.role))

    def may_read_metrics(self, token: str) -> bool:
        """Whether a bearer's token was made for reading metrics."""
        # It stands in a configuration file: it does not grow old.
        link = self._load(self._links, token, None, _Link)
        return link is not None and link.role == "metrics"

    def seal(self, visitor: Visitor) -> str:
        """A visitor as a cookie."""
        return self._dump(self._sessions, visitor)

    def visitor(self, cookie: str | None) -> Visitor | None:
        """Whose cookie this is; None where it is not ours, or too old."""
        return None if cookie is None else self._load(self._sessions, cookie, SESSION_SECONDS, Visitor)

    def forgery_token(self, visitor: Visitor) -> str:
        """What only pages of this visitor's own session can send along."""
        text = f"forgery {visitor.session}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()

    def is_own_request(self, visitor: Visitor, token: str | None) -> bool:
        """Whether a request that changes something carries the session's token."""
        given = (token or "").encode("utf-8", "replace")
        return hmac.compare_digest(self.forgery_token(visitor).encode(), given)

    @staticmethod
    def _dump(signer: URLSafeTimedSerializer, value: BaseModel) -> str:
        sealed = signer.dumps(value.model_dump())
        return sealed if isinstance(sealed, str) else sealed.decode()

    @staticmethod
    def _load(
        signer: URLSafeTimedSerializer, text: str, seconds: int | None, model: type[Value]
    ) -> Value | None:
        try:
            return model.model_validate(signer.loads(text, max_age=seconds))
        except (BadSignature, ValidationError):
            return None


def load_secret(file: Path) -> bytes:
    """The secret by which links and sessions are signed; made where there is none, for this user alone.

    Raises:
        StoreError: the file cannot be read or written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            secret = file.read_bytes()
        else:
            secret = secrets.token_hex(32).encode()
            with os.fdopen(handle, "wb") as written:
                written.write(secret)
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror or error}; links are signed by what is in it") from error
    if len(secret) < 32:
        raise StoreError(f"{file} holds no secret: delete it, and every link that was given out with it")
    return secret
