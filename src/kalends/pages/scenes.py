"""Scenes: a meeting type's page as one visit looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.requests import Request
from whenever import Instant

from kalends.services import booking_pages
from kalends.services.slot_queries import SlotQuery
from kalends.storage.booking_pages import BookingPage
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from kalends.storage.users import User

from . import offers, people, visit
from .guards import PageNotFound
from .offers import Offer, Person, Team
from .visit import Visit


@dataclass(frozen=True, slots=True)
class Scene:
    """One meeting type's page, as one visit looks at it."""

    user: User
    kind: MeetingType
    visit: Visit
    offer: Offer
    query: SlotQuery
    one_time_link: UUID | None

    @property
    def values(self) -> dict[str, Any]:
        """What every template of this page needs."""
        return {
            "title": f"{self.offer.name} – {self.offer.host.full_name}",
            "theme": people.theme(self.user),
            "zone_wanted": not self.visit.zone_chosen,
            "offer": self.offer,
        }


async def read(conn: Connection, request: Request, user_slug: str, type_slug: str, channel: str | None = None) -> Scene:
    """Read what can be booked at an address.

    Args:
        channel: the one a form names; None: the link's, if it names one.

    Raises:
        PageNotFound: nothing can be, or its one-time link can be none.
    """
    page = await booking_pages.read(conn, user_slug, type_slug)
    if page is None:
        raise PageNotFound
    return scene(page, request, channel)


def scene(page: BookingPage, request: Request, channel: str | None = None) -> Scene:
    """Look at a booking page as one visit does.

    Raises:
        PageNotFound: its one-time link can be none.
    """
    user, kind = page.user, page.meeting_type
    seen = visit.read(request, zone=user.timezone, home_language=user.language)
    try:
        link = seen.one_time_link
    except ValueError:
        raise PageNotFound from None
    host: Person = Team(page.company_name) if kind.queue_id else user
    offer = offers.offer(
        kind,
        host,
        seen,
        person_link=None if kind.queue_id else seen.carry(f"/{user.slug}"),
        channel=channel or seen.params.get("channel"),
    )
    ever = Instant.from_timestamp(0)
    # Who hosts is the meeting type's own affair: its queue, or its owner.
    query = SlotQuery(meeting_type_id=kind.id, start=ever, end=ever, duration=offer.duration, channel=offer.channel)
    return Scene(user, kind, seen, offer, query, link)
