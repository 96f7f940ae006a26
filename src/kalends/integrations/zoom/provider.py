"""A ConferenceProvider that makes Zoom meetings, each of the host's own Zoom user where he has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from kalends.errors import Upstream
from kalends.integrations import oauth
from kalends.integrations.oauth import Answer
from kalends.ports import Clock, Conference, Meeting

from .api import VENDOR, ZoomApi, ZoomApp

LONGEST_TOPIC = 200
OWNER = "me"  # of the app: its meetings are for hosts whom Zoom does not know
PAGES = 5  # of 300 meetings each

# What the host may have changed there since, so it is said once: a scheduled meeting, which waits for nobody.
_AT_FIRST = {"type": 2, "settings": {"join_before_host": True}}

# Zoom's own codes in the body of a 4xx.
_NO_SUCH_USER = frozenset({1001, 1010, 1120})
_NO_SUCH_MEETING = frozenset({3001, 3035})


class ZoomMeetings:
    """Makes meetings; whoever has the link may join before the host."""

    def __init__(self, app: ZoomApp, clock: Clock) -> None:
        self._app, self._api = app, ZoomApi(app, clock)

    @property
    def lacking(self) -> Sequence[str]:
        """Name the settings without which it cannot be used; none: it can."""
        needed = {
            "KALENDS_ZOOM_ACCOUNT_ID": self._app.account_id,
            "KALENDS_ZOOM_CLIENT_ID": self._app.client_id,
            "KALENDS_ZOOM_CLIENT_SECRET": self._app.client_secret,
        }
        return [name for name, value in needed.items() if not value]

    async def put(self, meeting: Meeting, known: Conference | None) -> Conference:
        """Make a meeting, or have the known one follow.

        One whose making was answered to nobody is found by its key, which stands in its agenda; one that somebody
        deleted at Zoom is made anew.

        Raises:
            Upstream: it could not be made now.
        """
        if known and await self._follow(meeting, known):
            return known
        for user in _users(meeting):
            found = await self._find(user, meeting.key)
            if found and await self._follow(meeting, found):
                return found
            answer = await self._api.call("POST", f"/users/{user}/meetings", body={**_fields(meeting), **_AT_FIRST})
            if answer.good:
                return _conference(answer.body)
            if answer.body.get("code") not in _NO_SUCH_USER:
                raise _refused(answer)
        raise _refused(answer)

    async def delete(self, meeting: Meeting, known: Conference | None) -> None:
        """Delete a meeting; one that is gone is fine.

        One whose making was answered to nobody is looked for.

        Raises:
            Upstream: try again later.
        """
        for user in () if known else _users(meeting):
            known = known or await self._find(user, meeting.key)
        if known:
            await self._delete(known)

    async def _delete(self, known: Conference) -> None:
        answer = await self._api.call("DELETE", f"/meetings/{_name(known)}")
        if not (answer.good or _is_gone(answer)):
            raise _refused(answer)

    async def _follow(self, meeting: Meeting, known: Conference) -> bool:
        """Have a meeting take place when it should; False: it is not there any more."""
        answer = await self._api.call("PATCH", f"/meetings/{_name(known)}", body=_fields(meeting))
        if not (answer.good or _is_gone(answer)):
            raise _refused(answer)
        return answer.good

    async def _find(self, user: str, key: str) -> Conference | None:
        """Look through a user's meetings to come for the one with this key."""
        query = {"type": "upcoming", "page_size": "300"}
        for _ in range(PAGES):
            answer = await self._api.call("GET", f"/users/{user}/meetings", query=query)
            if not answer.good:  # no such user; or the app may not list meetings, then it goes without
                return None
            meetings = answer.body.get("meetings")
            if not isinstance(meetings, list):
                raise oauth.nonsense(VENDOR)
            for one in meetings:
                if isinstance(one, Mapping) and one.get("agenda") == _agenda(key):
                    return _conference(one)
            following = answer.body.get("next_page_token")
            if not following:
                return None
            query["next_page_token"] = str(following)
        return None


def _users(meeting: Meeting) -> tuple[str, str]:
    """Name who may have a meeting, as paths do: its host first."""
    return quote(meeting.host_email, safe="@"), OWNER


def _fields(meeting: Meeting) -> dict[str, Any]:
    return {
        "topic": meeting.topic[:LONGEST_TOPIC],
        "start_time": meeting.start.format_iso(unit="second"),
        "duration": -int(-(meeting.end - meeting.start).total("minutes") // 1),
        "timezone": meeting.zone,
        "agenda": _agenda(meeting.key),
    }


def _agenda(key: str) -> str:
    return f"kalends {key}"


def _conference(found: Mapping[str, Any]) -> Conference:
    number, link = found.get("id"), found.get("join_url")
    if not isinstance(number, int) or not isinstance(link, str) or urlsplit(link).scheme != "https":
        raise oauth.nonsense(VENDOR)
    return Conference(link, str(number), number)


def _name(known: Conference) -> str:
    return quote(known.remote_id or "", safe="")


def _is_gone(answer: Answer) -> bool:
    return answer.status == 404 or answer.body.get("code") in _NO_SUCH_MEETING


def _refused(answer: Answer) -> Upstream:
    said = answer.body.get("message")
    return Upstream(f"Zoom answers {answer.status}{f': {said[:200]}' if isinstance(said, str) else ''}")
