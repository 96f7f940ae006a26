"""The requests that the benchmarks send to our API, and what they read out of the answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from bench import load, rounds
from bench.rows import Host
from bench.stage import Stage


def slots(type_id: UUID, start: str, end: str, zone: str, hosts: Sequence[Host] = ()) -> str:
    """Write the address of a list of starts from one date to another, both included; without hosts the type's own."""
    named = f"&hostIds={','.join(str(host.user_id) for host in hosts)}" if hosts else ""
    return f"/v4/booking-availability?meetingTypeId={type_id}{named}&start={start}&end={end}&timezone={zone}"


def starts(body: bytes) -> list[str]:
    """Read the starts out of a list."""
    return [spot["startTime"] for day in json.loads(body)["dates"] for spot in day["spots"]]


def free(
    built: Stage, away: Callable[..., Any], type_ids: Sequence[UUID], days: int, after: int = 3
) -> list[list[str]]:
    """Ask for the free starts of types, in as many days from `after` days from now on."""
    first = datetime.now(UTC).date() + timedelta(days=after)
    last = first + timedelta(days=days - 1)
    asked = [built.get(slots(type_id, str(first), str(last), "UTC")) for type_id in type_ids]
    told = away(load.run, partial(load.once, asked), built.api.port)
    rounds.expect(told, 200)
    return [starts(body) for _, body in told.notes]


def booking(headers: dict[str, str], type_id: UUID, start: str) -> bytes:
    """Write the request that books a start, with an Idempotency-Key as a careful client sends it."""
    guest = {"email": "guest@bench.test", "fullname": "Gil Moss", "timezone": "Europe/Berlin"}
    body = {"meetingTypeId": str(type_id), "start": start, "attendee": guest}
    return load.request("POST", "/v4/booking", {**headers, "Idempotency-Key": str(uuid4())}, body)


def appointments(headers: dict[str, str], host: Host) -> bytes:
    """Write the request for the first page of a host's appointments."""
    target = "/v4/appointment/paginated?page=0&pageSize=25"
    return load.request("GET", target, {**headers, "x-meetergo-api-user-id": str(host.user_id)})
