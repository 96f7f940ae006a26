"""Routes of availabilities, under /v4 and at the root (contract 2.3)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from kalends.edge import problems
from kalends.edge.auth import Scheduling
from kalends.edge.context import AppDep
from kalends.services import availabilities, holidays
from kalends.services.availabilities import AvailabilityInUse, AvailabilityNotFound, NewAvailability
from kalends.services.exception_rows import ExceptionInvalid
from kalends.services.rights import NotYours, UserNotFound

from .availability_schemas import Availability, AvailabilityException, AvailabilityNew, AvailabilityPatch, HolidaysBody

_router = APIRouter(tags=["availability"])


@_router.get("/availability")
async def list_availabilities(actor: Scheduling, app: AppDep) -> list[Availability]:
    """List the acting user's availabilities, oldest first."""
    async with app.reading() as conn:
        return [Availability.of(view) for view in await availabilities.of_user(conn, actor=actor)]


@_router.post("/availability", status_code=201, responses=problems.document(UserNotFound, ExceptionInvalid))
async def create_availability(body: AvailabilityNew, actor: Scheduling, app: AppDep) -> Availability:
    """Create an availability of the acting user."""
    exceptions = [one.new() for one in body.availability_exceptions]
    new = NewAvailability(body.name, body.timezone, body.schedule, exceptions)
    async with app.transaction() as conn:
        view = await availabilities.create(conn, actor=actor, new=new, is_default=body.is_default, now=app.now())
    return Availability.of(view)


@_router.get("/availability/{availability_id}", responses=problems.document(AvailabilityNotFound))
async def get_availability(availability_id: UUID, actor: Scheduling, app: AppDep) -> Availability:
    """Get an availability of the company."""
    async with app.reading() as conn:
        return Availability.of(await availabilities.get(conn, actor=actor, availability_id=availability_id))


@_router.patch("/availability/{availability_id}", responses=problems.document(AvailabilityNotFound, NotYours))
async def update_availability(
    availability_id: UUID, body: AvailabilityPatch, actor: Scheduling, app: AppDep
) -> Availability:
    """Change an availability, or make it the default; what is booked already stays as it is."""
    async with app.transaction() as conn:
        view = await availabilities.update(
            conn,
            actor=actor,
            availability_id=availability_id,
            changes=body.columns(),
            is_default=bool(body.is_default),
            now=app.now(),
        )
    return Availability.of(view)


@_router.delete(
    "/availability/{availability_id}",
    status_code=204,
    responses=problems.document(AvailabilityNotFound, NotYours, AvailabilityInUse),
)
async def delete_availability(availability_id: UUID, actor: Scheduling, app: AppDep) -> None:
    """Delete an availability that no meeting type uses and that is not the default one."""
    async with app.transaction() as conn:
        await availabilities.delete(conn, actor=actor, availability_id=availability_id, now=app.now())


@_router.patch(
    "/availability/{availability_id}/holiday-exceptions",
    responses=problems.document(AvailabilityNotFound, NotYours),
)
async def close_on_holidays(
    availability_id: UUID, body: HolidaysBody, actor: Scheduling, app: AppDep
) -> list[AvailabilityException]:
    """Block a year's public holidays for the user of an availability.

    Answers the exceptions of these days: they belong to the user (`ownerType` `user`), so all his availabilities
    close. Days he has blocked already keep the exception they have. `germanState` adds a German state's own holidays.
    """
    async with app.transaction() as conn:
        rows = await holidays.close(
            conn,
            actor=actor,
            availability_id=availability_id,
            year=body.year,
            country=body.country,
            german_state=body.german_state,
            now=app.now(),
        )
    return [AvailabilityException.of(row) for row in rows]


_v4 = APIRouter(prefix="/v4")
_v4.include_router(_router)
routers = [_v4, _router]
