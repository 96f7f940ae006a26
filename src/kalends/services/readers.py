"""Who reads a mail or an invitation, and what he may be shown of the appointment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from kalends import languages
from kalends.domain.channels import PRODUCTS
from kalends.domain.itip import Snapshot
from kalends.domain.untrusted import plain_name, plain_phone
from kalends.domain.zones import canonical_zone
from kalends.languages import Translate


@dataclass(frozen=True, slots=True)
class Reader:
    """One host or attendee of a snapshot, and how he reads.

    Attributes:
        person: his entry in the snapshot.
        is_host: hosts read everything; guests' addresses have not proved themselves (design section 6).
        zone: IANA name.
        t: speaks his language.
    """

    person: Mapping[str, Any]
    is_host: bool
    language: str
    zone: str
    t: Translate

    @property
    def id(self) -> str:
        """Id of the host or attendee."""
        return str(self.person["id"])

    @property
    def email(self) -> str:
        """Address his mails go to; "" for a guest without one."""
        return self.person.get("email") or ""

    @property
    def name(self) -> str:
        """His own name; "" where a guest's is unfit for a mail."""
        return host_name(self.person) if self.is_host else plain_name(self.person.get("fullname"))


def reader(snapshot: Snapshot, recipient_id: str) -> Reader | None:
    """Find a recipient among hosts and attendees, cancelled ones included; None if he is not there.

    A guest without language or zone reads the company's language and the main host's zone. A zone that the time
    zone database no longer knows is read as UTC: the mail still has to go.
    """
    for host in snapshot["hosts"]:
        if host["id"] == recipient_id:
            return _reader(host, True, host["language"], host["timezone"])
    for guest in snapshot["attendees"]:
        if guest["id"] == recipient_id:
            language = guest.get("language") or snapshot.get("companyLanguage")
            return _reader(guest, False, language, guest.get("timezone") or snapshot["hosts"][0]["timezone"])
    return None


def _reader(person: Mapping[str, Any], is_host: bool, language: str | None, zone: str) -> Reader:
    try:
        canonical_zone(zone)
    except ValueError:
        zone = "UTC"
    return Reader(person, is_host, language or languages.SOURCE, zone, languages.translator(language))


def host_name(host: Mapping[str, Any]) -> str:
    """Name a host, by the address if there is no name."""
    return host.get("fullName") or str(host["email"])


def guest_name(guest: Mapping[str, Any], to: Reader) -> str:
    """Name a guest: hosts read what he wrote, guests a plain name (or "" where it is unfit)."""
    if to.is_host:
        return guest.get("fullname") or guest.get("email") or ""
    return plain_name(guest.get("fullname"))


def live_guests(snapshot: Snapshot) -> Sequence[Mapping[str, Any]]:
    """List the attendees who come; of a cancelled appointment those who would have."""
    return [guest for guest in snapshot["attendees"] if not guest.get("isCancelled")] or snapshot["attendees"]


def booker(snapshot: Snapshot, to: Reader) -> Mapping[str, Any]:
    """Find who booked, as seen by a reader: a guest himself, or who brought him along; for a host the first."""
    if not to.is_host and not to.person.get("broughtAlong"):
        return to.person
    guests = live_guests(snapshot)
    if not to.is_host and to.person.get("broughtBy"):
        return next((guest for guest in snapshot["attendees"] if guest["id"] == to.person["broughtBy"]), {})
    return next((guest for guest in guests if not guest.get("broughtAlong")), guests[0] if guests else {})


def made_it(snapshot: Snapshot, to: Reader) -> bool:
    """Tell whether a reader may know the words of the booking that made an appointment: hosts, and who came by it."""
    if to.is_host or not snapshot["attendees"]:
        return True
    by = to.person.get("broughtBy") or (snapshot["attendees"][0]["id"] if to.person.get("broughtAlong") else to.id)
    return bool(by == snapshot["attendees"][0]["id"])


def people(snapshot: Snapshot, to: Reader) -> str:
    """Name whom a reader meets: the hosts for a guest, the guests (at most three) for a host."""
    if not to.is_host:
        return ", ".join(host_name(host) for host in snapshot["hosts"])
    names = [guest_name(guest, to) for guest in live_guests(snapshot)]
    return ", ".join([*names[:3], "…"] if len(names) > 3 else names)


def answers(snapshot: Snapshot, to: Reader) -> tuple[str, str] | None:
    """Say where a reader's answer goes, name and address: to the main host, a host's to his first guest with one."""
    if not to.is_host:
        main = snapshot["hosts"][0]
        return host_name(main), main["email"]
    guests = live_guests(snapshot)
    return next(((guest.get("fullname") or "", guest["email"]) for guest in guests if guest.get("email")), None)


def question(key: str, to: Reader) -> str:
    """Name what a guest answered, on one line; the booking page's own fields in the reader's language.

    A question may come with the page's address: on several lines it could pass for facts of ours.
    """
    ours = {"note": to.t("Note"), "address": to.t("Address")}
    return ours.get(key) or " ".join(key.split())


def answer(value: object, to: Reader) -> str:
    """Write what a guest answered; a box is ticked or not in the reader's language."""
    if value is True or value == "true":
        return to.t("Yes")
    if value is False or value == "false":
        return to.t("No")
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def meeting_name(snapshot: Snapshot) -> str:
    """Name the meeting as its type did when it was booked."""
    return (snapshot["meetingInfo"] or {}).get("name") or ""


def title(snapshot: Snapshot, to: Reader) -> str:
    """Say what a reader meets about, and whom."""
    meeting, others = meeting_name(snapshot), people(snapshot, to)
    return to.t("{meeting} with {people}", meeting=meeting, people=others) if meeting and others else meeting or others


def meeting_link(snapshot: Snapshot) -> str:
    """Find the address of the online meeting; "" without one or where it is no http(s) address."""
    info = snapshot["meetingInfo"] or {}
    link = info.get("meetingLink") or (info.get("customChannelLink") if snapshot["channel"] == "custom" else None)
    return link if link and urlsplit(link).scheme in ("http", "https") else ""


def venue(snapshot: Snapshot, to: Reader) -> str:
    """Say in the reader's words where or how people meet."""
    channel, t = snapshot["channel"], to.t
    location = snapshot.get("location") or ""
    if channel in ("local", "resource"):
        return location
    if channel == "local-attendee":  # the guest's own words, for hosts only
        return (location or t("At the guest's place")) if to.is_host else t("At your place")
    if channel == "phone":
        number = plain_phone(booker(snapshot, to).get("phone"))
        return t("By phone: {number}", number=number) if number else t("By phone")
    if channel == "phone-incoming":
        return location or t("By phone")
    if channel == "custom":
        return (snapshot["meetingInfo"] or {}).get("customChannelName") or t("Online")
    return PRODUCTS.get(channel) or t("Online")


def description(meeting_info: Mapping[str, Any] | None) -> str:
    """Read a meeting's description, which the host wrote, as plain text."""
    text = (meeting_info or {}).get("description") or ""
    if "<" not in text:
        return text.strip()
    reading = _Text()
    reading.feed(text)
    reading.close()
    return "".join(reading.parts).strip()


class _Text(HTMLParser):
    """Collects the text of an HTML description, a line for each block."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("p", "div", "li", "h1", "h2", "h3"):
            self.parts.append("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.parts.append("\n")
