"""The acting user's company over HTTP (contract 6.6)."""

from typing import Any

import pytest

from tests.api.conftest import Api

PATH = "/v4/company/me"


async def test_a_company_is_read_and_changed(api: Api) -> None:
    before = await api.get(PATH)

    after = await api.patch(PATH, {"name": "Acme AG", "language": "de"})

    company = {
        "id": str(api.company.company_id),
        "name": "Acme",
        "language": "en",
        "doubleOptIn": "disabled",
        "requireHostConfirmation": "disabled",
        "provisionalExpiryMinutes": 1440,
        "holdMinutes": 5,
        "verifyAtBooking": "stale",
        "staleCalendarPolicy": "closed",
    }
    assert (before.status_code, before.json()) == (200, company)
    assert (after.status_code, after.json()) == (200, {**company, "name": "Acme AG", "language": "de"})
    assert (await api.patch(PATH, {"name": None})).json() == after.json()
    member = await api.member()
    assert (await member.get("/v4/user/me")).json()["language"] == "de"


async def test_settings_are_kept_one_by_one(api: Api) -> None:
    await api.patch(PATH, {"doubleOptIn": True, "provisionalExpiryMinutes": 60, "holdMinutes": 30})

    answer = await api.patch(PATH, {"requireHostConfirmation": "enabled", "staleCalendarPolicy": "open", "unknown": 1})
    await api.patch(PATH, {"verifyAtBooking": True})

    kept = (await api.get(PATH)).json()
    assert (answer.status_code, {**answer.json(), "verifyAtBooking": "always"}) == (200, kept)
    assert (kept["doubleOptIn"], kept["requireHostConfirmation"]) == ("enabled", "enabled")
    assert (kept["provisionalExpiryMinutes"], kept["holdMinutes"]) == (60, 30)
    assert (kept["staleCalendarPolicy"], kept["verifyAtBooking"]) == ("open", "always")


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"language": "xx"},
        {"doubleOptIn": "useCompanySettings"},
        {"provisionalExpiryMinutes": 0},
        {"holdMinutes": 0},
        {"holdMinutes": 31},
        {"verifyAtBooking": "sometimes"},
    ],
)
async def test_what_cannot_be_is_refused(api: Api, body: dict[str, Any]) -> None:
    assert (await api.patch(PATH, body)).status_code == 400


async def test_only_administrators_change_the_company(api: Api) -> None:
    member = await api.member()

    answer = await member.patch(PATH, {"name": "Mine"})

    assert (answer.status_code, answer.json()["errorCode"]) == (403, "admins-only")
    assert (await member.get(PATH)).json()["name"] == "Acme"
