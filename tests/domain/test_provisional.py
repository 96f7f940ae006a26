"""Which mails a provisional booking's events bring, and how long they are true."""

from typing import Any

import pytest
from whenever import Instant

from kalends.domain import provisional
from kalends.domain.provisional import News

NOW = Instant.parse_iso("2026-10-01T08:00:00Z")


def snapshot(**changes: Any) -> dict[str, Any]:
    return {
        "type": "doubleOptIn", "status": "pending", "provedAt": None, "expiresAt": "2026-10-01T08:30:00Z",
        "skipNotifications": False,
    } | changes  # fmt: skip


PROVED = "2026-10-01T08:00:00Z"
OPT_IN = snapshot()
ASKING = snapshot(type="requireHostConfirmation")


@pytest.mark.parametrize(
    ("kind", "before", "after", "guest", "host"),
    [
        ("provisional_created", None, OPT_IN, "opt-in", None),
        ("provisional_created", None, ASKING, "received", "approve"),
        ("provisional_proved", OPT_IN, ASKING | {"provedAt": PROVED}, "received", "approve"),
        ("provisional_proved", ASKING, ASKING | {"provedAt": PROVED}, None, None),
        ("provisional_confirmed", OPT_IN, OPT_IN | {"status": "confirmed"}, None, None),
        ("provisional_declined", ASKING, ASKING | {"status": "declined_by_host"}, "declined", None),
        ("provisional_expired", OPT_IN, OPT_IN, None, None),
        ("provisional_expired", ASKING, ASKING, None, None),
        ("provisional_expired", ASKING, ASKING | {"provedAt": PROVED}, "expired", None),
    ],
)
def test_an_event_is_told_to_whom_it_concerns(
    kind: str, before: dict[str, Any] | None, after: dict[str, Any], guest: News | None, host: News | None
) -> None:
    told = [provisional.news(kind, before, after, to_guest=to_guest) for to_guest in (True, False)]
    quiet = after | {"skipNotifications": True}
    anyway = [provisional.news(kind, before, quiet, to_guest=to_guest) for to_guest in (True, False)]

    assert told == [guest, host]
    assert anyway == ["opt-in" if guest == "opt-in" else None, None]


@pytest.mark.parametrize(
    ("news", "newest", "minutes", "still"),
    [
        ("opt-in", OPT_IN, 29, True),
        ("opt-in", OPT_IN, 30, False),
        ("opt-in", OPT_IN | {"provedAt": PROVED}, 1, False),
        ("received", ASKING | {"provedAt": PROVED}, 1, True),
        ("approve", ASKING, 30, False),
        ("approve", ASKING | {"status": "confirmed"}, 1, False),
        ("received", ASKING | {"status": "declined_by_host"}, 1, False),
        ("declined", ASKING | {"status": "declined_by_host"}, 1000, True),
        ("expired", ASKING, 1000, True),
    ],
)
def test_a_late_mail_says_what_is_still_so(news: News, newest: dict[str, Any], minutes: int, still: bool) -> None:
    assert provisional.still(news, newest, NOW.add(minutes=minutes)) == still
