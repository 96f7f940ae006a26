"""The outermost layer of every request: its id, its log line, its security headers, the last word on bugs."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterable
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import headers, problems
from .context import Trace, header, start_trace
from .logs import describe, request_id
from .problems import Problem
from .routes import template_of

MAX_BODY_BYTES = 1_000_000
BODY_PAUSE_S = 20  # between two pieces of a body

log = structlog.get_logger("kalends.requests")


class Requests:
    """ASGI middleware around all routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry one request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await _Exchange(self._app, scope, receive, send).run()


class _Exchange:
    """One request and its answer."""

    def __init__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._app, self._receive, self._send = app, receive, send
        # HEAD is GET without the body (RFC 9110 9.3.2); the server leaves the body out.
        self._head = scope["method"] == "HEAD"
        self._scope = {**scope, "method": "GET"} if self._head else scope
        self._trace: Trace = start_trace(self._scope, str(uuid.uuid4()))
        # For its headers only: with a method of ours in it, each request would wait for the garbage collector.
        self._request = Request(self._scope)
        self._received = 0
        self._whole = False
        self._status = 0
        self._started = time.perf_counter()

    async def run(self) -> None:
        token = request_id.set(self._trace.request_id)
        try:
            await self._answer()
        except Exception as error:
            log.error("unexpected error", route=template_of(self._request), **describe(error))
            if not self._status:
                await self._problem(problems.UNEXPECTED)
        finally:
            self._write_line()
            request_id.reset(token)

    async def _answer(self) -> None:
        preflight = headers.preflight(self._request)
        if preflight is not None:
            await preflight(self._scope, self._receive, self._send_with_headers)
        elif _declared_length(self._scope) > MAX_BODY_BYTES:
            await self._problem(problems.TOO_LARGE)
        else:
            await self._app(self._scope, self._receive_limited, self._send_with_headers)

    async def _problem(self, problem: Problem) -> None:
        response = await problems.render(self._request, problem)
        await response(self._scope, self._receive, self._send_with_headers)

    async def _receive_limited(self) -> Message:
        try:
            # Whoever sends half a body and then nothing must not be waited for; afterwards we wait for nobody's bytes.
            async with asyncio.timeout(None if self._whole else BODY_PAUSE_S):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408) from None
        self._whole = not message.get("more_body", False)
        self._received += len(message.get("body", b""))
        if self._received > MAX_BODY_BYTES:
            raise HTTPException(413)
        return message

    async def _send_with_headers(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            found = message.get("headers", ())
            if self._status == 204:  # of nothing there is no type; a client that trusts one would parse it
                found = [header for header in found if header[0] != b"content-type"]
            message = {**message, "headers": self._all_headers(found)}
        elif self._head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)

    def _all_headers(self, found: Iterable[tuple[bytes, bytes]]) -> headers.Headers:
        ours = headers.raw({"X-Request-Id": self._trace.request_id, **self._trace.headers})
        names = {name for name, _ in ours}
        sent = [*(header for header in found if header[0] not in names), *ours]
        headers.secure(self._scope["path"], sent)
        return sent

    def _write_line(self) -> None:
        fields: dict[str, Any] = {
            "method": "HEAD" if self._head else self._request.method,
            "route": template_of(self._request),
            "status": self._status,
            "duration_ms": round((time.perf_counter() - self._started) * 1000, 1),
        }
        if self._trace.credential_id:
            fields["credential_id"] = str(self._trace.credential_id)
        log.info("request", **fields)


def _declared_length(scope: Scope) -> int:
    try:
        return int(header(scope, b"content-length") or 0)
    except ValueError:
        return 0
