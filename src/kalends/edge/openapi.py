"""The OpenAPI document: what FastAPI derives from the routes, made to say what the contract says.

Every operation gets its credentials, the refusals that any of its kind may meet, examples of what goes in and out, its
docstring as summary, and the name that its method has in a client made from the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from pydantic.alias_generators import to_camel

from kalends.app import DatabaseBusy
from kalends.errors import FieldError, Forbidden, LimitReached, Unauthenticated

from . import examples, problems, repetition
from .auth import MISSING_USER, OWNER_ONLY, USER_HEADER, Guard, scope_missing
from .problems import Problem
from .routes import guard_in

DESCRIPTION = f"""
Scheduling as the meetergo Platform API v4 describes it.

**Credentials.** Every call carries `Authorization: Bearer <credential>`: a personal access token (`rgo-…`), which acts
as its owner, or a platform API key (`ak_live:…`), which acts as the user named in `{USER_HEADER}`.

**Limits.** Each credential may send 100 requests a minute, in bursts of up to 200, unless the operator has set other
figures; `RateLimit`, `RateLimit-Policy` and `X-RateLimit-*` tell what is left, `Retry-After` when to come back.
Answers 429 and 503 promise that nothing was applied.

**Errors** have one shape, `Problem`; with `Accept: application/problem+json` they follow RFC 9457. `errorCode` never
changes once published; `requestId` finds the request in the server's log.

**Repetition.** A write with an `Idempotency-Key` is carried out once, however often it is sent within 24 hours; later
ones get the first answer with `Idempotency-Replayed: true`. Reads carry an `ETag` and answer 304 to `If-None-Match`.
"""
INFO: dict[str, Any] = {
    "title": "kalends",
    "version": "4",
    "summary": "Scheduling API: users, meeting types, slots, bookings, appointments",
    "description": DESCRIPTION.strip(),
    "license_info": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "servers": [{"url": "/", "description": "This server"}],
}

_SECURITY_SCHEMES = {
    "personalAccessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "rgo-…",
        "description": "A user's personal access token; it acts as that user. Leave the user header out.",
    },
    "platformApiKey": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "ak_live:…",
        "description": f"A company's platform API key; it acts as the user named in `{USER_HEADER}`.",
    },
    "actingUser": {
        "type": "apiKey",
        "in": "header",
        "name": USER_HEADER,
        "description": "With a platform API key: the id of the user it acts as, one of the key's company.",
    },
}
_TEXT = {"type": "string"}
_FIELD_ERRORS = {
    "type": "array",
    "items": {"type": "object", "required": ["field", "message"], "properties": {"field": _TEXT, "message": _TEXT}},
}
_EXTRAS = {"errorCode": _TEXT, "reason": _TEXT, "errors": _FIELD_ERRORS, "requestId": _TEXT}
_STATUS = {"type": "integer"}
_SCHEMAS = {
    "Problem": {
        "type": "object",
        "title": "Problem",
        "description": "Why a request was refused.",
        "required": ["statusCode", "message", "error", "requestId"],
        "properties": {"statusCode": _STATUS, "message": _TEXT, "error": _TEXT, **_EXTRAS},
    },
    "ProblemDetails": {
        "type": "object",
        "title": "ProblemDetails",
        "description": "The same as RFC 9457 writes it.",
        "required": ["type", "title", "status", "detail", "requestId"],
        "properties": {"type": _TEXT, "title": _TEXT, "status": _STATUS, "detail": _TEXT, **_EXTRAS},
    },
}
_NUMBER_HEADERS = {
    "X-RateLimit-Limit": "Requests a full bucket holds.",
    "X-RateLimit-Remaining": "Requests left now.",
    "X-RateLimit-Reset": "Seconds until the bucket is full again.",
    "Retry-After": "Seconds to wait before trying again.",
}
_TEXT_HEADERS = {
    "RateLimit": "Requests left and seconds until the bucket is full, as in draft-ietf-httpapi-ratelimit-headers.",
    "RateLimit-Policy": "Size of the bucket and seconds it takes to fill, as in the same draft.",
    "X-Request-Id": "Finds this request in the server's log.",
    **repetition.HEADERS,
}
_UNAUTHENTICATED = (
    "Missing authorization header", "Invalid API key", "API key has expired", "API key is deactivated", "Unauthorized",
)  # fmt: skip
_LIMIT_HEADERS = ("RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def finish(web: FastAPI, document: dict[str, Any]) -> dict[str, Any]:
    """Make FastAPI's document of this application ours, in place, and answer it."""
    components = document.setdefault("components", {})
    components["securitySchemes"] = _SECURITY_SCHEMES
    components["headers"] = {
        **{name: {"description": text, "schema": {"type": "integer"}} for name, text in _NUMBER_HEADERS.items()},
        **{name: {"description": text, "schema": {"type": "string"}} for name, text in _TEXT_HEADERS.items()},
    }
    schemas = components.setdefault("schemas", {})
    schemas |= _SCHEMAS
    for leftover in ("HTTPValidationError", "ValidationError"):
        schemas.pop(leftover, None)
    taken: set[str] = set()
    for context in iter_route_contexts(web.routes):
        for method in context.methods or ():
            path = context.path_format or ""
            operation = document["paths"].get(path, {}).get(method.lower())
            if operation:
                operation["operationId"] = _operation_id(context, taken)
                _finish_operation(context, operation, schemas)
                repetition.describe(method, path, operation)
    document["paths"] = {_camel_path(path): operations for path, operations in document["paths"].items()}
    return document


def _operation_id(context: RouteContext, taken: set[str]) -> str:
    """Name an operation after its function; at a second mount the function gets another name."""
    name = to_camel(context.name or "")
    while name in taken:
        name += "Alias"
    taken.add(name)
    return name


def _camel_path(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: f"{{{to_camel(found[1])}}}", path)


def _finish_operation(context: RouteContext, operation: dict[str, Any], schemas: examples.Schemas) -> None:
    guard = guard_in(context.dependant)
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            parameter["name"] = to_camel(parameter["name"])
    _describe(context, operation)
    _show(operation, schemas)
    if guard:
        operation["security"] = _security(guard)
    responses: dict[str, Any] = operation["responses"]
    responses.pop("422", None)
    for status, name, problem in _common(guard, operation):
        entry = responses.setdefault(str(status), problems.described(status))
        examples = entry.setdefault("content", {}).setdefault("application/json", {}).setdefault("examples", {})
        examples |= problems.example(name, problem)
    for code, entry in responses.items():
        names = ["X-Request-Id", *(_LIMIT_HEADERS if guard else ())]
        if code in ("429", "503"):
            names.append("Retry-After")
        entry.setdefault("headers", {}).update({name: {"$ref": f"#/components/headers/{name}"} for name in names})
    operation["responses"] = dict(sorted(responses.items()))


def _describe(context: RouteContext, operation: dict[str, Any]) -> None:
    """Let the docstring's first sentence be the summary; what it says to programmers stays out."""
    text = re.split(r"\n\s*(?:Args|Raises|Returns):\n", operation.get("description", ""))[0].strip()
    if context.summary is None and text:
        first, _, rest = text.partition("\n\n")
        operation["summary"], text = " ".join(first.split()).rstrip("."), rest.strip()
    operation.pop("description", None)
    if text:
        operation["description"] = text


def _show(operation: dict[str, Any], schemas: examples.Schemas) -> None:
    """Give an example of the body that is sent, and of the one that answers when all goes well."""
    sent = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if sent and (example := examples.given(sent["schema"], schemas)) is not None:
        sent.setdefault("examples", {"usual": {"value": example}})
    for status, response in operation["responses"].items():
        answered = response.get("content", {}).get("application/json")
        if status.startswith("2") and answered:
            answered.setdefault("examples", {"usual": {"value": examples.built(answered["schema"], schemas)}})


def _security(guard: Guard) -> list[dict[str, list[str]]]:
    ways: list[dict[str, list[str]]] = [{"personalAccessToken": []}] if guard.tokens else []
    if guard.owner_acts:
        ways.append({"platformApiKey": []})
    return [*ways, {"platformApiKey": [], "actingUser": []}]


def _common(guard: Guard | None, operation: dict[str, Any]) -> Iterator[tuple[int, str, Problem]]:
    """Yield what an operation of this kind may be refused with, whatever it does."""
    parameters = operation.get("parameters", [])
    if parameters or "requestBody" in operation:
        wrong = (FieldError("email", "value is not a valid email address"),)
        yield 400, "validation-failed", Problem(400, "Validation failed", errors=wrong)
    if any(parameter["in"] == "path" for parameter in parameters):
        yield 404, "not-found", problems.NOT_FOUND
    if "requestBody" in operation:
        yield 413, "too-large", problems.TOO_LARGE
    if guard:
        if not guard.owner_acts:
            yield 400, "user-header-missing", Problem(400, MISSING_USER)
        for text in _UNAUTHENTICATED:
            yield 401, text.lower().replace(" ", "-"), problems.of(Unauthenticated(text))
        not_this = scope_missing(guard.scope) if guard.scope else OWNER_ONLY
        yield 403, "forbidden", problems.of(Forbidden(not_this))
        yield 429, "too-many-requests", problems.of(LimitReached(retry_after_s=1))
    yield 500, "unexpected", problems.UNEXPECTED
    yield 503, "busy", problems.of(DatabaseBusy(retry_after_s=1))
