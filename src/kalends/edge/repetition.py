"""What the OpenAPI document says of requests that are sent again: keys of writes, tags of reads."""

from __future__ import annotations

from typing import Any

from kalends.errors import DomainError
from kalends.services import idempotency

from . import problems
from .idempotency import KEY_HEADER, REPLAYED_HEADER, WRITES
from .routes import is_api

HEADERS = {
    "ETag": "Names the bytes of this answer; send it as If-None-Match to learn whether they have changed.",
    REPLAYED_HEADER: "`true`: the request was carried out before, and this is what it was answered then.",
}
_REFUSALS: tuple[type[DomainError], ...] = (
    idempotency.KeyInvalid,
    idempotency.InProgress,
    idempotency.AnswerLost,
    idempotency.KeyMismatch,
)
_KEY = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": idempotency.LONGEST_KEY, "pattern": "^[!-~]+$"},
    "description": "Chosen by the caller, the same for every attempt at one request: it is carried out once.",
    "example": "8f6c1f0e-2d3b-4a57-9f43-6a1f3f5c0d11",
}
_TAG = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The `ETag` of the answer at hand: while it is the same, 304 comes without a body.",
}


def describe(method: str, path: str, operation: dict[str, Any]) -> None:
    """Add header, answers and refusals of repetition to an operation of the API."""
    if is_api(path) and method in WRITES:
        _describe_write(operation)
    elif is_api(path) and method == "GET":
        _describe_read(operation)


def _describe_write(operation: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).append(_KEY)
    responses: dict[str, Any] = operation["responses"]
    plain = responses["500"]["headers"]
    for status, refusal in problems.document(*_REFUSALS).items():
        entry = responses.setdefault(str(status), {**refusal, "headers": plain})
        entry["content"]["application/json"]["examples"] |= refusal["content"]["application/json"]["examples"]
    for status, response in responses.items():
        if status.startswith("2"):
            response["headers"][REPLAYED_HEADER] = {"$ref": f"#/components/headers/{REPLAYED_HEADER}"}
    operation["responses"] = dict(sorted(responses.items()))


def _describe_read(operation: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).append(_TAG)
    responses: dict[str, Any] = operation["responses"]
    if "200" in responses:
        headers = responses["200"]["headers"]
        headers["ETag"] = {"$ref": "#/components/headers/ETag"}
        responses["304"] = {"description": problems.phrase(304), "headers": headers}
    operation["responses"] = dict(sorted(responses.items()))
