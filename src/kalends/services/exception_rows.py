"""From what somebody wrote as an availability exception to the columns that are stored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain.exceptions import check_exception, exception_bounds
from kalends.domain.week import ScheduleError
from kalends.errors import Invalid
from kalends.storage.availability_exceptions import OwnerType

_INSTANT = re.compile(r".*T.*(Z|[+-]\d{2}:?\d{2})")


class ExceptionInvalid(Invalid):
    """The exception's start and end cannot be meant."""

    code = "exception-invalid"


@dataclass(frozen=True, slots=True)
class NewException:
    """An availability exception to make; `start` and `end` as contract 6.6 allows them."""

    available: bool
    start: str
    end: str
    title: str | None = None
    note: str | None = None


def kept(moment: str) -> str:
    """Write one end of an exception or booking window as it is stored: instants in UTC, local times as they are.

    Raises:
        ValueError: it looks like an instant and is none.
    """
    return Instant.parse_iso(moment).format_iso() if _INSTANT.fullmatch(moment) else moment


def ends(start: str, end: str, *, zone: str, at: str = "") -> dict[str, Any]:
    """Make the columns that place an exception in time.

    Args:
        zone: where local ends are read when the other one is an instant.
        at: what stands before ``start`` and ``end`` in what the caller sent, such as ``exceptions.0.``.

    Raises:
        ExceptionInvalid: an end is malformed, or does not lie after its start.
    """
    try:
        check_exception(start, end, zone)
        earliest, latest = exception_bounds(start, end)
    except ScheduleError as error:
        raise ExceptionInvalid.at(at + error.field, error.message) from error
    return {"starts": kept(start), "ends": kept(end), "earliest": earliest, "latest": latest}


def row(
    new: NewException,
    company_id: UUID,
    owner_type: OwnerType,
    owner_id: UUID,
    *,
    zone: str,
    now: Instant,
    at: str = "",
) -> dict[str, Any]:
    """Make the columns of a new exception; `zone` and `at` as in `ends`.

    Raises:
        ExceptionInvalid: an end is malformed, or does not lie after its start.
    """
    return {
        "company_id": company_id,
        "owner_type": owner_type,
        "owner_id": owner_id,
        "available": new.available,
        **ends(new.start, new.end, zone=zone, at=at),
        "title": new.title,
        "note": new.note,
        "created_at": now,
    }
