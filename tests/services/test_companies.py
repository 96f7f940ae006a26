"""Founding a company, and the users that are made with it."""

import pytest
from whenever import Instant

from kalends.services import companies
from kalends.services.companies import AlreadyFounded, CompanyNotFound, FounderInvalid
from kalends.services.company_settings import CompanySettings
from kalends.storage import availabilities, meeting_types, users
from kalends.storage.database import Connection
from tests import factories

NOW = Instant.from_utc(2031, 3, 3, 9)


async def test_an_owner_can_be_booked_at_once(conn: Connection) -> None:
    founded = await factories.company(conn, timezone="Europe/Vienna", now=NOW)

    owner = await users.by_slug(conn, founded.user_slug)
    assert owner
    assert (owner.id, owner.is_admin, owner.is_owner) == (founded.user_id, True, True)
    assert owner.default_availability_id == founded.availability_id
    (found,) = await meeting_types.of_user(conn, founded.company_id, owner.id)
    assert (found.slug, founded.meeting_type_slug) == ("30min-meeting", "30min-meeting")
    assert (found.meeting_info["name"], found.meeting_info["duration"], found.meeting_info["channel"]) == (
        "30min Meeting",
        30,
        "phone",
    )
    availability = await availabilities.get(conn, founded.company_id, founded.availability_id)
    assert availability
    assert availability.timezone == "Europe/Vienna"
    assert availability.schedule["monday"] == {"enabled": True, "hours": [{"start": "08:00", "end": "17:00"}]}
    assert availability.schedule["saturday"] == {"enabled": False, "hours": []}


async def test_the_first_company_is_founded_once(conn: Connection) -> None:
    who = {"company": "Acme", "email": "ada@acme.test", "given_name": "Ada", "family_name": "Roth", "timezone": "UTC"}
    await companies.found(conn, **who, now=NOW)

    with pytest.raises(AlreadyFounded):
        await companies.found(conn, **who, now=NOW)


async def test_what_is_wrong_with_a_founder_is_named(conn: Connection) -> None:
    with pytest.raises(FounderInvalid) as refused:
        await companies.create(
            conn, company=" ", email="ada", given_name="Ada", family_name="Roth", timezone="Europe/Bonn", now=NOW
        )

    assert {one.field for one in refused.value.errors} == {"company", "email", "timezone"}


async def test_settings_are_read_typed_with_their_defaults(conn: Connection) -> None:
    founded = await factories.company(conn, now=NOW)
    actor = factories.actor(founded)

    before = await companies.settings(conn, founded.company_id)
    wanted = {"doubleOptIn": "enabled", "provisionalExpiryMinutes": 90}
    await companies.update(conn, actor=actor, columns={}, settings=wanted, now=NOW)
    await companies.update(conn, actor=actor, columns={}, settings={"holdMinutes": 30}, now=NOW)

    assert before == CompanySettings(False, False, 1440, 5, "stale", "closed")
    assert await companies.settings(conn, founded.company_id) == CompanySettings(True, False, 90, 30, "stale", "closed")
    with pytest.raises(CompanyNotFound):
        await companies.settings(conn, founded.user_id)


async def test_users_of_one_name_get_different_slugs(conn: Connection) -> None:
    founded = await factories.company(conn, now=NOW)

    twins = [await factories.user(conn, founded, given_name="Zoë", family_name="Ämmli-Test", now=NOW) for _ in range(2)]

    assert [twin.user.slug for twin in twins] == ["zoe-aemmli-test", "zoe-aemmli-test-2"]
