"""Routes of a user's personal page (contract 2.13)."""

from __future__ import annotations

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

from kalends.edge import problems
from kalends.edge.auth import Account
from kalends.edge.context import AppDep
from kalends.services import personal_pages
from kalends.services.meeting_types import MeetingTypeNotFound
from kalends.services.rights import UserNotFound

from .schemas import Answer, Body, Email, Flag, Line, Link, Name, OrEmpty, Phone, Text, contact_link

router = APIRouter(prefix="/v4", tags=["Personal Page V4"])

Hex = Annotated[str, StringConstraints(pattern=r"^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")]
ContactLink = Annotated[
    str, StringConstraints(max_length=2000), AfterValidator(contact_link), Field(examples=["mailto:ada@acme.test"])
]


def _with_scheme(value: Any) -> Any:
    """Read `linkedin.com/in/ada`, as people copy it, as a link."""
    return f"https://{value}" if isinstance(value, str) and _BARE.fullmatch(value) else value


_BARE = re.compile(r"([a-z0-9-]+\.)+[a-z]{2,}(/\S*)?", re.IGNORECASE)
ProfileLink = Annotated[Link, BeforeValidator(_with_scheme)]

_EXAMPLE: dict[str, Any] = {
    "useCustomColors": True,
    "primaryColor": "#0b5fff",
    "description": "Family doctor in Vienna",
    "onlineProfiles": {"linkedIn": "https://www.linkedin.test/in/ada", "phone": "+43 660 1234567"},
}


class CustomLinkBody(Body):
    """One link of a personal page."""

    name: Name
    url: ContactLink
    icon: Line | None = None


class ProfilesBody(Body):
    """Where else the user is found; null forgets one."""

    keeps_null = frozenset(
        {
            "linkedIn", "facebook", "twitter", "instagram", "xing", "phone", "email", "addressStreet", "addressCity",
            "addressPostalCode", "addressCountry",
        }
    )  # fmt: skip

    linked_in: Annotated[ProfileLink | None, OrEmpty] = None
    facebook: Annotated[ProfileLink | None, OrEmpty] = None
    twitter: Annotated[ProfileLink | None, OrEmpty] = None
    instagram: Annotated[ProfileLink | None, OrEmpty] = None
    xing: Annotated[ProfileLink | None, OrEmpty] = None
    phone: Annotated[Phone | None, OrEmpty] = None
    email: Annotated[Email | None, OrEmpty] = None
    address_street: Line | None = None
    address_city: Line | None = None
    address_postal_code: Line | None = None
    address_country: Line | None = None
    custom_links: Annotated[list[CustomLinkBody], Field(max_length=50)] | None = None


class PersonalPageBody(Body):
    """What changes of a personal page; null forgets a colour, the picture or the description."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    keeps_null = frozenset({"primaryColor", "secondaryColor", "headerImage", "description"})

    use_custom_colors: Flag | None = None
    primary_color: Annotated[Hex | None, OrEmpty] = None
    secondary_color: Annotated[Hex | None, OrEmpty] = None
    header_image: Annotated[Link | None, OrEmpty] = None
    description: Text | None = None
    show_all_meeting_types: Flag | None = None
    meeting_type_order: Annotated[list[UUID], Field(max_length=1000)] | None = None
    online_profiles: ProfilesBody | None = None


class CustomLink(Answer):
    """One link of a personal page."""

    name: str = Field(examples=["Surgery"])
    url: str = Field(examples=["https://www.acme.test/"])
    icon: str | None = None


class Profiles(Answer):
    """Where else the user is found."""

    linked_in: str | None = Field(default=None, examples=["https://www.linkedin.test/in/ada"])
    facebook: str | None = None
    twitter: str | None = None
    instagram: str | None = None
    xing: str | None = None
    phone: str | None = Field(default=None, examples=["+43 660 1234567"])
    email: str | None = None
    address_street: str | None = None
    address_city: str | None = None
    address_postal_code: str | None = None
    address_country: str | None = None
    custom_links: list[CustomLink] = Field(default=[])


class PersonalPage(Answer):
    """How a user's booking pages look and what they tell about him; colours apply when `useCustomColors` is true."""

    use_custom_colors: bool = Field(examples=[True])
    primary_color: str | None = Field(examples=["#0b5fff"])
    secondary_color: str | None
    header_image: str | None
    description: str | None = Field(examples=["Family doctor in Vienna"])
    show_all_meeting_types: bool = Field(examples=[True])
    meeting_type_order: list[UUID]
    online_profiles: Profiles


@router.get("/personal-page/me", responses=problems.document(UserNotFound))
async def get_personal_page(actor: Account, app: AppDep) -> PersonalPage:
    """Get the acting user's personal page."""
    async with app.reading() as conn:
        page = await personal_pages.get(conn, actor=actor)
    return PersonalPage.model_validate(page)


@router.patch("/personal-page/me", responses=problems.document(UserNotFound, MeetingTypeNotFound))
async def update_personal_page(body: PersonalPageBody, actor: Account, app: AppDep) -> PersonalPage:
    """Change the acting user's personal page.

    Only the keys that are sent change, in `onlineProfiles` too.
    """
    changes = body.model_dump(mode="json", exclude_unset=True, by_alias=True)
    async with app.transaction() as conn:
        page = await personal_pages.update(conn, actor=actor, changes=changes, now=app.now())
    return PersonalPage.model_validate(page)
