"""The one table from errors to HTTP: every failure in the contract's shape (3.2), or RFC 9457 when asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from kalends import errors
from kalends.app import DatabaseBusy, OutcomeUnknown
from kalends.errors import DomainError, FieldError
from kalends.services.idempotency import KeyMismatch

from .context import trace_of
from .routes import guard_of, is_api, methods_at, template_of

_STATUS: dict[type[DomainError], int] = {
    errors.Invalid: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.LimitReached: 429,
    errors.Unavailable: 503,
    errors.Upstream: 502,
    OutcomeUnknown: 500,
    KeyMismatch: 422,
    DomainError: 400,
}
_FAMILIES = {family.code for family in _STATUS if family not in (OutcomeUnknown, KeyMismatch)}
_TAKEN = "slot-occupied"  # 400 with its code as message, whatever family it is of (contract 6.4)
_PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}  # RFC 9110; Python 3.11 knows older ones
_ITEMS_OF_TEXT = re.compile("item(s?) after validation")  # as pydantic counts the characters of a text

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Problem:
    """One failure, ready to be shown as JSON or as a page.

    Attributes:
        code: stable name of the refusal (docs/errors.md); None for what has no more to say than its status.
        reason: narrows the code down, such as ``buffer`` for ``slot-occupied``.
        headers: sent with the answer.
        details: further keys of the body.
    """

    status: int
    message: str
    code: str | None = None
    reason: str | None = None
    errors: tuple[FieldError, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, object] = field(default_factory=dict)


ErrorPage = Callable[[Request, Problem], Awaitable[Response]]

NOT_FOUND = Problem(404, "Not Found")
UNEXPECTED = Problem(500, "Internal Server Error")
TOO_LARGE = Problem(413, "The body is too large")


def phrase(status: int) -> str:
    """Name a status as RFC 9110 does."""
    return _PHRASES.get(status) or HTTPStatus(status).phrase


def of(error: DomainError) -> Problem:
    """Translate a refusal of the domain."""
    if error.code == _TAKEN:
        return Problem(400, _TAKEN, _TAKEN, error.reason, error.errors)
    status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    headers = {}
    if error.retry_after_s is not None or status in (429, 503):
        headers["Retry-After"] = str(error.retry_after_s or 1)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    specific = error.code not in _FAMILIES
    message = phrase(429) if status == 429 and not specific else error.message
    code = error.code if specific else None
    return Problem(status, message, code, error.reason, error.errors, headers, error.details)


def body(problem: Problem, request_id: str) -> dict[str, Any]:
    """Make the contract's error body; what is not set is left out."""
    content: dict[str, Any] = {
        "statusCode": problem.status,
        "message": problem.message,
        "error": phrase(problem.status),
        "errorCode": problem.code,
        "reason": problem.reason,
        "errors": [{"field": one.field, "message": one.message} for one in problem.errors] or None,
        **problem.details,
        "requestId": request_id,
    }
    return {key: value for key, value in content.items() if value is not None}


def document(*kinds: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """Describe a route's own refusals for its `responses=`; those every route has are added by edge/openapi.py."""
    found: dict[int | str, dict[str, Any]] = {}
    for problem, code in ((of(kind()), kind.code) for kind in kinds):
        entry = found.setdefault(problem.status, described(problem.status))
        entry["content"]["application/json"]["examples"] |= example(code, problem)
    return found


def described(status: int) -> dict[str, Any]:
    """Describe the answers of one error status in OpenAPI, without examples yet."""
    return {
        "description": phrase(status),
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}},
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}},
        },
    }


def example(name: str, problem: Problem) -> dict[str, Any]:
    """Show one problem as a named example in OpenAPI."""
    return {name: {"value": body(problem, "3f0c9e1b-7a44-4c11-8d2a-0197a3b05f6e")}}


async def render(request: Request, problem: Problem) -> Response:
    """Answer a problem as the caller wants to read it: the contract's JSON, RFC 9457, or a page outside the API."""
    accept = request.headers.get("accept", "")
    page: ErrorPage | None = request.app.state.render_error_page
    if page and "text/html" in accept and not is_api(request.scope["path"]):
        return await page(request, problem)
    content = body(problem, trace_of(request).request_id)
    media_type = "application/json"
    if "application/problem+json" in accept:
        media_type = "application/problem+json"
        content["type"], content["title"] = "about:blank", content.pop("error")
        content["status"], content["detail"] = content.pop("statusCode"), content.pop("message")
    return Response(json.dumps(content), problem.status, headers=problem.headers, media_type=media_type)


def install(web: FastAPI) -> None:
    """Answer every failure of the routes in the contract's shape.

    Pages may set `web.state.render_error_page` (an ErrorPage) to show failures outside the API as HTML.
    """
    web.state.render_error_page = None
    for kind, handler in _HANDLERS.items():
        web.add_exception_handler(kind, handler)


async def answer(request: Request, error: Exception) -> Response:
    """Answer what a route has raised as `install` has the framework do it.

    Raises:
        Exception: the error itself, when it is a bug.
    """
    handler = next((_HANDLERS[kind] for kind in type(error).__mro__ if kind in _HANDLERS), None)
    if handler is None:
        raise error
    return await handler(request, error)


async def _domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)
    if is_api(request.scope["path"]) and not is_api(template_of(request) or ""):  # only a page's catch-all route met it
        return await render(request, NOT_FOUND)
    if isinstance(error, DatabaseBusy | OutcomeUnknown):
        _tell_why(error.__cause__)
    return await render(request, of(error))


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:  # raised by the framework only, before it asks who calls
        return await _unreadable(request, "could not be read")
    if error.status_code == 413:
        return await render(request, TOO_LARGE)
    if error.status_code == 405:
        methods = methods_at(request.app, request.scope["path"])
        if not methods:  # only a page's catch-all route has matched
            return await render(request, NOT_FOUND)
        return await render(request, Problem(405, phrase(405), headers={"Allow": ", ".join(methods)}))
    return await render(request, Problem(error.status_code, str(error.detail), headers=error.headers or {}))


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(one["loc"][0] == "path" for one in found):  # a malformed id names nothing (contract 6.2)
        return await render(request, NOT_FOUND)
    if found[0]["type"] == "json_invalid":
        return await _unreadable(request, f"is not valid JSON (at character {found[0]['loc'][-1]})")
    return await render(request, Problem(400, "Validation failed", errors=tuple(_field_errors(found))))


async def _unreadable(request: Request, message: str) -> Response:
    """Refuse a body nobody can read, but first a caller nobody knows: the framework reads before it asks who calls."""
    guard = guard_of(request)
    if guard and trace_of(request).credential_id is None:
        try:
            await guard(request)
        except DomainError as refusal:
            return await render(request, of(refusal))
    return await render(request, Problem(400, "Validation failed", errors=(FieldError("body", message),)))


def _field_errors(found: Iterable[Mapping[str, Any]]) -> Iterable[FieldError]:
    for one in found:
        path = ".".join(str(part) for part in one["loc"][1:] if part != "[key]")
        message = str(one["msg"]).removeprefix("Value error, ")
        if isinstance(one["input"], str):
            message = _ITEMS_OF_TEXT.sub(r"character\1", message)
        if not path and one["type"] == "model_attributes_type":
            message = "must be a JSON object, sent with Content-Type: application/json"
        yield FieldError(path or "body", message)


def _tell_why(cause: BaseException | None) -> None:
    """Log which way the database failed: a lock, a full disk and a lost connection all answer the same."""
    if cause is not None:
        log.warning("database refused", error=type(cause).__name__)


async def _read_only(request: Request, error: Exception) -> Response:
    _tell_why(error)
    return await render(request, of(DatabaseBusy(retry_after_s=5)))


async def _unstorable(request: Request, error: Exception) -> Response:
    """Refuse what the database cannot hold: NUL characters, lone surrogates, numbers out of range."""
    log.warning("unstorable value", error=type(error).__name__)
    if "\0" in request.scope["path"]:  # such a path names nothing
        return await render(request, NOT_FOUND)
    return await render(request, Problem(400, "The request holds a character or a number that cannot be stored"))


_HANDLERS: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    DomainError: _domain_error,
    HTTPException: _http_exception,
    RequestValidationError: _validation_error,
    psycopg.errors.ReadOnlySqlTransaction: _read_only,
    psycopg.DataError: _unstorable,
    UnicodeEncodeError: _unstorable,
}
