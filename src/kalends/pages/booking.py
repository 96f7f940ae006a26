"""Booking a meeting: its times, the guest's details, the confirmation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
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
from kalends.services import booking_pages, bookings, calendar_checks, guests, one_time_links
from kalends.services.actor import Actor
from kalends.services.outcomes import Booked, Pending
from kalends.services.verification import Verified
from kalends.storage.database import Connection

from . import choosing, forms, guards, meetings, people, refused, rendering, scenes, visit
from .addresses import MEETING
from .choosing import View
from .forms import Form
from .guards import PageNotFound
from .scenes import Scene

router = APIRouter(include_in_schema=False)

MAX_FIELDS = 500  # each tick of a question with many options is one


@router.get(MEETING)
async def choose(user_slug: str, type_slug: str, request: Request, app: AppDep) -> Response:
    """Show the times of a meeting type; once one is chosen, the form for the guest's details."""
    await guards.look(app, request)
    now = app.now()
    async with app.reading() as conn:
        month = await _month_of_kept(conn, request, user_slug, type_slug, now)
        if month:
            return month
        scene = await scenes.read(conn, request, user_slug, type_slug)
        if await _link_is_used(conn, scene, now):
            return _used(request, scene)
        start = scene.visit.start
        free = await choosing.free(conn, scene.user.company_id, scene.query, start, now) if start else None
        if free is None:
            view = await choosing.view(conn, scene.user.company_id, scene.query, scene.visit, now)
            return _times(request, scene, view, gone=start is not None)
    scene = replace(scene, offer=replace(scene.offer, start=free.start, seats=free.seats))
    return _details(request, scene, forms.blank(scene.visit, scene.offer))


async def _month_of_kept(
    conn: Connection, request: Request, user_slug: str, type_slug: str, now: Instant
) -> Response | None:
    """Show a month of what is kept of this page, if that is what there is now; None: it has to be read."""
    page = booking_pages.kept(user_slug, type_slug)
    if page is None or not request.query_params.keys().isdisjoint(("start", "oneTimeLinkId")):
        return None
    scene = scenes.scene(page, request)
    try:
        view = await choosing.view(conn, scene.user.company_id, scene.query, scene.visit, now)
    except NotFound:  # it is gone by now
        return None
    return _times(request, scene, view) if view.edition == page.edition else None


def _times(request: Request, scene: Scene, view: View, *, gone: bool = False) -> Response:
    values = {**scene.values, "step": "times", "view": view, "gone": gone}
    return rendering.page(request, "times.html", scene.visit, values)


async def _link_is_used(conn: Connection, scene: Scene, now: Instant) -> bool:
    """Tell whether the page's one-time link has been used.

    Raises:
        PageNotFound: the company has none such, or it is another meeting type's.
    """
    if scene.one_time_link is None:
        return False
    state = await one_time_links.state(
        conn, scene.user.company_id, scene.one_time_link, meeting_type_id=scene.kind.id, now=now
    )
    if state in ("unknown", "mismatch"):
        raise PageNotFound
    return state == "used"


def _used(request: Request, scene: Scene) -> Response:
    values = {**scene.values, "step": "used", "zone_wanted": False}
    return rendering.page(request, "used.html", scene.visit, values, status=410, headers={"Cache-Control": "no-store"})


@router.post(MEETING)
async def confirm(user_slug: str, type_slug: str, request: Request, app: AppDep) -> Response:
    """Book the time the form asks for; a refusal shows the form again, with everything that was typed."""
    guards.check_origin(app, request)
    await guards.look(app, request)  # a form with mistakes is a page, too
    async with request.form(max_files=0, max_fields=MAX_FIELDS) as data:
        form = forms.sent(data)
    async with app.reading() as conn:
        scene = await scenes.read(conn, request, user_slug, type_slug, form.channel or None)
    start = forms.start(form)
    if start is None:
        return RedirectResponse(scene.visit.link(start=None), 303)
    scene = replace(scene, offer=replace(scene.offer, start=start))
    errors = forms.errors(languages.translator(scene.visit.language), form, scene.offer, scene.visit)
    if errors:
        return _details(request, scene, form, errors=errors, status=422)
    try:
        outcome = await _book(app, request, scene, form, start)
    except NotFound:
        raise PageNotFound from None
    except DomainError as error:
        return await _refused(app, request, scene, form, start, error)
    if isinstance(outcome, Pending):
        path = f"{scene.visit.path}/requested/{outcome.provisional_booking_id}"
        return RedirectResponse(scene.visit.carry(path, new="1"), 303)
    path = f"{scene.visit.path}/booked/{outcome.appointment_id}/{outcome.secret}"
    return RedirectResponse(scene.visit.carry(path, new="1", **scene.visit.extra), 303)


async def _book(app: App, request: Request, scene: Scene, form: Form, start: Instant) -> Booked | Pending:
    await guards.send(app, request)
    if scene.offer.needs_password:
        await guards.guess(app, request, scene.kind.id)
    order = forms.order(form, scene.offer, scene.kind, scene.visit, start)
    actor = Actor(scene.user.company_id, None, False, "page", client=limits.client_of(request))

    async def book(verified: Verified) -> Booked | Pending:
        async with app.transaction() as conn:
            return await bookings.book(conn, actor=actor, order=order, clock=app.now, verified=verified)

    return await calendar_checks.checked(app.calendar_reader, book)


async def _refused(
    app: App, request: Request, scene: Scene, form: Form, start: Instant, error: DomainError
) -> Response:
    """Show the form again, saying why; where another time helps, with the nearest free ones to choose from."""
    _ = languages.translator(scene.visit.language)
    if error.code == "one-time-link-used":
        return _used(request, scene)
    if wrong := forms.refusals(_, error):
        return _details(request, scene, forms.renewed(form), errors=wrong, status=422)
    group = scene.kind.spots > 1
    if error.code in refused.OTHER_TIME_HELPS:
        form = forms.renewed(form)
        query = replace(scene.query, seats=forms.seats(form, scene.offer)) if group else scene.query
        async with app.reading() as conn:
            near = await choosing.nearest(conn, scene.user.company_id, query, start, app.now())
        preferred = min(near, key=lambda one: abs(one.timestamp() - start.timestamp()), default=None)
        scene = replace(scene, offer=replace(scene.offer, start=None, nearest=near, preferred=preferred))
    headers = problem_of(error).headers
    return _details(
        request, scene, form, refusal=refused.sentence(_, error, group=group), status=refused.status(error),
        headers=headers,
    )  # fmt: skip


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
        home = await meetings.home(conn, view.appointment.company_id, view.appointment.meeting_type_id)
    if home is None or home.path != f"/{user_slug}/{type_slug}":
        raise PageNotFound
    host = view.appointment.hosts[0]
    seen = visit.read(request, zone=view.attendee.timezone or host.timezone, home_language=host.language)
    _ = languages.translator(seen.language)
    shown = meetings.meeting(_, view, seen, now, home=home)
    if shown.cancelled:
        return RedirectResponse(seen.carry(shown.page), 303, {"Cache-Control": "no-store"})
    values = {
        "title": f"{_('You are booked')} – {shown.name}",
        "step": "booked",
        "theme": people.theme(home.owner),
        "zone_wanted": False,
        "meeting": shown,
        "onward": meetings.onward(view, seen),
    }
    return rendering.page(request, "booked.html", seen, values, secret=True)
