"""Writes of the API that are repeated: with an Idempotency-Key, or a booking with the very same body.

Everything such a request writes through `App.transaction()` becomes one transaction, together with the answer that
is kept for whoever repeats it. It is committed once the answer is known, and before anybody hears it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kalends.app import App
from kalends.errors import DomainError
from kalends.services import idempotency
from kalends.services.idempotency import Answer
from kalends.storage.database import Connection
from kalends.storage.idempotency_keys import Row

from . import problems
from .context import trace_of
from .routes import is_api

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
WRITES = ("POST", "PUT", "PATCH", "DELETE")

_BOOKING = ("POST", "/v4/booking")
_GUEST = "guest"  # whoever has no credential; what he must show stands in path and body
_LONGEST_PATH = 500  # what an index entry holds for sure; the fingerprint has it whole


class Idempotency:
    """ASGI middleware around all routes, so that none of the API can be forgotten."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry one request through, or answer it as before."""
        if scope["type"] == "http" and scope["method"] in WRITES and is_api(scope["path"]):
            keys = Request(scope).headers.getlist(KEY_HEADER)
            if keys or (scope["method"], scope["path"]) == _BOOKING:
                await _Attempt(self._app, scope, receive, send, keys).run()
                return
        await self._app(scope, receive, send)


class _Repeated(Exception):
    """Ends a request that was carried out before."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class _Attempt:
    """One request that may be a repetition."""

    def __init__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, keys: list[str]) -> None:
        self._app, self._scope, self._receive, self._send = app, scope, receive, send
        self._request = Request(scope)
        self._kalends: App = self._request.app.state.kalends
        self._keys = keys
        self._body = b""
        self._answered: list[Message] = []
        self._row: Row | None = None

    async def run(self) -> None:
        response: Response | None = None
        async with self._kalends.enclosed(self._open) as enclosing:
            try:
                await self._app(self._scope, self._listen, self._note)
                if enclosing.begun and self._answered[0]["status"] < 400:
                    await enclosing.commit(self._keep)
            except _Repeated as repeated:
                response = _again(repeated.answer)
            except DomainError as error:
                response = await problems.render(self._request, problems.of(error))
        if response is not None:
            await response(self._scope, self._receive, self._send)
            return
        for message in self._answered:
            await self._send(message)

    async def _listen(self) -> Message:
        message = await self._receive()
        self._body += message.get("body", b"")
        return message

    async def _note(self, message: Message) -> None:
        self._answered.append(message)

    async def _open(self, conn: Connection) -> None:
        """Enter the request; by now who asks is known, and the body has been read."""
        app, now = self._kalends, self._kalends.now()
        key = idempotency.check_key(self._keys) if self._keys else None
        row = self._row = self._entry(key)
        enter = idempotency.enter if key else idempotency.enter_booking
        answer = await enter(conn, app.box, row, now)
        if answer:
            raise _Repeated(answer)

    async def _keep(self, conn: Connection) -> None:
        assert self._row is not None
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in self._start["headers"])
        body = b"".join(message.get("body", b"") for message in self._answered)
        answer = Answer(self._start["status"], headers, body)
        subject = None if self._keys else _booked(json.loads(body))
        await idempotency.keep(conn, self._kalends.box, self._row, answer, subject_id=subject)

    @property
    def _start(self) -> Message:
        return self._answered[0]

    def _entry(self, key: str | None) -> Row:
        actor = trace_of(self._request).actor
        method, path = self._scope["method"], self._scope["path"]
        acting = str(actor.user_id) if actor else ""
        head = "\n".join((method, path, self._scope["query_string"].decode("latin-1"), acting, ""))
        fingerprint = hashlib.sha256(head.encode("utf-8", "surrogatepass") + self._body)
        return Row(
            scope=str(actor.credential_id) if actor else _GUEST,
            method=method,
            path=path[:_LONGEST_PATH],
            key=key or f"body:{fingerprint.hexdigest()}",
            fingerprint=fingerprint.digest(),
            company_id=actor.company_id if actor else None,
        )


def _again(answer: Answer) -> Response:
    response = Response(answer.body, answer.status)
    response.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    response.headers[REPLAYED_HEADER] = "true"
    return response


def _booked(body: Mapping[str, Any]) -> UUID | None:
    found = body.get("appointmentId") or body.get("provisionalBookingId")
    return UUID(found) if found else None
