"""What `kalends serve` says when it is ready: the address, a key on the first run, something to try."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass

from whenever import SYSTEM_TZ, Instant, TimeZoneNotFoundError

from kalends import bootstrap
from kalends.app import App
from kalends.services.companies import AlreadyFounded
from kalends.settings import Settings
from kalends.storage import companies, meeting_types, users

from .init import Owner, found

QUICK_EXAMPLE = {
    "email": "ana@clinic.test",
    "givenName": "Ana",
    "familyName": "Roth",
    "timezone": "Europe/Vienna",
}


@dataclass(frozen=True, slots=True)
class Start:
    """What is there to be shown.

    Attributes:
        key: a new platform key, on the first run only.
        booking_url: a page of the owner that can be booked; None without company or meeting type.
    """

    key: str | None
    booking_url: str | None


def text(settings: Settings, conninfo: str, *, first_run: bool) -> str:
    """Put together what to print; on a first run the company Example is made, unless there is one.

    Args:
        conninfo: the migrated database.
        first_run: a company may be made.
    """
    start = asyncio.run(_start(settings, conninfo, first_run))
    url, command = settings.public_url, _command()
    lines = ["", "kalends is running.", ""]
    lines += [f"  API      {url}/v4", f"  Its docs {url}/docs"]
    if start.key:
        lines += [f"  Key      {start.key}", f"           shown only now; later: {command} key create"]
    else:
        lines += [f"  Key      {command} key create"]
    if start.booking_url:
        lines += [f"  Book     {start.booking_url}"]
    else:
        lines += [f"  Book     there is nobody to book yet: {command} init --help"]
    lines += [f"  Mails    {_mails(settings)}", ""]
    if start.key:
        lines += ["Create somebody who can be booked:", "", f"  {_curl(url, start.key)}", ""]
    return "\n".join(lines)


async def _start(settings: Settings, conninfo: str, first_run: bool) -> Start:
    app = bootstrap.build(settings, conninfo, connections=1)
    await app.open()
    try:
        if first_run:
            try:
                made = await found(app, _example_owner(), with_token=False)
                return Start(made["apiKey"], made["bookingUrl"])
            except AlreadyFounded:
                pass
        return Start(None, await _booking_url(app))
    finally:
        await app.aclose()


async def _booking_url(app: App) -> str | None:
    async with app.reading() as conn:
        company_id = await companies.founded(conn)
        owner = await users.owner(conn, company_id) if company_id else None
        if owner is None:
            return None
        types = await meeting_types.of_user(conn, owner.company_id, owner.id)
    return next((f"{app.base_url}/{owner.slug}/{one.slug}" for one in types if one.enabled), None)


def _example_owner() -> Owner:
    try:
        zone = Instant.now().to_tz(SYSTEM_TZ).tz_id
    except TimeZoneNotFoundError:
        zone = None
    return Owner("Example", "owner@example.com", "Alex", "Example", zone or "UTC")


def _mails(settings: Settings) -> str:
    if settings.smtp_url is not None:
        return "sent through the server of KALENDS_SMTP_URL"
    return f"written as .eml files into {bootstrap.mail_folder(settings)}"


def _curl(url: str, key: str) -> str:
    return (
        f"curl -X POST {url}/v4/user -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' "
        f"-d '{json.dumps(QUICK_EXAMPLE)}'"
    )


def _command() -> str:
    program = sys.argv[0]
    return f"{sys.executable} -m kalends.cli" if program.endswith("__main__.py") else program
