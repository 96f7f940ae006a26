"""Conferences: links to meet at that somebody makes after the booking, and what waits for them.

A booking never depends on one: its mails wait for the link for half a minute, then they say that it follows. What was
made comes into the appointment as a revision of its own, from where mails, calendars and answers have it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from whenever import Instant

from kalends.domain import retry
from kalends.domain.channels import PRODUCTS, WITH_EVENT
from kalends.domain.itip import Snapshot
from kalends.errors import Upstream
from kalends.ports import Clock, Conference, Meeting
from kalends.storage import appointments
from kalends.storage import conferences as stored
from kalends.storage.appointments import Appointment
from kalends.storage.conferences import StoredConference
from kalends.storage.database import Connection
from kalends.storage.events import Change
from kalends.storage.told import Telling

from . import locked_appointments, revisions
from .actor import Actor
from .mails import Errand

MAILS_WAIT_S = 30


@dataclass(frozen=True, slots=True)
class Owed:
    """What is to be done about one conference.

    Attributes:
        is_needed: the meeting is to be made, or followed; else the conference is to be given up.
    """

    stored: StoredConference
    meeting: Meeting
    is_needed: bool


async def happened(conn: Connection, change: Change, *, offered: Collection[str], now: Instant) -> None:
    """Have conferences follow an appointment's change, in the caller's transaction; safe to run twice.

    Args:
        offered: channels for which this server has a provider that can be used.
    """
    before, after = change.before, change.after
    if change.appointment_id is None or (before and _asked(before) == _asked(after)):
        return
    company_id, appointment_id = change.company_id, change.appointment_id
    channel, revision = after["channel"], after["revision"]
    if after["isCancelled"] or channel not in {*offered, *WITH_EVENT}:
        if channel in PRODUCTS or (before and before["channel"] in PRODUCTS):
            await stored.recall(conn, company_id, appointment_id, revision=revision)
    elif channel in offered:
        await stored.want(
            conn, company_id=company_id, appointment_id=appointment_id, channel=channel, revision=revision, now=now
        )
    else:
        await stored.want_with_event(
            conn,
            company_id=company_id,
            appointment_id=appointment_id,
            channel=channel,
            revision=revision,
            now=now,
            host_id=UUID(after["hosts"][0]["id"]),
            provider=WITH_EVENT[channel],
            anew=bool(before and before["hosts"][0]["id"] != after["hosts"][0]["id"]),
        )


def _asked(snapshot: Snapshot) -> tuple[object, ...]:
    """Tell apart what a conference follows."""
    return *(snapshot[key] for key in ("channel", "start", "end", "isCancelled")), snapshot["hosts"][0]["id"]


async def awaited(
    conn: Connection, company_id: UUID, told: Mapping[Telling, Errand], now: Instant
) -> Instant | set[UUID]:
    """Find what a mail has to wait for.

    Returns:
        Until when it waits; or of which of its appointments it has to say that the link follows.
    """
    concerned = {
        appointment_id: errand.newest["meetingInfo"].get("meetingLink")
        for (appointment_id, _), errand in told.items()
        if errand.news != "cancellation" and errand.newest["channel"] in PRODUCTS
    }
    found = await stored.awaited(conn, company_id, concerned) if concerned else {}
    # One that was made a moment ago comes into the appointment a moment later.
    missing = {key: one for key, one in found.items() if one.link is None or one.link != concerned[key]}
    until = [one.since.add(seconds=MAILS_WAIT_S) for one in missing.values()]
    return min((one for one in until if one > now), default=set(missing))


async def owed(
    conn: Connection, *, company_id: UUID, appointment_id: UUID, offered: Collection[str], now: Instant
) -> Owed | None:
    """Find what a conference still needs of its provider; None: nothing, and that is noted.

    Args:
        offered: as of `happened`.
    """
    conference = await stored.get(conn, company_id, appointment_id)
    appointment = await appointments.get(conn, company_id, appointment_id)
    if conference is None or appointment is None or conference.state == "deleted":
        return None
    if appointment.cancelled_at or appointment.channel != conference.channel:
        # One that was never made may have been, and answered to nobody.
        if conference.channel not in WITH_EVENT and (conference.remote_id or conference.link is None):
            return Owed(conference, _meeting(appointment), is_needed=False)
        await _given_up(conn, conference, appointment, offered, now)
        return None
    if appointment.end_at <= now and conference.state == "wanted":
        await stored.end(conn, company_id, appointment_id, "given-up")
    elif conference.state != "given-up" and conference.channel not in WITH_EVENT:
        return Owed(conference, _meeting(appointment), is_needed=True)
    return None


def _meeting(appointment: Appointment) -> Meeting:
    return Meeting(
        key=str(appointment.id),
        # All who come read it, so it names none of them.
        topic=appointment.meeting_info.get("name") or appointment.company_name,
        start=appointment.start_at,
        end=appointment.end_at,
        zone=appointment.hosts[0].timezone,
        host_email=appointment.hosts[0].email,
    )


async def deleted(conn: Connection, owed: Owed, *, offered: Collection[str], now: Instant) -> None:
    """Note that a conference was given up at its provider."""
    appointment = await appointments.get(conn, owed.stored.company_id, owed.stored.appointment_id)
    assert appointment is not None
    await _given_up(conn, owed.stored, appointment, offered, now)


async def _given_up(
    conn: Connection, conference: StoredConference, appointment: Appointment, offered: Collection[str], now: Instant
) -> None:
    """Note that a conference is no more; the appointment may need another one, on another channel."""
    if appointment.cancelled_at or appointment.channel not in offered:
        await stored.end(conn, conference.company_id, conference.appointment_id, "deleted")
    else:
        await stored.restart(conn, conference.company_id, conference.appointment_id, appointment.channel, now)
        await stored.enqueue(conn, conference.company_id, conference.appointment_id)


async def made(conn: Connection, owed: Owed, conference: Conference) -> bool:
    """Note what a provider made; what it brings about is `tell`'s affair.

    Returns:
        False: another run of its job was faster, so this one is one too many.
    """
    one = owed.stored
    return await stored.made(conn, one.company_id, one.appointment_id, conference, known=one.known)


async def made_with_event(
    conn: Connection, *, company_id: UUID, appointment_id: UUID, host_id: UUID, link: str
) -> None:
    """Note the link that came with the event in a host's calendar; one of a host who has handed over counts no more."""
    await stored.made_with_event(conn, company_id, appointment_id, Conference(link), host_id=host_id)


async def tell(conn: Connection, *, company_id: UUID, appointment_id: UUID, clock: Clock) -> None:
    """Let an appointment know the link that was made for it, as a revision of its own; nothing where it does.

    Locks its hosts and the appointment. Mails that this brings about count as the booking's own.
    """
    found = await stored.get(conn, company_id, appointment_id)
    if found is None or found.state != "made":
        return
    actor = Actor(company_id, None, True, "system", client=found.client)
    (before,) = await locked_appointments.lock(conn, actor, appointment_id)
    conference = await stored.get(conn, company_id, appointment_id)  # whoever hosts now may have made another one
    if conference is None or conference.state != "made":
        return
    known = (before.channel, before.meeting_info.get("meetingLink"))
    if before.cancelled_at is None and known != (conference.channel, conference.link):
        info = {**before.meeting_info, "meetingLink": conference.link}
        fields = {"meeting_info": info, "sequence": before.sequence + 1}
        await revisions.write(conn, actor=actor, kind="booking_updated", before=before, fields=fields, now=clock())


async def failed(conn: Connection, conference: StoredConference, failure: Upstream, *, now: Instant) -> bool:
    """Put a conference off that could not be made, followed or given up; False: that has failed too often."""
    company_id, appointment_id = conference.company_id, conference.appointment_id
    failures = conference.failures + 1
    delay = retry.mail_delay(failures)
    if delay is None and conference.state == "wanted":
        await stored.end(conn, company_id, appointment_id, "given-up")
    until = now.add(seconds=max(delay, failure.retry_after_s or 0)) if delay else None
    await stored.failed(conn, company_id, appointment_id, failures=failures, until=until, error=failure.message)
    return delay is not None
