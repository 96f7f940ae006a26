"""Mails to the owner of a connected calendar: that it is, disagrees with his bookings, or lets us in no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends import languages
from kalends.domain.itip import Snapshot
from kalends.ports import OutgoingMail
from kalends.storage import calendar_connections, companies, events, users
from kalends.storage.calendar_connections import CalendarConnection
from kalends.storage.database import Connection
from kalends.storage.effects import Effect, Part
from kalends.storage.events import Change
from kalends.storage.users import User

from . import letters, messages, readers
from .letters import Fact, Letter
from .messages import Office
from .readers import Reader

PROVIDERS = {"google": "Google", "outlook": "Microsoft 365", "caldav": "CalDAV", "icloud": "iCloud", "ics": "ICS"}
MOST_SHOWN = 20  # of what one reading found


@dataclass(frozen=True, slots=True)
class Notice:
    """One mail to be written.

    Attributes:
        changes: what is still so, at least one, in the order it was found.
        snapshots: the newest of the appointments it is about, by their ids.
    """

    to: Reader
    company: str
    changes: Sequence[Change]
    snapshots: Mapping[str, Snapshot]


async def notice(conn: Connection, effect: Effect, parts: Mapping[int, Part]) -> tuple[Notice | None, list[int]]:
    """Find what a host is to be told of his calendar, and the effects of which nothing is so any more."""
    found = await events.several(conn, [part.event_id for part in parts.values()])
    user = await users.get(conn, effect.company_id, effect.target)
    connection = await calendar_connections.get(conn, effect.company_id, effect.subject)
    company = await companies.get(conn, effect.company_id)
    if user is None or connection is None or company is None:
        return None, list(parts)
    ids = {UUID(one.after["appointmentId"]) for one in found.values() if one.after.get("appointmentId")}
    newest = await events.newest(conn, effect.company_id, ids)
    snapshots = {str(one): revision.snapshot for one, revision in newest.items()}
    still = {key: part for key, part in parts.items() if _is_so(found[part.event_id], connection, snapshots)}
    if not still:
        return None, list(parts)
    changes = [found[part.event_id] for part in still.values()]
    return Notice(_reader(user), company.name, changes, snapshots), [key for key in parts if key not in still]


def _is_so(change: Change, connection: CalendarConnection, snapshots: Mapping[str, Snapshot]) -> bool:
    """Tell whether what an event says still is so: it may have been put right before the mail leaves."""
    if change.kind == "calendar_connected":
        return True
    if change.kind == "credential_error":
        return connection.status == "refused"
    appointment_id = change.after["appointmentId"]
    if appointment_id is None:
        return True
    snapshot = snapshots[appointment_id]
    return not snapshot["isCancelled"] and snapshot["start"] == change.after["appointmentStart"]


def _reader(user: User) -> Reader:
    person = {"id": str(user.id), "email": user.email, "fullName": user.full_name}
    return Reader(person, True, user.language, user.timezone, languages.translator(user.language))


def write(notice: Notice, office: Office) -> OutgoingMail:
    """Write the mail; the same first event always makes a mail with the same Message-ID."""
    first, to = notice.changes[0], notice.to
    mail = messages.message(
        office,
        letter(notice),
        to=(to.name, to.email),
        answers=None,
        message_id=office.message_id(first.after["connectionId"], "calendar", first.after["revision"]),
        at=first.at,
    )
    return messages.outgoing(office, mail, to.email)


def letter(notice: Notice) -> Letter:
    """Write the letter."""
    to, first = notice.to, notice.changes[0].after
    reasons = {_reason(one) for one in notice.changes}
    heading, intro = _said(reasons.pop() if len(reasons) == 1 else "several", to, first["email"])
    facts = [fact for one in notice.changes[:MOST_SHOWN] for fact in _facts(one, notice)]
    more = len(notice.changes) - MOST_SHOWN
    if more > 0:
        facts.append(Fact("…", to.t("{count} more", count=more)))
    return Letter(
        language=languages.spoken(to.language),
        subject=heading,
        company=notice.company,
        heading=heading,
        intro=intro,
        preview=intro,
        facts=tuple(fact for fact in facts if fact.value),
        link="",
        link_text="",
        footer=to.t("You receive this mail because your calendar is connected with {company}.", company=notice.company),
    )


def _reason(change: Change) -> str:
    known = {"calendar_connected": "connected", "credential_error": "refused"}.get(change.kind)
    return known or str(change.after["reason"])


def _said(reason: str, to: Reader, account: str) -> tuple[str, str]:
    """Say in a heading and a sentence or two what is wrong, and what the host can do."""
    t = partial(to.t, account=account)
    return {
        "connected": (
            t("A calendar was connected"),
            t(
                "From now on bookings look at it to see when you are busy. If it was not you who connected it, please"
                " disconnect it and tell whoever administers your bookings."
            ),
        ),
        "refused": (
            t("Please connect your calendar again"),
            t(
                "Your calendar {account} does not let us in any more. Until you connect it again we do not see when"
                " you are busy, and your bookings do not appear there."
            ),
        ),
        "overlap": (
            t("An event overlaps a booking"),
            t(
                "Something new in your calendar {account} takes time in which you have a booking. Both stay as they"
                " are; please move one of them."
            ),
        ),
        "moved": (
            t("A booking could not be moved"),
            t(
                "You moved it in your calendar {account}, but it cannot take place then. It stays where it was, and"
                " so it stands in your calendar again."
            ),
        ),
        "length": (
            t("A booking keeps its length"),
            t(
                "You changed its length in your calendar {account}, which a booking cannot follow. It stays as it was,"
                " and so it stands in your calendar again."
            ),
        ),
        "deleted": (
            t("A booking still takes place"),
            t("You deleted it in your calendar {account}. The booking was not cancelled, and your guest expects you."),
        ),
        "declined": (
            t("A booking still takes place"),
            t("You declined it in your calendar {account}. The booking was not cancelled, and your guest expects you."),
        ),
        "emptied": (
            t("Your calendar seems to have been emptied"),
            t(
                "Much of what stood in your calendar {account} vanished at once. We change nothing before we have seen"
                " that once more."
            ),
        ),
        "several": (
            t("Your calendar and your bookings disagree"),
            t("In your calendar {account} some things are not as your bookings are."),
        ),
    }[reason]


def _facts(change: Change, notice: Notice) -> list[Fact]:
    to, after = notice.to, change.after
    if change.kind == "calendar_connected":
        name, server = PROVIDERS[after["provider"]], after["server"]
        return [Fact(to.t("Account"), after["email"]), Fact(to.t("At"), f"{name} ({server})" if server else name)]
    snapshot = notice.snapshots.get(after.get("appointmentId") or "")
    if snapshot is None:
        return []
    t = to.t
    return [
        Fact(t("What"), readers.title(snapshot, to)),
        Fact(t("When"), letters.when(snapshot, to)),
        Fact(t("In your calendar"), _there(after, to)),
    ]


def _there(after: Mapping[str, Any], to: Reader) -> str:
    if after["start"] is None:
        return to.t("Deleted") if after["reason"] == "deleted" else to.t("Declined")
    start, end = Instant.parse_iso(after["start"]), Instant.parse_iso(after["end"])
    return languages.span(start, end, to.zone, to.language)
