"""A guest's own page of an appointment, reached by his secret: look, move, cancel. Looking changes nothing (P04)."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from kalends.services import appointments, calendar_checks, guests
from kalends.services.guests import GuestView
from kalends.services.slot_queries import SlotQuery
from kalends.services.verification import Verified
from kalends.storage import meeting_types
from kalends.storage.database import Connection

from . import choosing, guards, meetings, offers, people, reasons, refused, rendering, visit
from .guards import PageNotFound
from .meetings import Meeting
from .styles import Style
from .visit import Visit

router = APIRouter(prefix="/b/{appointment_id}/{secret}", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """An appointment opened by a guest's secret, as one visit looks at it."""

    view: GuestView
    visit: Visit
    meeting: Meeting
    theme: Style | None
    now: Instant

    @property
    def words(self) -> Translate:
        """Speak the visit's language."""
        return languages.translator(self.visit.language)

    def values(self, headline: str, step: str) -> dict[str, Any]:
        """Answer what every template of this page needs."""
        return {
            "title": f"{headline} – {self.meeting.name}",
            "headline": headline,
            "step": step,
            "theme": self.theme,
            "zone_wanted": False,
            "meeting": self.meeting,
        }

    def back(self, **changes: str) -> Response:
        """Send the browser to the appointment's page."""
        return RedirectResponse(self.visit.carry(self.meeting.page, **changes), 303, {"Cache-Control": "no-store"})


async def _open(conn: Connection, app: App, request: Request, appointment_id: UUID, secret: str) -> Opened:
    now = app.now()
    try:
        view = await guests.opened_by(conn, appointment_id, secret, now, client=limits.client_of(request))
    except NotFound:
        raise PageNotFound from None
    host = view.appointment.hosts[0]
    seen = visit.read(request, zone=view.attendee.timezone or host.timezone, home_language=host.language)
    home = await meetings.home(conn, view.appointment.company_id, view.appointment.meeting_type_id)
    series = await meetings.series(conn, view)
    meeting = meetings.meeting(languages.translator(seen.language), view, seen, now, home=home, series=series)
    return Opened(view, seen, meeting, people.theme(home.owner) if home else None, now)


@router.get("")
async def show(appointment_id: UUID, secret: str, request: Request, app: AppDep) -> Response:
    """Show the appointment as it is now."""
    await guards.try_secret(app, request)
    async with app.reading() as conn:
        opened = await _open(conn, app, request, appointment_id, secret)
    _, meeting = opened.words, opened.meeting
    just = opened.visit.params.get("moved") == "1"
    if meeting.cancelled:
        headline = _("This meeting is cancelled")
    elif meeting.over:
        headline = _("This meeting is over")
    elif just:
        headline = _("Your meeting has moved")
    else:
        headline = _("Your meeting")
    values = {**opened.values(headline, "appointment"), "just": just}
    return rendering.page(request, "appointment.html", opened.visit, values, secret=True)


@router.get("/calendar.ics")
async def calendar_file(appointment_id: UUID, secret: str, request: Request, app: AppDep) -> Response:
    """Hand out the appointment as a calendar file."""
    await guards.try_secret(app, request)
    async with app.reading() as conn:
        opened = await _open(conn, app, request, appointment_id, secret)
    text = appointments.calendar_file(opened.view.appointment, opened.view.attendee.id)
    headers = {"Content-Disposition": 'attachment; filename="meeting.ics"', "Cache-Control": "no-store"}
    return Response(text, headers=headers, media_type="text/calendar; charset=utf-8; method=PUBLISH")


@router.get("/cancel")
async def ask_to_cancel(appointment_id: UUID, secret: str, request: Request, app: AppDep) -> Response:
    """Ask whether the appointment is to be cancelled."""
    await guards.try_secret(app, request)
    async with app.reading() as conn:
        opened = await _open(conn, app, request, appointment_id, secret)
    if opened.meeting.cancelled or opened.meeting.over:
        return opened.back()
    return _cancel_page(request, opened)


@router.post("/cancel")
async def cancel(appointment_id: UUID, secret: str, request: Request, app: AppDep) -> Response:
    """Cancel the appointment, or this guest's place in it; of a series the later dates, too, where he wants that."""
    await guards.try_secret(app, request)
    guards.check_origin(app, request)
    async with request.form(max_files=0, max_fields=10) as data:
        reason, later_too = reasons.sent(data), data.get("which") == "later"
    async with app.reading() as conn:
        opened = await _open(conn, app, request, appointment_id, secret)
    if opened.meeting.cancelled or opened.meeting.over:
        return opened.back()
    if reasons.unfit(reason):
        return _cancel_page(request, opened, reason=reason, wrong=opened.words("Please enter a shorter reason."))
    try:
        async with app.transaction() as conn:
            await appointments.cancel(
                conn,
                actor=opened.view.actor,
                appointment_id=appointment_id,
                attendee_id=opened.view.attendee.id,
                entire_series=later_too,
                reason=reason or None,
                clock=app.now,
            )
    except DomainError as error:
        return _cancel_page(request, opened, reason=reason, refusal=error)
    return opened.back()


def _cancel_page(
    request: Request,
    opened: Opened,
    *,
    reason: str = "",
    wrong: str | None = None,
    refusal: DomainError | None = None,
) -> Response:
    _ = opened.words
    values = {
        **opened.values(_("Cancel"), "cancel"),
        "reason": reason,
        "errors": {"reason": wrong} if wrong else {},
        "refusal": refused.sentence(_, refusal) if refusal else None,
    }
    status = refused.status(refusal) if refusal else 422 if wrong else 200
    return rendering.page(request, "cancel.html", opened.visit, values, status=status, secret=True)


@router.get("/move")
async def choose(appointment_id: UUID, secret: str, request: Request, app: AppDep) -> Response:
    """Show the times the appointment can be moved to; once one is chosen, ask for confirmation."""
    await guards.try_secret(app, request)
    async with app.reading() as conn:
        opened = await _open(conn, app, request, appointment_id, secret)
        if not _can_move(opened):
            return opened.back()
        return await _move_page(conn, request, opened)


@router.post("/move")
async def move(appointment_id: UUID, secret: str, request: Request, app: AppDep) -> Response:
    """Move the appointment to the time the form asks for."""
    await guards.try_secret(app, request)
    guards.check_origin(app, request)
    async with request.form(max_files=0, max_fields=10) as data:
        asked = data.get("start")
    async with app.reading() as conn:
        opened = await _open(conn, app, request, appointment_id, secret)
    if not _can_move(opened):
        return opened.back()
    try:
        start = visit.instant(asked if isinstance(asked, str) else "")
    except ValueError:
        return RedirectResponse(opened.visit.link(start=None), 303, {"Cache-Control": "no-store"})

    async def carry_out(verified: Verified) -> None:
        async with app.transaction() as conn:
            await appointments.reschedule(
                conn,
                actor=opened.view.actor,
                appointment_id=appointment_id,
                start=start,
                clock=app.now,
                verified=verified,
            )

    try:
        await calendar_checks.checked(app.calendar_reader, carry_out)
    except DomainError as error:
        async with app.reading() as conn:
            return await _move_page(conn, request, opened, refusal=error)
    return opened.back(moved="1")


def _can_move(opened: Opened) -> bool:
    return opened.meeting.movable and not opened.meeting.cancelled and not opened.meeting.over


async def _move_page(
    conn: Connection, request: Request, opened: Opened, *, refusal: DomainError | None = None
) -> Response:
    appointment, seen, _ = opened.view.appointment, opened.visit, opened.words
    kind = await meeting_types.get(conn, appointment.company_id, appointment.meeting_type_id, deleted=True)
    assert kind is not None
    minutes = int((appointment.end_at - appointment.start_at).total("minutes"))
    offer = replace(
        offers.offer(kind, appointment.hosts[0], seen, person_link=None, channel=appointment.channel),
        name=opened.meeting.name,
        duration=minutes,
        durations=(minutes,),
        channel=appointment.channel,
        channel_text=opened.meeting.channel_text,
        channels=(),
        ways=(),
        chosen_later=False,
    )
    query = SlotQuery(
        meeting_type_id=kind.id,
        start=appointment.start_at,
        end=appointment.end_at,
        existing_appointment_id=appointment.id,
        channel=appointment.channel,
    )
    start = None if refusal else seen.start
    view = None
    if start is None and kind.deleted_at is None:
        view = await choosing.view(conn, appointment.company_id, query, seen, opened.now)
    values = {
        **opened.values(_("Move"), "confirm-move" if start else "times"),
        "refusal": refused.sentence(_, refusal) if refusal else None,
        "offer": replace(offer, start=start),
        "view": view,
    }
    status = refused.status(refusal) if refusal else 200
    return rendering.page(request, "move.html", seen, values, status=status, secret=True)
