"""Routes of users (contract 2.1)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from kalends.edge import problems
from kalends.edge.auth import AccountOrOwner, KeyOnly, Whoever
from kalends.edge.context import AppDep
from kalends.errors import Invalid
from kalends.services import companies, users
from kalends.services.companies import CompanyNotFound
from kalends.services.meeting_types import CustomLinkMissing
from kalends.services.rights import AdminsOnly, NotYours, UserNotFound
from kalends.services.users import EmailTaken, OwnerStays, UserSlugTaken
from kalends.storage.users import UserType

from .schemas import INT32, Absent
from .user_schemas import Me, User, UserBody, UserCreated, UserPage, UserPatch

router = APIRouter(prefix="/v4", tags=["User V4"])

DEFAULT_LIMIT = 20

# Bounds stand inside the union with None: outside, an empty value would be compared with a number.
Limit = Annotated[int, Field(ge=1, le=100)]
Offset = Annotated[int, Field(ge=0, le=INT32)]


class NothingToChange(Invalid):
    """The body names nothing that can be changed."""

    code = "nothing-to-change"


@router.post("/user", status_code=201, responses=problems.document(EmailTaken, UserSlugTaken, CustomLinkMissing))
async def create_user(body: UserBody, actor: KeyOnly, app: AppDep) -> UserCreated:
    """Create a user who can be booked at once.

    Makes an availability (Monday to Friday 08:00–17:00 in the user's zone) and a meeting type (30 minutes) with him,
    unless the body says otherwise. A resource gets a meeting type of its own only when the body asks for one: without,
    `meetingTypeId` is null and `bookingUrl` its page. Without the user header the key acts as the company's owner.
    """
    async with app.transaction() as conn:
        created = await users.create(conn, actor=actor, new=body.new(), now=app.now())
    page, first = f"{app.base_url}/{created.user.slug}", created.meeting_type
    return UserCreated(
        user_id=created.user.id,
        availability_id=created.availability_id,
        meeting_type_id=created.meeting_type_id,
        booking_url=f"{page}/{first.slug}" if first else page,
        company_id=created.user.company_id,
    )


@router.get("/user", responses=problems.document(AdminsOnly))
async def list_users(
    actor: AccountOrOwner,
    app: AppDep,
    user_type: Annotated[
        UserType | None, Absent, Query(alias="userType", description="Only users of this type.")
    ] = None,
    limit: Annotated[Limit | None, Absent, Query(description=f"{DEFAULT_LIMIT} unless said.")] = None,
    offset: Annotated[Offset | None, Absent, Query(description="0 unless said.")] = None,
) -> UserPage:
    """List the company's users, oldest first; administrators only."""
    limit, offset = limit or DEFAULT_LIMIT, offset or 0
    async with app.reading() as conn:
        views, total = await users.page(conn, actor=actor, user_type=user_type, limit=limit, offset=offset)
    return UserPage(users=[User.of(view) for view in views], total=total, limit=limit, offset=offset)


@router.get("/user/me", responses=problems.document(UserNotFound, CompanyNotFound))
async def get_me(actor: Whoever, app: AppDep) -> Me:
    """Get the acting user and his company; a key without the user header gets the company's owner."""
    assert actor.user_id is not None
    async with app.reading() as conn:
        view = await users.get(conn, actor=actor, user_id=actor.user_id)
        company = await companies.get(conn, actor=actor)
    return Me.of_both(view, company)


@router.get("/user/{user_id}", responses=problems.document(UserNotFound))
async def get_user(user_id: UUID, actor: AccountOrOwner, app: AppDep) -> User:
    """Get a user of the company."""
    async with app.reading() as conn:
        return User.of(await users.get(conn, actor=actor, user_id=user_id))


@router.patch("/user/{user_id}", responses=problems.document(UserNotFound, NotYours, UserSlugTaken, NothingToChange))
async def update_user(user_id: UUID, body: UserPatch, actor: KeyOnly, app: AppDep) -> User:
    """Change a user; the booking page moves with his slug.

    Null forgets title, phone number, picture and limits. His availabilities keep the time zone they are in. Units of a
    resource beyond a capacity that is lowered stay booked for what they are, and are given to nobody else.
    """
    changes: dict[str, Any] = body.columns()
    if not changes:
        raise NothingToChange
    async with app.transaction() as conn:
        return User.of(await users.update(conn, actor=actor, user_id=user_id, changes=changes, now=app.now()))


@router.delete("/user/{user_id}", status_code=204, responses=problems.document(UserNotFound, AdminsOnly, OwnerStays))
async def delete_user(user_id: UUID, actor: KeyOnly, app: AppDep) -> None:
    """Delete a user: his meeting types stop, his live appointments stay until they are cancelled."""
    async with app.transaction() as conn:
        await users.delete(conn, actor=actor, user_id=user_id, now=app.now())
