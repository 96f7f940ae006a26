"""Google's API: its addresses, and what it means by its errors."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any
from urllib.parse import quote

from kalends.domain.remote_events import RemoteCalendar
from kalends.errors import Upstream
from kalends.integrations.oauth import Answer, JsonApi, nonsense
from kalends.ports import CredentialRefused

VENDOR = "Google"
PUT_OFF_S = 60  # Google does not say for how long; its guide asks for back-off

# 403 with one of these means "not now" (the guide's "Handle API errors").
_TOO_OFTEN = frozenset(
    {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded", "variableTermLimitExceeded"}
)
_NOT_GRANTED = frozenset({"insufficientPermissions", "insufficientScopes", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
_SWITCHED_OFF = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})


def calendar_path(calendar: RemoteCalendar) -> str:
    """Name a calendar's resource."""
    return f"calendars/{quote(calendar.remote_id, safe='')}"


def event_path(calendar: RemoteCalendar, remote_id: str) -> str:
    """Name an event's resource."""
    return f"{calendar_path(calendar)}/events/{quote(remote_id, safe='')}"


def reason(answer: Answer) -> str:
    """Read the one word that tells errors of a status apart; empty: there is none."""
    error = answer.body.get("error")
    errors = error.get("errors") if isinstance(error, dict) else None
    word = errors[0].get("reason") if isinstance(errors, list) and errors and isinstance(errors[0], dict) else None
    return word if isinstance(word, str) and re.fullmatch(r"[\w.]{1,60}", word) else ""


def refusal(answer: Answer) -> Upstream:
    """Make the error of an answer that is not good and that nobody expected."""
    word = reason(answer)
    if word in _TOO_OFTEN:
        return Upstream(f"{VENDOR} is asked too often", retry_after_s=PUT_OFF_S)
    if word in _NOT_GRANTED:
        return CredentialRefused(f"{VENDOR} was not allowed to let us in; the calendar has to be connected again")
    if word in _SWITCHED_OFF:
        return Upstream(f"the {VENDOR} Calendar API is not switched on in the project of KALENDS_GOOGLE_CLIENT_ID")
    return Upstream(f"{VENDOR} answers {answer.status}{f' ({word})' if word else ''}")


def no_calendar(calendar: RemoteCalendar) -> Upstream:
    """Make the error of a calendar that is deleted, or shared no more."""
    return Upstream(f"the calendar “{calendar.name}” is not there any more, or not shared any more")


class GoogleApi:
    """Asks Google, and raises what it did not expect."""

    def __init__(self, api: JsonApi) -> None:
        self._api = api

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        etag: str | None = None,
        expected: Collection[int] = (),
    ) -> Answer:
        """Ask for something.

        Args:
            etag: the version it must still have.
            expected: statuses beside 2xx that the caller looks at himself; a 403 only where it is about what was
                asked for, not about us.
        """
        headers = {"If-Match": etag} if etag else None
        answer = await self._api.call(method, path, query=query, body=body, headers=headers, taken=expected)
        about_us = answer.status == 403 and reason(answer) in _TOO_OFTEN | _NOT_GRANTED | _SWITCHED_OFF
        if answer.good or (answer.status in expected and not about_us):
            return answer
        raise refusal(answer)

    async def pages(
        self, path: str, query: Mapping[str, str], *, expected: Collection[int] = ()
    ) -> AsyncIterator[Answer]:
        """Ask for all pages of a list; an expected status is the last one."""
        token: str | None = None
        while True:
            asked = {**query, "pageToken": token} if token else query
            answer = await self.call("GET", path, query=asked, expected=expected)
            yield answer
            following = answer.body.get("nextPageToken")
            if not answer.good or not following:
                return
            if following == token or not isinstance(following, str):
                raise nonsense(VENDOR)
            token = following


def items(answer: Answer) -> list[Mapping[str, Any]]:
    """Read a list's items."""
    found = answer.body.get("items", [])
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise nonsense(VENDOR)
    return found
