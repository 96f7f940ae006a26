"""Availabilities and their exceptions as they come in and go out (contract 2.3 and 6.6)."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from kalends.services.availabilities import View
from kalends.services.holidays import Country, GermanState
from kalends.storage.availability_exceptions import AvailabilityException as ExceptionRow
from kalends.storage.availability_exceptions import OwnerType

from .schedules import EXAMPLE, MAX_EXCEPTIONS, MOMENT, ExceptionBody, Schedule
from .schemas import Answer, Body, Flag, Line, Name, OrEmpty, Stamp, Text, Whole, Zone

_AWAY: dict[str, Any] = {"available": False, "start": "2031-03-04", "end": "2031-03-06", "title": "Away"}
_CLOSED: dict[str, Any] = {"enabled": False, "hours": []}


class AvailabilityNew(Body):
    """A new availability of the acting user."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Mondays", "timezone": "Europe/Vienna", "schedule": EXAMPLE}]}
    )

    name: Name
    timezone: Zone
    schedule: Schedule
    is_default: Flag = False
    availability_exceptions: Annotated[list[ExceptionBody], Field(max_length=MAX_EXCEPTIONS)] = Field(default=[])


class AvailabilityPatch(Body):
    """What changes of an availability."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"schedule": EXAMPLE}]})

    name: Name | None = None
    timezone: Zone | None = None
    schedule: Schedule | None = None
    is_default: Flag | None = Field(default=None, description="True makes it its user's default.")

    def columns(self) -> dict[str, Any]:
        """Name the columns that change."""
        return self.model_dump(exclude_unset=True, exclude={"is_default"})


class HolidaysBody(Body):
    """Whose public holidays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"year": 2027, "country": "DE", "germanState": "BY"}]})

    year: Annotated[Whole, Field(ge=2025, le=2027)]
    country: Country
    german_state: Annotated[GermanState | None, OrEmpty] = None


class ExceptionNew(ExceptionBody):
    """A new exception; by default of the acting user, his company or his default availability."""

    model_config = ConfigDict(json_schema_extra={"examples": [_AWAY]})

    owner_type: OwnerType = "user"
    owner_id: Annotated[UUID | None, OrEmpty] = None
    start: Line = Field(description=MOMENT)
    end: Line = Field(description=f"Lies after `start`; a date is included. {MOMENT}")


class ExceptionPatch(Body):
    """What changes of an exception; null forgets title and note."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"end": "2031-03-07"}]})
    keeps_null = frozenset({"title", "note"})

    available: Flag | None = None
    start: Line | None = Field(default=None, description=MOMENT)
    end: Line | None = Field(default=None, description=f"Lies after `start`; a date is included. {MOMENT}")
    title: Line | None = None
    note: Text | None = None


class AvailabilityException(Answer):
    """Time that is opened (`available`) or blocked; dates and local times are read in each schedule's zone."""

    id: int = Field(examples=[17])
    owner_id: UUID
    owner_type: OwnerType = Field(examples=["user"])
    available: bool
    start: str = Field(examples=["2031-03-04"])
    end: str = Field(examples=["2031-03-06"])
    title: str | None = Field(examples=["Away"])
    note: str | None
    created_at: Stamp
    deleted_at: Stamp | None

    @classmethod
    def of(cls, row: ExceptionRow) -> AvailabilityException:
        """Show an exception."""
        names = ("id", "owner_id", "owner_type", "available", "title", "note", "created_at", "deleted_at")
        return cls.model_validate({name: getattr(row, name) for name in names} | {"start": row.starts, "end": row.ends})


class Hours(Answer):
    """Open hours as local times; an end at or before the start lies on the next day."""

    start: str = Field(examples=["08:00"])
    end: str = Field(examples=["17:00"])


class Day(Answer):
    """The hours of one weekday, which count when it is enabled."""

    enabled: bool = Field(examples=[True])
    hours: list[Hours]


class WeeklySchedule(Answer):
    """The hours of each weekday."""

    monday: Day
    tuesday: Day
    wednesday: Day
    thursday: Day
    friday: Day
    saturday: Day = Field(examples=[_CLOSED])
    sunday: Day = Field(examples=[_CLOSED])


class Availability(Answer):
    """When a user can be met: weekly hours in a zone, and exceptions of its own."""

    id: UUID
    user_id: UUID
    name: str = Field(examples=["Working hours"])
    timezone: str = Field(examples=["Europe/Vienna"])
    schedule: WeeklySchedule
    availability_exceptions: list[AvailabilityException]
    is_default: bool = Field(examples=[True])
    use_explicit_availability: Literal[False] = False
    explicit_availability_event_title: None = None
    created_at: Stamp
    updated_at: Stamp
    deleted_at: Stamp | None

    @classmethod
    def of(cls, view: View) -> Availability:
        """Show an availability."""
        names = ("id", "user_id", "name", "timezone", "schedule", "created_at", "updated_at", "deleted_at")
        return cls.model_validate(
            {name: getattr(view.row, name) for name in names}
            | {
                "availability_exceptions": [AvailabilityException.of(one) for one in view.exceptions],
                "is_default": view.is_default,
            }
        )
