"""Slot explanations: why one start can be booked or not, rule by rule (contract 6.4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from whenever import Instant

from kalends.domain.explain import Step
from kalends.domain.rules import Joinable, Refusal
from kalends.domain.zones import FOREVER
from kalends.edge import problems
from kalends.edge.auth import SchedulingOrOwner
from kalends.edge.context import AppDep
from kalends.errors import NotFound
from kalends.services import explanations, order_checks
from kalends.services.explanations import Explained
from kalends.services.order_checks import ChannelNotAllowed
from kalends.storage.hosts import Host

from .booking_availability import JoinedAppointment
from .slot_explanation_answers import (
    Counted,
    ExplainedHost,
    ExplainedResource,
    Facts,
    MetClaim,
    MetException,
    OpenSpan,
    Rule,
    SlotExplanation,
)
from .slot_scope import SlotScope
from .windows import When

router = APIRouter(prefix="/v4", tags=["Booking Availability V4"])


@router.get(
    "/booking-availability/explain",
    responses=problems.document(NotFound, ChannelNotAllowed),
    response_model_exclude_unset=True,
)
async def explain_start(
    actor: SchedulingOrOwner, app: AppDep, scope: SlotScope, start: Annotated[When, Query()]
) -> SlotExplanation:
    """Explain why a start can be booked or not.

    The same parameters give the same verdict as the list of starts. Every rule is asked, also those behind the first
    one that refuses; names of meetings are those of the credential's own company.
    """
    query = scope(start=start, end=start.add(minutes=1))
    async with app.reading() as conn:
        found = await explanations.explain(conn, actor.company_id, query, app.now())
    if not query.existing_appointment_id:
        order_checks.check_channel(query.channel, found.loaded.meeting_type)
    return _answer(found, actor.user_id)


def _answer(found: Explained, viewer: UUID | None) -> SlotExplanation:
    verdict = found.explanation.verdict
    refusal = verdict if isinstance(verdict, Refusal) else None
    joined = found.loaded.sessions[found.start.timestamp() // 60] if isinstance(verdict, Joinable) else None
    return SlotExplanation(
        start=found.start,
        bookable=refusal is None,
        error_code=refusal.code if refusal else None,
        reason=found.reason,
        appointment=JoinedAppointment(id=joined.appointment_id, total_spots=joined.total, taken_spots=joined.taken)
        if joined and joined.appointment_id
        else None,
        rules=[
            Rule(code=step.code, passed=step.passed, facts=_facts(found, step, ()))
            for step in found.explanation.general
        ],
        hosts=_hosts(found, viewer),
        resources=_resources(found),
    )


def _hosts(found: Explained, viewer: UUID | None) -> list[ExplainedHost]:
    """Answer each host once: as he stands in the team in which he comes furthest."""
    best: dict[UUID, ExplainedHost] = {}
    for host, calendar, steps in zip(found.loaded.hosts, found.loaded.calendars, found.explanation.hosts, strict=True):
        rules = _rules(found, steps, [host.host_no], calendar.schedule.zone, host, own=host.id == viewer)
        passed = bool(rules) and all(rule.passed for rule in rules)
        if host.id not in best or passed > best[host.id].bookable:
            best[host.id] = ExplainedHost(host_id=host.id, host_name=host.full_name, bookable=passed, rules=rules)
    return list(best.values())


def _resources(found: Explained) -> list[ExplainedResource]:
    return [
        ExplainedResource(
            resource_channel_id=choice.channel_id,
            resource_id=choice.resource_id,
            name=choice.name,
            needed_for=str(resource.calendar.name),
            bookable=all(step.passed for step in steps),
            rules=_rules(found, steps, choice.units, calendar.schedule.zone),
        )
        for resource, explained in zip(found.loaded.resources, found.explanation.resources, strict=True)
        for choice, calendar, steps in zip(resource.choices, resource.calendar.choices, explained, strict=True)
    ]


def _rules(
    found: Explained,
    steps: Sequence[Step],
    host_nos: Sequence[int],
    zone: str,
    host: Host | None = None,
    *,
    own: bool = False,
) -> list[Rule]:
    """Answer the rules of a host, or of a resource; `own`: the host himself is told which of his calendars it is."""
    events = {step.code: _events(found, step, host, own=own) for step in steps if step.met}
    return [
        Rule(
            code=step.code,
            passed=step.passed,
            facts=_facts(found, step, host_nos, zone, events.get(step.code, ())),
        )
        for step in steps
    ]


def _facts(
    found: Explained,
    step: Step,
    host_nos: Iterable[int],
    zone: str | None = None,
    events: Sequence[MetClaim] = (),
) -> Facts:
    rules = found.loaded.rules
    facts: dict[str, Any] = {}
    match step.code:
        case "too-soon":
            facts = {"earliest": _stamp(step.limit)}
        case "too-far":
            facts = {"before": _stamp(step.limit)}
        case "duration-not-allowed":
            facts = {"duration": rules.duration, "allowed_durations": sorted(set(rules.allowed_durations))}
        case "not-a-slot":
            facts = {"timeslot_interval": rules.interval}
        case "outside-hours":
            facts = {
                "timezone": zone,
                "open": [OpenSpan(start=_instant(start), end=_instant(end)) for start, end in step.open],
                "exceptions": _exceptions(found, step),
            }
        case "slot-occupied":
            facts = {"claims": [*_claims(found, step, host_nos), *events]}
        case "cap-reached":
            facts = {"caps": _counted(step), "ahead_in_queue": bool(step.closed)}
    return Facts(**facts)


def _exceptions(found: Explained, step: Step) -> list[MetException]:
    return [
        MetException(
            id=one.id,
            title=found.titles.get(one.id),
            owner_type="company" if one.level == "company" else "user",
            available=one.available,
            start=one.start,
            end=one.end,
        )
        for one in step.exceptions
        if one.id is not None
    ]


def _claims(found: Explained, step: Step, host_nos: Iterable[int]) -> list[MetClaim]:
    return [
        MetClaim(
            kind=claim.kind,
            reason=reason,
            start=claim.start,
            end=claim.end,
            appointment_id=claim.appointment_id,
            name=claim.name,
        )
        for claim, reason in found.behind(step, host_nos)
    ]


def _events(found: Explained, step: Step, host: Host | None, *, own: bool) -> list[MetClaim]:
    """Answer busy events without what they are about."""
    events = found.busy(step, host)
    if not own:
        events = list(dict.fromkeys(one._replace(connection_id=None, calendar_id=None) for one in events))
    return [
        MetClaim(
            kind="event" if one.known else "calendar-unknown",
            reason=one.reason,
            start=_instant(one.start),
            end=_instant(one.end),
            appointment_id=None,
            name=None,
            **{"connection_id": one.connection_id} if one.connection_id else {},
            **{"calendar_id": one.calendar_id} if one.calendar_id else {},
        )
        for one in events
    ]


def _counted(step: Step) -> list[Counted]:
    return [
        Counted(period=one.period, start=_instant(one.start), end=_instant(one.end), booked=one.booked, most=one.most)
        for one in step.counts
    ]


def _instant(minute: int) -> Instant:
    return Instant.from_timestamp(minute * 60)


def _stamp(limit: int | None) -> Instant | None:
    """Read a limit; there is none where it lies beyond all time."""
    return None if limit is None or abs(limit) >= FOREVER else _instant(limit)
