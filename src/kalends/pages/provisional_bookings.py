"""Pages of a booking that still has to be confirmed: the guest proves himself, a host approves or declines.

Looking changes nothing (P04): mail scanners open every link.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response
from whenever import Instant

from kalends import languages
from kalends.app import App
from kalends.edge import limits
from kalends.edge.context import AppDep
from kalends.errors import DomainError, NotFound
from kalends.languages import Translate
from kalends.services import provisional_bookings, provisional_views
from kalends.services.provisional_views import View
from kalends.storage import provisional_bookings as stored
from kalends.storage.database import Connection
from kalends.storage.provisional_bookings import ProvisionalBooking

from . import asked as asking
from . import guards, meetings, people, reasons, refused, rendering, visit
from .addresses import MEETING
from .asked import Asked, State
from .guards import PageNotFound
from .meetings import Home
from .visit import Visit

router = APIRouter(include_in_schema=False)
ADDRESS = "/p/{provisional_id}/{secret}"


@dataclass(frozen=True, slots=True)
class Opened:
    """A provisional booking opened by a secret, as one visit looks at it."""

    path: str
    view: View
    visit: Visit
    asked: Asked
    state: State
    home: Home | None

    @property
    def booking(self) -> ProvisionalBooking:
        """The booking itself."""
        return self.view.booking

    @property
    def words(self) -> Translate:
        """Speak the visit's language."""
        return languages.translator(self.visit.language)


async def _open(conn: Connection, app: App, request: Request, provisional_id: UUID, secret: str) -> Opened:
    now = app.now()
    try:
        view = await provisional_views.opened_by(conn, provisional_id, secret, now, client=limits.client_of(request))
    except NotFound:
        raise PageNotFound from None
    booking = view.booking
    seen = _visit(request, view)
    times = await asking.spans(conn, booking)
    home = await meetings.home(conn, booking.company_id, booking.meeting_type_id)
    described = asking.asked(languages.translator(seen.language), booking, times)
    return Opened(f"/p/{provisional_id}/{secret}", view, seen, described, asking.state(booking, now), home)


def _visit(request: Request, view: View) -> Visit:
    """Read the visit: a host in his own zone and language, a guest in those he booked in."""
    main = view.booking.hosts[0].host
    if view.side == "host":
        own = next(one.host for one in view.booking.hosts if one.host.id == view.actor.user_id)
        return visit.read(request, zone=own.timezone, home_language=own.language)
    who = view.booking.dto["attendee"]
    return visit.read(request, zone=who["timezone"] or main.timezone, home_language=who["language"] or main.language)


@router.get(ADDRESS)
async def show(provisional_id: UUID, secret: str, request: Request, app: AppDep) -> Response:
    """Show what was asked for and how it stands; whoever has to act finds a button."""
    await guards.try_secret(app, request)
    async with app.reading() as conn:
        opened = await _open(conn, app, request, provisional_id, secret)
    return _page(request, opened)


@router.post(ADDRESS)
async def act(provisional_id: UUID, secret: str, request: Request, app: AppDep) -> Response:
    """Prove the guest, or approve for a host, whosever secret it is."""

    async def change(conn: Connection, view: View) -> object:
        if view.side == "guest":
            return await provisional_bookings.prove(conn, view=view, clock=app.now)
        return await provisional_bookings.confirm(conn, actor=view.actor, provisional_id=view.booking.id, clock=app.now)

    await guards.try_secret(app, request)
    guards.check_origin(app, request)
    return await _changed(app, request, provisional_id, secret, change)


@router.post(f"{ADDRESS}/decline")
async def decline(provisional_id: UUID, secret: str, request: Request, app: AppDep) -> Response:
    """Decline for a host; his reason is told to the guest."""
    await guards.try_secret(app, request)
    guards.check_origin(app, request)
    async with request.form(max_files=0, max_fields=10) as data:
        reason = reasons.sent(data)

    async def change(conn: Connection, view: View) -> object:
        if view.side != "host":
            raise PageNotFound
        return await provisional_bookings.decline(
            conn, actor=view.actor, provisional_id=view.booking.id, reason=reason or None, clock=app.now
        )

    return await _changed(app, request, provisional_id, secret, change, reason)


async def _changed(
    app: App,
    request: Request,
    provisional_id: UUID,
    secret: str,
    change: Callable[[Connection, View], Awaitable[object]],
    reason: str = "",
) -> Response:
    """Carry a change out and show how the booking stands then; a refusal where it changed nothing."""
    async with app.reading() as conn:
        opened = await _open(conn, app, request, provisional_id, secret)
    if reasons.unfit(reason):
        return _page(request, opened, reason=reason, wrong=opened.words("Please enter a shorter reason."))
    refusal: DomainError | None = None
    try:
        async with app.transaction() as conn:
            await change(conn, opened.view)
    except NotFound:
        raise PageNotFound from None
    except DomainError as error:
        refusal = error
    if refusal is None:
        return RedirectResponse(opened.visit.carry(opened.path), 303, {"Cache-Control": "no-store"})
    async with app.reading() as conn:
        opened = await _open(conn, app, request, provisional_id, secret)
    return _page(request, opened, reason=reason, refusal=refusal)


def _page(
    request: Request,
    opened: Opened,
    *,
    reason: str = "",
    wrong: str | None = None,
    refusal: DomainError | None = None,
) -> Response:
    _, booking, at = opened.words, opened.booking, opened.state
    words = rendering.Words(opened.visit)
    host = opened.view.side == "host"
    headline, sentence = _told_host(_, opened) if host else asking.told(_, booking, at, words)
    values: dict[str, Any] = {
        "title": f"{headline} – {opened.asked.name}",
        "headline": headline,
        "sentence": sentence,
        "step": f"provisional-{at}",
        "theme": people.theme(opened.home.owner) if opened.home else None,
        "zone_wanted": False,
        "page": opened.path,
        "asked": opened.asked,
        "state": at,
        "declined_because": booking.reason if at == "declined" else None,
        "again": meetings.again(opened.home, opened.visit),
        "appointment": f"/b/{booking.appointment_id}/{opened.view.secret}" if opened.view.secret else None,
        "then_host": booking.then_host or booking.type == "requireHostConfirmation",
        "reason": reason,
        "errors": {"reason": wrong} if wrong else {},
        "refusal": refused.sentence(_, refusal) if refusal and at in asking.OPEN else None,
    }
    status = refused.status(refusal) if refusal else 422 if wrong else 200
    template = "approval.html" if host else "provisional.html"
    return rendering.page(request, template, opened.visit, values, status=status, secret=True)


def _told_host(_: Translate, opened: Opened) -> tuple[str, str]:
    if opened.state in ("prove", "keep"):
        return _("Approve this request?"), _("The guest has not confirmed the e-mail address yet.")
    if opened.state == "wait":
        return _("Approve this request?"), _("The guest has confirmed the e-mail address.")
    if opened.state == "confirmed":
        return _("This request has been approved"), _("The meeting is booked, and the guest has been told.")
    if opened.state == "declined":
        return _("This request has been declined"), _("The guest has been told, and the time is free again.")
    return _("This request has expired"), _("Nobody answered in time, and the time is free again.")


@router.get(MEETING + "/requested/{provisional_id}")
async def requested(user_slug: str, type_slug: str, provisional_id: UUID, request: Request, app: AppDep) -> Response:
    """Say to whoever has just booked what comes next; without a secret, so nothing of what he entered."""
    await guards.try_secret(app, request)
    now = app.now()
    async with app.reading() as conn:
        booking = await stored.of_any_company(conn, provisional_id)
        home = await meetings.home(conn, booking.company_id, booking.meeting_type_id) if booking else None
    if booking is None or home is None or home.path != f"/{user_slug}/{type_slug}" or _long_over(booking, now):
        raise PageNotFound
    seen = visit.read(request, zone=home.owner.timezone, home_language=home.owner.language)
    at = asking.state(booking, now)
    headline, sentence = asking.sent(languages.translator(seen.language), booking, at, rendering.Words(seen))
    values = {
        "title": f"{headline} – {booking.meeting_info['name']}",
        "headline": headline,
        "sentence": sentence,
        "step": "requested",
        "theme": people.theme(home.owner),
        "zone_wanted": False,
        "booking": booking,
        "state": at,
        "again": meetings.again(home, seen),
    }
    return rendering.page(request, "requested.html", seen, values, secret=True)


def _long_over(booking: ProvisionalBooking, now: Instant) -> bool:
    return booking.start_at.add(hours=24 * provisional_views.LINK_LIVES_DAYS) <= now
