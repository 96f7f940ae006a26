"""Routes of availability exceptions (contract 6.6)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BeforeValidator

from kalends.edge import problems
from kalends.edge.auth import Scheduling
from kalends.edge.context import AppDep
from kalends.services import availability_exceptions
from kalends.services.availabilities import AvailabilityNotFound
from kalends.services.availability_exceptions import ExceptionNotFound, ExceptionOwnerNotFound
from kalends.services.exception_rows import ExceptionInvalid
from kalends.services.rights import AdminsOnly, NotYours
from kalends.storage.availability_exceptions import OwnerType

from .availability_schemas import AvailabilityException, ExceptionNew, ExceptionPatch
from .schedules import MOMENT
from .schemas import Absent, Line

router = APIRouter(prefix="/v4", tags=["availability-exception"])

ExceptionId = Annotated[int, Path(ge=1, le=2**63 - 1)]


def _plus(value: object) -> object:
    """Read a space before an offset as the + that was not encoded (contract 6.4); empty is absent."""
    return value.replace(" ", "+") or None if isinstance(value, str) else value


Moment = Annotated[Line | None, BeforeValidator(_plus), Query(description=MOMENT)]


@router.get(
    "/availability-exception",
    responses=problems.document(ExceptionOwnerNotFound, AvailabilityNotFound, ExceptionInvalid),
)
async def list_exceptions(
    actor: Scheduling,
    app: AppDep,
    owner_type: Annotated[OwnerType | None, Absent, Query(alias="ownerType", description="`user` unless said.")] = None,
    owner_id: Annotated[
        UUID | None, Absent, Query(alias="ownerId", description="By default the acting user's own.")
    ] = None,
    start: Moment = None,
    end: Moment = None,
) -> list[AvailabilityException]:
    """List the exceptions of a user, an availability or the company that touch a window, by their beginning."""
    async with app.reading() as conn:
        rows = await availability_exceptions.list_(
            conn, actor=actor, kind=owner_type or "user", owner_id=owner_id, start=start, end=end
        )
    return [AvailabilityException.of(row) for row in rows]


@router.post(
    "/availability-exception",
    status_code=201,
    responses=problems.document(ExceptionOwnerNotFound, AvailabilityNotFound, AdminsOnly, NotYours, ExceptionInvalid),
)
async def create_exception(body: ExceptionNew, actor: Scheduling, app: AppDep) -> AvailabilityException:
    """Open or block time for a user, an availability or the company; for the company administrators only."""
    async with app.transaction() as conn:
        row = await availability_exceptions.create(
            conn, actor=actor, kind=body.owner_type, owner_id=body.owner_id, new=body.new(), now=app.now()
        )
    return AvailabilityException.of(row)


@router.patch(
    "/availability-exception/{exception_id}",
    responses=problems.document(ExceptionNotFound, AdminsOnly, NotYours, ExceptionInvalid),
)
async def update_exception(
    exception_id: ExceptionId, body: ExceptionPatch, actor: Scheduling, app: AppDep
) -> AvailabilityException:
    """Change an exception; it stays with its owner."""
    changes = body.model_dump(exclude_unset=True)
    async with app.transaction() as conn:
        row = await availability_exceptions.update(conn, actor=actor, exception_id=exception_id, changes=changes)
    return AvailabilityException.of(row)


@router.delete(
    "/availability-exception/{exception_id}",
    status_code=204,
    responses=problems.document(ExceptionNotFound, AdminsOnly, NotYours),
)
async def delete_exception(exception_id: ExceptionId, actor: Scheduling, app: AppDep) -> None:
    """Delete an exception."""
    async with app.transaction() as conn:
        await availability_exceptions.delete(conn, actor=actor, exception_id=exception_id, now=app.now())
