"""A booked meeting as its guest sees it: on the confirmation and on the appointment's own page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from whenever import Instant

from kalends.languages import Translate
from kalends.services import readers
from kalends.services.guests import GuestView
from kalends.storage import meeting_types, users
from kalends.storage.appointments import Appointment
from kalends.storage.database import Connection
from kalends.storage.hosts import Host

from . import channels
from .visit import Visit


@dataclass(frozen=True, slots=True)
class Meeting:
    """What the templates show of an appointment; of its people only what this guest may see.

    Attributes:
        page: path of the appointment's own page.
        again: where another one can be booked; None: nowhere.
        movable: this guest alone booked it, so he moves and cancels the whole.
        link: address of the online meeting, once there is one.
    """

    id: str
    secret: str
    name: str
    start: Instant
    end: Instant
    hosts: tuple[Host, ...]
    channel: str
    channel_text: str
    link: str | None
    guest: str
    email: str
    brought: tuple[str, ...]
    note: str
    silent: bool
    cancelled: bool
    reason: str | None
    over: bool
    movable: bool
    page: str
    again: str | None
    ics: str
    google: str
    outlook: str


async def bookable_at(conn: Connection, appointment: Appointment) -> str | None:
    """Find the path of the page where meetings of an appointment's type are booked; None when they no longer are."""
    kind = await meeting_types.get(conn, appointment.company_id, appointment.meeting_type_id)
    if kind is None or not kind.enabled:
        return None
    owner = await users.get(conn, appointment.company_id, kind.user_id)
    return f"/{owner.slug}/{kind.slug}" if owner else None


def meeting(_: Translate, view: GuestView, visit: Visit, now: Instant, *, bookable: str | None) -> Meeting:
    """Describe an appointment to the guest whose secret opened it.

    Args:
        bookable: as `bookable_at` answers it.
    """
    appointment, guest = view.appointment, view.attendee
    name: str = appointment.meeting_info["name"]
    title = f"{name} – {', '.join(one.full_name for one in appointment.hosts)}"
    text = channels.text(_, appointment.channel, appointment.meeting_info, appointment.location)
    page = f"/b/{appointment.id}/{guest.secret}"
    link = _link(appointment.meeting_info.get("customChannelLink")) if appointment.channel == "custom" else None
    about = readers.description(appointment.meeting_info)
    entry = _Entry(title, about, link or text, appointment.start_at, appointment.end_at)
    note = guest.notes.get("note")
    return Meeting(
        id=str(appointment.id),
        secret=guest.secret,
        name=name,
        start=appointment.start_at,
        end=appointment.end_at,
        hosts=appointment.hosts,
        channel=appointment.channel,
        channel_text=text,
        link=link,
        guest=guest.full_name or guest.email or "",
        email=guest.email or "",
        brought=_brought(view),
        note=note if isinstance(note, str) else "",
        silent=appointment.skip_notifications,
        cancelled=appointment.cancelled_at is not None or guest.cancelled_at is not None,
        reason=appointment.cancel_reason,
        over=appointment.end_at <= now,
        movable=[one.id for one in appointment.booking_attendees] == [guest.id],
        page=page,
        again=visit.carry(bookable) if bookable else None,
        ics=f"{page}/calendar.ics",
        google=_google(entry),
        outlook=_outlook(entry),
    )


def _brought(view: GuestView) -> tuple[str, ...]:
    """List the addresses of those a guest brings along; none where others booked too, as the guests may be theirs."""
    if view.attendee.brought_along or len(view.appointment.booking_attendees) > 1:
        return ()
    attendees = view.appointment.attendees
    return tuple(one.email for one in attendees if one.brought_along and one.email and one.cancelled_at is None)


def _link(url: object) -> str | None:
    return url if isinstance(url, str) and urlsplit(url).scheme in ("http", "https") else None


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a calendar elsewhere is asked to note; never a secret, because its address stays there."""

    title: str
    description: str
    place: str
    start: Instant
    end: Instant


def _google(entry: _Entry) -> str:
    """Address Google's form for a new event; its dates are UTC in the basic format of ISO 8601."""
    dates = "/".join(at.round("second").format_iso(basic=True) for at in (entry.start, entry.end))
    query = {
        "action": "TEMPLATE",
        "text": entry.title,
        "dates": dates,
        "details": entry.description,
        "location": entry.place,
    }
    return f"https://calendar.google.com/calendar/render?{urlencode(query)}"


def _outlook(entry: _Entry) -> str:
    """Address Outlook's form for a new event."""
    query = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": entry.title,
        "startdt": entry.start.format_iso(),
        "enddt": entry.end.format_iso(),
        "body": entry.description,
        "location": entry.place,
    }
    return f"https://outlook.live.com/calendar/0/deeplink/compose?{urlencode(query)}"


def onward(view: GuestView, visit: Visit) -> str | None:
    """Build the address the host sends his guests to after a booking (`meetingInfo.redirect`); None without one.

    What the booking's link carried beyond our own keys goes along (contract 6.5); with
    `passEventDetailsToRedirect` the meeting's details too.
    """
    info = view.appointment.meeting_info
    target = _link(info.get("redirect")) if info.get("enableRedirect") else None
    if target is None:
        return None
    query = dict(visit.extra)
    if info.get("passEventDetailsToRedirect"):
        query |= {
            "appointmentId": str(view.appointment.id),
            "start": view.appointment.start_at.format_iso(),
            "end": view.appointment.end_at.format_iso(),
            "name": view.attendee.full_name,
            "email": view.attendee.email or "",
        }
    if not query:
        return target
    parts = urlsplit(target)
    return parts._replace(query="&".join(filter(None, (parts.query, urlencode(query))))).geturl()
