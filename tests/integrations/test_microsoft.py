"""Microsoft: the suite all providers pass, on a fake Graph; how it is connected, and what goes wrong with it."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest
from whenever import Instant

from kalends.domain.remote_events import RemoteCalendar, Window, Written
from kalends.errors import DomainError, Upstream
from kalends.integrations.microsoft import MicrosoftCalendars
from kalends.integrations.oauth import http
from kalends.ports import (
    CalendarAccount,
    ConnectionRefused,
    Credential,
    CredentialRefused,
    SyncTokenDead,
)
from tests.fakes.graph import FakeGraph
from tests.integrations.conformance import NINE, OWNER, TEN, WINDOW, Bench, CalendarConformance, entry, read
from tests.integrations.microsoft_bench import bench_of, mailbox_of


@pytest.fixture
def bench(graph: FakeGraph) -> Bench:
    return bench_of(graph)


class TestMicrosoft(CalendarConformance):
    """The suite."""


# Connecting.


async def test_an_account_is_connected_on_microsofts_page(graph: FakeGraph) -> None:
    mailbox = graph.account(OWNER)
    provider = graph.provider()

    connected = await graph.connect(provider, mailbox)

    assert (connected.account, connected.email) == (mailbox.id, OWNER)
    async with provider.open(connected.credential, _keep) as account:
        assert [(one.name, one.is_default) for one in await account.calendars()] == [("Calendar", True)]


async def test_a_code_is_worth_nothing_to_whom_did_not_ask_for_it(graph: FakeGraph) -> None:
    provider, mailbox = graph.provider(), graph.account(OWNER)
    provider_url = provider.authorization_url(redirect_uri="https://k.test/", state="s", verifier="v" * 48)
    assert "v" * 48 not in provider_url
    code = graph.login.page(_query(provider_url)).partition("code=")[2].partition("&")[0]

    with pytest.raises(ConnectionRefused):
        await provider.authorize(code=code, redirect_uri="https://k.test/", verifier="w" * 48)
    assert mailbox_of(graph) is mailbox
    assert graph.login.access == {}


@pytest.mark.parametrize(
    "scopes", ["https://graph.microsoft.com/User.Read", "User.Read Calendars.Read", "Calendars.ReadWrite.Shared"]
)
async def test_less_than_reading_and_writing_calendars_is_no_connection(graph: FakeGraph, scopes: str) -> None:
    mailbox = graph.account(OWNER)
    graph.login.scopes = scopes

    with pytest.raises(ConnectionRefused):
        await graph.connect(graph.provider(), mailbox)


async def test_an_account_without_a_mailbox_is_told_so(graph: FakeGraph) -> None:
    mailbox = graph.account(OWNER)
    graph.no_mailbox = True

    with pytest.raises(ConnectionRefused, match="no mailbox"):
        await graph.connect(graph.provider(), mailbox)


async def test_a_wrong_client_secret_is_the_operators_to_mend(graph: FakeGraph) -> None:
    mailbox = graph.account(OWNER)

    with pytest.raises(Upstream, match="KALENDS_MICROSOFT_CLIENT_SECRET") as caught:
        await graph.connect(graph.provider(client_secret="mistyped"), mailbox)

    assert not isinstance(caught.value, CredentialRefused)


def test_without_settings_it_names_them() -> None:
    provider = MicrosoftCalendars("id", None, clock=Instant.now)

    assert provider.lacking == ("KALENDS_MICROSOFT_CLIENT_SECRET",)


async def test_nobody_is_connected_by_password(graph: FakeGraph) -> None:
    with pytest.raises(ConnectionRefused):
        await graph.provider().connect({"username": "ada", "password": "x"})


async def test_another_tenant_than_the_one_set_is_not_asked(graph: FakeGraph) -> None:
    graph.login.tenant = "acme.example"
    mailbox = graph.account(OWNER)

    connected = await graph.connect(graph.provider(tenant="acme.example"), mailbox)
    assert connected.email == OWNER
    with pytest.raises(Upstream):
        await graph.connect(graph.provider(), mailbox)


# Tokens.


async def test_a_token_that_ends_in_the_middle_is_renewed_and_the_reading_goes_on(
    graph: FakeGraph, bench: Bench
) -> None:
    kept: list[Credential] = []
    when: list[int] = []

    async def keep(credential: Credential) -> None:
        kept.append(credential)
        when.append(len(graph.requests))

    bench.keep = keep
    graph.login.one_use = True
    async with bench.opened() as (account, calendar):
        await bench.other.make_many(calendar, [f"{number}@else" for number in range(260)], NINE, TEN)
        graph.login.requests_left = 2
        reading = await read(account, calendar, bench)
        graph.login.end_access()
        await account.calendars()

    assert len(reading.times()) == 260
    assert len({one["refresh_token"] for one in (bench.credential, *kept)}) == 3
    # The new credential was kept before anything else was asked with it.
    assert [graph.requests[at - 1][1] for at in when] == ["/common/oauth2/v2.0/token"] * 2


async def test_a_token_about_to_end_is_renewed_before_it_is_used(graph: FakeGraph) -> None:
    bench = bench_of(graph)
    later = graph.provider(clock=lambda: Instant.now().add(seconds=3590))
    graph.login.end_access()

    async with later.open(bench.credential, _keep) as account:
        await account.calendars()

    assert [path for _, path in graph.requests] == ["/common/oauth2/v2.0/token", "/v1.0/me/calendars"]


async def test_a_credential_that_was_not_kept_is_not_used(graph: FakeGraph, bench: Bench) -> None:
    async def fails(credential: Credential) -> None:
        raise OSError("the database is gone")

    graph.login.end_access()
    with pytest.raises(OSError, match="the database is gone"):
        async with bench.provider.open(bench.credential, fails) as account:
            await account.calendars()

    assert [path for _, path in graph.requests] == ["/v1.0/me/calendars", "/common/oauth2/v2.0/token"]


# What goes wrong.


async def test_when_asked_too_often_it_says_how_long_to_wait(graph: FakeGraph, bench: Bench) -> None:
    async with bench.opened() as (account, calendar):
        graph.throttle(1, after_s=7)
        with pytest.raises(Upstream) as caught:
            await read(account, calendar, bench)
        after = await read(account, calendar, bench)

    assert (caught.value.retry_after_s, type(caught.value)) == (7, Upstream)
    assert after.complete


@pytest.mark.parametrize(("kind", "retry_after_s"), [("busy", 30), ("hang", None), ("cut", None)])
async def test_an_outage_of_any_kind_is_an_outage(
    graph: FakeGraph, bench: Bench, monkeypatch: pytest.MonkeyPatch, kind: str, retry_after_s: int | None
) -> None:
    async with bench.opened() as (account, calendar):
        token = (await read(account, calendar, bench)).token
        with monkeypatch.context() as hurried, graph.outage(kind):
            hurried.setattr(http, "TIMEOUT_S", 0.3 if kind == "hang" else 30)
            with pytest.raises(Upstream) as caught:
                await read(account, calendar, bench, token)
        after = await read(account, calendar, bench, token)

    assert (type(caught.value), caught.value.retry_after_s) == (Upstream, retry_after_s)
    assert (after.events, after.complete) == ([], False)


async def test_a_mailbox_that_is_no_more_is_a_refused_credential(graph: FakeGraph, bench: Bench) -> None:
    async with bench.opened() as (account, calendar):
        graph.no_mailbox = True
        with pytest.raises(CredentialRefused):
            await read(account, calendar, bench)
        with pytest.raises(CredentialRefused):
            await account.event(calendar, "AAMk", window=WINDOW, own=bench.own)


async def test_a_calendar_that_is_no_more_is_not_an_empty_one(graph: FakeGraph, bench: Bench) -> None:
    async with bench.opened() as (account, calendar):
        mailbox_of(graph).calendars.clear()
        with pytest.raises(Upstream):
            await read(account, calendar, bench)


async def test_a_calendar_that_is_only_shown_cannot_be_written_to(graph: FakeGraph, bench: Bench) -> None:
    mailbox_of(graph).calendars[0].writable = False
    async with bench.provider.open(bench.credential, _keep) as account:
        (calendar,) = await account.calendars()
        with pytest.raises(Upstream) as caught:
            await account.put(calendar, entry(), None)

    assert not calendar.writable
    assert not isinstance(caught.value, CredentialRefused)  # all else can still be read


async def test_a_token_is_of_no_use_for_more_than_the_window_it_was_made_for(graph: FakeGraph, bench: Bench) -> None:
    async with bench.opened() as (account, calendar):
        token = (await read(account, calendar, bench)).token
        within = Window(WINDOW.start.add(hours=24), WINDOW.end)
        beyond = Window(WINDOW.start.add(hours=24), WINDOW.end.add(hours=24))

        pages = [one async for one in account.changes(calendar, token=token, window=within, own=bench.own)]
        assert [(page.events, page.complete) for page in pages] == [((), False)]
        for useless, window in ((token, beyond), ("no token of ours", WINDOW)):
            with pytest.raises(SyncTokenDead):
                await anext(aiter(account.changes(calendar, token=useless, window=window, own=bench.own)))


async def test_no_error_tells_a_secret(graph: FakeGraph, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT_S", 0.2)
    wrong_secret = uuid4().hex
    wrong = graph.provider(client_secret=wrong_secret)
    told: list[str] = []

    async def fails(provider: MicrosoftCalendars, ask: Callable[[CalendarAccount], Awaitable[object]]) -> None:
        with pytest.raises(DomainError) as caught:
            async with provider.open(bench.credential, _keep) as account:
                await ask(account)
        told.append(f"{caught.value!r} {''.join(traceback.format_exception(caught.value))}")

    calendar = RemoteCalendar("AQMk", "Gone")
    ask = (
        lambda account: account.calendars(),
        lambda account: read(account, calendar, bench),
        lambda account: account.put(calendar, entry(), None),
        lambda account: account.delete(calendar, Written("AAMk", "W/1")),
    )
    for trouble in ("cut", "hang", "busy"):
        with graph.outage(trouble):
            for one in ask[:2]:
                await fails(bench.provider, one)
    for one in ask[1:3]:
        await fails(bench.provider, one)
    graph.login.end_access()
    await fails(wrong, ask[0])
    graph.login.revoke(mailbox_of(graph))
    for one in ask:
        await fails(bench.provider, one)
    code, verifier = f"code-{uuid4().hex}", uuid4().hex * 2  # not to stand in the lines a traceback shows
    with pytest.raises(ConnectionRefused) as caught:
        await graph.provider().authorize(code=code, redirect_uri="https://k.test/", verifier=verifier)
    told.append("".join(traceback.format_exception(caught.value)))

    secrets = (
        *(str(bench.credential[name]) for name in ("access_token", "refresh_token")),
        graph.login.client_secret,
        wrong_secret,
        "who@acme.test",
        code,
        verifier,
    )
    assert len(told) == 14
    assert [secret for secret in secrets if any(secret in one for one in told)] == []


# Being told of changes.


async def test_changes_are_told_at_the_address_with_the_secret(graph: FakeGraph, bench: Bench) -> None:
    posted: list[tuple[str, object]] = []

    async def hook(address: str, body: object) -> tuple[int, str]:
        posted.append((address.partition("?")[0], body))
        return (200, _query(address)["validationToken"]) if body is None else (202, "")

    graph.deliver_by(hook)
    async with bench.opened() as (account, calendar):
        channel = await account.watch(calendar, channel_id="c1", secret="shh", address="https://k.test/hook")
        await bench.other.make_event(calendar, "a@else", NINE, TEN)
        await graph.settled()
        assert channel is not None
        await account.unwatch(channel)
        await account.unwatch(channel)
        await bench.other.remove(calendar, "a@else")
        await graph.settled()

    left = channel.expires_at.difference(Instant.now()).total("hours")
    assert (channel.channel_id, 160 < left < 168) == ("c1", True)
    ((_, validation), (address, body)) = posted
    assert (validation, address) == (None, "https://k.test/hook")
    (told,) = graph.told
    assert body == {"value": [told]}
    assert (told["clientState"], told["subscriptionId"]) == ("shh", channel.resource)


async def test_an_address_that_does_not_answer_is_not_told(graph: FakeGraph, bench: Bench) -> None:
    async def hook(address: str, body: object) -> tuple[int, str]:
        return 404, ""

    graph.deliver_by(hook)
    async with bench.opened() as (account, calendar):
        with pytest.raises(Upstream) as caught:
            await account.watch(calendar, channel_id="c1", secret="shh", address="https://k.test/hook")

    assert not isinstance(caught.value, CredentialRefused)


async def test_a_subscription_that_ended_tells_nothing(graph: FakeGraph, bench: Bench) -> None:
    async def hook(address: str, body: object) -> tuple[int, str]:
        return 200, _query(address).get("validationToken", "")

    graph.deliver_by(hook)
    async with bench.opened() as (account, calendar):
        channel = await account.watch(calendar, channel_id="c1", secret="shh", address="https://k.test/hook?a=1")
        graph.expire_subscriptions()
        await bench.other.make_event(calendar, "a@else", NINE, TEN)
        await graph.settled()
        assert channel is not None
        await account.unwatch(channel)

    assert graph.told == []


async def _keep(credential: Credential) -> None:
    del credential


def _query(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))
