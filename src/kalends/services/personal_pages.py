"""Personal pages: how a user's booking pages look and what they tell about him."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.storage import meeting_types, users
from kalends.storage.database import Connection
from kalends.storage.users import User

from . import rights
from .actor import Actor
from .meeting_types import MeetingTypeNotFound

# Every key (contract 2.13) with what it is when nobody has said anything.
DEFAULTS: Mapping[str, Any] = {
    "useCustomColors": False,
    "primaryColor": None,
    "secondaryColor": None,
    "headerImage": None,
    "description": None,
    "showAllMeetingTypes": True,
    "meetingTypeOrder": [],
}
PROFILES: Mapping[str, Any] = {
    "linkedIn": None,
    "facebook": None,
    "twitter": None,
    "instagram": None,
    "xing": None,
    "phone": None,
    "email": None,
    "addressStreet": None,
    "addressCity": None,
    "addressPostalCode": None,
    "addressCountry": None,
    "customLinks": [],
}


def of(user: User) -> dict[str, Any]:
    """Read a user's personal page with every key of contract 2.13."""
    stored = user.personal_page
    profiles = {**PROFILES, **(stored.get("onlineProfiles") or {})}
    return {**DEFAULTS, **stored, "onlineProfiles": profiles}


async def get(conn: Connection, *, actor: Actor) -> dict[str, Any]:
    """Read the acting user's personal page.

    Raises:
        UserNotFound: he was deleted meanwhile.
    """
    return of(await rights.acting_user(conn, actor))


async def update(conn: Connection, *, actor: Actor, changes: Mapping[str, Any], now: Instant) -> dict[str, Any]:
    """Change keys of the acting user's personal page; of `onlineProfiles` too, only what is sent changes.

    Raises:
        UserNotFound: he was deleted meanwhile.
        MeetingTypeNotFound: `meetingTypeOrder` names what was never a meeting type of the company.
    """
    user = await rights.acting_user(conn, actor, lock="change")
    order = {UUID(one) for one in changes.get("meetingTypeOrder") or ()}
    if order and order != await meeting_types.known(conn, user.company_id, order):
        raise MeetingTypeNotFound
    page = of(user)
    profiles = {**page["onlineProfiles"], **changes.get("onlineProfiles", {})}
    page = {**page, **changes, "onlineProfiles": profiles}
    await users.update(conn, user.company_id, user.id, {"personal_page": page, "updated_at": now})
    return page
