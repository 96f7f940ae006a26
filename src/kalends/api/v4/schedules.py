"""Weekly hours and exceptions as they come in with users, meeting types and availabilities."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from kalends.domain.week import DAYS, ScheduleError, parse_week, week_to_json
from kalends.services.availabilities import NewAvailability
from kalends.services.exception_rows import NewException

from .schemas import Body, Flag, Line, Name, Text, Zone

MAX_HOURS = 50
MAX_INTERVALS = 500
MAX_EXCEPTIONS = 500

_TIME = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
_END = {"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"}


def _interval(start: str, end: str) -> dict[str, Any]:
    return {"type": "object", "required": [start, end], "properties": {start: _TIME, end: _END}}


def _hours(start: str, end: str) -> dict[str, Any]:
    return {"type": "array", "items": _interval(start, end), "maxItems": MAX_HOURS}


_DAY = {"type": "object", "properties": {"enabled": {"type": "boolean"}, "hours": _hours("start", "end")}}
_HOURS = [{"start": "08:00", "end": "12:00"}, {"start": "13:00", "end": "17:00"}]
EXAMPLE: dict[str, Any] = {"monday": {"enabled": True, "hours": _HOURS}}
_SCHEMA: dict[str, Any] = {
    "description": (
        "Hours of each weekday as local times, `HH:MM`; an end at or before its start means the next day, `24:00` is "
        "midnight. Days left out are closed. The older array of `{dayOfWeek, intervals}` is taken as well."
    ),
    "anyOf": [
        {"type": "object", "properties": dict.fromkeys(DAYS, _DAY)},
        {
            "type": "array",
            "maxItems": MAX_INTERVALS,
            "items": {
                "type": "object",
                "required": ["dayOfWeek"],
                "properties": {"dayOfWeek": {"enum": list(DAYS)}, "intervals": _hours("from", "to")},
            },
        },
    ],
    "examples": [EXAMPLE],
}


def _read(raw: Any) -> dict[str, Any]:
    """Read either shape and write the object; what is wrong is named by its own path."""
    try:
        week = parse_week(raw)
    except ScheduleError as error:
        path = tuple(int(part) if part.isdigit() else part for part in error.field.split(".") if part)
        reason = PydanticCustomError("schedule", "{reason}", {"reason": error.message})
        raise ValidationError.from_exception_data(
            "schedule", [InitErrorDetails(type=reason, loc=path, input=None)]
        ) from error
    if sum(map(len, week)) > MAX_INTERVALS:
        raise ValueError(f"must have at most {MAX_INTERVALS} intervals")
    return week_to_json(week) | _as_sent(raw)


def _as_sent(raw: Any) -> dict[str, Any]:
    """Keep what weekly hours alone do not tell: the hours of a closed day, for when it opens again, and an open day
    that has none."""
    found: dict[str, Any] = {}
    for name in DAYS:
        day = raw.get(name) if isinstance(raw, dict) else None
        if not isinstance(day, dict) or "enabled" not in day or day["enabled"] == bool(day.get("hours")):
            continue
        try:
            hours = week_to_json(parse_week({name: {**day, "enabled": True}}))[name]["hours"]
        except ScheduleError:  # nobody reads the hours of a closed day
            continue
        found[name] = {"enabled": day["enabled"], "hours": hours[:MAX_HOURS]}
    return found


# Weekly hours: either shape in, the contract's object with all seven days out.
Schedule = Annotated[dict[str, Any], BeforeValidator(_read), WithJsonSchema(_SCHEMA)]

MOMENT = (
    "A date (`2031-03-04`, the whole day), a local time (`2031-03-04T13:00`), or an instant (`2031-03-04T12:00:00Z`)."
)


class ExceptionBody(Body):
    """Time that is opened or blocked besides the weekly hours."""

    available: Flag
    start: Line
    end: Line
    title: Line | None = None
    note: Text | None = None

    def new(self) -> NewException:
        """Hand it to the services."""
        return NewException(self.available, self.start, self.end, self.title, self.note)


class AvailabilityBody(Body):
    """An availability made along with something else; without a schedule only its exceptions open time."""

    name: Name
    timezone: Zone
    schedule: Schedule | None = None
    exceptions: Annotated[list[ExceptionBody], Field(max_length=MAX_EXCEPTIONS)] = Field(default=[])

    def new(self) -> NewAvailability:
        """Hand it to the services."""
        return NewAvailability(self.name, self.timezone, self.schedule, [one.new() for one in self.exceptions])
