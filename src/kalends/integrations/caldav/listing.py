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

_LISTS = ("homes", "calendars", "addresses")
_MOST, _LONGEST = 100, 254  # addresses, and characters of one
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
        addresses: under which its owner is invited, in lower case and in order; None: the principal was not asked yet.
    """

    principal: str | None = None
    homes: tuple[str, ...] = ()
    calendars: tuple[str, ...] = ()
    addresses: tuple[str, ...] | None = None

    @classmethod
    def of(cls, credential: Credential) -> Place:
        """Read it from a credential."""
        lists = {name: tuple(credential[name]) for name in _LISTS if name in credential}
        return cls(credential.get("principal"), **lists)

    def stored(self) -> dict[str, Any]:
        """Write it for a credential."""
        lists = {name: list(found) for name in _LISTS if (found := getattr(self, name)) is not None}
        return {"principal": self.principal, **lists}


async def principal(dav: Dav, place: Place) -> xml.MultiStatus | None:
    """Ask whose an account is; None: the server does not say."""
    return await dav.propfind(place.principal, [HOME, INBOX, _DEFAULT, ADDRESSES]) if place.principal else None


async def calendars(dav: Dav, place: Place, whose: xml.MultiStatus | None) -> Sequence[RemoteCalendar]:
    """List an account's calendars, by name within each home.

    Args:
        whose: what `principal` was told.
    """
    homes, default = place.homes, None
    if whose is not None:
        homes = tuple(home for one in whose.resources for home in one.hrefs(HOME)) or homes
        default = _default_of(whose) or await _default_of_inbox(
            dav, [inbox for one in whose.resources for inbox in one.hrefs(INBOX)]
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
    told = [unquote((each.text or "").strip()) for each in element.iter(DAV + "href")] if element is not None else []
    return [each[7:] for each in told if each.lower().startswith("mailto:") and "@" in each]


def addresses(whose: xml.MultiStatus) -> tuple[str, ...]:
    """Answer the same of a principal as it is stored, within bounds."""
    found = {address.lower() for one in whose.resources for address in mail_addresses(one)}
    return tuple(sorted(each for each in found if len(each) <= _LONGEST)[:_MOST])


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
