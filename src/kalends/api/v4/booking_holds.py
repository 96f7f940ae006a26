"""Booking holds: a start kept for some minutes for whoever is about to book it (contract 6.4)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import ConfigDict

from kalends.edge import problems
from kalends.edge.auth import SchedulingOrOwner
from kalends.edge.context import AppDep
from kalends.errors import NotFound
from kalends.services import booking_holds, calendar_checks, refusals
from kalends.services.booking_holds import Hold, HoldNotFound
from kalends.services.order_checks import ChannelNotAllowed
from kalends.services.refusals import HoldExpired
from kalends.services.slot_queries import SlotQuery
from kalends.services.verification import Verified

from .booking_forms import StartForm
from .schemas import Answer, Stamp

router = APIRouter(prefix="/v4", tags=["Booking V4"])


class HoldForm(StartForm):
    """One start to keep; who hosts is asked as in a booking."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"meetingTypeId": "01977b2e-4c4a-7a31-9f0e-00007e513f3a", "start": "2031-03-04T09:00:00Z"}]
        }
    )

    def query(self) -> SlotQuery:
        """Ask for the start as a booking does."""
        return SlotQuery(
            meeting_type_id=self.meeting_type_id,
            start=self.start,
            end=self.start.add(minutes=1),
            host_ids=tuple(self.host_ids),
            queue_id=self.queue_id,
            mode=self.calculation_method,
            required=self.required_hosts,
            duration=self.duration,
            channel=self.channel,
            resource_channel_ids=tuple(self.resource_channel_ids),
        )


class HoldAnswer(Answer):
    """A start that is kept; send the id as `holdId` with the booking, and with the list of starts."""

    hold_id: UUID
    expires_at: Stamp

    @classmethod
    def of(cls, hold: Hold) -> HoldAnswer:
        """Show a hold."""
        return cls(hold_id=hold.id, expires_at=hold.expires_at)


@router.post("/booking-hold", status_code=201, responses=problems.document(NotFound, ChannelNotAllowed, *refusals.ALL))
async def create_booking_hold(body: HoldForm, actor: SchedulingOrOwner, app: AppDep) -> HoldAnswer:
    """Keep a start for some minutes (company setting `holdMinutes`); others do not see it meanwhile."""
    query = body.query()

    async def keep(verified: Verified) -> Hold:
        async with app.transaction() as conn:
            return await booking_holds.create(conn, actor=actor, query=query, clock=app.now, verified=verified)

    return HoldAnswer.of(await calendar_checks.checked(app.calendar_reader, keep))


@router.patch("/booking-hold/{holdId}", responses=problems.document(HoldNotFound, HoldExpired))
async def extend_booking_hold(
    holdId: UUID,  # noqa: N803
    actor: SchedulingOrOwner,
    app: AppDep,
) -> HoldAnswer:
    """Extend a hold: its start is kept as long again from now on, at most 30 minutes in all."""
    async with app.transaction() as conn:
        hold = await booking_holds.extend(conn, actor=actor, hold_id=holdId, clock=app.now)
    return HoldAnswer.of(hold)


@router.delete("/booking-hold/{holdId}", status_code=204, responses=problems.document(HoldNotFound))
async def release_booking_hold(
    holdId: UUID,  # noqa: N803
    actor: SchedulingOrOwner,
    app: AppDep,
) -> Response:
    """Release a hold, whose time is free again; one that is over stays so."""
    async with app.transaction() as conn:
        await booking_holds.release(conn, actor=actor, hold_id=holdId)
    return Response(status_code=204)
