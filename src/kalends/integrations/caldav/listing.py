"""The calendars of an account: of all its homes, events only, those it may read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from kalends.domain import zones
from kalends.domain.remote_events import RemoteCalendar
from kalends.errors import Upstream
from kalends.ports import Credential, CredentialRefused

from . import xml
from .addresses import folder, path_of
from .dav import Dav
from .xml import APPLE, CAL, DAV

HOME = CAL + "calendar-home-set"
ADDRESSES = CAL + "calendar-user-address-set"
INBOX = CAL + "schedule-inbox-URL"

_DEFAULT = CAL + "schedule-default-calendar-URL"
_PRIVILEGES = DAV + "current-user-privilege-set"
_WRITING = {DAV + "all", DAV + "write", DAV + "bind", DAV + "write-content"}
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_TZID = re.compile(r"^TZID(?:;[^:\r\n]*)?:(.+?)\s*$", re.MULTILINE)
_ASKED = (
    DAV + "resourcetype",
    DAV + "displayname",
    _PRIVILEGES,
    APPLE + "calendar-color",
    CAL + "calendar-timezone",
    CAL + "calendar-timezone-id",
    CAL + "supported-calendar-component-set",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an account's calendars are; stored with its credential.

    Attributes:
        principal: who it is; None: the server does not say.
        homes: folders with calendars, used where there is no principal.
        calendars: single calendars, used where there is neither.
    """

    principal: str | None = None
    homes: tuple[str, ...] = ()
    calendars: tuple[str, ...] = ()

    @classmethod
    def of(cls, credential: Credential) -> Place:
        """Read it from a credential."""
        return cls(
            credential.get("principal"), tuple(credential.get("homes", ())), tuple(credential.get("calendars", ()))
        )

    def stored(self) -> dict[str, Any]:
        """Write it for a credential."""
        return {"principal": self.principal, "homes": list(self.homes), "calendars": list(self.calendars)}


async def calendars(dav: Dav, place: Place) -> Sequence[RemoteCalendar]:
    """List an account's calendars, by name within each home."""
    homes, default = place.homes, None
    if place.principal:
        told = await dav.propfind(place.principal, [HOME, INBOX, _DEFAULT])
        homes = tuple(home for one in told.resources for home in one.hrefs(HOME)) or homes
        default = _default_of(told) or await _default_of_inbox(
            dav, [inbox for one in told.resources for inbox in one.hrefs(INBOX)]
        )
    found: dict[str, RemoteCalendar] = {}
    for url, depth in (*((home, 1) for home in homes), *((each, 0) for each in place.calendars)):
        told = await dav.propfind(folder(url), _ASKED, depth=depth)
        for one in told.resources:
            if is_calendar(one):
                found.setdefault(folder(one.url), _calendar(one, default))
    return sorted(found.values(), key=lambda each: (not each.is_default, each.name))


def is_calendar(one: xml.Resource) -> bool:
    """Tell whether a resource is a calendar that holds events."""
    kinds, parts = one.names(DAV + "resourcetype"), one.found.get(CAL + "supported-calendar-component-set")
    held = {each.get("name", "").upper() for each in parts} if parts is not None else set()
    return CAL + "calendar" in kinds and (not held or "VEVENT" in held)


def mail_addresses(one: xml.Resource) -> list[str]:
    """Answer under which addresses its owner is invited (RFC 6638 2.4.1)."""
    element = one.found.get(ADDRESSES)
    told = [(each.text or "").strip() for each in element.iter(DAV + "href")] if element is not None else []
    return [unquote(each[7:]) for each in told if each.lower().startswith("mailto:") and "@" in each]


def _calendar(one: xml.Resource, default: str | None) -> RemoteCalendar:
    url = folder(one.url)
    color = _COLOR.match(one.text(APPLE + "calendar-color") or "")  # Apple adds how opaque it is
    may = one.names(_PRIVILEGES)
    return RemoteCalendar(
        url,
        name=one.text(DAV + "displayname") or path_of(url).rstrip("/").rpartition("/")[2] or "Calendar",
        zone=_zone(one),
        color=color[0].lower() if color else None,
        is_default=url == default,
        writable=_PRIVILEGES not in one.found or bool(may & _WRITING),
    )


def _zone(one: xml.Resource) -> str | None:
    told = one.text(CAL + "calendar-timezone-id")
    if told is None and (found := _TZID.search(one.text(CAL + "calendar-timezone") or "")):
        told = found[1]
    try:
        zones.canonical_zone(told or "")
    except ValueError:
        return None
    return told


def _default_of(told: xml.MultiStatus) -> str | None:
    """Tell which calendar new invitations go to; sabre/dav (Nextcloud, Baïkal) says that of the principal."""
    return next((folder(url) for one in told.resources for url in one.hrefs(_DEFAULT)), None)


async def _default_of_inbox(dav: Dav, inboxes: Sequence[str]) -> str | None:
    """Ask for the same where it belongs (RFC 6638 9.2); servers that do not schedule have no such thing."""
    for inbox in inboxes:
        try:
            told = await dav.propfind(inbox, [_DEFAULT])
        except CredentialRefused:
            raise
        except Upstream:
            return None
        if default := _default_of(told):
            return default
    return None
