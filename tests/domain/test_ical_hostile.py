"""Whatever a calendar holds, it is read within bounds, and nothing is raised."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from whenever import Instant

from kalends.domain import ical, ical_recurrence, ical_rules
from kalends.domain.remote_events import Window

ASKED = ical.Asked(
    Window(Instant.from_utc(2026, 1, 1), Instant.from_utc(2027, 2, 1)),
    frozenset({"me@acme.test"}),
    zone="Europe/Berlin",
)
CENTURIES = ("DTSTART:16010101T090000", "DURATION:PT1H")


def read(*lines: str) -> tuple[int, str | None]:
    """Read one event; answer how often it takes place and what could not be read."""
    text = "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:one", *lines, "END:VEVENT", "END:VCALENDAR"])
    found = ical.resource("one", None, text, ASKED)
    return len(found.occurrences), found.unreadable


@pytest.mark.parametrize(
    ("rule", "times", "reason"),
    [
        ("FREQ=DAILY", 396, None),
        ("FREQ=DAILY;COUNT=1000000000", 396, None),
        ("FREQ=WEEKLY;COUNT=1000000000;BYDAY=MO,TU", 112, None),
        ("FREQ=DAILY;INTERVAL=1000000000000000000000000", 0, None),
        ("FREQ=YEARLY;INTERVAL=99999999999", 0, None),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", 0, None),
        ("FREQ=MONTHLY;BYMONTHDAY=31;BYDAY=5MO", 1, None),
        ("FREQ=HOURLY", 9503, None),
        ("FREQ=HOURLY;COUNT=1000000000", 0, "too-many"),
        ("FREQ=MINUTELY", 0, "too-many"),
        ("FREQ=MINUTELY;BYHOUR=9;BYMINUTE=5", 396, None),
        ("FREQ=SECONDLY;COUNT=1000000000", 0, "too-many"),
        ("FREQ=DAILY;COUNT=" + "9" * 5000, 0, "rule"),
        ("FREQ=YEARLY;UNTIL=99991231T235959Z", 2, None),
    ],
)
def test_rules_without_end_are_followed_only_where_it_matters(rule: str, times: int, reason: str | None) -> None:
    assert read(*CENTURIES, f"RRULE:{rule}") == (times, reason)


def test_a_rule_that_takes_too_long_to_follow_is_given_up() -> None:
    rule = ical_rules.parse("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=2")

    with pytest.raises(ical_recurrence.TooMany):
        list(ical_recurrence.starts(rule, -60_000_000_000, low=1_760_000_000, high=1_800_000_000))


def test_thousands_of_dates_are_read() -> None:
    days = [Instant.from_utc(1950, 1, 1).add(hours=24 * number).format_iso()[:10] for number in range(30_000)]
    dates = ",".join(day.replace("-", "") for day in days)

    assert read("DTSTART;VALUE=DATE:20260101", f"RDATE;VALUE=DATE:{dates}") == (397, None)
    assert read("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=DAILY", f"EXDATE;VALUE=DATE:{dates}") == (0, None)
    assert read("DTSTART;VALUE=DATE:20260101", *[f"RDATE;VALUE=DATE:{dates}"] * 4) == (0, "too-many")


@pytest.mark.parametrize(
    "lines",
    [
        ("DTSTART:00010101T000000Z", "DTEND:99991231T235959Z"),
        ("DTSTART:00020101T000000Z", "DTEND:99981231T235959Z"),
        ("DTSTART;TZID=Europe/Berlin:99981231T235959", "DURATION:P999999W", "RRULE:FREQ=DAILY;WKST=TH"),
        ("DTSTART:00020101T000000", "DURATION:P999999W", "RDATE:99981231T000000"),
        ("DTSTART;VALUE=DATE:20260101", "DURATION:PT99999999H"),
        ("DTSTART;TZID=UTC+99:20260101T000000", "DURATION:PT1H"),
        ("RECURRENCE-ID;RANGE=THISANDFUTURE:00020101T000000", "DTSTART:99980101T000000", "DURATION:PT1H"),
        ("DTSTART;TZID=../../etc/passwd:20260101T000000", "DURATION:PT1H"),
        ("DTSTART;TZID=" + "x/" * 20_000 + "y:20260101T000000", "DURATION:PT1H"),
    ],
)
def test_times_at_the_ends_of_time_are_read(lines: tuple[str, ...]) -> None:
    times, _ = read(*lines)

    assert times <= 1


LINES = st.sampled_from(
    [
        *("BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VTIMEZONE", "END:VTIMEZONE"),
        *("BEGIN:DAYLIGHT", "END:DAYLIGHT", "TZID:Own", "TZOFFSETFROM:+0100", "TZOFFSETTO:-9999", "UID:one", "UID:"),
        *("DTSTART;TZID=Own:20260301T020000", "DTSTART:20260301", "DTSTART:00020101T000000Z", "DTEND:99981231T000000"),
        *("DURATION:P1D", "DURATION:-P9W", "RRULE:FREQ=DAILY", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", "RRULE:=;=,"),
        *("RRULE:FREQ=HOURLY;BYSETPOS=-366", "EXRULE:FREQ=HOURLY", "RDATE:20260401/P1D,20260401T000000Z/x"),
        *("EXDATE:20260302,", "RECURRENCE-ID;RANGE=THISANDFUTURE:20260305", "RECURRENCE-ID:20260305T000000Z"),
        *("STATUS:CANCELLED", "SEQUENCE:-5", "ATTENDEE;PARTSTAT=:mailto:", 'ORGANIZER;CN="a:mailto:me@acme.test'),
        *("X-WR-TIMEZONE:Mars/Base", ";", ":", "=", " folded", "\x00", "DTSTART;VALUE=DATE;TZID=:20260301T", "\ud800"),
    ]
)


@settings(max_examples=100, deadline=None)
@given(lines=st.lists(LINES, max_size=25), inside=st.booleans())
def test_no_text_is_too_odd_to_be_read(lines: list[str], inside: bool) -> None:
    around = ["BEGIN:VCALENDAR", "BEGIN:VEVENT", "DTSTART:20260301T090000", *lines] if inside else lines
    text = "\r\n".join(around)

    found = ical.resource("one", "v1", text, ASKED)

    assert (found.remote_id, found.etag) == ("one", "v1")
    assert all(one.start < one.end for one in found.occurrences)
    assert sum(len(one.occurrences) for one in ical.feed(text, ASKED)) >= len(found.occurrences)
    assert not ical.head(text).is_calendar or "BEGIN:VCALENDAR" in around
