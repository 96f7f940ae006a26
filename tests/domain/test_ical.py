"""What iCalendar text says of busy time: cases K01, K02, K04, K05, K07, K08, and what others write wrongly."""

from __future__ import annotations

import pytest
from whenever import Instant, PlainDateTime

from kalends.domain import ical
from kalends.domain.remote_events import Occurrence, RemoteEvent, Window

BERLIN = "Europe/Berlin"
YEAR = Window(Instant.from_utc(2026, 1, 1), Instant.from_utc(2027, 1, 1))


def read(*lines: str, zone: str | None = BERLIN, window: Window = YEAR, own: tuple[str, ...] = ()) -> RemoteEvent:
    """Read one resource; lines that do not begin a component are an event's."""
    text = "\r\n".join(lines)
    if not text.startswith("BEGIN:"):
        text = f"BEGIN:VEVENT\r\nUID:one\r\n{text}\r\nEND:VEVENT"
    return ical.resource("one", "v1", f"BEGIN:VCALENDAR\r\n{text}\r\nEND:VCALENDAR\r\n", asked(zone, window, own))


def asked(zone: str | None = BERLIN, window: Window = YEAR, own: tuple[str, ...] = ()) -> ical.Asked:
    return ical.Asked(window, frozenset(own), zone=zone)


def event(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VEVENT", "UID:one", *lines, "END:VEVENT"])


def at(wall: str, zone: str = BERLIN) -> Instant:
    return PlainDateTime.parse_iso(wall).assume_tz(zone, disambiguation="compatible").to_instant()


def span(start: str, end: str, zone: str = BERLIN) -> tuple[Instant, Instant]:
    return at(start, zone), at(end, zone)


def spans(found: RemoteEvent) -> list[tuple[Instant, Instant]]:
    return [(one.start, one.end) for one in found.occurrences]


def starts(found: RemoteEvent, zone: str = BERLIN) -> list[str]:
    return [one.start.to_tz(zone).to_plain().format_iso()[5:16] for one in found.occurrences]


def nine_to_ten() -> tuple[str, ...]:
    return ("DTSTART;TZID=Europe/Berlin:20260309T090000", "DTEND;TZID=Europe/Berlin:20260309T100000")


def test_all_occurrences_of_a_weekly_event_are_read_over_the_clock_change() -> None:
    found = read(*nine_to_ten(), "RRULE:FREQ=WEEKLY;COUNT=10")

    assert starts(found) == [
        f"{day}T09:00"
        for day in ("03-09", "03-16", "03-23", "03-30", "04-06", "04-13", "04-20", "04-27", "05-04", "05-11")
    ]


def test_a_moved_instance_is_where_it_was_moved_and_an_excluded_one_nowhere() -> None:
    found = read(
        event(*nine_to_ten(), "RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;TZID=Europe/Berlin:20260316T090000"),
        event(
            "RECURRENCE-ID;TZID=Europe/Berlin:20260323T090000",
            "DTSTART;TZID=Europe/Berlin:20260324T140000",
            "DTEND;TZID=Europe/Berlin:20260324T143000",
        ),
    )

    assert spans(found) == [
        span("2026-03-09T09:00", "2026-03-09T10:00"),
        span("2026-03-24T14:00", "2026-03-24T14:30"),
        span("2026-03-30T09:00", "2026-03-30T10:00"),
    ]


@pytest.mark.parametrize(
    ("lines", "transparent"),
    [
        ((), False),
        (("TRANSP:OPAQUE",), False),
        (("TRANSP:TRANSPARENT",), True),
        (("transp:transparent",), True),
        (("X-MICROSOFT-CDO-BUSYSTATUS:FREE",), True),
        (("X-MICROSOFT-CDO-BUSYSTATUS:OOF",), False),
        (("TRANSP:OPAQUE", "X-MICROSOFT-CDO-BUSYSTATUS:FREE"), False),
    ],
)
def test_an_event_takes_time_unless_it_says_otherwise(lines: tuple[str, ...], transparent: bool) -> None:
    found = read(*nine_to_ten(), *lines)

    assert found.occurrences == (Occurrence(at("2026-03-09T09:00"), at("2026-03-09T10:00"), transparent),)


def test_what_is_cancelled_vanishes() -> None:
    whole = read(*nine_to_ten(), "STATUS:CANCELLED")
    one = read(
        event(*nine_to_ten(), "RRULE:FREQ=DAILY;COUNT=2"),
        event("RECURRENCE-ID;TZID=Europe/Berlin:20260310T090000", *nine_to_ten(), "STATUS:CANCELLED"),
    )

    assert (starts(whole), starts(one)) == ([], ["03-09T09:00"])


@pytest.mark.parametrize(
    ("attendee", "answer"),
    [
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:me@acme.test", "declined"),
        ("ATTENDEE;PARTSTAT=accepted:MAILTO:Me@Acme.Test", "accepted"),
        ("ATTENDEE;PARTSTAT=TENTATIVE;EMAIL=me@acme.test:urn:uuid:1", "tentative"),
        ('ATTENDEE;CN="Me; you: all";PARTSTAT=NEEDS-ACTION:mailto:me@acme.test', "needs-action"),
        ("ATTENDEE:mailto:me@acme.test", "needs-action"),
        ("ORGANIZER:mailto:me@acme.test\r\nATTENDEE:mailto:me@acme.test", "accepted"),
        ("ATTENDEE;PARTSTAT=DELEGATED:mailto:me@acme.test", "declined"),
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:you@acme.test", None),
    ],
)
def test_the_owners_own_answer_is_read(attendee: str, answer: str | None) -> None:
    found = read(*nine_to_ten(), attendee, own=("me@acme.test",))

    assert [one.answer for one in found.occurrences] == [answer]


def test_one_instance_may_be_declined() -> None:
    me = "ATTENDEE;PARTSTAT={}:mailto:me@acme.test"
    found = read(
        event(*nine_to_ten(), "RRULE:FREQ=DAILY;COUNT=2", me.format("ACCEPTED")),
        event(
            "RECURRENCE-ID:20260310T080000Z",
            "DTSTART:20260310T080000Z",
            "DTEND:20260310T090000Z",
            me.format("DECLINED"),
        ),
        own=("me@acme.test",),
    )

    assert [one.answer for one in found.occurrences] == ["accepted", "declined"]


def test_guests_and_link_are_read() -> None:
    found = read(
        *nine_to_ten(),
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:You@acme.test",
        "ATTENDEE;PARTSTAT=DECLINED:mailto:me@acme.test",
        "CONFERENCE;VALUE=URI;FEATURE=VIDEO:https://meet.example.org/a",
        own=("me@acme.test",),
    )

    assert (found.guests, found.link) == ((("you@acme.test", "accepted"),), "https://meet.example.org/a")


CUSTOM = """BEGIN:VTIMEZONE
TZID:{name}
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE""".replace("\n", "\r\n")
TOKYO = """BEGIN:VTIMEZONE
TZID:{name}
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0900
TZOFFSETTO:+0900
END:STANDARD
END:VTIMEZONE""".replace("\n", "\r\n")


@pytest.mark.parametrize(
    "tzid",
    [
        "Europe/Berlin",
        "europe/berlin",
        "W. Europe Standard Time",
        '"W. Europe Standard Time"',
        '"(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"',
        "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
        '"(GMT+01:00) Amsterdam, Berlin, Bern, Rom, Stockholm, Wien"',
        '"Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"',
        "Amsterdam\\, Berlin\\, Bern",
        "/freeassociation.sourceforge.net/Tzfile/Europe/Berlin",
        "/mozilla.org/20050126_1/Europe/Berlin",
    ],
)
@pytest.mark.parametrize("day", ["2026-01-12", "2026-07-13"])
def test_zones_are_known_by_many_names(tzid: str, day: str) -> None:
    found = read(f"DTSTART;TZID={tzid}:{day.replace('-', '')}T090000", "DURATION:PT1H", zone="Asia/Tokyo")

    assert (spans(found), found.unreadable) == ([span(f"{day}T09:00", f"{day}T10:00")], None)


@pytest.mark.parametrize("name", ["Customized Time Zone", "tzone://Microsoft/Custom", "Besprechung: Zone, eigene"])
def test_a_zone_that_only_the_text_describes_is_read(name: str) -> None:
    quoted = f'"{name}"'
    found = read(
        CUSTOM.format(name=name),
        event(f"DTSTART;TZID={quoted}:20260323T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2"),
        zone="Asia/Tokyo",
    )

    assert (starts(found), found.unreadable) == (["03-23T09:00", "03-30T09:00"], None)


@pytest.mark.parametrize(
    ("wall", "minute"),
    [
        ("20260329T013000", 30),  # winter, 00:30Z
        ("20260329T023000", 90),  # skipped: with the offset from before, 01:30Z
        ("20260329T033000", 90),
        ("20261025T013000", -30),  # summer
        ("20261025T023000", 30),  # twice: the first, 00:30Z
        ("20261025T030000", 120),
    ],
)
def test_a_described_zone_and_the_known_one_agree_when_clocks_are_changed(wall: str, minute: int) -> None:
    day = Instant.from_utc(2026, int(wall[4:6]), int(wall[6:8]))

    described = read(CUSTOM.format(name="Own"), event(f"DTSTART;TZID=Own:{wall}", "DURATION:PT15M"))
    known = read(f"DTSTART;TZID=Europe/Berlin:{wall}", "DURATION:PT15M")

    assert [one.start for one in described.occurrences] == [day.add(minutes=minute)]
    assert described.occurrences == known.occurrences


def test_two_zones_in_one_feed_are_each_their_own() -> None:
    text = "\r\n".join(
        [
            "BEGIN:VCALENDAR",
            CUSTOM.format(name="Own 1"),
            TOKYO.format(name="Own 2"),
            *("BEGIN:VEVENT", "UID:a", "DTSTART;TZID=Own 1:20260706T090000", "DURATION:PT1H", "END:VEVENT"),
            *("BEGIN:VEVENT", "UID:b", "DTSTART;TZID=Own 2:20260706T090000", "DURATION:PT1H", "END:VEVENT"),
            "END:VCALENDAR",
        ]
    )

    found = list(ical.feed(text, asked()))

    assert [(one.remote_id, spans(one)) for one in found] == [
        ("a", [span("2026-07-06T09:00", "2026-07-06T10:00")]),
        ("b", [span("2026-07-06T09:00", "2026-07-06T10:00", "Asia/Tokyo")]),
    ]


def test_a_zone_of_one_text_is_unknown_to_the_next() -> None:
    lines = event("DTSTART;TZID=Customized Time Zone:20260706T090000", "DURATION:PT1H")

    first = read(TOKYO.format(name="Customized Time Zone"), lines)
    second = read(CUSTOM.format(name="Customized Time Zone"), lines)
    third = read(lines, zone="America/New_York")

    assert [spans(one)[0][0] for one in (first, second, third)] == [
        at("2026-07-06T09:00", "Asia/Tokyo"),
        at("2026-07-06T09:00"),
        at("2026-07-06T09:00", "America/New_York"),
    ]
    assert (first.unreadable, second.unreadable, third.unreadable) == (None, None, "zone")


@pytest.mark.parametrize(
    ("lines", "start", "end"),
    [
        (("DTSTART;VALUE=DATE:20260706",), "2026-07-06T00:00", "2026-07-07T00:00"),
        (("DTSTART:20260706",), "2026-07-06T00:00", "2026-07-07T00:00"),
        (("DTSTART;VALUE=DATE:20260706", "DTEND;VALUE=DATE:20260709"), "2026-07-06T00:00", "2026-07-09T00:00"),
        (("DTSTART;VALUE=DATE:20260706", "DTEND;VALUE=DATE:20260706"), "2026-07-06T00:00", "2026-07-07T00:00"),
        (("DTSTART;VALUE=DATE:20260706", "DTEND;VALUE=DATE:20260701"), "2026-07-06T00:00", "2026-07-07T00:00"),
        (("DTSTART;VALUE=DATE:20260706", "DURATION:P1W"), "2026-07-06T00:00", "2026-07-13T00:00"),
        (("DTSTART;VALUE=DATE:20260329",), "2026-03-29T00:00", "2026-03-30T00:00"),
        (("DTSTART:20260706T090000", "DTEND:20260706T093000"), "2026-07-06T09:00", "2026-07-06T09:30"),
        (("DTSTART:20260706T090000", "DTEND:20260706T240000"), "2026-07-06T09:00", "2026-07-07T00:00"),
        (("DTSTART:20260706T070000Z", "DURATION:P1DT2H"), "2026-07-06T09:00", "2026-07-07T11:00"),
        # A day on the wall has 23 hours here, 24 hours have 24.
        (("DTSTART:20260328T090000", "DURATION:P1D"), "2026-03-28T09:00", "2026-03-29T09:00"),
        (("DTSTART:20260328T090000", "DURATION:PT24H"), "2026-03-28T09:00", "2026-03-29T10:00"),
        (
            ("DTSTART;TZID=Europe/Berlin:20260706T090000", "DTEND;TZID=America/New_York:20260706T090000"),
            "2026-07-06T09:00",
            "2026-07-06T15:00",
        ),
    ],
)
def test_an_event_lasts_as_long_as_it_says(lines: tuple[str, ...], start: str, end: str) -> None:
    assert spans(read(*lines)) == [span(start, end)]


@pytest.mark.parametrize(
    "end", ["DTEND:20260706T090000", "DTEND:20260706T080000", "DURATION:PT0S", "DURATION:-PT1H", ""]
)
def test_an_event_without_length_takes_no_time(end: str) -> None:
    found = read("DTSTART:20260706T090000", *([end] if end else []))

    assert (found.occurrences, found.unreadable) == ((), None)


def test_the_zone_is_the_calendars_then_the_texts_then_the_hosts() -> None:
    lines = "\r\n".join(["{}", "BEGIN:VEVENT", "UID:one", "DTSTART;VALUE=DATE:20260706", "END:VEVENT"])
    text = f"BEGIN:VCALENDAR\r\n{lines}\r\nEND:VCALENDAR"
    says = text.format("X-WR-TIMEZONE:Tokyo Standard Time")

    found = [
        ical.resource("one", None, says, ical.Asked(YEAR, (), zone="America/New_York", otherwise=BERLIN)),
        ical.resource("one", None, says, ical.Asked(YEAR, (), otherwise=BERLIN)),
        ical.resource("one", None, text.format("X-A:b"), ical.Asked(YEAR, (), otherwise=BERLIN)),
    ]

    day = "2026-07-06T00:00"
    assert [spans(one)[0][0] for one in found] == [at(day, "America/New_York"), at(day, "Asia/Tokyo"), at(day)]


def test_what_reaches_into_the_window_is_read_and_what_touches_it_is_not() -> None:
    window = Window(at("2026-07-06T09:30"), at("2026-07-06T12:00"))
    hourly = read("DTSTART:20260101T080000", "DURATION:PT1H", "RRULE:FREQ=HOURLY", window=window)
    long = read("DTSTART;VALUE=DATE:20260601", "DTEND;VALUE=DATE:20260801", window=window)

    assert starts(hourly) == ["07-06T09:00", "07-06T10:00", "07-06T11:00"]
    assert starts(long) == ["06-01T00:00"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # A date leaves out whatever is that day.
        (("RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20260310"), ["03-09T09:00", "03-11T09:00"]),
        (("RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20260310T080000Z,20260311T090000"), ["03-09T09:00"]),
        (("RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=PERIOD:20260310T080000Z/PT1H"), ["03-09T09:00", "03-11T09:00"]),
        (("RRULE:FREQ=DAILY;COUNT=4", "EXRULE:FREQ=DAILY;INTERVAL=2"), ["03-10T09:00", "03-12T09:00"]),
        (("RDATE:20260401T100000,20260402T100000",), ["03-09T09:00", "04-01T10:00", "04-02T10:00"]),
        (("RDATE;VALUE=DATE:20260401",), ["03-09T09:00", "04-01T09:00"]),
        # The day it begins on has hours before it.
        (("RRULE:FREQ=HOURLY;INTERVAL=2;COUNT=3",), ["03-09T09:00", "03-09T11:00", "03-09T13:00"]),
        (("RRULE:FREQ=HOURLY;INTERVAL=2;UNTIL=20260309T100000Z",), ["03-09T09:00", "03-09T11:00"]),
        (("RRULE:FREQ=MINUTELY;INTERVAL=90;COUNT=2",), ["03-09T09:00", "03-09T10:30"]),
        (("RRULE:FREQ=WEEKLY;COUNT=2;BYDAY=TU",), ["03-09T09:00", "03-10T09:00", "03-17T09:00"]),
        (("RRULE:FREQ=WEEKLY;COUNT=2;BYDAY=TU", "RRULE:FREQ=YEARLY"), ["03-09T09:00", "03-10T09:00", "03-17T09:00"]),
        (("RRULE:FREQ=DAILY;UNTIL=20260311",), ["03-09T09:00", "03-10T09:00", "03-11T09:00"]),
        (("RRULE:FREQ=DAILY;UNTIL=20260310T080000Z",), ["03-09T09:00", "03-10T09:00"]),
        (("RRULE:FREQ=DAILY;UNTIL=20260310T075959Z",), ["03-09T09:00"]),
        (("RRULE:FREQ=DAILY;UNTIL=20260301",), []),
        (
            ("RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2",),
            ["03-09T09:00", "03-31T09:00", "04-30T09:00"],
        ),
        (("RRULE:freq=daily; interval=0;count=2;BYDAY=",), ["03-09T09:00", "03-10T09:00"]),
        (("RRULE:FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=30",), ["03-09T09:00", "03-30T09:00"]),
        (("RRULE:FREQ=YEARLY;BYWEEKNO=20",), ["03-09T09:00", "05-11T09:00"]),
    ],
)
def test_recurrences_are_expanded(lines: tuple[str, ...], expected: list[str]) -> None:
    found = read(*nine_to_ten(), *lines)

    assert (starts(found), found.unreadable) == (expected, None)


def test_a_period_in_an_rdate_has_its_own_length() -> None:
    found = read(*nine_to_ten(), "RDATE;VALUE=PERIOD:20260401T080000Z/PT3H,20260402T080000Z/20260402T083000Z")

    assert spans(found)[1:] == [
        span("2026-04-01T10:00", "2026-04-01T13:00"),
        span("2026-04-02T10:00", "2026-04-02T10:30"),
    ]


@pytest.mark.parametrize("until", ["20260708", "20260707T220000Z", "20260708T000000Z"])
def test_the_last_day_of_an_all_day_series_is_a_day_however_it_is_written(until: str) -> None:
    found = read("DTSTART;VALUE=DATE:20260706", f"RRULE:FREQ=DAILY;UNTIL={until}")

    assert starts(found) == ["07-06T00:00", "07-07T00:00", "07-08T00:00"]


def test_this_and_all_later_ones_are_moved_and_single_ones_after_it_stay_where_they_were_put() -> None:
    found = read(
        event(*nine_to_ten(), "RRULE:FREQ=DAILY;COUNT=6"),
        event("RECURRENCE-ID;RANGE=THISANDFUTURE:20260311T080000Z", "DTSTART:20260311T140000", "DURATION:PT30M"),
        event("RECURRENCE-ID:20260312T080000Z", "DTSTART:20260312T200000", "DURATION:PT1H"),
        event("RECURRENCE-ID;RANGE=THISANDFUTURE:20260314T080000Z", "DTSTART:20260314T140000", "STATUS:CANCELLED"),
    )

    assert spans(found) == [
        span("2026-03-09T09:00", "2026-03-09T10:00"),
        span("2026-03-10T09:00", "2026-03-10T10:00"),
        span("2026-03-11T14:00", "2026-03-11T14:30"),
        span("2026-03-12T20:00", "2026-03-12T21:00"),
        span("2026-03-13T14:00", "2026-03-13T14:30"),
    ]


def test_an_instance_without_its_series_stands_for_itself() -> None:
    found = read("RECURRENCE-ID:20260311T080000Z", "DTSTART:20260311T140000", "DURATION:PT30M")

    assert spans(found) == [span("2026-03-11T14:00", "2026-03-11T14:30")]


def test_an_instance_that_its_series_leaves_out_is_no_more() -> None:
    found = read(
        event(*nine_to_ten(), "RRULE:FREQ=DAILY;COUNT=2", "EXDATE:20260310T090000"),
        event("RECURRENCE-ID:20260310T080000Z", "DTSTART:20260311T140000", "DURATION:PT30M"),
    )

    assert starts(found) == ["03-09T09:00"]


def test_of_two_versions_the_newer_counts() -> None:
    found = read(
        event("SEQUENCE:2", "DTSTART:20260310T140000", "DURATION:PT30M"),
        event("SEQUENCE:1", "DTSTART:20260309T140000", "DURATION:PT30M"),
    )

    assert starts(found) == ["03-10T14:00"]


def test_a_night_in_which_clocks_are_changed_is_busy_as_long_as_either_reading_has_it() -> None:
    found = read("DTSTART:20260327T220000", "DTEND:20260328T060000", "RRULE:FREQ=DAILY;COUNT=2")

    assert spans(found)[1] == span("2026-03-28T22:00", "2026-03-29T07:00")


@pytest.mark.parametrize(
    ("lines", "expected", "reason"),
    [
        (("DTSTART:tomorrow",), [], "time"),
        (("DTSTART:20260230T090000",), [], "time"),
        (("SUMMARY:Someday",), [], "start"),
        (("DTSTART:20260706T090000", "DTEND:later"), [], "time"),
        (("DTSTART:20260706T090000", "DURATION:PT"), [], "duration"),
        (("DTSTART:20260706T090000", "DURATION:PT1H", "RRULE:FREQ=SOMETIMES"), ["07-06T09:00"], "rule"),
        (("DTSTART:20260706T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=never"), ["07-06T09:00"], "rule"),
        (("DTSTART:20260706T090000", "DURATION:PT1H", "EXDATE:x", "RDATE:y"), ["07-06T09:00"], "time"),
        (("DTSTART;TZID=Nowhere:20260706T090000", "DURATION:PT1H"), ["07-06T09:00"], "zone"),
        (("DTSTART:20200101T000000", "DURATION:PT1S", "RRULE:FREQ=SECONDLY"), [], "too-many"),
        (("DTSTART:20200101T000000", "DURATION:PT1M", "RRULE:FREQ=MINUTELY;COUNT=1000000000"), [], "too-many"),
        (("DTSTART:20200101T000000", "DURATION:P99999W", "RRULE:FREQ=HOURLY"), [], "too-many"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_and_the_rest_read(
    lines: tuple[str, ...], expected: list[str], reason: str
) -> None:
    found = read(*lines)

    assert (starts(found), found.unreadable) == (expected, reason)


def test_several_events_in_one_resource_are_one() -> None:
    other = event("DTSTART:20260707T090000", "DURATION:PT1H").replace("UID:one", "UID:two")

    found = read(event("DTSTART:20260706T090000", "DURATION:PT1H"), other)

    assert (found.remote_id, found.uid, starts(found)) == ("one", "one", ["07-06T09:00", "07-07T09:00"])


def test_a_broken_event_loses_no_other() -> None:
    good = "\r\n".join(["BEGIN:VEVENT", "UID:good", "DTSTART:20260706T090000", "DURATION:PT1H", "END:VEVENT"])
    bad = "\r\n".join(["BEGIN:VEVENT", "UID:bad", "DTSTART:nonsense", "END:VALARM", "END:VEVENT"])
    text = f"BEGIN:VCALENDAR\r\n{bad}\r\n{good}\r\nEND:VCALENDAR"

    found = {one.remote_id: one.unreadable for one in ical.feed(text, asked())}

    assert found == {"bad": "time", "good": None}


def test_a_text_that_ends_too_early_says_so() -> None:
    text = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:one\r\nDTSTART:20260706T090000\r\nDURATION:PT1H\r\nRRU"

    found = ical.resource("one", None, text, asked())

    assert (starts(found), found.unreadable, ical.head(text).is_whole) == (["07-06T09:00"], "cut-short", False)


def test_lines_are_unfolded_and_alarms_passed_over() -> None:
    text = (
        "\ufeffBEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:one\nDTSTART;TZID=\n Europe/Berlin:2026\n\t0706T090000\n"
        "DURATION:PT1H\nBEGIN:VALARM\nTRIGGER:-PT5M\nDURATION:PT9H\nDTSTART:20200101T000000\nEND:VALARM\n"
        "END:VEVENT\nEND:VCALENDAR\n"
    )

    for text_of in (text, text.replace("\n", "\r\n"), text.replace("\n", "\r")):
        assert starts(ical.resource("one", None, text_of, asked())) == ["07-06T09:00"]


def test_published_free_busy_time_is_busy() -> None:
    found = read(
        "BEGIN:VFREEBUSY\r\nUID:fb\r\nFREEBUSY;FBTYPE=BUSY:20260706T070000Z/PT1H,20260707T070000Z/20260707T080000Z\r\n"
        "FREEBUSY;FBTYPE=FREE:20260708T070000Z/PT1H\r\nEND:VFREEBUSY"
    )

    assert starts(found) == ["07-06T09:00", "07-07T09:00"]


def test_events_of_a_feed_without_a_uid_or_with_an_impossible_one_have_a_name_that_stays() -> None:
    one = "BEGIN:VEVENT\r\nDTSTART:20260706T090000\r\nDURATION:PT1H\r\nEND:VEVENT\r\n"
    other = one.replace("0706", "0707")
    long = one.replace("DTSTART", f"UID:{'x' * 5000}\r\nDTSTART")
    text = "BEGIN:VCALENDAR\r\n{}END:VCALENDAR"

    first = [event.remote_id for event in ical.feed(text.format(one + other + long), asked())]
    second = [event.remote_id for event in ical.feed(text.format(long + other + one), asked())]

    assert first == second[::-1]
    assert len({*first}) == 3
    assert all(name.startswith("sha256:") and len(name) == 71 for name in first)


def test_a_text_says_its_name_and_zone() -> None:
    lines = "X-WR-CALNAME:Us\\, and\r\n  them\r\nX-WR-TIMEZONE:Romance Standard Time"
    text = f"BEGIN:VCALENDAR\r\n{lines}\r\nEND:VCALENDAR\r\n"

    assert ical.head(text) == ical.Head(is_calendar=True, is_whole=True, name="Us, and them", zone="Europe/Paris")
    assert ical.head("<html>") == ical.Head(is_calendar=False, is_whole=False)
