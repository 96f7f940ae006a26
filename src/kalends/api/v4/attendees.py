"""Attendees: what a host writes to one of them (contract 2.8)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BeforeValidator, ConfigDict, StringConstraints

from kalends.edge import problems
from kalends.edge.auth import Scheduling
from kalends.edge.context import AppDep
from kalends.errors import LimitReached, NotFound
from kalends.services import quick_mails

from .schemas import Body, Line, Text

router = APIRouter(prefix="/v4", tags=["Attendee V4"])

# Before it is measured: nothing but spaces is nothing.
_trimmed = BeforeValidator(lambda value: value.strip() if isinstance(value, str) else value)


class QuickMail(Body):
    """A mail to one attendee, in plain text."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "attendeeId": "01977b2e-4c4a-7a31-9f0e-0000dfeab095",
                    "title": "Before we meet",
                    "content": "Please bring the plan along.\n\nAda",
                }
            ]
        }
    )

    attendee_id: UUID
    title: Annotated[Line, StringConstraints(min_length=1), _trimmed]
    content: Annotated[Text, StringConstraints(min_length=1), _trimmed]


@router.post(
    "/attendee/quick-mail",
    status_code=200,
    response_class=Response,
    responses=problems.document(NotFound, LimitReached),
)
async def send_quick_mail(body: QuickMail, actor: Scheduling, app: AppDep) -> Response:
    """Write to an attendee of an appointment you host, at most five times in five minutes; the answer is empty.

    Answers to it come to the acting user's own address.
    """
    async with app.transaction() as conn:
        await quick_mails.write(
            conn, actor=actor, attendee_id=body.attendee_id, title=body.title, content=body.content, now=app.now()
        )
    return Response(status_code=200)
