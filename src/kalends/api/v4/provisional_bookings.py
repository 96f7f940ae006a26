"""Provisional bookings: lists, single ones, and what hosts decide about them (contract 2.6, 6.4)."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field
from whenever import Instant

from kalends.domain.provisional import BookingType
from kalends.edge import problems
from kalends.edge.auth import Scheduling
from kalends.edge.context import AppDep
from kalends.errors import NotFound
from kalends.services import provisional_bookings, provisional_views
from kalends.services.provisional_bookings import AlreadyConfirmed, AlreadyDeclined
from kalends.services.refusals import HoldExpired
from kalends.services.rights import AdminsOnly
from kalends.storage.provisional_bookings import BookingHost, ProvisionalBooking, Status

from .appointment_answers import SECRET, QueueBookingInfo
from .appointment_forms import Reason
from .schemas import INT32, Absent, Answer, Body, Stamp

router = APIRouter(prefix="/v4", tags=["Provisional booking V4"])

_DTO = {
    "meetingTypeId": "01977b2e-4c4a-7a31-9f0e-00007e513f3a",
    "start": "2031-03-04T09:00:00Z",
    "hostIds": [],
    "attendee": {"email": "gil@guests.test", "fullname": "Gil Moss", "receiveReminders": True, "notes": {}},
}


class ProvisionalHost(Answer):
    """One of those who are to host; the first of the list is the main host."""

    id: UUID
    given_name: str = Field(examples=["Ada"])
    family_name: str = Field(examples=["Roth"])
    slug: str = Field(examples=["ada-roth"])
    user_type: str = Field(examples=["standard"])
    picture: str | None


class ProvisionalBookingAnswer(Answer):
    """A booking that its guest or a host confirms, or did."""

    id: UUID
    dto: dict[str, Any] = Field(description="The booking's body, without its password.", examples=[_DTO])
    type: BookingType = Field(description="What it waits for, or waited for last.")
    status: Status
    meeting_type_id: UUID
    hosts: list[ProvisionalHost]
    queue_booking_info: QueueBookingInfo | None = Field(description="null where no queue chose")
    start: Stamp
    expires_at: Stamp = Field(description="Its time is kept until then.", examples=["2031-02-21T12:00:00.000Z"])
    proved_at: Stamp | None = Field(description="When the guest showed that the e-mail address is his.")
    reason: str | None = Field(description="Why it was declined.")
    appointment_id: UUID | None = Field(description="What it became; of a series the first one.")
    created_at: Stamp = Field(examples=["2031-02-20T12:00:00.000Z"])
    updated_at: Stamp = Field(examples=["2031-02-20T12:00:00.000Z"])
    deleted_at: Stamp | None = Field(description="When it was declined, or expired.")


class ProvisionalBookingPage(Answer):
    """One page of provisional bookings, and how many there are in all."""

    provisional_bookings: list[ProvisionalBookingAnswer]
    total: int = Field(examples=[1])


class ConfirmAnswer(ProvisionalBookingAnswer):
    """A confirmed booking."""

    appointment_id: UUID
    status: Literal["confirmed"]
    secret: str = Field(description="Lets the attendee see, cancel and move the appointment.", examples=[SECRET])


class Declining(Body):
    """Why; the guest is told."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "We are full that week."}]})

    reason: Reason = None


@router.get("/provisional-booking/paginated", responses=problems.document(NotFound, AdminsOnly))
async def get_paginated_provisional_bookings(
    actor: Scheduling,
    app: AppDep,
    page: Annotated[int, Query(ge=0, le=INT32, description="From 0")],
    page_size: Annotated[int, Query(alias="pageSize", ge=1, le=100)],
    fetch_all: Annotated[bool | None, Absent, Query(alias="fetchAll", description="Everybody's; admins only")] = None,
    user_id: Annotated[UUID | None, Absent, Query(alias="userId", description="Another user's; admins only")] = None,
    meeting_type_id: Annotated[
        UUID | None, Absent, Query(alias="meetingTypeId", description="All of this type; admins only")
    ] = None,
    status: Annotated[Status | None, Absent, Query()] = None,
) -> ProvisionalBookingPage:
    """List provisional bookings page by page, the newest first: the acting user's own unless others are asked for."""
    now = app.now()
    async with app.reading() as conn:
        found, total = await provisional_views.page(
            conn,
            actor=actor,
            number=page,
            size=page_size,
            everybodys=bool(fetch_all),
            user_id=user_id,
            meeting_type_id=meeting_type_id,
            status=status,
            now=now,
        )
    return ProvisionalBookingPage(provisional_bookings=[_answer(one, now) for one in found], total=total)


@router.get("/provisional-booking/{provisional_id}", responses=problems.document(NotFound))
async def get_provisional_booking(
    provisional_id: UUID,
    actor: Scheduling,
    app: AppDep,
) -> ProvisionalBookingAnswer:
    """Show one provisional booking.

    Members see the ones they are to host, administrators all of the company.
    """
    async with app.reading() as conn:
        found = await provisional_views.get(conn, actor=actor, provisional_id=provisional_id)
    return _answer(found, app.now())


@router.post(
    "/provisional-booking/{provisional_id}/confirm", responses=problems.document(NotFound, AlreadyDeclined, HoldExpired)
)
async def confirm_provisional_booking(
    provisional_id: UUID,
    actor: Scheduling,
    app: AppDep,
) -> ConfirmAnswer:
    """Make the appointment of a provisional booking, also of one its guest has not confirmed; a confirmed one stays."""
    async with app.transaction() as conn:
        done = await provisional_bookings.confirm(conn, actor=actor, provisional_id=provisional_id, clock=app.now)
    return ConfirmAnswer(**_fields(done.booking, app.now()), secret=done.secret)


@router.post(
    "/provisional-booking/{provisional_id}/decline",
    responses=problems.document(NotFound, AlreadyConfirmed, HoldExpired),
)
async def decline_provisional_booking(
    provisional_id: UUID,
    actor: Scheduling,
    app: AppDep,
    body: Declining | None = None,
) -> ProvisionalBookingAnswer:
    """Decline a provisional booking, whose guest is told; a declined one stays as it is."""
    async with app.transaction() as conn:
        declined = await provisional_bookings.decline(
            conn, actor=actor, provisional_id=provisional_id, reason=body.reason if body else None, clock=app.now
        )
    return _answer(declined, app.now())


def _answer(one: ProvisionalBooking, now: Instant) -> ProvisionalBookingAnswer:
    return ProvisionalBookingAnswer(**_fields(one, now))


def _fields(one: ProvisionalBooking, now: Instant) -> dict[str, Any]:
    status = one.status_at(now)
    ended = {"expired": one.expires_at, "declined_by_host": one.updated_at}
    return {
        "id": one.id,
        "dto": one.dto,
        "type": one.type,
        "status": status,
        "meeting_type_id": one.meeting_type_id,
        "hosts": [_host(host) for host in one.hosts],
        "queue_booking_info": one.selection and QueueBookingInfo(**one.selection),
        "start": one.start_at,
        "expires_at": one.expires_at,
        "proved_at": one.proved_at,
        "reason": one.reason,
        "appointment_id": one.appointment_id,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "deleted_at": ended.get(status),
    }


def _host(one: BookingHost) -> ProvisionalHost:
    host = one.host
    return ProvisionalHost(
        id=host.id,
        given_name=host.given_name,
        family_name=host.family_name,
        slug=host.slug,
        user_type=one.user_type,
        picture=host.picture,
    )
