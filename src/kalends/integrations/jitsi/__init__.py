"""Jitsi Meet: a room is there as soon as somebody opens its address, so all it takes is a name nobody guesses."""

from __future__ import annotations

from collections.abc import Sequence

from authlib.common.security import generate_token

from kalends.ports import Conference, Meeting

NAME_LENGTH = 24  # letters and digits: 142 bits


class JitsiRooms:
    """A ConferenceProvider that makes up names; nobody is asked, and there is nothing to delete."""

    def __init__(self, url: str) -> None:
        """Take the address of the Jitsi Meet; "" is none."""
        self._url = url.rstrip("/")

    @property
    def lacking(self) -> Sequence[str]:
        """Name the settings without which it cannot be used; none: it can."""
        return [] if self._url else ["KALENDS_JITSI_URL"]

    async def put(self, meeting: Meeting, known: Conference | None) -> Conference:
        """Name a room; it stays the same wherever the meeting is moved."""
        return known or Conference(f"{self._url}/kalends-{generate_token(NAME_LENGTH)}")

    async def delete(self, known: Conference) -> None:
        """Leave a room that nobody opens any more."""
