"""The words of a mail: heading, facts and links for one reader, in his language, zone and clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest
from urllib.parse import quote

from whenever import Instant

from kalends import languages
from kalends.domain import telling
from kalends.domain.itip import Snapshot
from kalends.domain.telling import News

from . import readers
from .readers import Reader

_BY_GUEST = ("attendee", "guest")
_PLAIN_IN_MAILTO = "@+!$'*"  # anything else could begin a header field of the mail to be written (RFC 6068 2)


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the table in a mail; `gone` ones are struck out.

    Attributes:
        link: where the value leads.
        links: where each of its first lines leads, for those who read HTML.
    """

    name: str
    value: str
    link: str = ""
    gone: bool = False
    links: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """The value's lines."""
        return self.value.splitlines()

    @property
    def linked_lines(self) -> list[tuple[str, str]]:
        """The value's lines, each with its own link."""
        return list(zip_longest(self.lines, self.links, fillvalue=""))


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything the templates of a mail show."""

    language: str
    subject: str
    company: str
    heading: str
    intro: str
    preview: str
    facts: tuple[Fact, ...]
    link: str
    link_text: str
    footer: str
    body: str = ""

    @property
    def paragraphs(self) -> list[list[str]]:
        """The body's paragraphs, each in lines."""
        return [part.splitlines() for part in re.split(r"\n\s*\n", self.body.strip("\n")) if part.strip()]


def letter(
    news: News,
    newest: Snapshot,
    told: Snapshot | None,
    to: Reader,
    *,
    summary: str,
    link: str | None,
    link_follows: bool = False,
) -> Letter:
    """Write the letter for one reader.

    Args:
        summary: title in the reader's calendar. It is the whole subject of an invitation: Exchange names the
            event in the calendar after the subject (case I07).
        link: address of a guest's own page; None for hosts.
        link_follows: the link to meet at is not made yet.
    """
    t = to.t
    return Letter(
        language=languages.spoken(to.language),
        subject=t("Cancelled: {summary}", summary=summary) if news == "cancellation" else summary,
        company=newest.get("companyName") or "",
        heading=_heading(news, newest, told, to),
        intro=_intro(news, newest, to),
        preview=when(newest, to),
        facts=tuple(facts(news, newest, told, to, link_follows=link_follows)),
        link=link or "",
        link_text=t("View or change your booking") if news != "cancellation" else t("View your booking"),
        footer=footer(newest, to),
    )


def _heading(news: News, newest: Snapshot, told: Snapshot | None, to: Reader) -> str:
    t = to.t
    if news == "cancellation":
        return t("The meeting is cancelled") if newest["isCancelled"] else t("You no longer take part")
    if news == "change":
        return _heading_of_change(newest, told, to)
    if to.is_host:
        return t("New booking")
    return t("You are invited") if to.person.get("broughtAlong") else t("Your booking is confirmed")


def _heading_of_change(newest: Snapshot, told: Snapshot | None, to: Reader) -> str:
    t = to.t
    if telling.moved(told, newest):
        return t("The meeting has been moved")
    came, left = telling.guests_changed(told, newest) if told and to.is_host else (0, 0)
    if came or left:
        return t("The guests have changed") if came and left else t("A guest joined") if came else t("A guest left")
    return t("The meeting has changed")


def footer(snapshot: Snapshot, to: Reader) -> str:
    """Say why a reader gets a mail."""
    company = snapshot.get("companyName")
    return to.t("You receive this mail because of a booking with {company}.", company=company) if company else ""


def _intro(news: News, newest: Snapshot, to: Reader) -> str:
    t = to.t
    if to.is_host:
        return readers.title(newest, to)
    hello = t("Hello {name},", name=to.name) if to.name else t("Hello,")
    hosts = readers.people(newest, to)
    if news == "cancellation":
        if not newest["isCancelled"]:
            return f"{hello} {t('you no longer take part in the meeting with {people}.', people=hosts)}"
        return f"{hello} {t('your meeting with {people} does not take place.', people=hosts)}"
    if news == "change":
        return f"{hello} {t('please note what is new for your meeting with {people}.', people=hosts)}"
    if to.person.get("broughtAlong"):
        name = readers.guest_name(readers.booker(newest, to), to)
        by = name or t("another guest")
        return f"{hello} {t('{guest} asks you to come to a meeting with {people}.', guest=by, people=hosts)}"
    return f"{hello} {t('we look forward to your meeting with {people}.', people=hosts)}"


def facts(
    news: News,
    newest: Snapshot,
    told: Snapshot | None,
    to: Reader,
    *,
    dates: Fact | None = None,
    link_follows: bool = False,
) -> list[Fact]:
    """List what is to be said of a meeting.

    Args:
        dates: stands where its time would.
        link_follows: the link to meet at is not made yet.
    """
    t = to.t
    found = [
        Fact(t("What"), readers.meeting_name(newest)),
        dates or Fact(t("When"), when(newest, to), gone=news == "cancellation"),
    ]
    if told and news == "change" and telling.moved(told, newest):
        found.append(Fact(t("Before"), when(told, to), gone=True))
    place, link = readers.venue(newest, to), readers.meeting_link(newest)
    follows = _link_follows(to) if link_follows and not link and news != "cancellation" else ""
    found.append(Fact(t("Where"), "\n".join(filter(None, (place or link, follows))), link=link))
    if told and news == "change":
        before = readers.venue(told, to)
        found.append(Fact(t("Before"), before if before != place else "", gone=True))
    if to.is_host:
        found += guests(newest, to)
    else:
        found += _hosts(news, newest, told, to)
        found.append(Fact(t("About"), readers.description(newest["meetingInfo"]) if news != "cancellation" else ""))
    if news == "cancellation" and (to.is_host or newest.get("cancelSource") not in _BY_GUEST):
        found.append(Fact(t("Reason"), newest.get("cancelReason") or ""))
    return [fact for fact in found if fact.value]


def _link_follows(to: Reader) -> str:
    t = to.t
    if to.is_host:
        return t("The link to join could not be made yet. It follows as soon as that works.")
    return t("The link to join follows.")


def _hosts(news: News, newest: Snapshot, told: Snapshot | None, to: Reader) -> list[Fact]:
    """Name for a guest whom he meets, and whom he would have met."""
    people = readers.people(newest, to)
    before = readers.people(told, to) if told and news == "change" else people
    gone = [Fact(to.t("Before"), before, gone=True)] if before != people else []
    return [Fact(to.t("With"), people), *gone]


def guests(newest: Snapshot, to: Reader) -> list[Fact]:
    """List for a host who comes and what each answered, and who does not come any more."""
    t, facts = to.t, []
    for guest in newest["attendees"]:
        name, email, phone = guest.get("fullname") or "", guest.get("email") or "", guest.get("phone") or ""
        label = t("Brings along") if guest.get("broughtAlong") else t("Guest")
        off = bool(guest.get("isCancelled")) or bool(newest["isCancelled"])
        shown = "\n".join(dict.fromkeys(filter(None, (name, email, phone))))
        facts.append(
            Fact(label, shown, link=f"mailto:{quote(email, safe=_PLAIN_IN_MAILTO)}" if email else "", gone=off)
        )
        notes = guest.get("notes") or {}
        facts += [
            Fact(readers.question(key, to), readers.answer(value, to))
            for key, value in notes.items()
            if value not in (None, "")
        ]
    return facts


def when(snapshot: Snapshot, to: Reader) -> str:
    """Write when a meeting takes place, of a series all times, and in which zone."""
    start, end = Instant.parse_iso(snapshot["start"]), Instant.parse_iso(snapshot["end"])
    starts = [Instant.parse_iso(one) for one in snapshot.get("starts") or (snapshot["start"],)]
    spans = [languages.span(one, one + (end - start), to.zone, to.language) for one in starts]
    labels = {languages.zone_label(one, to.zone, to.language) for one in starts}
    # A series may go over a clock change, and "summer time" would be wrong for some of it.
    return "\n".join([*spans, labels.pop() if len(labels) == 1 else to.zone])
