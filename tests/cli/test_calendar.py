"""`kalends calendar` and `kalends secrets`, as their users run them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cli.conftest import Install, one_sentence

GOOGLE = {"KALENDS_GOOGLE_CLIENT_ID": "client", "KALENDS_GOOGLE_CLIENT_SECRET": "secret"}


def test_the_way_to_google_is_printed(acme: Install) -> None:
    done = acme.run("calendar", "connect", "google", KALENDS_BASE_URL="https://meet.acme.test", **GOOGLE)

    assert (done.returncode, done.stderr) == (0, "")
    address = urlsplit(done.stdout.splitlines()[0])
    query = parse_qs(address.query)
    assert address.netloc == "accounts.google.com"
    assert query["redirect_uri"] == ["https://meet.acme.test/v4/calendar-connections/auth/google/callback"]
    assert len(query["state"][0]) == 43


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["yahoo"], "There is no provider yahoo: take one of google, outlook, caldav, icloud, ics."),
        (
            ["outlook", "--user", "who@acme.test"],
            "This server cannot connect calendars of 'outlook': "
            "KALENDS_MICROSOFT_CLIENT_ID and KALENDS_MICROSOFT_CLIENT_SECRET not set",
        ),
    ],
)
def test_what_cannot_be_connected_is_said_in_a_sentence(acme: Install, arguments: list[str], sentence: str) -> None:
    done = acme.run("calendar", "connect", *arguments)

    assert (done.returncode, done.stdout) == (1, "")
    assert one_sentence(done) == sentence


def test_the_key_file_gets_a_new_key(acme: Install) -> None:
    before = (acme.data / "secret.key").read_text() if (acme.data / "secret.key").exists() else ""

    done = acme.run("secrets", "rotate")

    after = (acme.data / "secret.key").read_text()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("Older backups need the key that was kept with them.\n")
    assert before.split() != after.split()
    assert len(after.split()) == 1


def test_a_key_of_the_settings_is_replaced_by_its_operator(acme: Install) -> None:
    done = acme.run("secrets", "rotate", KALENDS_SECRET_KEY="x" * 32)

    assert done.returncode == 1
    assert one_sentence(done).startswith("Set KALENDS_SECRET_KEY to a new key and KALENDS_PREVIOUS_SECRET_KEYS to the")
