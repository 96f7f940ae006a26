"""Where calendars' providers say that something changed: no part of the documented API, and without a credential.

What they send is not believed further than that: the calendar is read soon.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic_core import from_json

from kalends.app import App
from kalends.edge.context import AppDep
from kalends.edge.limits import take_address
from kalends.errors import NotFound
from kalends.services import calendar_watches
from kalends.storage import calendar_access

router = APIRouter(prefix="/hooks/calendars", include_in_schema=False)

# One address of a provider tells of the calendars of many.
PER_MINUTE, BURST = 600, 1200
LONGEST_ID, LONGEST_TOKEN, LONGEST_BODY = 64, 1000, 200_000


class ChannelUnknown(NotFound):
    """There is no such channel."""

    code = "calendar-channel-unknown"


@router.post("/google/{channel_id}")
async def google_changed(
    channel_id: str,
    request: Request,
    app: AppDep,
    token: Annotated[str, Header(alias="X-Goog-Channel-Token")] = "",
    state: Annotated[str, Header(alias="X-Goog-Resource-State")] = "",
) -> Response:
    """Have a calendar read that Google says was changed; that a channel begins ("sync") is no news."""
    await take_address(app, request, "calendar-hook", PER_MINUTE, BURST)
    if state != "sync":
        await _read_soon(app, "google", channel_id, [token])
    return Response(status_code=204)


@router.post("/outlook/{channel_id}")
async def outlook_changed(
    channel_id: str, request: Request, app: AppDep, asked: Annotated[str | None, Query(alias="validationToken")] = None
) -> Response:
    """Have a calendar read that Microsoft says was changed; before, it asks whether somebody listens here."""
    await take_address(app, request, "calendar-hook", PER_MINUTE, BURST)
    if asked is not None:
        return PlainTextResponse(asked[:LONGEST_TOKEN])
    body = await request.body()
    await _read_soon(app, "outlook", channel_id, list(_states(body))[:100] if len(body) <= LONGEST_BODY else [])
    return Response(status_code=202)


async def _read_soon(app: App, provider: str, channel_id: str, secrets: list[str]) -> None:
    """Have the calendar read that a channel tells of.

    Raises:
        ChannelUnknown: there is none, or whoever sends this does not know its secret.
    """
    if not secrets or len(channel_id) > LONGEST_ID:
        raise ChannelUnknown
    async with app.transaction() as conn:
        found = await calendar_watches.heard(conn, provider, channel_id, secrets)
        if found is None:
            raise ChannelUnknown
        await calendar_access.start(conn, found.company_id, found.connection_id, app.now())


def _states(body: bytes) -> Iterator[str]:
    """Find the `clientState` of each notification in what Microsoft sends."""
    try:
        sent = from_json(body)
    except ValueError:
        return
    told = sent.get("value") if isinstance(sent, dict) else None
    for one in told if isinstance(told, list) else ():
        if isinstance(one, dict) and isinstance(one.get("clientState"), str):
            yield one["clientState"]
