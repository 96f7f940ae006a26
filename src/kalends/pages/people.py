"""A person's page: who he is and what can be booked with him; and the colours of all his pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import Response

from kalends import languages
from kalends.edge.context import AppDep
from kalends.languages import Translate
from kalends.services import personal_pages, readers
from kalends.storage import meeting_types, users
from kalends.storage.meeting_types import MeetingType
from kalends.storage.users import User

from . import channels, colours, guards, offers, rendering, styles, visit
from .addresses import PERSON
from .guards import PageNotFound
from .styles import Style
from .visit import Visit

router = APIRouter(include_in_schema=False)

_NETWORKS = {"linkedIn": "LinkedIn", "facebook": "Facebook", "twitter": "X", "instagram": "Instagram", "xing": "XING"}
_LINKS = {"http": "link", "https": "link", "mailto": "mail", "tel": "phone"}


@dataclass(frozen=True, slots=True)
class Link:
    """One of the person's links; `kind` names its icon."""

    kind: str
    name: str
    url: str


def theme(user: User) -> Style | None:
    """Hand out the style with a user's colours; None without any."""
    sheet = colours.theme(personal_pages.of(user))
    return styles.own(sheet) if sheet else None


@router.get(PERSON)
async def person(user_slug: str, request: Request, app: AppDep) -> Response:
    """Show a person and the meetings that can be booked with him."""
    await guards.look(app, request)
    async with app.reading() as conn:
        user = await users.by_slug(conn, user_slug)
        if user is None:
            raise PageNotFound
        kinds = await meeting_types.of_user(conn, user.company_id, user.id)
    seen = visit.read(request, zone=user.timezone, home_language=user.language)
    _ = languages.translator(seen.language)
    page = personal_pages.of(user)
    profiles = page["onlineProfiles"]
    values = {
        "title": user.full_name,
        "step": "person",
        "theme": theme(user),
        "zone_wanted": False,
        "person": {
            "user": user,
            "description": page["description"],
            "header": _picture(page["headerImage"]),
            "links": _links(_, profiles),
            "address": _address(profiles),
        },
        "types": [_type(_, kind, user, seen) for kind in _ordered(kinds, page)],
    }
    return rendering.page(request, "person.html", seen, values)


def _ordered(kinds: Sequence[MeetingType], page: Mapping[str, Any]) -> list[MeetingType]:
    """Put the enabled types in the person's order; the others follow unless he shows only those he listed."""
    order: list[str] = page["meetingTypeOrder"] or []
    enabled = {str(kind.id): kind for kind in kinds if kind.enabled}
    listed = [enabled[one] for one in dict.fromkeys(order) if one in enabled]
    rest = [kind for name, kind in enabled.items() if name not in order]
    return listed + rest if page["showAllMeetingTypes"] or not order else listed


def _type(_: Translate, kind: MeetingType, user: User, seen: Visit) -> dict[str, Any]:
    info = kind.meeting_info
    place = kind.locations[0] if len(kind.locations) == 1 else None
    lengths = offers.lengths(kind)
    return {
        "link": seen.link(f"/{user.slug}/{kind.slug}"),
        "name": info["name"],
        "description": readers.description(info),
        "lengths": _("{count} min", count=" / ".join(map(str, lengths))),
        "channel": info["channel"],
        "channel_text": channels.text(_, info["channel"], info, place),
    }


def _picture(url: object) -> str | None:
    return url if isinstance(url, str) and url.startswith("https://") else None


def _links(_: Translate, profiles: Mapping[str, Any]) -> list[Link]:
    """Collect the person's links; whatever is no http(s), mailto or tel address is left out (design section 6)."""
    found = [(name, profiles[key]) for key, name in _NETWORKS.items()]
    found += [(one.get("name"), one.get("url")) for one in profiles["customLinks"] or ()]
    if profiles["phone"]:
        found.append((profiles["phone"], f"tel:{''.join(str(profiles['phone']).split())}"))
    if profiles["email"]:
        found.append((_("E-mail"), f"mailto:{profiles['email']}"))
    links: list[Link] = []
    for name, url in found:
        if not isinstance(url, str):
            continue
        parts = urlsplit(url)
        if parts.scheme in _LINKS:
            links.append(Link(_LINKS[parts.scheme], str(name or parts.netloc), url))
    return links


def _address(profiles: Mapping[str, Any]) -> str:
    town = " ".join(filter(None, (profiles["addressPostalCode"], profiles["addressCity"])))
    return ", ".join(filter(None, (profiles["addressStreet"], town, profiles["addressCountry"])))
