"""What a process keeps of a booking page never outlives a change, and saves the statements that would read it."""

import pytest
from httpx2 import AsyncClient

from kalends.services import companies, meeting_types, users
from kalends.services.actor import Actor
from kalends.storage import users as user_rows
from tests import factories, statements

from .conftest import NOW, Site
from .sending import actor_of, add_colleague, ask_queue, change_columns, change_type

MONTH = "?month=2026-03&timezone=Europe/Berlin"


async def _look_twice(client: AsyncClient, site: Site) -> None:
    """Look at the month until all is kept that can be."""
    for _ in range(2):
        assert (await client.get(site.meeting + MONTH)).status_code == 200


async def test_a_month_that_is_kept_takes_a_token_and_the_claims(site: Site) -> None:
    async with site.client() as client:
        with statements.counted() as first:
            await client.get(site.meeting + MONTH)
        with statements.counted() as later:
            await client.get(site.meeting + MONTH)
        await client.get(f"{site.meeting}?start=2026-03-10T09:00:00Z")
        with statements.counted() as details:
            await client.get(f"{site.meeting}?start=2026-03-10T09:00:00Z")

    assert len(first) == 4  # the token, the page, whom it concerns, the claims
    assert len(later) == 2, later
    assert ["bucket" in later[0], "claim" in later[1]] == [True, True]
    assert len(details) == 3, details


async def test_a_queues_page_takes_no_more_for_three_hosts_than_for_one(site: Site) -> None:
    counts = []
    for hosts in (1, 2):
        await ask_queue(site, *[(await add_colleague(site)).id for _ in range(hosts)])
        async with site.client() as client:
            await _look_twice(client, site)
            with statements.counted() as sent:
                await client.get(site.meeting + MONTH)
        counts.append(len(sent))

    assert counts[0] == counts[1]


@pytest.mark.parametrize("deleted", [False, True], ids=["disabled", "deleted"])
async def test_a_page_that_is_gone_is_gone_at_once(site: Site, deleted: bool) -> None:
    async with site.client() as client:
        await _look_twice(client, site)
        if deleted:
            async with site.app.transaction() as conn:
                await meeting_types.delete(
                    conn, actor=await actor_of(site), meeting_type_id=site.meeting_type_id, now=NOW
                )
        else:
            await change_columns(site, enabled=False)

        answer = await client.get(site.meeting + MONTH)

    assert answer.status_code == 404


async def test_a_change_is_seen_at_once(site: Site) -> None:
    async with site.client() as client:
        await _look_twice(client, site)
        await change_type(site, name="Second look")
        renamed = await client.get(site.meeting + MONTH)
        await change_columns(site, timeslot_interval=60)
        slower = await client.get(site.meeting + MONTH)
        async with site.app.transaction() as conn:
            await user_rows.update(conn, site.host.company_id, site.host.id, {"family_name": "Quist"})
        married = await client.get(site.meeting + MONTH)

    assert "Second look" in renamed.text
    assert renamed.text.count('class="slot"') > slower.text.count('class="slot"') > 0
    assert "Quist" in married.text


async def test_a_companys_new_name_is_seen_at_once_where_a_team_hosts(site: Site) -> None:
    await ask_queue(site, (await add_colleague(site)).id)
    async with site.client() as client:
        await _look_twice(client, site)
        async with site.app.transaction() as conn:
            await companies.update(
                conn, actor=await actor_of(site), columns={"name": "Quist & Sons"}, settings={}, now=NOW
            )

        answer = await client.get(site.meeting + MONTH)

    assert "Quist &amp; Sons" in answer.text


async def test_a_slug_that_gets_another_user_shows_his_page(site: Site) -> None:
    """Of another company, whose edition was never that of the first."""
    async with site.app.transaction() as conn:
        founded = await factories.company(conn, now=NOW)
        other = await user_rows.get(conn, founded.company_id, founded.user_id)
        assert other
        await factories.meeting_type(conn, other, now=NOW, meeting_info={"name": "Elsewhere"}, slug=site.type_slug)
    async with site.client() as client:
        await _look_twice(client, site)
        async with site.app.transaction() as conn:
            actor = await actor_of(site)
            await users.update(
                conn, actor=actor, user_id=site.host.id, changes={"slug": f"{site.host.slug}-old"}, now=NOW
            )
        gone = await client.get(site.meeting + MONTH)
        async with site.app.transaction() as conn:
            theirs = Actor(other.company_id, other.id, True, "key")
            await users.update(conn, actor=theirs, user_id=other.id, changes={"slug": site.host.slug}, now=NOW)

        answer = await client.get(site.meeting + MONTH)

    assert gone.status_code == 404
    assert "Elsewhere" in answer.text
