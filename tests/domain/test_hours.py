"""Which starts hours, ladders and exceptions offer (design 3.1, 3.3), each with the case it comes from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalends.domain.exceptions import AvailabilityException
from kalends.domain.ladder import joint, ladder
from kalends.domain.rules import Bookable, Refusal
from kalends.domain.slots import list_slots
from kalends.domain.spans import intersect

from .build import ANYONE, LONG_AGO, at, block, clock_times, host, listed, minute, opening, rules, schedule, verdict

MONDAY = "2027-03-01"


# --- hours and ladder


@pytest.mark.parametrize(
    ("hours", "duration", "interval", "expected"),
    [
        ("09:00-12:00", 60, 60, ["09:00", "10:00", "11:00"]),
        ("09:00-12:00", 60, 30, ["09:00", "09:30", "10:00", "10:30", "11:00"]),
        ("09:10-11:00", 30, 45, ["09:10", "09:55"]),
        ("09:00-10:00 10:00-11:00", 90, 45, ["09:00"]),  # touching hours are open through
        ("09:00-09:50 09:50-11:00", 60, 45, ["09:00", "09:45", "09:50"]),  # each carries a ladder of its own
        ("09:00-09:30", 60, 15, []),
        ("00:00-24:00", 720, 720, ["00:00", "12:00"]),
    ],
)
def test_starts_stand_on_the_ladder_and_fit_into_the_hours(
    hours: str, duration: int, interval: int, expected: list[str]
) -> None:
    one = host(schedule(hours, days="monday"))

    assert listed(rules(duration, interval), one, day=MONDAY) == expected


def test_the_last_start_leaves_room_for_the_whole_meeting() -> None:
    """S08."""
    one = host(schedule("09:00-18:00"))

    assert listed(rules(50), one, day=MONDAY)[-1] == "16:30"
    assert listed(rules(50, 10), one, day=MONDAY)[-1] == "17:10"
    assert verdict(rules(50, 10), one, start="2027-03-01T17:20") == Refusal("outside-hours", host=0)


def test_hours_past_midnight_are_open_across_it() -> None:
    """T11."""
    one = host(schedule("22:30-02:00", "Europe/Berlin", days="monday"))

    assert listed(rules(60, 30), one, day=MONDAY, days=2) == ["22:30", "23:00", "23:30", "00:00", "00:30", "01:00"]
    assert "23:30" in listed(rules(60), one, day=MONDAY)


def test_hours_into_the_late_evening_end_there() -> None:
    """T13."""
    one = host(schedule("09:00-23:00"))

    assert listed(rules(60), one, day=MONDAY) == [f"{hour:02}:00" for hour in range(9, 23)]


def test_evening_hours_that_cross_midnight_utc_leave_the_next_day_open() -> None:
    """T14."""
    one = host(schedule("15:00-20:00", "America/Los_Angeles", days="monday tuesday"))

    assert listed(rules(60), one, day=MONDAY, days=3) == ["15:00", "16:00", "17:00", "18:00", "19:00"] * 2


def test_hours_keep_their_local_time_after_the_clock_change() -> None:
    """T01."""
    one = host(schedule("09:00-17:00", "America/New_York"))
    in_july = at("2027-07-01T12:00")

    assert listed(rules(60), one, day="2027-11-08", now=in_july)[0] == "09:00"
    assert verdict(rules(60), one, start="2027-11-08T14:00", now=in_july) == Bookable((0,))


def test_the_spring_gap_offers_no_missing_hour_and_doubles_none() -> None:
    """T04."""
    one = host(schedule("01:00-05:00", "Europe/Berlin"))

    assert listed(rules(60), one, day="2027-03-28") == ["01:00", "03:00", "04:00"]
    assert listed(rules(60, 30), one, day="2027-03-28") == ["01:00", "01:30", "03:00", "03:30", "04:00"]


def test_the_autumn_fold_offers_the_repeated_hour_as_two_instants() -> None:
    """T05."""
    one = host(schedule("01:00-05:00", "Europe/Berlin"))
    asked, start, end = rules(60), at("2027-10-30T22:00"), at("2027-10-31T23:00")

    found = list_slots(asked, [one], ANYONE, start, end, LONG_AGO).starts

    assert clock_times(found, "Europe/Berlin") == ["01:00", "02:00", "02:00", "03:00", "04:00"]
    assert len(set(found)) == 5
    taken = host(one.schedule, events=(("2027-10-31T02:00", "2027-10-31T02:30"),))  # the first 02:00
    assert clock_times(list_slots(asked, [taken], ANYONE, start, end, LONG_AGO).starts, "UTC") == [
        "23:00",
        "01:00",
        "02:00",
        "03:00",
    ]


@pytest.mark.parametrize(
    ("zone", "day", "hours", "expected"),
    [
        ("Australia/Lord_Howe", "2027-10-03", "01:00-04:00", ["01:00", "02:30"]),  # 02:00 -> 02:30
        ("Australia/Lord_Howe", "2027-04-04", "01:00-03:00", ["01:00", "01:30"]),  # 02:00 -> 01:30
        ("Africa/Cairo", "2027-04-30", "00:00-03:00", ["01:00", "02:00"]),  # midnight does not exist
        ("America/Santiago", "2027-09-05", "00:00-03:00", ["01:00", "02:00"]),
        ("Asia/Beirut", "2027-03-28", "00:00-03:00", ["01:00", "02:00"]),
        ("Pacific/Apia", "2011-12-31", "00:00-03:00", ["00:00", "01:00", "02:00"]),
        ("Asia/Kathmandu", "2027-01-01", "00:00-03:00", ["00:00", "01:00", "02:00"]),
    ],
)
def test_odd_clock_changes_offer_real_hours(zone: str, day: str, hours: str, expected: list[str]) -> None:
    assert listed(rules(60), host(schedule(hours, zone)), day=day) == expected


def test_a_skipped_day_has_no_starts() -> None:
    one = host(schedule("22:00-24:00", "Pacific/Apia"))
    start = at("2011-12-29T00:00", "Pacific/Apia")

    found = list_slots(rules(60), [one], ANYONE, start, start.add(hours=48), LONG_AGO).starts

    assert clock_times(found, "Pacific/Apia") == ["22:00", "23:00", "22:00", "23:00"]  # the 29th and the 31st
    assert found[2] - found[1] == 23 * 60


def test_the_guests_zone_never_changes_the_instants() -> None:
    """T07: the window is a span of instants, whoever asks."""
    one = host(schedule("09:00-12:00", "Europe/Berlin"))
    start, end = at("2027-03-26T00:00"), at("2027-03-30T00:00")
    asked = rules(60)

    whole = list_slots(asked, [one], ANYONE, start, end, LONG_AGO).starts
    for zone in ("Pacific/Pago_Pago", "Pacific/Kiritimati", "Asia/Kathmandu"):
        middle = at("2027-03-28T00:00", zone)
        halves = [
            *list_slots(asked, [one], ANYONE, start, middle, LONG_AGO).starts,
            *list_slots(asked, [one], ANYONE, middle, end, LONG_AGO).starts,
        ]
        assert halves == whole


def test_a_ladder_is_cut_to_the_window_and_not_shifted_by_it() -> None:
    rungs = ladder([((0, 100),), ((10, 20), (40, 50)), ((70, 80),)], 30, 5, 65)

    assert [list(one) for one in rungs] == [[30, 60], [10, 40]]


@given(st.data())
def test_joint_intervals_are_those_of_every_two_that_meet(data: st.DataObject) -> None:
    """Whatever the order and the lengths: compared with a look at all pairs."""
    spans = st.lists(st.integers(0, 200), min_size=2, max_size=6, unique=True).map(sorted)
    interval = spans.map(lambda ends: tuple(zip(ends[::2], ends[1::2], strict=False)))
    first, other, third = (data.draw(st.lists(interval, max_size=6)) for _ in range(3))

    met = [tuple(both) for one in first for two in other if (both := intersect(one, two))]
    met = [tuple(both) for one in met for two in third if (both := intersect(one, two))]

    assert set(joint([first, other, third])) == set(met)


# --- exceptions


@pytest.mark.parametrize(
    ("exceptions", "expected"),
    [
        ([block("2027-03-01", "2027-03-01")], []),
        ([block("2027-03-01T10:00", "2027-03-01T11:00")], ["09:00", "11:00"]),
        ([block("2027-03-01T10:00Z", "2027-03-01T13:00+02:00")], ["09:00", "11:00"]),
        ([block("2027-03-01T10:20", "2027-03-01T10:21")], ["09:00", "11:00"]),  # blocks never shift the ladder
        ([block("2027-03-01T09:59:30", "2027-03-01T10:00:00")], ["10:00", "11:00"]),
        ([opening("2027-03-01T12:00", "2027-03-01T13:00")], ["09:00", "10:00", "11:00", "12:00"]),
        ([opening("2027-03-01T19:30", "2027-03-01T20:45")], ["09:00", "10:00", "11:00", "19:30"]),
        ([opening("2027-03-01T19:30:30", "2027-03-01T20:31")], ["09:00", "10:00", "11:00", "19:31"]),
        ([block("2027-03-01", "2027-03-01", "company"), opening("2027-03-01T10:00", "2027-03-01T11:00")], ["10:00"]),
        ([opening("2027-03-01", "2027-03-01", "company"), block("2027-03-01", "2027-03-01")], []),
        ([block("2027-03-01", "2027-03-01"), opening("2027-03-01T10:30", "2027-03-01T12:00")], ["10:30", "11:00"]),
    ],
)
def test_exceptions_act_in_their_order(exceptions: list[AvailabilityException], expected: list[str]) -> None:
    one = host(schedule("09:00-12:00", "UTC", *exceptions))

    assert listed(rules(60), one, day=MONDAY) == expected


@pytest.mark.parametrize("guest", ["America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_an_override_applies_to_the_hosts_local_day_wherever_it_is_seen_from(guest: str) -> None:
    """T08: Friday 22:00-23:00."""
    one = host(schedule("", "America/New_York", opening("2027-03-05T22:00", "2027-03-05T23:00")))
    start, end = at("2027-03-03T00:00", guest), at("2027-03-09T00:00", guest)

    found = list_slots(rules(30), [one], ANYONE, start, end, LONG_AGO).starts

    assert found == [minute("2027-03-06T03:00"), minute("2027-03-06T03:30")]


def test_out_of_office_ends_with_the_hosts_last_day() -> None:
    """T10."""
    away = block("2027-01-14", "2027-01-16")
    one = host(schedule("00:00-24:00", "America/Vancouver", away))
    start, end = at("2027-01-14T00:00", "America/Vancouver"), at("2027-01-20T00:00", "Asia/Kolkata")

    found = list_slots(rules(60), [one], ANYONE, start, end, LONG_AGO).starts

    assert found[0] == minute("2027-01-17T00:00", "America/Vancouver")


def test_in_a_fold_a_block_takes_every_reading_and_an_opening_only_what_it_says() -> None:
    everything = schedule("01:00-04:00", "Europe/Berlin", block("2027-10-31T02:00", "2027-10-31T02:30"))
    nothing = schedule("", "Europe/Berlin", opening("2027-10-31T02:00", "2027-10-31T02:30"))

    assert listed(rules(30), host(everything), day="2027-10-31") == ["01:00", "01:30", "02:30", "03:00", "03:30"]
    assert listed(rules(30), host(nothing), day="2027-10-31") == ["02:00", "02:00"]


def test_an_exception_within_a_gap_changes_nothing() -> None:
    for exception in (block, opening):
        one = host(schedule("01:00-04:00", "Europe/Berlin", exception("2027-03-28T02:15", "2027-03-28T02:45")))

        assert listed(rules(60), one, day="2027-03-28") == ["01:00", "03:00"]


def test_an_opening_of_years_keeps_its_ladder() -> None:
    one = host(schedule("", "Europe/Berlin", opening("2020-01-01T00:10Z", "9999-12-31")))

    assert listed(rules(60, 1440), one, day="2027-07-01") == ["02:10"]
