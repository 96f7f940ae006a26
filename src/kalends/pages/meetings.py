"""A booked meeting as its guest sees it: on the confirmation and on the appointment's own page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from whenever import Instant

from kalends.languages import Translate
from kalends.services.guests import GuestView
from kalends.storage.hosts import Host

from . import channels
from .visit import Visit


@dataclass(frozen=True, slots=True)
class Meeting:
    """What the templates show of an appointment; of its people only what this guest may see.

    Attributes:
        page: path of the appointment's own page; `again` where another one can be booked.
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
    again: str
    ics: str
    google: str
    outlook: str


def meeting(_: Translate, view: GuestView, visit: Visit, now: Instant) -> Meeting:
    """Describe an appointment to the guest whose secret opened it."""
    appointment, guest = view.appointment, view.attendee
    name: str = appointment.meeting_info["name"]
    host = appointment.hosts[0]
    title = f"{name} – {', '.join(one.full_name for one in appointment.hosts)}"
    text = channels.text(_, appointment.channel, appointment.meeting_info, appointment.location)
    page = f"/b/{appointment.id}/{guest.secret}"
    note = guest.notes.get("note")
    brought = (
        ()
        if guest.brought_along
        else tuple(
            one.email for one in appointment.attendees if one.brought_along and one.email and one.cancelled_at is None
        )
    )
    return Meeting(
        id=str(appointment.id),
        secret=guest.secret,
        name=name,
        start=appointment.start_at,
        end=appointment.end_at,
        hosts=appointment.hosts,
        channel=appointment.channel,
        channel_text=text,
        link=_link(appointment.meeting_info.get("customChannelLink")) if appointment.channel == "custom" else None,
        guest=guest.full_name if not guest.email else f"{guest.full_name} · {guest.email}",
        email=guest.email or "",
        brought=brought if len(appointment.booking_attendees) < 2 else (),
        note=note if isinstance(note, str) else "",
        silent=appointment.skip_notifications,
        cancelled=appointment.cancelled_at is not None or guest.cancelled_at is not None,
        reason=appointment.cancel_reason,
        over=appointment.end_at <= now,
        movable=[one.id for one in appointment.booking_attendees] == [guest.id],
        page=page,
        again=visit.carry(f"/{host.slug}/{appointment.type_slug}"),
        ics=f"{page}/calendar.ics",
        google=_google(title, text, appointment.start_at, appointment.end_at),
        outlook=_outlook(title, text, appointment.start_at, appointment.end_at),
    )


def _link(url: object) -> str | None:
    return url if isinstance(url, str) and urlsplit(url).scheme in ("http", "https") else None


def _google(title: str, place: str, start: Instant, end: Instant) -> str:
    """Address Google's form for a new event; its dates are UTC in the basic format of ISO 8601."""
    dates = "/".join(at.round("second").format_iso(basic=True) for at in (start, end))
    query = {"action": "TEMPLATE", "text": title, "dates": dates, "location": place}
    return f"https://calendar.google.com/calendar/render?{urlencode(query)}"


def _outlook(title: str, place: str, start: Instant, end: Instant) -> str:
    """Address Outlook's form for a new event."""
    query = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": title,
        "startdt": start.format_iso(),
        "enddt": end.format_iso(),
        "location": place,
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
