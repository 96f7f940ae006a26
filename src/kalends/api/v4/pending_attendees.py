"""Routes of pending attendees (contract 2.8)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from kalends.edge.auth import Scheduling
from kalends.edge.context import AppDep
from kalends.services import pending_attendees
from kalends.storage.pending_attendees import PendingAttendee as Row

from .booking_forms import AttendeeForm
from .languages import Language
from .schemas import Answer, Body, Stamp

router = APIRouter(prefix="/v4", tags=["Attendee V4"])

_GIL: dict[str, Any] = {"email": "gil@guests.test", "fullname": "Gil Moss", "notes": {"Topic": "Contract"}}


class PendingAttendeeBody(Body):
    """Somebody who may book later; he needs a name."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"attendee": _GIL}]})

    attendee: AttendeeForm


class PendingAttendee(Answer):
    """Somebody who filled in the form and has not booked."""

    id: int = Field(description="Goes into a booking as `attendeePendingId`.", examples=[17])
    company_id: UUID
    email: str | None = Field(examples=["gil@guests.test"])
    fullname: str | None = Field(examples=["Gil Moss"])
    firstname: str | None
    lastname: str | None
    phone: str | None
    language: Language | None
    timezone: str | None
    notes: dict[str, Any] = Field(examples=[{"Topic": "Contract"}])
    bringalong_emails: list[str] = Field(examples=[[]])
    receive_reminders: bool = Field(examples=[True])
    data_policy_accepted: bool | None
    created_at: Stamp
    updated_at: Stamp
    deleted_at: Stamp | None

    @classmethod
    def of(cls, row: Row) -> PendingAttendee:
        """Show one as the contract names him."""
        same = (
            "id", "company_id", "email", "phone", "language", "timezone", "notes", "bringalong_emails",
            "receive_reminders", "data_policy_accepted", "created_at", "updated_at", "deleted_at",
        )  # fmt: skip
        names = {"fullname": row.full_name, "firstname": row.first_name, "lastname": row.last_name}
        return cls.model_validate({name: getattr(row, name) for name in same} | names)


@router.get("/attendee/pending")
async def list_pending_attendees(actor: Scheduling, app: AppDep) -> list[PendingAttendee]:
    """List the company's pending attendees, oldest first; who has booked is none any more."""
    async with app.reading() as conn:
        return [PendingAttendee.of(row) for row in await pending_attendees.of_company(conn, actor=actor)]


@router.post("/attendee/pending", status_code=201)
async def create_pending_attendee(body: PendingAttendeeBody, actor: Scheduling, app: AppDep) -> int:
    """Keep what a guest filled in before he books; the answer is its number, for `attendeePendingId`."""
    async with app.transaction() as conn:
        return await pending_attendees.create(conn, actor=actor, attendee=body.attendee.new(), now=app.now())
