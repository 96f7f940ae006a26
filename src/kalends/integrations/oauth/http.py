"""One request to a vendor of known address, bounded in time and size."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpx2

from kalends.errors import Upstream

TIMEOUT_S = 10.0  # for one request, its answer read to the end
LARGEST_ANSWER = 20_000_000  # bytes, after decompression
LONGEST_PUT_OFF_S = 86_400


@dataclass(frozen=True, slots=True)
class Answer:
    """What a vendor said, without the request it said it to.

    Attributes:
        headers: names in any case.
        body: the JSON object; empty where there was none.
    """

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def good(self) -> bool:
        """Say whether the vendor did what it was asked."""
        return 200 <= self.status < 300


def client() -> httpx2.AsyncClient:
    """Open connections that go straight to where they are sent."""
    return httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=TIMEOUT_S, verify=_certificates())


def nonsense(vendor: str) -> Upstream:
    """Make the error of an answer that cannot be read."""
    return Upstream(f"{vendor} answers something we do not understand")


async def send(connections: httpx2.AsyncClient, vendor: str, request: httpx2.Request) -> Answer:
    """Send a request and read its answer, whatever its status.

    Args:
        vendor: who is asked, as the host knows it.

    Raises:
        Upstream: not to be reached, too slow, too long, or no JSON where JSON is due.
    """
    try:
        async with asyncio.timeout(TIMEOUT_S):
            answer = await connections.send(request, stream=True)
            try:
                body = await _body(vendor, answer)
            finally:
                await answer.aclose()
    except (httpx2.HTTPError, OSError, TimeoutError) as error:
        slow = isinstance(error, TimeoutError | httpx2.TimeoutException)
        raise Upstream(f"{vendor} {'takes too long' if slow else 'cannot be reached'}") from error
    return Answer(answer.status_code, answer.headers, _json(vendor, answer.status_code, body))


def judged(vendor: str, answer: Answer) -> Upstream | None:
    """Tell what any vendor means by "not now"; None: it means something else."""
    if answer.status == 429 or answer.status >= 500:
        busy = "is asked too often" if answer.status == 429 else f"answers {answer.status}"
        return Upstream(f"{vendor} {busy}", retry_after_s=_retry_after_s(answer))
    return None


def _retry_after_s(answer: Answer) -> int | None:
    """Read Retry-After (RFC 9110 10.2.3), seconds or a date; None: not said, or nonsense."""
    given = answer.headers.get("retry-after", "").strip()
    if given.isdecimal() and len(given) < 10:
        return min(int(given), LONGEST_PUT_OFF_S)
    try:
        until = parsedate_to_datetime(given)
        now = parsedate_to_datetime(answer.headers["date"]) if "date" in answer.headers else datetime.now(UTC)
        return max(0, min(int((until - now).total_seconds()), LONGEST_PUT_OFF_S))
    except (ValueError, TypeError):
        return None


@cache
def _certificates() -> ssl.SSLContext:
    """Read whom to trust once: it takes longer than many a request."""
    return httpx2.create_ssl_context(trust_env=False)


async def _body(vendor: str, answer: httpx2.Response) -> bytes:
    body = bytearray()
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > LARGEST_ANSWER:
            raise Upstream(f"{vendor} answers with more than {LARGEST_ANSWER // 1_000_000} MB")
    return bytes(body)


def _json(vendor: str, status: int, body: bytes) -> Mapping[str, Any]:
    if not body.strip():
        return {}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return found
    if 200 <= status < 300:  # not "from": the error would carry the body, and with it tokens
        raise nonsense(vendor) from None
    return {}
