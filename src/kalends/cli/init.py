"""`kalends init`: the first company of an install."""

from __future__ import annotations

import json as jsons
from dataclasses import dataclass
from typing import Annotated

import typer
from whenever import Instant

from kalends.app import App
from kalends.services import companies, credentials
from kalends.services.companies import Founded
from kalends.storage.database import Connection

from . import working

NAME = "kalends init"  # of the first key and the first token
KEY_DAYS = 90


@dataclass(frozen=True, slots=True)
class Owner:
    """Who the first company belongs to; `timezone` is an IANA name."""

    company: str
    email: str
    given_name: str
    family_name: str
    timezone: str


def init(
    company: Annotated[str, typer.Option(help="Name of the company.")],
    email: Annotated[str, typer.Option(help="E-mail address of its owner.")],
    given_name: Annotated[str, typer.Option(help="The owner's given name.")],
    family_name: Annotated[str, typer.Option(help="The owner's family name.")],
    timezone: Annotated[str, typer.Option(help="The owner's time zone, as an IANA name.")] = "UTC",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make the first company: its owner, who can be booked at once, a platform key and a personal token."""
    owner = Owner(company, email, given_name, family_name, timezone)
    made = working.run(lambda app: found(app, owner))
    if json:
        print(jsons.dumps(made))
        return
    print(f"{company} is there. Its owner can be booked at {made['bookingUrl']}")
    print(f"Platform key:   {made['apiKey']}")
    print(f"Personal token: {made['personalAccessToken']}")
    print("Both are shown only now; more are made with `kalends key create` and `kalends token create`.")


async def found(app: App, owner: Owner, *, with_token: bool = True) -> dict[str, str]:
    """Make the company with its owner, a key and, if asked for, a token; all of it or nothing.

    Raises:
        AlreadyFounded: this install has its first company.
        Invalid: an address, a name or the zone cannot be used.
    """
    async with app.transaction() as conn:
        now = app.now()
        founded = await companies.found(
            conn,
            company=owner.company,
            email=owner.email,
            given_name=owner.given_name,
            family_name=owner.family_name,
            timezone=owner.timezone,
            now=now,
        )
        _, key = await credentials.create_key(conn, company_id=founded.company_id, name=NAME, days=KEY_DAYS, now=now)
        token = await _token(conn, founded, now) if with_token else None
    made = {
        "companyId": str(founded.company_id),
        "userId": str(founded.user_id),
        "availabilityId": str(founded.availability_id),
        "meetingTypeId": str(founded.meeting_type_id),
        "bookingUrl": f"{app.base_url}/{founded.user_slug}/{founded.meeting_type_slug}",
        "apiKey": key,
    }
    return made | ({"personalAccessToken": token} if token else {})


async def _token(conn: Connection, founded: Founded, now: Instant) -> str:
    _, plain = await credentials.create_token(
        conn, company_id=founded.company_id, user_id=founded.user_id, name=NAME, scopes=(), expires_at=None, now=now
    )
    return plain
