"""Routes of meeting types (contract 2.2)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from kalends.edge import problems
from kalends.edge.auth import Scheduling
from kalends.edge.context import AppDep
from kalends.services import meeting_types, one_time_links
from kalends.services.availabilities import AvailabilityNotFound
from kalends.services.calendar_settings import CalendarNotFound
from kalends.services.exception_rows import ExceptionInvalid
from kalends.services.meeting_types import (
    CustomLinkMissing,
    MeetingTypeNotFound,
    MeetingTypeNotYours,
    MeetingTypeSlugTaken,
)
from kalends.services.resource_channels import ResourceNotFound
from kalends.services.rights import UserNotFound

from .meeting_type_answers import MeetingType, MeetingTypeCreated
from .meeting_type_schemas import MeetingTypeBody, MeetingTypePatch
from .one_time_links import OneTimeLink

router = APIRouter(prefix="/v4", tags=["Meeting Type V4"])

_REFUSALS = (
    AvailabilityNotFound,
    ResourceNotFound,
    CalendarNotFound,
    MeetingTypeNotYours,
    MeetingTypeSlugTaken,
    CustomLinkMissing,
    ExceptionInvalid,
)


@router.post("/meeting-type", status_code=201, responses=problems.document(UserNotFound, *_REFUSALS))
async def create_meeting_type(body: MeetingTypeBody, actor: Scheduling, app: AppDep) -> MeetingTypeCreated:
    """Create a meeting type.

    Without a slug one is made from the name. Administrators may create types for other users of the company. With
    `options.createOneTimeLink` a link that books it once is answered too.
    """
    assert actor.user_id is not None
    async with app.transaction() as conn:
        row, owner = await meeting_types.create(
            conn, actor=actor, user_id=body.user_id or actor.user_id, fields=body.fields(), now=app.now()
        )
        wanted = body.options.create_one_time_link
        link = await one_time_links.add(conn, actor=actor, kind=row, now=app.now()) if wanted else None
    created = MeetingTypeCreated.of(row, owner, app.base_url)
    if link:
        created.one_time_link = OneTimeLink.of(link, created.booking_url)
    return created


@router.get("/meeting-type", responses=problems.document(UserNotFound))
async def list_meeting_types(actor: Scheduling, app: AppDep) -> list[MeetingType]:
    """List the acting user's meeting types, oldest first; switched off ones too."""
    async with app.reading() as conn:
        rows, owner = await meeting_types.of_user(conn, actor=actor)
    return [MeetingType.of(row, owner, app.base_url) for row in rows]


@router.get("/meeting-type/{meeting_type_id}", responses=problems.document(MeetingTypeNotFound))
async def get_meeting_type(meeting_type_id: UUID, actor: Scheduling, app: AppDep) -> MeetingType:
    """Get a meeting type of the company."""
    async with app.reading() as conn:
        row, owner = await meeting_types.get(conn, actor=actor, meeting_type_id=meeting_type_id)
    return MeetingType.of(row, owner, app.base_url)


@router.patch("/meeting-type/{meeting_type_id}", responses=problems.document(MeetingTypeNotFound, *_REFUSALS))
async def update_meeting_type(
    meeting_type_id: UUID, body: MeetingTypePatch, actor: Scheduling, app: AppDep
) -> MeetingType:
    """Change a meeting type.

    Only the keys that are sent change, in `meetingInfo` and `meetingOptions` too; other objects are replaced whole.
    """
    async with app.transaction() as conn:
        row, owner = await meeting_types.update(
            conn, actor=actor, meeting_type_id=meeting_type_id, fields=body.fields(), now=app.now()
        )
    return MeetingType.of(row, owner, app.base_url)


@router.delete(
    "/meeting-type/{meeting_type_id}",
    status_code=200,
    response_class=Response,
    responses=problems.document(MeetingTypeNotFound, MeetingTypeNotYours),
)
async def delete_meeting_type(meeting_type_id: UUID, actor: Scheduling, app: AppDep) -> Response:
    """Delete a meeting type: its page stops, its appointments stay; the answer is empty."""
    async with app.transaction() as conn:
        await meeting_types.delete(conn, actor=actor, meeting_type_id=meeting_type_id, now=app.now())
    return Response(status_code=200)
