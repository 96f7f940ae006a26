"""Jitsi Meet: a room is there as soon as somebody opens its address, so all it takes is a name nobody guesses."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from string import ascii_letters, digits

from kalends.ports import Conference, Meeting

NAME_LENGTH = 24  # letters and digits: 142 bits
_LETTERS = ascii_letters + digits


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
        name = "".join(secrets.choice(_LETTERS) for _ in range(NAME_LENGTH))
        return known or Conference(f"{self._url}/kalends-{name}")

    async def delete(self, meeting: Meeting, known: Conference | None) -> None:
        """Leave a room that nobody opens any more."""
