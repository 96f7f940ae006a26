"""Routes of one-time booking links (contract 2.11)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from kalends.edge import problems
from kalends.edge.auth import Scheduling
from kalends.edge.context import AppDep
from kalends.services import one_time_links
from kalends.services.meeting_types import MeetingTypeNotFound, MeetingTypeNotYours
from kalends.storage.one_time_links import OneTimeLink as Row

from .schemas import Answer, Stamp

router = APIRouter(prefix="/v4", tags=["One-Time Booking Link V4"])

_ID = "01977b2e-4c4a-7a31-9f0e-0000b1d50f2c"
_URL = f"https://kalends.test/ana-roth/first-talk?oneTimeLinkId={_ID}"


class OneTimeLink(Answer):
    """A page that books once."""

    id: UUID = Field(description="Goes into a booking as `oneTimeLinkId`.", examples=[_ID])
    url: str = Field(examples=[_URL])
    link: str = Field(description="The same as `url`.", examples=[_URL])
    token: str = Field(description="The same as `id`.", examples=[_ID])
    meeting_type_id: UUID
    used: bool
    created_at: Stamp

    @classmethod
    def of(cls, row: Row, booking_url: str) -> OneTimeLink:
        """Show a link to the page of its meeting type."""
        url = f"{booking_url}?oneTimeLinkId={row.id}"
        return cls(
            id=row.id,
            url=url,
            link=url,
            token=str(row.id),
            meeting_type_id=row.meeting_type_id,
            used=row.used,
            created_at=row.created_at,
        )


@router.post(
    "/one-time-booking-link/create/{meeting_type_id}",
    status_code=201,
    responses=problems.document(MeetingTypeNotFound, MeetingTypeNotYours),
)
async def create_one_time_link(meeting_type_id: UUID, actor: Scheduling, app: AppDep) -> OneTimeLink:
    """Make a link that books a meeting type once; its owner and administrators may."""
    async with app.transaction() as conn:
        link, kind, owner = await one_time_links.create(
            conn, actor=actor, meeting_type_id=meeting_type_id, now=app.now()
        )
    return OneTimeLink.of(link, f"{app.base_url}/{owner.slug}/{kind.slug}")
