"""GET /v4/booking-availability: the shapes and rules of contract 2.4, 6.4 and 6.6."""

from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response
from whenever import Instant

from kalends.domain import kept as kept_in_domain
from tests import factories, ordering, statements
from tests.api.conftest import Api, CompanyMaker
from tests.ordering import START, order

pytestmark = pytest.mark.usefixtures("still")

PATH = "/v4/booking-availability"


async def _get(api: Api, **params: Any) -> Response:
    asked = {"meetingTypeId": str(api.company.meeting_type_id), "start": "2031-03-05", "end": "2031-03-05", **params}
    return await api.get(PATH, **{name: value for name, value in asked.items() if value is not ...})


async def _starts(api: Api, **params: Any) -> list[str]:
    answer = await _get(api, **params)
    assert answer.status_code == 200, answer.text
    return [spot["startTime"] for day in answer.json()["dates"] for spot in day["spots"]]


async def _book(api: Api, start: Instant = START, **fields: Any) -> str:
    async with api.app.transaction() as conn:
        wanted = order(fields.pop("meeting_type_id", api.company.meeting_type_id), start, **fields)
        return str((await ordering.book(conn, factories.actor(api.company), wanted)).appointment_id)


async def test_a_day_in_the_guests_zone(api: Api) -> None:
    await _book(api)

    answer = await _get(api, timezone="America/New_York")

    assert answer.status_code == 200
    found = answer.json()
    spots = found["dates"][0].pop("spots")
    assert found == {
        "timezone": "America/New_York",
        "timeframes": [
            {"start": "2031-03-05T07:00:00.000Z", "end": "2031-03-05T09:00:00.000Z"},
            {"start": "2031-03-05T09:30:00.000Z", "end": "2031-03-05T16:00:00.000Z"},
        ],
        "dates": [{"date": "2031-03-05"}],
        "earliestAvailableDate": "2031-03-05",
        "earliestMonthAvailability": "2031-03",
    }
    assert len(spots) == 17
    assert spots[0] == {"startTime": "2031-03-05T02:00:00.000-05:00", "unavailabilityEvents": []}


async def test_an_answer_that_is_kept_is_the_one_written_anew(api: Api) -> None:
    """Whatever was booked, let go or asked before, a kept answer is byte for byte the one of a new process."""
    ways: list[dict[str, Any]] = [{}, {"timezone": "Asia/Kathmandu"}, {"end": "2031-03-09"}]
    bodies: set[bytes] = set()
    for start in (START, START.add(minutes=90), START.add(hours=4)):
        await _book(api, start)
        kept = [await _get(api, **way) for way in ways + ways]
        kept_in_domain.forget()
        anew = [await _get(api, **way) for way in ways + ways]
        assert [one.content for one in kept] == [one.content for one in anew]
        assert [one.headers["etag"] for one in kept] == [one.headers["etag"] for one in anew]
        bodies |= {one.content for one in kept if one.status_code == 200}

    assert len(bodies) == 3 * 3  # of each booking and each way that is allowed


async def test_without_a_zone_all_is_utc(api: Api) -> None:
    found = (await _get(api)).json()

    assert found["timezone"] == "UTC"
    assert found["dates"][0]["spots"][0]["startTime"] == "2031-03-05T07:00:00.000Z"


async def test_starts_answered_can_be_posted_as_they_are(api: Api) -> None:
    starts = (await _starts(api, timezone="Asia/Kathmandu"))[:3]
    order = {"meetingTypeId": str(api.company.meeting_type_id), "attendee": {"email": "guest@guests.test"}}

    answers = [await api.post("/v4/booking", order | {"start": start}) for start in starts]

    assert [answer.status_code for answer in answers] == [201, 201, 201]


@pytest.mark.parametrize(
    ("start", "end", "first", "count"),
    [
        ("2031-03-05", "2031-03-06", "2031-03-05T07:00:00.000Z", 36),
        ("2031-03-05T08:00:00Z", "2031-03-05T09:00:00Z", "2031-03-05T08:00:00.000Z", 2),
        ("2031-03-05T08:00:00.000 01:00", "2031-03-05T09:00:00+01:00", "2031-03-05T07:00:00.000Z", 2),
        ("2031-03-05T08:00:01Z", "2031-03-05", "2031-03-05T08:30:00.000Z", 15),
        ("2031-03-05T08:00:00", "2031-03-05T09:00:00.000", "2031-03-05T08:00:00.000Z", 2),
        ("2031-03-05T08:00", "2031-03-05T09:00:00.001Z", "2031-03-05T08:00:00.000Z", 3),
        ("2031-03-06", "2031-03-05", None, 0),
        ("2031-03-08", "2031-03-09", None, 0),
        ("2020-03-08", "2020-03-09", None, 0),
    ],
)
async def test_a_window_includes_its_last_date_and_excludes_its_last_instant(
    api: Api, start: str, end: str, first: str | None, count: int
) -> None:
    found = await _starts(api, start=start, end=end)

    assert len(found) == count
    assert (found[0] if found else None) == first


async def test_a_date_is_a_day_of_the_zone_asked_for(api: Api) -> None:
    """T07: the guest's zone moves the window, never the instants."""
    far = await _starts(api, timezone="Pacific/Pago_Pago")

    assert far == await _starts(
        api, timezone="Pacific/Pago_Pago", start="2031-03-05T00:00:00", end="2031-03-06T00:00:00.000"
    )
    assert (far[0], far[-1]) == ("2031-03-05T00:00:00.000-11:00", "2031-03-05T23:30:00.000-11:00")
    assert {Instant.parse_iso(one) for one in far} <= {
        Instant.parse_iso(one) for one in await _starts(api, start="2031-03-04", end="2031-03-06")
    }


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"start": ...}, "start"),
        ({"end": ...}, "end"),
        ({"start": "tomorrow"}, "start"),
        ({"start": "2031-02-30"}, "start"),
        ({"end": "2031-03-05T25:00:00"}, "end"),
        ({"start": "1600-01-01"}, "start"),
        ({"end": "9999-12-31"}, "end"),
        ({"end": "2032-03-06"}, "end"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"meetingTypeId": ...}, "meetingTypeId"),
        ({"meetingTypeId": "abc"}, "meetingTypeId"),
        ({"hostIds": "abc"}, "hostIds.0"),
        ({"calculationMethod": "someone"}, "calculationMethod"),
        ({"requiredHosts": "0"}, "requiredHosts"),
        ({"meetingDuration": "0"}, "meetingDuration"),
        ({"channel": "pigeon"}, "channel"),
    ],
)
async def test_what_cannot_be_read_is_named(api: Api, params: dict[str, Any], field: str) -> None:
    answer = await _get(api, **params)

    assert answer.status_code == 400
    assert field in [error["field"] for error in answer.json()["errors"]]


async def test_a_window_of_366_days_is_allowed(api: Api) -> None:
    assert (await _get(api, end="2032-03-04")).status_code == 200


@pytest.mark.parametrize("wrong", ["from", "to"])
async def test_from_and_to_are_sent_to_start_and_end(api: Api, wrong: str) -> None:
    answer = await _get(api, **{wrong: "2031-03-05"})

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["start", "end"]
    assert "start and end" in answer.json()["message"]


async def test_hosts_come_repeated_joined_or_not_at_all(api: Api) -> None:
    member = await api.member()
    await _book(api)
    both = [str(api.company.user_id), str(member.user_id)]
    params = {"start": "2031-03-05T09:00:00Z", "end": "2031-03-05T09:30:00Z"}

    assert await _starts(api, **params) == []
    assert await _starts(api, **params, hostIds="") == []
    assert await _starts(api, **params, hostIds=both[0]) == []
    assert len(await _starts(api, **params, hostIds=both)) == 1
    assert len(await _starts(api, **params, hostIds=",".join(both))) == 1
    assert len(await _starts(api, **params, hostIds=", ".join(both))) == 1
    assert await _starts(api, **params, hostIds=both, calculationMethod="everyone") == []
    assert await _starts(api, **params, hostIds=both, requiredHosts=2) == []


async def test_empty_values_and_unknown_names_are_no_values(api: Api) -> None:
    names = ("timezone", "queueId", "calculationMethod", "meetingDuration", "existingAppointmentId", "channel")
    names += ("troubleshoot", "refreshCache", "skipEarliestBookingCalculation", "requiredHosts", "whatever")

    assert len(await _starts(api, **dict.fromkeys(names, ""))) == 18


async def test_zone_aliases_are_accepted(api: Api) -> None:
    """T16."""
    old, new = await _starts(api, timezone="Asia/Katmandu"), await _starts(api, timezone="Asia/Kathmandu")

    assert old == new


async def test_a_duration_that_is_not_offered_is_refused_as_a_booking_is(api: Api) -> None:
    assert len(await _starts(api, meetingDuration=30)) == 18

    refused = await _get(api, meetingDuration=45)

    assert (refused.status_code, refused.json()["errorCode"]) == (400, "duration-not-allowed")


async def test_a_channel_that_is_not_offered_is_refused_as_a_booking_is(api: Api) -> None:
    async with api.app.transaction() as conn:
        kind = await factories.meeting_type(
            conn, api.company, meeting_info={"channel": "local"}, meeting_options={"allowedChannels": ["local", "zoom"]}
        )
    asked = {"meetingTypeId": str(kind.id), "start": "2031-03-05T09:00:00Z", "channel": "webex"}

    listed = await _get(api, **asked, end="2031-03-05")
    explained = await api.get("/v4/booking-availability/explain", **asked)
    held = await api.post("/v4/booking-hold", asked)
    offered = await _get(api, **{**asked, "channel": "zoom"}, end="2031-03-05")

    for refused in (listed, explained, held):
        assert (refused.status_code, refused.json()["errorCode"]) == (400, "channel-not-allowed")
    assert offered.status_code == 200


async def test_the_moved_appointment_does_not_block_itself(api: Api) -> None:
    appointment = await _book(api)
    params = {"start": "2031-03-05T09:00:00Z", "end": "2031-03-05T09:30:00Z"}

    assert await _starts(api, **params) == []
    assert len(await _starts(api, **params, existingAppointmentId=appointment)) == 1


async def test_the_moved_appointment_keeps_hosts_and_length_whatever_else_is_asked(
    api: Api, another_company: CompanyMaker
) -> None:
    """Clients send the type's owner and its usual duration along; a move changes neither."""
    member = await api.member()
    async with api.app.transaction() as conn:
        options = {"allowedDurations": [30, 60]}
        kind = await factories.meeting_type(conn, api.company, meeting_options=options)
    await _book(api, START.add(hours=2))
    moved = await _book(api, meeting_type_id=kind.id, host_ids=(member.user_id,), duration=60)
    asked = {"meetingTypeId": str(kind.id), "existingAppointmentId": moved}

    found = await _starts(api, **asked, hostIds=str(api.company.user_id), meetingDuration=30)

    assert found == await _starts(api, **asked)
    assert len(found) == 9  # an hour each from eight to five, the owner's meeting notwithstanding
    foreign = str((await another_company()).company.user_id)
    assert (await _get(api, **asked, hostIds=foreign)).status_code == 404


async def test_an_appointment_of_another_type_is_not_moved_here(api: Api) -> None:
    """What is listed must be bookable: nothing of this type can take that appointment's place."""
    async with api.app.transaction() as conn:
        kind = await factories.meeting_type(conn, api.company)
    other = await _book(api)
    params = {"start": "2031-03-05T09:00:00Z", "end": "2031-03-05T09:30:00Z"}

    assert await _starts(api, **params, meetingTypeId=str(kind.id), existingAppointmentId=other) == []


async def test_a_full_day_is_empty(api: Api) -> None:
    """S05."""
    async with api.app.transaction() as conn:
        kind = await factories.meeting_type(conn, api.company, booking_limits={"perDay": 1})
    await _book(api, meeting_type_id=kind.id)

    assert await _starts(api, meetingTypeId=str(kind.id)) == []
    assert len(await _starts(api, meetingTypeId=str(kind.id), end="2031-03-06")) == 18


async def test_a_disabled_type_has_no_dates(api: Api) -> None:
    async with api.app.transaction() as conn:
        kind = await factories.meeting_type(conn, api.company, enabled=False)

    found = (await _get(api, meetingTypeId=str(kind.id))).json()

    assert (found["dates"], found["timeframes"], found["earliestAvailableDate"]) == ([], [], None)


async def test_the_earliest_date_is_looked_for_behind_an_empty_window(api: Api) -> None:
    weekend = {"start": "2031-03-08", "end": "2031-03-09"}

    found = (await _get(api, **weekend)).json()
    skipped = (await _get(api, **weekend, skipEarliestBookingCalculation="true")).json()

    assert (found["dates"], found["earliestAvailableDate"], found["earliestMonthAvailability"]) == (
        [],
        "2031-03-10",
        "2031-03",
    )
    assert skipped["earliestAvailableDate"] is None


@pytest.mark.parametrize("name", ["meetingTypeId", "hostIds", "queueId", "existingAppointmentId"])
async def test_unknown_and_foreign_ids_are_not_found(api: Api, another_company: CompanyMaker, name: str) -> None:
    foreign = await another_company()
    theirs = {
        "meetingTypeId": foreign.company.meeting_type_id,
        "hostIds": foreign.company.user_id,
        "queueId": uuid4(),
        "existingAppointmentId": await _book(foreign),
    }

    for unknown in (uuid4(), theirs[name]):
        assert (await _get(api, **{name: str(unknown)})).status_code == 404


async def test_a_key_needs_no_user_header_and_everybody_a_credential(api: Api) -> None:
    assert (await _get(api.acting_as(None))).status_code == 200
    assert (await _get(await api.token(scopes=("scheduling",)))).status_code == 200
    assert (await _get(await api.token((await api.member()).user_id, scopes=("forms",)))).status_code == 403
    assert (await _get(api.holding("ak_live:wrong"))).status_code == 401


async def test_three_hosts_take_as_many_statements_as_one(api: Api) -> None:
    members = [(await api.member()).user_id for _ in range(2)]
    taken = []

    for hosts in ([api.company.user_id], [api.company.user_id, *members]):
        with statements.counted() as sent:
            assert await _starts(api, hostIds=[str(host) for host in hosts])
        taken.append(len(sent))

    assert taken == [3, 3]  # the credential, the type with its hosts, the claims


async def test_who_has_the_list_is_told_so_until_it_changes(api: Api) -> None:
    asked = {"meetingTypeId": str(api.company.meeting_type_id), "start": "2031-03-05", "end": "2031-03-05"}
    first = await _get(api)
    known = {"If-None-Match": first.headers["etag"]}

    unchanged = await api.call("GET", PATH, params=asked, headers=known)
    await _book(api)
    changed = await api.call("GET", PATH, params=asked, headers=known)

    assert (unchanged.status_code, unchanged.content, changed.status_code) == (304, b"", 200)
    assert [one.headers["cache-control"] for one in (first, unchanged)] == ["private, no-cache"] * 2
    assert changed.headers["etag"] != first.headers["etag"]
