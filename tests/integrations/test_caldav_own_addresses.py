"""Under which addresses a host's own answers are found on CalDAV servers."""

from __future__ import annotations

import pytest

from kalends.domain.remote_events import Answer, Page, RemoteCalendar
from kalends.integrations.caldav import CalDavProvider
from kalends.ports import Credential, SyncTokenDead

from .caldav_accounts import form, odd, opened, pages
from .caldav_client import ics
from .conformance import NINE, OWNER, TEN, WINDOW
from .odd_caldav import USER, WORK


def invited(answer: str) -> str:
    return ics(
        "a@else", NINE, TEN, "ORGANIZER:mailto:eve@else.test", f"ATTENDEE;PARTSTAT={answer}:mailto:anna@home.test"
    )


def answers(page: Page) -> list[Answer | None]:
    return [one.answer for event in page.events for one in event.occurrences]


async def test_he_answers_under_whichever_address_the_server_knows_him(provider: CalDavProvider) -> None:
    async with odd() as server:
        server.called = ["Anna@Home.test"]
        server.put(f"{WORK}a.ics", invited("DECLINED"))
        async with opened(provider, server) as (account, calendar):
            (first,) = await pages(account, calendar)
            (event,) = first.events
            alone = await account.event(calendar, event.remote_id, window=WINDOW, own=[OWNER])
            (then,) = await pages(account, calendar, first.token)

    assert answers(first) == ["declined"]
    assert event.guests == ()
    assert alone == event
    assert (then.events, then.complete) == ([], False)  # the token is gone on with


async def test_who_was_connected_before_addresses_were_asked_for_has_all_read_anew_once(
    provider: CalDavProvider,
) -> None:
    async with odd() as server:
        server.put(f"{WORK}a.ics", invited("DECLINED"))
        credential = dict((await provider.connect(form(server))).credential)
        kept: list[Credential] = []

        async def keep(renewed: Credential) -> None:
            kept.append(renewed)

        async with provider.open(credential, keep) as account:
            calendar = (await account.calendars())[0]
            (before,) = await pages(account, calendar)
        server.called = ["anna@home.test"]
        del credential["addresses"]
        async with provider.open(credential, keep) as account:
            with pytest.raises(SyncTokenDead):
                await pages(account, calendar, before.token)
            (after,) = await pages(account, calendar)
        asked = len(server.asked)
        async with provider.open(kept[-1], keep) as account:
            (then,) = await pages(account, calendar, after.token)

    assert (answers(before), answers(after)) == ([None], ["declined"])
    assert kept == [{**credential, "addresses": ["anna@home.test", USER]}]
    assert then.events == []
    assert [one.method for one in server.asked[asked:]] == ["REPORT"]  # they are not asked for again


async def test_another_address_has_all_read_anew_once_calendars_were_listed(provider: CalDavProvider) -> None:
    kept: list[Credential] = []

    async def keep(renewed: Credential) -> None:
        kept.append(renewed)

    async with odd() as server:
        server.called = ["anna@home.test"]
        server.put(f"{WORK}a.ics", invited("DECLINED"))
        credential = (await provider.connect(form(server))).credential
        async with provider.open(credential, keep) as account:
            calendar = (await account.calendars())[0]
            (before,) = await pages(account, calendar)
            server.called = []
            await account.calendars()
        async with provider.open(kept[-1], keep) as account:
            with pytest.raises(SyncTokenDead):
                await pages(account, calendar, before.token)
            (after,) = await pages(account, calendar)

    assert len(kept) == 1
    assert (answers(before), answers(after)) == (["declined"], [None])


async def test_a_principal_that_does_not_answer_keeps_nobody_from_reading(provider: CalDavProvider) -> None:
    async with odd() as server:
        server.put(f"{WORK}a.ics", invited("DECLINED"))
        credential = dict((await provider.connect(form(server))).credential)
        del credential["addresses"]
        credential["principal"] += "/gone"

        async def keep(_: object) -> None:
            raise AssertionError

        async with provider.open(credential, keep) as account:
            calendar = RemoteCalendar(f"http://127.0.0.1:{server.port}{WORK}", "Work")
            (found,) = await pages(account, calendar)

    assert answers(found) == [None]
