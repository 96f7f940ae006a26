"""What CalDAV servers list and tell of changes, each in its own way, and what they forget."""

from __future__ import annotations

import pytest

from kalends.domain.remote_events import Page, RemoteCalendar
from kalends.integrations.caldav import CalDavProvider
from kalends.ports import SyncTokenDead

from .caldav_accounts import odd, opened, pages
from .caldav_client import ics
from .conformance import ELEVEN, NINE, TEN, TWELVE
from .odd_caldav import HOME, WORK

# What is listed


async def test_calendars_are_listed_with_all_the_server_says_of_them(provider: CalDavProvider) -> None:
    async with odd() as server, opened(provider, server) as (account, _):
        found = await account.calendars()

    base = f"http://127.0.0.1:{server.port}"
    assert found == [
        RemoteCalendar(f"{base}{WORK}", "Wörk", "Europe/Berlin", "#ff2968", is_default=True, writable=True),
        RemoteCalendar(f"{base}{HOME}holidays/", "Holidays", writable=False),
    ]


async def test_the_calendar_for_invitations_may_be_named_by_the_principal(provider: CalDavProvider) -> None:
    async with odd("sabre") as server, opened(provider, server) as (account, _):
        found = await account.calendars()

    assert [(one.name, one.is_default) for one in found] == [("Wörk", True), ("Holidays", False)]


# What changed


async def test_where_tokens_are_seconds_what_follows_within_one_is_told_and_nothing_for_ever(
    provider: CalDavProvider,
) -> None:
    told: list[list[str | None]] = []
    token = None
    async with odd("seconds") as server, opened(provider, server) as (account, calendar):
        for name, later in (("a", 0), ("b", 0), ("c", 60), ("d", 0), (None, 60), (None, 60), (None, 60)):
            server.second += later
            if name is not None:
                server.put(f"{WORK}{name}.ics", ics(name, NINE, TEN))
            (page,) = await pages(account, calendar, token)
            token = page.token
            told.append([one.uid for one in page.events])

    assert told == [["a"], ["a", "b"], ["c"], ["c", "d"], [], [], []]


async def test_without_sync_collection_a_changed_ctag_means_reading_all(provider: CalDavProvider) -> None:
    async with odd("no-sync") as server, opened(provider, server) as (account, calendar):
        server.files[f"{WORK}a.ics"] = ics("a@else", NINE, TEN)
        (first,) = await pages(account, calendar)
        (second,) = await pages(account, calendar, first.token)
        server.put(f"{WORK}b.ics", ics("b@else", ELEVEN, TWELVE))
        (third,) = await pages(account, calendar, second.token)

    assert (first.token, [event.uid for event in first.events], first.complete) == ("ctag:0", ["a@else"], True)
    assert second == Page((), token="ctag:0")
    assert (third.token, {event.uid for event in third.events}, third.complete) == (
        "ctag:1",
        {"a@else", "b@else"},
        True,
    )


async def test_a_list_of_changes_in_parts_is_read_to_its_end(provider: CalDavProvider) -> None:
    async with odd("paged") as server, opened(provider, server) as (account, calendar):
        (first,) = await pages(account, calendar)
        for number in range(5):
            server.put(f"{WORK}{number}.ics", ics(f"{number}@else", NINE, TEN))
        server.remove(f"{WORK}1.ics")
        (second,) = await pages(account, calendar, first.token)

    assert [event.uid for event in second.events] == ["0@else", "2@else", "3@else", "4@else"]
    assert (second.gone, second.token, second.complete) == ((f"{WORK}1.ics",), "sync:odd:6", False)


@pytest.mark.parametrize("later", [0, 2], ids=["anew", "cleared"])
async def test_changes_that_a_server_forgot_without_saying_so_mean_reading_all(
    provider: CalDavProvider, later: int
) -> None:
    async with odd("sabre") as server, opened(provider, server) as (account, calendar):
        server.put(f"{WORK}a.ics", ics("a@else", NINE, TEN))
        (first,) = await pages(account, calendar)
        server.put(f"{WORK}b.ics", ics("b@else", ELEVEN, TWELVE))
        server.changes, server.cleared = server.changes[:later], later
        with pytest.raises(SyncTokenDead):
            await pages(account, calendar, first.token)

    assert first.token == "sync:http://sabre.io/ns/sync/1"


async def test_a_list_of_all_there_is_tells_what_is_gone_as_well(provider: CalDavProvider) -> None:
    async with odd("davical") as server, opened(provider, server) as (account, calendar):
        server.put(f"{WORK}a.ics", ics("a@else", NINE, TEN))
        server.put(f"{WORK}b.ics", ics("b@else", ELEVEN, TWELVE))
        (first,) = await pages(account, calendar)
        server.put(f"{WORK}b.ics", ics("b@else", TWELVE, TWELVE.add(hours=1)))
        (second,) = await pages(account, calendar, first.token)
        server.remove(f"{WORK}a.ics")
        server.cleared = len(server.changes)
        (third,) = await pages(account, calendar, second.token)

    told = [([event.uid for event in one.events], one.complete, one.token) for one in (second, third)]
    assert told == [(["b@else"], False, "sync:data:,3"), (["b@else"], True, "sync:data:,4")]


async def test_a_server_that_says_what_is_gone_is_not_asked_for_all_there_is(provider: CalDavProvider) -> None:
    async with odd("cyrus") as server, opened(provider, server) as (account, calendar):
        (first,) = await pages(account, calendar)
        server.put(f"{WORK}a.ics", ics("a@else", NINE, TEN))
        begun = len(server.asked)
        (second,) = await pages(account, calendar, first.token)

    assert ([event.uid for event in second.events], second.complete) == (["a@else"], False)
    assert not any(b"time-range" in one.body for one in server.asked[begun:])


async def test_a_server_that_counts_changes_and_has_them_all_is_gone_on_with(provider: CalDavProvider) -> None:
    async with odd("sabre") as server, opened(provider, server) as (account, calendar):
        (first,) = await pages(account, calendar)
        (second,) = await pages(account, calendar, first.token)
        server.put(f"{WORK}a.ics", ics("a@else", NINE, TEN))
        (third,) = await pages(account, calendar, second.token)

    assert (list(second.events), second.token) == ([], "sync:http://sabre.io/ns/sync/0")
    assert ([event.uid for event in third.events], third.token) == (["a@else"], "sync:http://sabre.io/ns/sync/1")
