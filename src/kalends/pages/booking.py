"""Booking a meeting: its times, the guest's details, the confirmation."""

from __future__ import annotations

from collections.abc import Mapping
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
from kalends.edge.problems import of as problem_of
from kalends.errors import DomainError, NotFound
from kalends.services import bookings, guests
from kalends.services.actor import Actor
from kalends.services.calendars import SlotQuery
from kalends.storage import meeting_types, users
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from kalends.storage.users import User

from . import choosing, forms, guards, meetings, offers, people, refused, rendering, visit
from .addresses import MEETING
from .forms import Form
from .guards import PageNotFound
from .offers import Offer
from .visit import Visit

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Scene:
    """One meeting type's page, as one visit looks at it."""

    user: User
    kind: MeetingType
    visit: Visit
    offer: Offer
    query: SlotQuery

    @property
    def values(self) -> dict[str, Any]:
        """What every template of this page needs."""
        return {
            "title": f"{self.offer.name} – {self.user.full_name}",
            "theme": people.theme_link(self.user),
            "zone_wanted": not self.visit.zone_chosen,
            "offer": self.offer,
        }


async def _scene(
    conn: Connection, request: Request, user_slug: str, type_slug: str, channel: str | None = None
) -> Scene:
    user = await users.by_slug(conn, user_slug)
    kind = await meeting_types.by_slug(conn, user.company_id, user.id, type_slug) if user else None
    if user is None or kind is None or not kind.enabled:
        raise PageNotFound
    seen = visit.read(request, zone=user.timezone, home_language=user.language)
    offer = offers.offer(
        kind, user, seen, person_link=seen.carry(f"/{user.slug}"), channel=channel or seen.params.get("channel")
    )
    ever = Instant.from_timestamp(0)
    query = SlotQuery(meeting_type_id=kind.id, start=ever, end=ever, host_ids=(user.id,), duration=offer.duration)
    return Scene(user, kind, seen, offer, query)


@router.get(MEETING)
async def choose(user_slug: str, type_slug: str, request: Request, app: AppDep) -> Response:
    """Show the times of a meeting type; once one is chosen, the form for the guest's details."""
    await guards.look(app, request)
    now = app.now()
    async with app.reading() as conn:
        scene = await _scene(conn, request, user_slug, type_slug)
        start = scene.visit.start
        free = start is not None and await choosing.is_free(conn, scene.user.company_id, scene.query, start, now)
        if start is None or not free:
            view = await choosing.view(conn, scene.user.company_id, scene.query, scene.visit, now)
            values = {**scene.values, "step": "times", "view": view, "gone": start is not None}
            return rendering.page(request, "times.html", scene.visit, values)
    scene = replace(scene, offer=replace(scene.offer, start=start))
    return _details(request, scene, forms.blank(scene.visit))


@router.post(MEETING)
async def confirm(user_slug: str, type_slug: str, request: Request, app: AppDep) -> Response:
    """Book the time the form asks for; a refusal shows the form again, with everything that was typed."""
    guards.check_origin(app, request)
    await guards.look(app, request)  # a form with mistakes is a page, too
    async with request.form(max_files=0, max_fields=40) as data:
        form = forms.sent(data)
    async with app.reading() as conn:
        scene = await _scene(conn, request, user_slug, type_slug, form.channel or None)
    start = forms.start(form)
    if start is None:
        return RedirectResponse(scene.visit.link(start=None), 303)
    scene = replace(scene, offer=replace(scene.offer, start=start))
    _ = languages.translator(scene.visit.language)
    errors = forms.errors(_, form, scene.offer)
    if errors:
        return _details(request, scene, form, errors=errors, status=422)
    try:
        await guards.send(app, request)
        order = forms.order(form, scene.offer, scene.kind, scene.user.id, scene.visit, start)
        actor = Actor(scene.user.company_id, None, False, "page", client=limits.client_of(request))
        async with app.transaction() as conn:
            booked = await bookings.book(conn, actor=actor, order=order, clock=app.now)
    except NotFound:
        raise PageNotFound from None
    except DomainError as error:
        return await _refused(app, request, scene, form, start, error)
    path = f"{scene.visit.path}/booked/{booked.appointment_id}/{booked.secret}"
    return RedirectResponse(scene.visit.carry(path, new="1", **scene.visit.extra), 303)


async def _refused(
    app: App, request: Request, scene: Scene, form: Form, start: Instant, error: DomainError
) -> Response:
    """Show the form again, saying why; where another time helps, with the nearest free ones to choose from."""
    if error.code in refused.OTHER_TIME_HELPS:
        form = forms.renewed(form)
        async with app.reading() as conn:
            near = await choosing.nearest(conn, scene.user.company_id, scene.query, start, app.now())
        preferred = min(near, key=lambda one: abs(one.timestamp() - start.timestamp()), default=None)
        scene = replace(scene, offer=replace(scene.offer, start=None, nearest=near, preferred=preferred))
    sentence = refused.sentence(languages.translator(scene.visit.language), error)
    headers = problem_of(error).headers
    return _details(request, scene, form, refusal=sentence, status=refused.status(error), headers=headers)


def _details(
    request: Request,
    scene: Scene,
    form: Form,
    *,
    errors: dict[str, str] | None = None,
    refusal: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Show the form; never kept by browsers, because each showing has a nonce of its own."""
    values = {**scene.values, "step": "details", "form": form, "errors": errors or {}, "refusal": refusal}
    no_store = {**(headers or {}), "Cache-Control": "no-store"}
    return rendering.page(request, "details.html", scene.visit, values, status=status, headers=no_store)


@router.get(MEETING + "/booked/{appointment_id}/{secret}")
async def booked(
    user_slug: str, type_slug: str, appointment_id: UUID, secret: str, request: Request, app: AppDep
) -> Response:
    """Confirm a booking to whoever made it; unlike the appointment's own page it may stand in a frame."""
    await guards.try_secret(app, request)
    now = app.now()
    async with app.reading() as conn:
        try:
            view = await guests.opened_by(conn, appointment_id, secret, now)
        except NotFound:
            raise PageNotFound from None
        user = await users.by_slug(conn, user_slug)
        bookable = await meetings.bookable_at(conn, view.appointment)
    host = view.appointment.hosts[0]
    if user is None or user.id != host.id or view.appointment.type_slug != type_slug:
        raise PageNotFound
    seen = visit.read(request, zone=view.attendee.timezone or host.timezone, home_language=host.language)
    _ = languages.translator(seen.language)
    shown = meetings.meeting(_, view, seen, now, bookable=bookable)
    if shown.cancelled:
        return RedirectResponse(seen.carry(shown.page), 303, {"Cache-Control": "no-store"})
    values = {
        "title": f"{_('You are booked')} – {shown.name}",
        "step": "booked",
        "theme": people.theme_link(user),
        "zone_wanted": False,
        "meeting": shown,
        "onward": meetings.onward(view, seen),
    }
    return rendering.page(request, "booked.html", seen, values, secret=True)
