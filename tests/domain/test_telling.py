"""Which mail a recipient is owed: the difference between what he was told and the newest revision."""

from typing import Any

import pytest

from kalends.domain.telling import News, news

BASE: dict[str, Any] = {
    "start": "2026-10-20T12:00:00Z", "end": "2026-10-20T12:30:00Z", "isCancelled": False, "channel": "phone",
    "location": None, "icsTitle": None, "icsDescription": None, "note": None, "meetingInfo": {"name": "Talk"},
    "hosts": [{"id": "h", "email": "h@a.test"}],
    "attendees": [{"id": "g", "email": "g@b.test"}, {"id": "f", "email": "f@b.test", "broughtAlong": True}],
}  # fmt: skip
MOVED = BASE | {"start": "2026-10-21T12:00:00Z", "end": "2026-10-21T12:30:00Z"}
CANCELLED = BASE | {"isCancelled": True}
NOTED = BASE | {"note": "call first"}
ELSEWHERE = BASE | {"channel": "local", "location": "Room 1"}
WITHOUT_F = BASE | {"attendees": [BASE["attendees"][0], BASE["attendees"][1] | {"isCancelled": True}]}


@pytest.mark.parametrize(
    ("told", "newest", "who", "expected"),
    [
        (None, BASE, "g", "confirmation"),
        (None, BASE, "h", "confirmation"),
        (None, MOVED, "g", "confirmation"),
        (None, CANCELLED, "g", None),
        (None, CANCELLED, "h", None),
        (BASE, BASE, "g", None),
        (BASE, NOTED, "g", None),
        (BASE, NOTED, "h", None),
        (BASE, MOVED, "g", "change"),
        (BASE, ELSEWHERE, "h", "change"),
        (BASE, CANCELLED, "g", "cancellation"),
        (MOVED, CANCELLED, "h", "cancellation"),
        (CANCELLED, CANCELLED, "g", None),
        (BASE, WITHOUT_F, "f", "cancellation"),
        (BASE, WITHOUT_F, "g", None),
        (BASE, WITHOUT_F, "h", "change"),
        (WITHOUT_F, CANCELLED, "f", None),
        (WITHOUT_F, BASE, "f", "confirmation"),
        (BASE, BASE | {"hosts": [{"id": "k", "email": "k@a.test"}]}, "h", "cancellation"),
        (BASE, BASE | {"hosts": [{"id": "k", "email": "k@a.test"}]}, "k", "confirmation"),
    ],
)
def test_the_mail_owed(told: dict[str, Any] | None, newest: dict[str, Any], who: str, expected: News | None) -> None:
    assert news(told, newest, who) == expected
