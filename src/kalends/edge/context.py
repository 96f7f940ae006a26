"""What a request carries along: the App it runs in and the trace that logs and answers share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Request
from starlette.requests import HTTPConnection
from starlette.types import Scope

from kalends.app import App
from kalends.services.actor import Actor

_TRACE = "kalends.trace"


@dataclass(slots=True)
class Trace:
    """One request as logs and answers know it.

    Attributes:
        request_id: made by us, never taken from outside.
        credential_id: set once the credential is known.
        actor: who acts, set once he may.
        headers: sent with the answer, errors included.
    """

    request_id: str
    credential_id: UUID | None = None
    actor: Actor | None = None
    headers: dict[str, str] = field(default_factory=dict)


def header(scope: Scope, name: bytes) -> str:
    """Read a request's header, the first of this name (in lower case); empty when there is none.

    The framework's own headers take ten times as long to look through, and some are looked for in each request.
    """
    return next((value.decode("latin-1") for found, value in scope["headers"] if found == name), "")


def start_trace(scope: Scope, request_id: str) -> Trace:
    """Put a new trace on a request's scope."""
    trace = scope[_TRACE] = Trace(request_id)
    return trace


def trace_of(connection: HTTPConnection) -> Trace:
    """Find the trace of a request."""
    return cast(Trace, connection.scope[_TRACE])


async def _app(request: Request) -> App:
    return cast(App, request.app.state.kalends)


AppDep = Annotated[App, Depends(_app)]
