"""Forms sent and pages changed, for tests over HTTP."""

import re
from urllib.parse import urlsplit
from uuid import UUID

from httpx2 import AsyncClient

from kalends.services import personal_pages, queue_members
from kalends.services.actor import Actor
from kalends.services.companies import Founded
from kalends.storage import meeting_types, provisional_bookings
from kalends.storage.provisional_bookings import ProvisionalBooking
from kalends.storage.users import User
from tests import factories

from .conftest import NOW, Site

START = "2026-03-10T09:00:00Z"


async def form_of(client: AsyncClient, site: Site, start: str = START, query: str = "") -> dict[str, str]:
    """Open the booking form and fill it in."""
    page = await client.get(f"{site.meeting}?start={start}{query}")
    nonce = re.search(r'name="nonce" value="([^"]+)"', page.text)
    assert nonce
    return {"nonce": nonce[1], "start": start, "name": "Mia Sommer", "email": "mia@guest.test"}


async def booked(client: AsyncClient, site: Site, start: str = START) -> str:
    """Book; answers the path of the appointment's page."""
    answer = await client.post(site.meeting, data=await form_of(client, site, start))
    assert answer.status_code == 303
    return "/b" + urlsplit(answer.headers["location"]).path.split("/booked")[1]


async def told_by_length(client: AsyncClient, path: str, word: str) -> bool:
    """Whether a page that holds a word gets shorter when a link puts the same in, and not just as many letters."""
    mark = "&" if "?" in path else "?"
    answers = [
        await client.get(f"{path}{mark}guess={guess}", headers={"Accept-Encoding": "gzip"})
        for guess in (word[:20], word[:20][::-1])
    ]
    assert [answer.headers["content-encoding"] for answer in answers] == ["gzip", "gzip"]
    return answers[0].headers["content-length"] != answers[1].headers["content-length"]


async def actor_of(site: Site) -> Actor:
    return Actor(site.host.company_id, site.host.id, True, "key")


async def change_page(site: Site, **changes: object) -> None:
    """Change the host's personal page."""
    async with site.app.transaction() as conn:
        await personal_pages.update(conn, actor=await actor_of(site), changes=changes, now=NOW)


async def change_type(site: Site, **info: object) -> None:
    """Change the meeting type's meetingInfo."""
    async with site.app.transaction() as conn:
        kind = await meeting_types.get(conn, site.host.company_id, site.meeting_type_id)
        assert kind
        merged = {"meeting_info": {**kind.meeting_info, **info}}
        await meeting_types.update(conn, site.host.company_id, kind.id, merged)


async def change_columns(site: Site, *, options: dict[str, object] | None = None, **columns: object) -> None:
    """Change columns of the meeting type, and keys of its meetingOptions."""
    async with site.app.transaction() as conn:
        kind = await meeting_types.get(conn, site.host.company_id, site.meeting_type_id)
        assert kind
        merged = {"meeting_options": {**kind.meeting_options, **(options or {})}, **columns}
        await meeting_types.update(conn, site.host.company_id, kind.id, merged)


async def add_colleague(site: Site, **fields: object) -> User:
    """Add a user to the host's company."""
    host = site.host
    assert host.default_availability_id
    founded = Founded(
        host.company_id, host.id, host.default_availability_id, site.meeting_type_id, host.slug, site.type_slug
    )
    async with site.app.transaction() as conn:
        return (await factories.user(conn, founded, now=NOW, **fields)).user


async def ask_queue(site: Site, *user_ids: UUID) -> None:
    """Let a queue of these users choose who hosts the meeting type."""
    async with site.app.transaction() as conn:
        for user_id in user_ids:
            await queue_members.update(
                conn, actor=await actor_of(site), meeting_type_id=site.meeting_type_id,
                changes=queue_members.Changes(toggled=user_id), now=NOW,
            )  # fmt: skip


async def waiting(site: Site, requested: str) -> ProvisionalBooking:
    """Find the provisional booking whose page a guest was sent to."""
    path = urlsplit(requested).path
    assert path.startswith(f"{site.meeting}/requested/")
    async with site.app.reading() as conn:
        found = await provisional_bookings.get(conn, site.host.company_id, UUID(path.rsplit("/", 1)[1]))
    assert found
    return found


def guest_page(booking: ProvisionalBooking) -> str:
    """Write the path of the guest's page, as his mail does."""
    return f"/p/{booking.id}/{booking.guest_secret}"


def host_page(booking: ProvisionalBooking, host_id: UUID) -> str:
    """Write the path of a host's page, as his mail does."""
    return f"/p/{booking.id}/{booking.host_secret_of(host_id)}"
