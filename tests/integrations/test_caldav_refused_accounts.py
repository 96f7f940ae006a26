"""What is said of CalDAV accounts that cannot be connected."""

from __future__ import annotations

import pytest

from kalends.errors import Upstream
from kalends.integrations.caldav import CalDavProvider
from kalends.integrations.expanding import Expander
from kalends.integrations.web import AddressNotAllowed, Web
from kalends.ports import ConnectionRefused

from .caldav_accounts import form, nobody, odd
from .scripted import Reply, scripted


@pytest.mark.parametrize("habits", ["", "digest"])
async def test_a_wrong_password_is_said_and_not_tried_often(provider: CalDavProvider, habits: str) -> None:
    async with odd(*habits.split()) as server:
        with pytest.raises(ConnectionRefused) as caught:
            await provider.connect({**form(server), "password": "wrong"})

    assert caught.value.message == "The server does not take this user name and password."
    assert len([one for one in server.asked if "authorization" in one.headers]) <= 6


async def test_a_server_without_calendars_is_said(provider: CalDavProvider) -> None:
    async with scripted(lambda _: Reply(body=b"<html>Welcome")) as server:
        with pytest.raises(ConnectionRefused, match="There are no calendars at this address"):
            await provider.connect({"url": f"http://127.0.0.1:{server.port}", "username": "a", "password": "b"})


async def test_an_account_whose_calendars_hold_no_events_is_said(provider: CalDavProvider) -> None:
    async with odd("tasks-only") as server:
        with pytest.raises(ConnectionRefused, match="no calendar for events"):
            await provider.connect(form(server))


async def test_a_server_that_is_down_is_not_called_wrong(provider: CalDavProvider) -> None:
    with pytest.raises(Upstream) as caught:
        await provider.connect({"url": "http://127.0.0.1:1/", "username": "a", "password": "b"})

    assert caught.value.message == "The server could not be reached."


async def test_a_private_address_is_said(expander: Expander) -> None:
    provider = CalDavProvider("caldav", Web(), expander, services=nobody)

    with pytest.raises(AddressNotAllowed):
        await provider.connect({"url": "http://127.0.0.1:5232/", "username": "a", "password": "b"})


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"url": "https://acme.test/"},
        {"url": "https://acme.test/", "username": "a"},
        {"url": "https://[", "username": "a", "password": "b"},
        {"url": "https://a\r\nb/", "username": "a", "password": "b"},
        {"url": "x" * 3000, "username": "a", "password": "b"},
    ],
)
async def test_half_a_form_is_refused(provider: CalDavProvider, typed: dict[str, str]) -> None:
    with pytest.raises(ConnectionRefused):
        await provider.connect(typed)
