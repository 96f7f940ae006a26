"""Appointment forms: what changes of an appointment are asked for with (contract 2.7)."""

from __future__ import annotations

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from kalends.domain.rules import Mode

from .schemas import Absent, Body, Email, Flag, Text, Whole
from .windows import When

Reason = Annotated[Annotated[Text, StringConstraints(max_length=500)] | None, Absent]


class Cancellation(Body):
    """Why, and who: on an appointment that several people booked, name one of them or all."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "I am ill."}]})

    reason: Reason = None
    attendee_id: Annotated[UUID | None, Absent] = None
    cancel_all: Flag = False
    cancel_entire_series: Flag = Field(
        False, description="The later ones of its series too; with `attendeeId` those of that attendee's own series."
    )


class Move(Body):
    """A new start; the duration stays, and all hosts where nothing else is asked."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"start": "2031-03-04T09:00:00Z"}]})

    start: When
    ignore_availability: Flag = Field(False, description="A host's or an administrator's own right.")
    calculation_method: Annotated[Mode | None, Absent] = Field(
        None, description="anyone: the first of its hosts who is free goes on alone"
    )
    required_hosts: Annotated[Whole, Field(ge=1)] | None = Field(None, description="So many of its hosts go on")


class Note(Body):
    """The hosts' note; it replaces the one there is, null clears it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "Bring the plan."}]})

    keeps_null: ClassVar[frozenset[str]] = frozenset({"note"})
    note: Text | None


class Transcription(Body):
    """Markdown; null clears, a key left out keeps."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"transcription": "# Minutes\n\nGil asks for an offer.", "summary": None}]}
    )

    keeps_null: ClassVar[frozenset[str]] = frozenset({"transcription", "summary"})
    transcription: Annotated[str, StringConstraints(max_length=1_000_000)] | None = None
    summary: Text | None = None


class Guest(Body):
    """One more guest of an attendee."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"attendeeId": "01977b2e-4c4a-7a31-9f0e-0000dfeab095", "email": "lee@guests.test"}]
        }
    )

    attendee_id: UUID
    email: Email
