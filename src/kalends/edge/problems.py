"""The one table from errors to HTTP: every failure in the contract's shape (3.2), or RFC 9457 when asked for."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from kalends import errors
from kalends.app import OutcomeUnknown
from kalends.errors import DomainError, FieldError

from .auth import Guard
from .context import trace_of

# Nothing but JSON is answered below these (contract 6.6).
API_ROOTS = ("/v4", "/webhooks", "/crm", "/availability", "/data-field")

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
    DomainError: 400,
}
_FAMILIES = {family.code for family in _STATUS if family is not OutcomeUnknown}
_TAKEN = "slot-occupied"  # 400 with its code as message, whatever family it is of (contract 6.4)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Problem:
    """One failure, ready to be shown as JSON or as a page.

    Attributes:
        code: stable name of the refusal (docs/errors.md); None for what has no more to say than its status.
        headers: sent with the answer.
    """

    status: int
    message: str
    code: str | None = None
    reason: str | None = None
    errors: tuple[FieldError, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def phrase(self) -> str:
        """The status in words."""
        return phrase(self.status)


ErrorPage = Callable[[Request, Problem], Awaitable[Response]]


def phrase(status: int) -> str:
    """Name a status as RFC 9110 does."""
    return "Content Too Large" if status == 413 else HTTPStatus(status).phrase


def is_api(path: str) -> bool:
    """Tell whether a path belongs to the API, where every answer is JSON."""
    return any(path == root or path.startswith(root + "/") for root in API_ROOTS)


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
    message = "Too Many Requests" if status == 429 and not specific else error.message
    return Problem(status, message, error.code if specific else None, error.reason, error.errors, headers)


def install(web: FastAPI) -> None:
    """Answer every failure of the routes in the contract's shape.

    Pages may set `web.state.render_error_page` (an ErrorPage) to show failures outside the API as HTML.
    """
    web.state.render_error_page = None
    web.add_exception_handler(DomainError, _domain_error)
    web.add_exception_handler(HTTPException, _http_exception)
    web.add_exception_handler(RequestValidationError, _validation_error)
    web.add_exception_handler(psycopg.DataError, _unstorable)
    web.add_exception_handler(UnicodeEncodeError, _unstorable)


def document(*kinds: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """Describe a route's refusals for its `responses=`; those every route has are added by edge/openapi.py."""
    found: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        problem = of(kind())
        entry = found.setdefault(problem.status, {"description": phrase(problem.status), "kalends": []})
        entry["kalends"].append({"code": kind.code, "problem": problem})
    return {
        status: {
            "description": entry["description"],
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {
                        one["code"]: {"value": body(one["problem"], "0197a3b0-5f6e-7c11-8d2a-3f0c9e1b7a44")}
                        for one in entry["kalends"]
                    },
                }
            },
        }
        for status, entry in found.items()
    }


def body(problem: Problem, request_id: str) -> dict[str, Any]:
    """Make the contract's error body; what is not set is left out."""
    content: dict[str, Any] = {
        "statusCode": problem.status,
        "message": problem.message,
        "error": problem.phrase,
        "errorCode": problem.code,
        "reason": problem.reason,
        "errors": [{"field": one.field, "message": one.message} for one in problem.errors] or None,
        "requestId": request_id,
    }
    return {key: value for key, value in content.items() if value is not None}


async def render(request: Request, problem: Problem) -> Response:
    """Answer a problem as the caller wants to read it: the contract's JSON, RFC 9457, or a page outside the API."""
    accept = request.headers.get("accept", "")
    page: ErrorPage | None = request.app.state.render_error_page
    if page and "text/html" in accept and not is_api(request.url.path):
        return await page(request, problem)
    content = body(problem, trace_of(request).request_id)
    media_type = "application/json"
    if "application/problem+json" in accept:
        media_type = "application/problem+json"
        content["type"], content["title"] = "about:blank", content.pop("error")
        content["status"], content["detail"] = content.pop("statusCode"), content.pop("message")
    encoded = json.dumps(content).encode()
    return Response(encoded, problem.status, headers=problem.headers, media_type=media_type)


async def _domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)
    return await render(request, of(error))


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return await render(request, _method_problem(request))
    known = error.status_code in (400, 404, 413)  # the framework's own texts say no more than the status
    message = phrase(error.status_code) if known else str(error.detail)
    if error.status_code == 400:
        message = "The body could not be read"
    return await render(request, Problem(error.status_code, message, headers=dict(error.headers or {})))


def _method_problem(request: Request) -> Problem:
    """405 with every method the path knows; 404 below the API where only a page's catch-all route matched."""
    template = route_template(request)
    if is_api(request.url.path) and not (template and is_api(template)):
        return Problem(404, "Not Found")
    allowed = ", ".join(method for method in _METHODS if _answers(request, method))
    return Problem(405, "Method Not Allowed", headers={"Allow": allowed})


def _answers(request: Request, method: str) -> bool:
    scope = {**request.scope, "method": method, "fastapi": {}}
    return any(route.matches(scope)[0] == Match.FULL for route in request.app.router.routes)


def route_template(request: Request) -> str | None:
    """Name the route a request met, such as ``/v4/user/{id}``; None when there is none."""
    included = request.scope.get("fastapi", {}).get("effective_route_context")
    found = getattr(included, "path_format", None) or getattr(request.scope.get("route"), "path_format", None)
    return str(found) if found else None


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(one["loc"][0] == "path" for one in found):  # a malformed id names nothing (contract 6.2)
        return await render(request, Problem(404, "Not Found"))
    if any(one["type"] == "json_invalid" for one in found):
        # The framework reads the body before it asks who calls: ask now, so that 401 comes before 400.
        try:
            await _authenticate(request)
        except DomainError as refusal:
            return await render(request, of(refusal))
    return await render(request, Problem(400, "Validation failed", errors=tuple(_field_errors(found))))


async def _authenticate(request: Request) -> None:
    dependant = getattr(request.scope.get("route"), "dependant", None)
    for dependency in getattr(dependant, "dependencies", ()):
        if isinstance(dependency.call, Guard):
            await dependency.call(request)


def _field_errors(found: Iterable[dict[str, Any]]) -> Iterable[FieldError]:
    for one in found:
        if one["type"] == "json_invalid":
            yield FieldError("body", f"is not valid JSON (character {one['loc'][-1]})")
            continue
        path = ".".join(str(part) for part in one["loc"][1:]) or "body"
        yield FieldError(path, str(one["msg"]).removeprefix("Value error, "))


async def _unstorable(request: Request, error: Exception) -> Response:
    """Refuse text and numbers the database cannot hold: NUL characters, lone surrogates, numbers out of range."""
    log.warning("unstorable value", error=type(error).__name__)
    path = request.url.path
    if "\0" in path:  # such a path names nothing
        return await render(request, Problem(404, "Not Found"))
    return await render(request, Problem(400, "The request holds a character or a number that cannot be stored"))
