"""What an explanation tells beside the verdict; that each step is true is held to the reference elsewhere."""

from dataclasses import replace

from kalends.domain.busy import Met
from kalends.domain.caps import Count
from kalends.domain.explain import Step, explain
from kalends.domain.rules import Ask, Bookable, BookingWindow, Caps, Joinable, Refusal

from .build import ANYONE, LONG_AGO, at, block, host, minute, needs, opening, room, rules, schedule, spans

NINE, TEN, ELEVEN, NOON = (f"2027-03-01T{hour:02}:00" for hour in (9, 10, 11, 12))
MORNING = schedule("09:00-12:00")


def test_all_rules_are_told_whichever_decided() -> None:
    one = host(schedule("11:00-12:00"), (NINE, TEN), caps=Caps(per_day=0))

    found = explain(rules(60, enabled=False, notice=60), [one], ANYONE, at(NINE), at(NINE))

    assert found.verdict == Refusal("meeting-type-disabled")
    assert [(step.code, step.passed) for step in found.general] == [
        ("meeting-type-disabled", False),
        ("duration-not-allowed", True),
        ("host-not-allowed", True),
        ("too-soon", False),
        ("too-far", True),
        ("cap-reached", True),
    ]
    assert [(step.code, step.passed) for step in found.hosts[0]] == [
        ("outside-hours", False),
        ("not-a-slot", False),
        ("slot-occupied", False),
        ("cap-reached", False),
    ]


def test_a_start_nothing_stands_against() -> None:
    found = explain(rules(60), [host(MORNING)], ANYONE, at(NINE), LONG_AGO)

    assert found.verdict == Bookable((0,))
    assert all(step.passed for step in (*found.general, *found.hosts[0]))
    assert (
        explain(rules(60, sessions=[minute(NINE)]), [host(MORNING)], ANYONE, at(NINE), LONG_AGO).verdict == Joinable()
    )
    assert explain(rules(60), [], Ask("everyone"), at(NINE), LONG_AGO).hosts == ()


def test_hours_name_the_exceptions_and_the_open_spans_that_are_met() -> None:
    blocks = replace(block("2027-03-01T09:30", "2027-03-01T10:00"), id=7)
    opens = replace(opening("2027-03-01T09:45", "2027-03-01T09:50", "company"), id=8)
    elsewhere = replace(block("2027-03-01T10:00", "2027-03-01T10:30"), id=9)
    one = host(schedule("09:00-12:00", "UTC", blocks, opens, elsewhere))

    hours = explain(rules(60), [one], ANYONE, at(NINE), LONG_AGO).hosts[0][0]

    assert hours == Step(
        "outside-hours", passed=False, open=((minute(NINE), minute("2027-03-01T09:30")),), exceptions=(blocks, opens)
    )


def test_buffers_meet_exceptions_only_where_they_have_to_lie_within_the_hours() -> None:
    beside = replace(block("2027-03-01T10:10", "2027-03-01T10:20"), id=7)
    one = host(schedule("09:00-12:00", "UTC", beside))

    def named(**more: bool) -> tuple[object, ...]:
        return explain(rules(60, buffer_after=15, **more), [one], ANYONE, at(NINE), LONG_AGO).hosts[0][0].exceptions

    assert named() == ()
    assert named(buffers_within_hours=True) == (beside,)


def test_busy_spans_are_named_with_what_they_are() -> None:
    one = host(
        MORNING,
        (TEN, ELEVEN),
        (NOON, "2027-03-01T12:20"),
        events=((NINE, "2027-03-01T09:55"), (TEN, "2027-03-01T10:05")),
    )
    asked = rules(60, buffer_before=10, buffer_after=60)

    step = explain(asked, [one], ANYONE, at(TEN), LONG_AGO).hosts[0][2]

    assert step == Step(
        "slot-occupied",
        passed=False,
        met=(
            Met(minute(TEN), minute(ELEVEN), claim=True, reason="claimed"),
            Met(minute(NINE), minute("2027-03-01T09:55"), claim=False, reason="buffer"),
            Met(minute(TEN), minute("2027-03-01T10:05"), claim=False, reason="busy"),
        ),
    )


def test_caps_tell_their_periods_and_counts_and_the_lead() -> None:
    zone = "Europe/Berlin"
    booked = [
        minute(start, zone)
        for start in ("2027-03-01T00:00", "2027-03-02T23:59", "2027-03-31T12:00", "2027-02-28T23:59")
    ]
    closed = spans(zone, ("2027-03-01T00:00", "2027-04-01T00:00"))
    one = host(
        schedule("09:00-12:00", zone), caps=Caps(per_day=2, per_week=2, per_month=4), booked=booked, closed=closed
    )
    asked = rules(60, zone=zone, caps=Caps(per_day=1), booked=[minute("2027-03-02T08:00", zone)])

    found = explain(asked, [one], ANYONE, at(TEN, zone), LONG_AGO)

    def period(start: str, end: str) -> tuple[int, int]:
        return minute(f"{start}T00:00", zone), minute(f"{end}T00:00", zone)

    assert found.verdict == Refusal("cap-reached", None, 0)
    assert found.hosts[0][3] == Step(
        "cap-reached",
        passed=False,
        counts=(
            Count("day", *period("2027-03-01", "2027-03-02"), 1, 2),
            Count("week", *period("2027-03-01", "2027-03-08"), 2, 2),
            Count("month", *period("2027-03-01", "2027-04-01"), 3, 4),
        ),
        closed=tuple(closed),
    )
    assert found.general[-1] == Step(
        "cap-reached", passed=True, counts=(Count("day", *period("2027-03-01", "2027-03-02"), 0, 1),)
    )


def test_notice_and_window_tell_their_limits() -> None:
    asked = rules(60, notice=90, window=BookingWindow("limit", 60, "rolling"))

    soon, far = explain(asked, [host(MORNING)], ANYONE, at(TEN), at(NINE)).general[3:5]

    assert soon == Step("too-soon", passed=False, limit=minute("2027-03-01T10:30"))
    assert far == Step("too-far", passed=True, limit=minute(TEN) + 1)


def test_a_host_of_several_teams_passes_the_ladder_of_any_and_one_of_none_has_no_steps() -> None:
    early, late, idle = host(schedule("09:00-11:00")), host(schedule("09:20-11:00")), host(MORNING)

    found = explain(rules(30), [early, late, idle], Ask(teams=((0, 1), (0,))), at("2027-03-01T09:30"), LONG_AGO)

    assert [[step.passed for step in steps] for steps in found.hosts] == [[True] * 4, [True, False, True, True], []]
    assert found.verdict == Bookable((0,), (1,))


def test_resources_tell_hours_and_what_their_units_meet() -> None:
    taken = spans("UTC", (NINE, TEN))
    either = needs(room(schedule("10:00-12:00"), []), room(schedule("00:00-24:00"), taken, [], name="hall"))

    found = explain(rules(60), [host(MORNING)], ANYONE, at(NINE), LONG_AGO, resources=(either,))

    assert found.verdict == Bookable((0,), (), ((1, 1),))
    shut, hall = found.resources[0]
    assert shut == (Step("outside-hours", passed=False), Step("slot-occupied", passed=True))
    assert [step.passed for step in hall] == [True, True]
    assert hall[1].met == (Met(minute(NINE), minute(TEN), claim=True, reason="claimed"),)
