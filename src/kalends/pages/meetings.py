"""A booked meeting as its guest sees it: on the confirmation and on the appointment's own page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from whenever import Instant

from kalends.languages import Translate
from kalends.services import guests, readers
from kalends.services.guests import GuestView
from kalends.storage import meeting_types, users
from kalends.storage.database import Connection
from kalends.storage.hosts import Host
from kalends.storage.users import User

from . import channels
from .visit import Visit


@dataclass(frozen=True, slots=True)
class Meeting:
    """What the templates show of an appointment; of its people only what this guest may see.

    Attributes:
        page: path of the appointment's own page.
        again: where another one can be booked; None: nowhere.
        movable: this guest alone booked it, so he moves and cancels the whole.
        series: the other dates that were booked together with this one and still stand, in order.
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
    series: tuple[Occurrence, ...]
    again: str | None
    ics: str
    google: str
    outlook: str

    @property
    def later(self) -> int:
        """Count the dates of the series that come after this one."""
        return sum(one.start > self.start for one in self.series)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Another date of a series; `page` is the path of its own page."""

    start: Instant
    page: str


async def series(conn: Connection, view: GuestView) -> tuple[Occurrence, ...]:
    """List the other dates this guest comes to by his own series; who joined one of another's sees none of that."""
    found = await guests.other_dates(conn, view.appointment, view.attendee, since=Instant.from_timestamp(0))
    return tuple(Occurrence(one.start_at, f"/b/{one.id}/{there.secret}") for one, there in found)


@dataclass(frozen=True, slots=True)
class Home:
    """Where meetings of one type are booked; `open` while they still are."""

    owner: User
    path: str
    open: bool


async def home(conn: Connection, company_id: UUID, meeting_type_id: UUID) -> Home | None:
    """Find the page of a meeting type, deleted or not; None when its owner is gone."""
    kind = await meeting_types.get(conn, company_id, meeting_type_id, deleted=True)
    owner = await users.get(conn, company_id, kind.user_id) if kind else None
    if kind is None or owner is None:
        return None
    return Home(owner, f"/{owner.slug}/{kind.slug}", kind.enabled and kind.deleted_at is None)


def again(home: Home | None, visit: Visit) -> str | None:
    """Write the address where another meeting of the type is booked; None where none can be."""
    return visit.carry(home.path) if home and home.open else None


def meeting(
    _: Translate,
    view: GuestView,
    visit: Visit,
    now: Instant,
    *,
    home: Home | None,
    series: tuple[Occurrence, ...] = (),
) -> Meeting:
    """Describe an appointment to the guest whose secret opened it.

    Args:
        home: of the appointment's meeting type.
        series: as `series` answers it.
    """
    appointment, guest = view.appointment, view.attendee
    name: str = appointment.meeting_info["name"]
    title = f"{name} – {', '.join(one.full_name for one in appointment.hosts)}"
    text = channels.text(_, appointment.channel, appointment.meeting_info, view.shown.location)
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
        reason=view.shown.cancel_reason,
        over=appointment.end_at <= now,
        movable=[one.id for one in appointment.booking_attendees] == [guest.id],
        page=page,
        series=series,
        again=again(home, visit),
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
