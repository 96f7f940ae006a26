"""Busy spans, buffers, notice, booking window and caps (design 3.2, 3.4, 3.5), each with the case it comes from."""

import pytest
from whenever import Instant

from kalends.domain.rules import Bookable, BookingWindow, Caps, HostCalendar, Refusal
from kalends.domain.slots import check, horizon, list_slots, padded

from .build import ANYONE, LONG_AGO, at, host, listed, minute, rules, schedule, verdict

NINE_TO_FIVE = schedule("09:00-17:00")
MONDAY = "2027-03-01"


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
