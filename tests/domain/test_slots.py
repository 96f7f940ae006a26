"""The slot rules, one by one, each with the case it comes from (design section 3, contract 6.6)."""

from typing import Any

import pytest
from whenever import Instant

from kalends.domain.ladder import ladder
from kalends.domain.schedule import AvailabilityException
from kalends.domain.slots import (
    Ask,
    Bookable,
    BookingWindow,
    Caps,
    HostCalendar,
    Refusal,
    Rules,
    check,
    first_start,
    horizon,
    list_slots,
    padded,
    reach,
)

from .build import ANYONE, EVERYONE, LONG_AGO, at, block, clock_times, host, listed, minute, opening, rules, schedule

MONDAY = "2027-03-01"
NINE_TO_FIVE = schedule("09:00-17:00")


def verdict(asked: Rules, *hosts: HostCalendar, start: str, ask: Ask = ANYONE, now: Instant = LONG_AGO) -> object:
    return check(asked, hosts, ask, at(start), now)


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
    assert ladder([((0, 100),), ((10, 20), (40, 50))], 30, 5, 65) == {10, 30, 40, 60}


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


# --- busy spans and buffers


def test_a_padded_booking_hides_what_lies_in_its_buffer() -> None:
    """S02: a booking until 09:15 with 30 minutes after it."""
    asked = rules(15, buffer_after=30)
    one = host(NINE_TO_FIVE, ("2027-03-01T09:00", "2027-03-01T09:45"))

    assert listed(asked, one, day=MONDAY)[0] == "09:45"
    assert verdict(asked, one, start="2027-03-01T09:30") == Refusal("slot-occupied", "claimed", 0)


def test_neighbours_stand_apart_by_the_buffer() -> None:
    """S10: 20 minutes with 5 after."""
    asked = rules(20, 5, buffer_after=5)
    start, end = padded(asked, at("2027-03-01T12:00"))
    taken = [(start.timestamp() // 60, end.timestamp() // 60)]
    one = HostCalendar("ada", NINE_TO_FIVE, "UTC", taken)

    starts = listed(asked, one, day=MONDAY)

    assert ("11:35" in starts, "11:40" in starts, "12:20" in starts, "12:25" in starts) == (True, False, False, True)


def test_buffers_on_both_sides_stack() -> None:
    """S11: 60 minutes before and after; two hours between one meeting's end and the next one's start."""
    asked = rules(60, 30, buffer_before=60, buffer_after=60)
    one = host(NINE_TO_FIVE, ("2027-03-01T11:00", "2027-03-01T14:00"))  # the meeting is 12:00-13:00

    assert listed(asked, one, day=MONDAY) == ["09:00", "15:00", "15:30", "16:00"]
    assert verdict(asked, one, start="2027-03-01T14:30") == Refusal("slot-occupied", "buffer", 0)


def test_an_event_is_kept_at_the_distance_of_the_new_bookings_buffers_only() -> None:
    asked = rules(30, buffer_before=30, buffer_after=15)
    one = host(NINE_TO_FIVE, events=(("2027-03-01T12:00", "2027-03-01T13:00"),))

    starts = listed(asked, one, day=MONDAY)

    assert [time for time in starts if "11" <= time < "14"] == ["11:00", "13:30"]
    assert verdict(asked, one, start="2027-03-01T11:30") == Refusal("slot-occupied", "buffer", 0)
    assert verdict(asked, one, start="2027-03-01T12:30") == Refusal("slot-occupied", "busy", 0)


def test_an_event_that_began_before_the_window_still_blocks() -> None:
    """S17."""
    one = host(NINE_TO_FIVE, events=(("2027-02-20T00:00", "2027-03-01T15:30"),))

    assert listed(rules(60), one, day=MONDAY) == ["16:00"]


def test_a_buffer_may_have_to_stay_within_the_hours() -> None:
    asked = {"buffer_before": 30, "buffer_after": 15}
    one = host(schedule("09:00-11:00"))

    assert listed(rules(30, **asked), one, day=MONDAY) == ["09:00", "09:30", "10:00", "10:30"]
    assert listed(rules(30, buffers_within_hours=True, **asked), one, day=MONDAY) == ["09:30", "10:00"]


# --- notice and booking window


def test_notice_rounds_up_to_the_minute_and_a_listed_start_is_taken_for_five_more() -> None:
    asked, one = rules(30, notice=60), host(NINE_TO_FIVE)
    before, after = at("2027-03-01T09:00:00"), at("2027-03-01T09:00:01")

    assert listed(asked, one, day=MONDAY, now=before)[0] == "10:00"
    assert listed(asked, one, day=MONDAY, now=after)[0] == "10:30"
    assert verdict(asked, one, start="2027-03-01T10:00", now=at("2027-03-01T09:05")) == Bookable((0,))
    assert verdict(asked, one, start="2027-03-01T10:00", now=at("2027-03-01T09:05:01")) == Refusal("too-soon")
    assert check(asked, [one], ANYONE, at("2027-03-01T10:00"), after, grace_minutes=0) == Refusal("too-soon")


def test_a_start_already_past_is_never_taken() -> None:
    one = host(NINE_TO_FIVE)

    assert verdict(rules(30), one, start="2027-03-01T10:00", now=at("2027-03-01T10:00")) == Bookable((0,))
    assert verdict(rules(30), one, start="2027-03-01T10:00", now=at("2027-03-01T10:00:01")) == Refusal("too-soon")


@pytest.mark.parametrize(
    ("window", "last"),
    [
        (BookingWindow("limit", 1440, "calendar"), "2027-03-02T16:00"),
        (BookingWindow("limit", 1440, "rolling"), "2027-03-02T12:00"),
        (BookingWindow("limit", 0, "calendar"), "2027-03-01T16:00"),
        (BookingWindow("range", range_max="2027-03-03"), "2027-03-03T16:00"),
        (BookingWindow("range", range_max="2027-03-03T10:00:00.000Z"), "2027-03-03T09:00"),
        (BookingWindow("range", range_max="2027-03-03T10:30"), "2027-03-03T10:00"),
        (BookingWindow("unlimited"), "2027-03-10T16:00"),
    ],
)
def test_the_booking_window_ends_as_its_form_says(window: BookingWindow, last: str) -> None:
    one, now = host(NINE_TO_FIVE), at("2027-03-01T12:00")
    asked = rules(60, window=window)

    found = list_slots(asked, [one], ANYONE, now, at("2027-03-11T00:00"), now).starts

    assert found[-1] == minute(last)
    if window.mode != "unlimited":
        beyond = Instant.from_timestamp(found[-1] * 60).add(hours=24)
        assert check(asked, [one], ANYONE, beyond, now) == Refusal("too-far")
        assert horizon(asked, now, now) > Instant.from_timestamp(found[-1] * 60)


def test_a_range_begins_with_its_first_day_in_the_schedules_zone() -> None:
    one = host(schedule("00:00-24:00", "Asia/Tokyo"))
    asked = rules(60, zone="Asia/Tokyo", window=BookingWindow("range", range_min="2027-03-02", range_max=None))

    found = list_slots(asked, [one], ANYONE, at("2027-02-20T00:00"), at("2027-03-03T00:00"), LONG_AGO).starts

    assert found[0] == minute("2027-03-02T00:00", "Asia/Tokyo")
    assert verdict(asked, one, start="2027-03-01T14:00") == Refusal("too-soon")


def test_the_last_day_shown_far_west_can_be_booked() -> None:
    """S13: host in New York, guest in Pago Pago, two days ahead."""
    one = host(schedule("09:00-17:00", "America/New_York"))
    asked = rules(60, zone="America/New_York", window=BookingWindow("limit", 2880, "calendar"))
    now = at("2027-03-01T23:30", "Pacific/Pago_Pago")
    start, end = at("2027-03-01T00:00", "Pacific/Pago_Pago"), at("2027-03-09T00:00", "Pacific/Pago_Pago")

    found = list_slots(asked, [one], ANYONE, start, end, now).starts

    assert found[-1] == minute("2027-03-04T16:00", "America/New_York")
    for listed_start in found:
        assert check(asked, [one], ANYONE, Instant.from_timestamp(listed_start * 60), now) == Bookable((0,))


# --- caps


def test_a_day_that_is_full_is_empty_and_refuses() -> None:
    """S05."""
    asked = rules(60, caps=Caps(per_day=1), booked=(minute("2027-03-01T09:00"),))
    one = host(NINE_TO_FIVE)

    assert listed(asked, one, day=MONDAY) == []
    assert verdict(asked, one, start="2027-03-01T12:00") == Refusal("cap-reached")
    assert listed(asked, one, day="2027-03-02") != []


@pytest.mark.parametrize(
    ("caps", "full", "free"),
    [
        (Caps(per_day=2), "2027-03-03", "2027-03-04"),
        (Caps(per_week=2), "2027-03-07", "2027-03-08"),  # weeks begin on Monday
        (Caps(per_week=2), "2027-03-01", "2027-02-28"),
        (Caps(per_month=2), "2027-03-31", "2027-04-01"),
        (Caps(per_day=2, per_month=2), "2027-03-01", "2027-02-28"),
        (Caps(per_day=3, per_week=3, per_month=2), "2027-03-20", "2027-04-01"),
    ],
)
def test_a_cap_closes_its_whole_local_period(caps: Caps, full: str, free: str) -> None:
    booked = (minute("2027-03-03T22:00", "America/New_York"), minute("2027-03-03T23:00", "America/New_York"))
    its_schedule = schedule("09:00-17:00", "America/New_York")
    of_type = (rules(60, zone="America/New_York", caps=caps, booked=booked), host(its_schedule))
    of_host = (rules(60), host(its_schedule, caps=caps, booked=booked))

    for asked, one in (of_type, of_host):
        assert listed(asked, one, day=full) == []
        assert len(listed(asked, one, day=free)) == 8


def test_a_hosts_cap_counts_in_his_own_zone() -> None:
    one = host(
        schedule("00:00-24:00"), zone="Pacific/Kiritimati", caps=Caps(per_day=1), booked=[minute("2027-03-01T12:00")]
    )

    assert listed(rules(60), one, day=MONDAY) == [
        f"{hour:02}:00" for hour in range(10)
    ]  # from 10:00 it is the 2nd there


def test_a_cap_of_zero_closes_everything() -> None:
    assert listed(rules(60, caps=Caps(per_month=0)), host(NINE_TO_FIVE), day=MONDAY) == []


# --- several hosts


def test_anyone_offers_the_union_of_the_hosts_own_ladders() -> None:
    early, late = host(schedule("09:00-11:00")), host(schedule("09:20-11:00"))

    assert listed(rules(60, 30), early, late, day=MONDAY) == ["09:00", "09:20", "09:30", "09:50", "10:00"]
    assert verdict(rules(60, 30), early, late, start="2027-03-01T09:20") == Bookable((1,))
    assert verdict(rules(60, 30), late, early, start="2027-03-01T09:30") == Bookable((1,))


def test_the_first_bookable_host_in_the_order_given_takes_the_start() -> None:
    busy, free = host(NINE_TO_FIVE, ("2027-03-01T09:00", "2027-03-01T10:00")), host(NINE_TO_FIVE)

    assert verdict(rules(60), busy, free, start="2027-03-01T09:00") == Bookable((1,))
    assert verdict(rules(60), busy, free, start="2027-03-01T10:00") == Bookable((0,))


def test_a_host_free_for_half_of_a_slot_is_not_chosen() -> None:
    """S14."""
    half, whole = host(NINE_TO_FIVE, ("2027-03-01T10:00", "2027-03-01T11:00")), host(NINE_TO_FIVE)

    assert verdict(rules(120), half, whole, start="2027-03-01T09:00") == Bookable((1,))


def test_everyone_meets_on_the_ladder_of_the_joint_hours() -> None:
    one = host(schedule("09:00-12:00"), ("2027-03-01T10:30", "2027-03-01T10:40"))
    other = host(schedule("09:10-11:40"))
    asked = rules(30)

    assert listed(asked, one, other, day=MONDAY, ask=EVERYONE) == ["09:10", "09:40", "10:40", "11:10"]
    assert verdict(asked, one, other, start="2027-03-01T09:40", ask=EVERYONE) == Bookable((0, 1))
    assert verdict(asked, one, other, start="2027-03-01T10:10", ask=EVERYONE) == Refusal("slot-occupied", "claimed", 0)
    assert verdict(asked, one, other, start="2027-03-01T09:00", ask=EVERYONE) == Refusal("outside-hours", host=1)


def test_n_of_m_needs_so_many_free_for_the_whole_span() -> None:
    hosts = [
        host(schedule("09:00-12:00")),
        host(schedule("09:00-12:00"), ("2027-03-01T09:00", "2027-03-01T10:00")),
        host(schedule("09:30-12:00"), ("2027-03-01T11:00", "2027-03-01T12:00")),
    ]
    two, all_three = Ask("anyone", required=2), Ask("anyone", required=3)

    assert listed(rules(60), *hosts, day=MONDAY, ask=two) == ["09:30", "10:00", "10:30", "11:00"]
    assert listed(rules(60), *hosts, day=MONDAY, ask=all_three) == ["10:00"]
    assert verdict(rules(60), *hosts, start="2027-03-01T09:30", ask=two) == Bookable((0, 2))
    assert verdict(rules(60), *hosts, start="2027-03-01T10:00", ask=two) == Bookable((0, 1))
    assert verdict(rules(60), *hosts, start="2027-03-01T09:00", ask=two) == Refusal("slot-occupied", "claimed", 1)


def test_of_several_hosts_the_one_who_got_furthest_decides() -> None:
    closed, off = host(schedule("10:00-12:00")), host(schedule("08:30-12:00"))
    busy, full = host(NINE_TO_FIVE, ("2027-03-01T09:00", "2027-03-01T10:00")), host(NINE_TO_FIVE, caps=Caps(per_day=0))

    def refusal(*hosts: HostCalendar, ask: Ask = ANYONE) -> object:
        return verdict(rules(60), *hosts, start="2027-03-01T09:00", ask=ask)

    assert refusal(closed, off) == Refusal("not-a-slot", host=1)
    assert refusal(busy, busy) == Refusal("slot-occupied", "claimed", 0)  # of two who got equally far, the first
    assert refusal(closed, busy, off) == Refusal("slot-occupied", "claimed", 1)
    assert refusal(full, closed, busy, off) == Refusal("cap-reached", host=0)
    assert refusal(full, closed, busy, off, ask=EVERYONE) == Refusal("outside-hours", host=1)


# --- refusals and their order


@pytest.mark.parametrize(
    ("more", "start", "code"),
    [
        ({"enabled": False, "allowed_durations": (15,)}, "2027-03-01T09:00", "meeting-type-disabled"),
        ({"allowed_durations": (15, 30)}, "1999-03-01T09:00", "duration-not-allowed"),
        ({"notice": 60}, "2027-02-28T12:30", "too-soon"),
        ({"window": BookingWindow("limit", 60)}, "2027-03-01T03:00", "too-far"),
        ({}, "2027-03-01T03:07", "outside-hours"),
        ({}, "2027-03-01T16:00:01", "outside-hours"),
        ({}, "2027-03-01T10:10", "not-a-slot"),
        ({}, "2027-03-01T11:00:30", "not-a-slot"),
        ({"buffer_after": 10, "caps": Caps(per_day=0)}, "2027-03-01T11:00", "slot-occupied"),
        ({"caps": Caps(per_day=0)}, "2027-03-01T11:00", "cap-reached"),
    ],
)
def test_the_first_rule_broken_decides(more: dict[str, Any], start: str, code: str) -> None:
    """S04: a client that skips the list gets the precise code."""
    one = host(NINE_TO_FIVE, ("2027-03-01T12:00", "2027-03-01T13:00"))
    asked = rules(60, **more)

    refused = verdict(asked, one, start=start, now=at("2027-02-28T12:00"))

    assert isinstance(refused, Refusal)
    assert refused.code == code


def test_without_enough_hosts_nothing_is_offered() -> None:
    one = host(NINE_TO_FIVE)

    for hosts, ask in (([], ANYONE), ([], EVERYONE), ([one], Ask("anyone", required=2))):
        assert check(rules(60), hosts, ask, at("2027-03-01T09:00"), LONG_AGO) == Refusal("host-not-allowed")
        window = at("2027-03-01T00:00"), at("2027-03-02T00:00")
        assert list_slots(rules(60), hosts, ask, *window, LONG_AGO).starts == []


def test_a_disabled_type_lists_nothing() -> None:
    assert listed(rules(60, enabled=False), host(NINE_TO_FIVE), day=MONDAY) == []


@pytest.mark.parametrize("wrong", [{"duration": 0}, {"interval": -5}, {"buffer_before": -1}, {"notice": -1}])
def test_lengths_that_make_no_sense_are_a_mistake(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"must be positive|cannot be negative"):
        rules(**({"duration": 60} | wrong))


# --- what has to be loaded, and the earliest start


def test_reach_covers_padding_and_whole_periods_in_any_zone() -> None:
    start, end = at("2027-03-10T00:00"), at("2027-03-12T00:00")

    assert reach(rules(60, buffer_before=15, buffer_after=30), start, end) == (
        at("2027-03-09T23:45"),
        at("2027-03-12T01:30"),
    )
    by_month = reach(rules(60, caps=Caps(per_month=3)), start, end)
    assert by_month[0] <= at("2027-03-01T00:00", "Pacific/Kiritimati")
    assert by_month[1] >= at("2027-04-01T00:00", "Pacific/Pago_Pago")
    by_week = reach(rules(60), start, end, caps=[Caps(), Caps(per_week=1)])
    assert by_week[0] <= at("2027-03-08T00:00", "Pacific/Kiritimati")
    assert by_week[1] >= at("2027-03-15T00:00", "Pacific/Pago_Pago")


def test_the_earliest_start_is_found_however_far_it_lies() -> None:
    one = host(schedule("", "Europe/Berlin", opening("2027-12-24T09:00", "2027-12-24T10:00")))
    now = at("2027-01-01T12:00")
    asked = rules(30, zone="Europe/Berlin")

    def earliest(asked: Rules) -> int | None:
        return first_start(asked, [one], ANYONE, now, horizon(asked, now, now), now)

    assert earliest(asked) == minute("2027-12-24T09:00", "Europe/Berlin")
    assert earliest(rules(30, window=BookingWindow("limit", 86400))) is None
    assert horizon(asked, now, now) == at("2028-01-02T12:00")
