"""ETags: a GET of the API whose answer the caller has already is answered 304, without a body (RFC 9110 13.1.2).

An answer that brings its tag keeps it; any other one gets a tag made from all its bytes.
"""

from __future__ import annotations

import hashlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .context import header
from .routes import is_api

_OF_BODIES = (b"content-length", b"content-type")


class ETags:
    """ASGI middleware around all routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry one request through."""
        if scope["type"] == "http" and scope["method"] == "GET" and is_api(scope["path"]):
            send = _Tagged(header(scope, b"if-none-match"), send).hear
        await self._app(scope, receive, send)


class _Tagged:
    """One answer on its way out: held until it is whole and has a tag."""

    def __init__(self, known: str, send: Send) -> None:
        self._known, self._send = known, send
        self._start: Message | None = None
        self._parts: list[bytes] = []

    async def hear(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._finish(self._start, b"".join(self._parts))

    async def _finish(self, start: Message, body: bytes) -> None:
        status, headers = 200, list(start["headers"])
        tag = next((value for name, value in headers if name == b"etag"), None)
        if tag is None:
            tag = tag_of(body)
            headers.append((b"etag", tag))
        if self._known and _has(self._known, tag.decode("latin-1")):
            status, body = 304, b""
            headers = [header for header in headers if header[0] not in _OF_BODIES]
        await self._send({**start, "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def tag_of(body: bytes) -> bytes:
    """Make the tag of an answer from its body."""
    return b'"%b"' % hashlib.sha256(body).hexdigest()[:32].encode()


def _has(known: str, tag: str) -> bool:
    """Tell whether an If-None-Match names this tag; either may be weak (RFC 9110 13.1.2)."""
    return known.strip() == "*" or tag.removeprefix("W/") in (
        one.strip().removeprefix("W/") for one in known.split(",")
    )
