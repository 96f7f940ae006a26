"""Handing appointments over (contract 2.9)."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import Response

from kalends.app import App
from kalends.services import bookings
from kalends.services.outcomes import Booked
from kalends.storage.appointments import Appointment
from tests import factories, ordering
from tests.api.conftest import Api
from tests.ordering import NOW, START, clock, order

pytestmark = pytest.mark.usefixtures("still")


async def _booked(api: Api, *hosts: Api, **fields: Any) -> Appointment:
    """Book with these hosts together, the owner alone by default."""
    host_ids = tuple(host.user_id for host in hosts if host.user_id)
    kind = fields.pop("kind", api.company.meeting_type_id)
    wanted = order(kind, host_ids=host_ids, mode="everyone" if host_ids else None, **fields)
    async with api.app.transaction() as conn:
        return await ordering.booked(conn, factories.actor(api.company), wanted)


async def _hand(api: Api, appointment: Appointment, **target: Any) -> Response:
    return await api.post("/v4/handoff/appointment", {"appointmentId": str(appointment.id)} | target)


async def _claims(api: Api, appointment: Appointment) -> list[tuple[UUID, bool]]:
    """Read who has claimed the appointment's time, and whether alone."""
    async with api.app.reading() as conn:
        cursor = await conn.execute(
            """SELECT u.id, c.exclusive FROM claim c JOIN user_account u ON u.host_no = c.host_no
            WHERE c.appointment_id = %s AND c.start_at = %s AND c.end_at = %s ORDER BY u.host_no""",
            (appointment.id, appointment.start_at, appointment.end_at),
        )
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def _block(api: Api, member: Api) -> None:
    away = {"available": False, "start": "2031-03-05", "end": "2031-03-05", "ownerId": str(member.user_id)}
    assert (await api.post("/v4/availability-exception", away)).status_code == 201


async def test_another_user_hosts_the_same_appointment(api: Api) -> None:
    """Same id, time and guests; the next sequence, an event with its job; the old host's time is free."""
    member = await api.member()
    appointment = await _booked(api)

    answer = await _hand(api, appointment, userId=str(member.user_id))

    assert answer.status_code == 200, answer.text
    assert (answer.json()["id"], answer.json()["hostIds"]) == (str(appointment.id), [str(member.user_id)])
    assert answer.json()["hostingInfo"]["mainHost"] == str(member.user_id)
    assert answer.json()["start"] == "2031-03-05T09:00:00.000Z"
    assert await _claims(api, appointment) == [(member.user_id, True)]
    assert [one.id for one in (await _booked(api)).hosts] == [api.user_id]
    async with api.app.reading() as conn:
        cursor = await conn.execute(
            """SELECT e.kind, a.sequence, a.revision, e.before->'hosts'->0->>'id', e.after->'hosts'->0->>'id',
                (SELECT count(*) FROM procrastinate_jobs j WHERE (j.args->>'event_id')::bigint = e.id)
            FROM event e JOIN appointment a ON a.id = e.appointment_id
            WHERE e.appointment_id = %s AND e.revision = a.revision""",
            (appointment.id,),
        )
        assert await cursor.fetchone() == (
            "booking_handed_over", 1, 2, str(api.user_id), str(member.user_id), 1,
        )  # fmt: skip


async def test_the_acting_user_is_replaced_where_he_hosts_and_else_the_main_host(api: Api) -> None:
    one, two, three, four = [await api.member() for _ in range(4)]
    appointment = await _booked(api, one, two)

    own = (await _hand(two, appointment, userId=str(three.user_id))).json()["hostIds"]
    main = (await _hand(api, appointment, userId=str(four.user_id))).json()["hostIds"]

    assert own == [str(one.user_id), str(three.user_id)]
    assert main == [str(four.user_id), str(three.user_id)]
    assert await _claims(api, appointment) == [(three.user_id, True), (four.user_id, True)]


@pytest.mark.parametrize(
    "target",
    [
        {},
        {"userId": str(uuid4()), "queueId": str(uuid4())},
        {"queueId": str(uuid4()), "queueGroupId": str(uuid4())},
        {"userId": "somebody"},
    ],
)
async def test_exactly_one_target_is_named(api: Api, target: dict[str, str]) -> None:
    answer = await api.post("/v4/handoff/appointment", {"appointmentId": str(uuid4())} | target)

    assert (answer.status_code, answer.json()["message"]) == (400, "Validation failed")


async def test_what_is_not_there_is_not_found(api: Api) -> None:
    outsider, host = await api.member(), await api.member()
    appointment = await _booked(api)

    answers = [
        await _hand(api, appointment, userId=str(uuid4())),
        await _hand(api, appointment, queueId=str(uuid4())),
        await _hand(api, appointment, queueGroupId=str(uuid4())),
        await _hand(outsider, appointment, userId=str(host.user_id)),
        await outsider.get("/v4/handoff/available-handoffs", appointmentId=str(appointment.id)),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5


async def test_who_hosts_it_already_and_a_resource_are_refused(api: Api) -> None:
    room = await api.member(user_type="resource")
    appointment = await _booked(api)

    answers = [
        await _hand(api, appointment, userId=str(api.user_id)),
        await _hand(api, appointment, userId=str(room.user_id)),
    ]

    assert [(answer.status_code, answer.json()["errorCode"]) for answer in answers] == [
        (400, "already-host"), (400, "user-not-eligible"),
    ]  # fmt: skip


async def test_who_is_not_open_or_not_free_then_cannot_take_it_over(api: Api) -> None:
    away, busy = await api.member(), await api.member()
    await _block(api, away)
    await _booked(api, busy, start=START.add(minutes=15), ignore_availability=True)
    appointment = await _booked(api)

    answers = [await _hand(api, appointment, userId=str(one.user_id)) for one in (away, busy)]

    assert [(answer.status_code, answer.json()["errorCode"]) for answer in answers] == [
        (400, "outside-hours"), (400, "slot-occupied"),
    ]  # fmt: skip
    assert await _claims(api, appointment) == [(api.user_id, True)]


async def test_ladder_notice_window_and_caps_are_not_asked(api: Api) -> None:
    member = await api.member(booking_limits={"perDay": 1})
    await _booked(api, member, start=START.add(hours=3))
    appointment = await _booked(api, start=START.add(minutes=7), ignore_availability=True)
    kind = f"/v4/meeting-type/{api.company.meeting_type_id}"
    window = {"mode": "limit", "bookingLimit": 60, "countMode": "rolling"}
    await api.patch(kind, {"bookingMinimum": 10_000, "daysIntoFuture": window, "bookingLimits": {"perDay": 1}})

    answer = await _hand(api, appointment, userId=str(member.user_id))

    assert (answer.status_code, answer.json()["hostIds"]) == (200, [str(member.user_id)])


async def test_a_cancelled_and_a_past_one_cannot_be_handed_over(api: Api, app: App) -> None:
    member = await api.member()
    cancelled, over = await _booked(api), await _booked(api, start=START.add(hours=1))
    await api.post(f"/v4/appointment/{cancelled.id}/cancel")
    app.now = lambda: over.end_at

    answers = [await _hand(api, one, userId=str(member.user_id)) for one in (cancelled, over)]

    assert [(answer.status_code, answer.json()["errorCode"]) for answer in answers] == [
        (400, "already-cancelled"), (400, "already-over"),
    ]  # fmt: skip


async def test_an_appointment_of_a_deleted_type_can_be_handed_over(api: Api) -> None:
    member = await api.member()
    appointment = await _booked(api)
    await api.delete(f"/v4/meeting-type/{api.company.meeting_type_id}")

    answer = await _hand(api, appointment, userId=str(member.user_id))

    assert (answer.status_code, answer.json()["hostIds"]) == (200, [str(member.user_id)])


async def _queue(api: Api, *members: Api) -> str:
    body = {"users": [{"userId": str(member.user_id)} for member in members]}
    queue: str = (await api.patch(f"/v4/queue/meeting-type/{api.company.meeting_type_id}", body)).json()["id"]
    return queue


async def _ledger(api: Api, queue_id: str) -> list[tuple[str, str, bool]]:
    choices = (await api.get(f"/v4/queue/{queue_id}/ledger")).json()["choices"]
    return [(one["memberId"], one["appointmentId"], one["live"]) for one in choices]


async def test_the_queue_chooses_among_the_others_who_are_free_and_its_ledger_follows(api: Api) -> None:
    """The one it had chosen is not counted any more, whoever takes over is; not who hosts it, nor who is away."""
    one, away, three = [await api.member() for _ in range(3)]
    queue = await _queue(api, one, away, three)
    await _block(api, away)
    appointment = await _booked(api)

    handed = await _hand(one, appointment, queueId=queue)

    assert (handed.status_code, handed.json()["hostIds"]) == (200, [str(three.user_id)])
    assert await _ledger(api, queue) == [
        (str(three.user_id), str(appointment.id), True),
        (str(one.user_id), str(appointment.id), False),
    ]
    newest = (await api.get(f"/v4/queue/{queue}/ledger", limit=1)).json()["choices"][0]
    assert {fact["memberId"]: fact["free"] for fact in newest["candidates"]} == {
        str(three.user_id): True, str(one.user_id): False, str(away.user_id): False,
    }  # fmt: skip


async def test_handed_to_a_user_by_name_no_choice_of_the_queue_counts(api: Api) -> None:
    one, outside = await api.member(), await api.member()
    queue = await _queue(api, one)
    appointment = await _booked(api)

    await _hand(api, appointment, userId=str(outside.user_id))

    assert await _ledger(api, queue) == [(str(one.user_id), str(appointment.id), False)]


async def test_who_hosts_beside_the_chosen_one_leaves_the_choice_as_it_is(api: Api) -> None:
    one, fixed, other = [await api.member() for _ in range(3)]
    queue = await _queue(api, one, fixed)
    fixes = {"userFixed": [{"userId": str(fixed.user_id), "fixed": True}]}
    await api.patch(f"/v4/queue/meeting-type/{api.company.meeting_type_id}", fixes)
    appointment = await _booked(api)

    handed = await _hand(fixed, appointment, userId=str(other.user_id))

    assert handed.json()["hostIds"] == [str(one.user_id), str(other.user_id)]
    assert await _ledger(api, queue) == [(str(one.user_id), str(appointment.id), True)]


async def test_a_queue_or_a_group_without_anybody_else_is_refused(api: Api) -> None:
    one = await api.member()
    queue = await _queue(api, one)
    group = (await api.post("/v4/queue-user-group", {"queueId": queue, "name": "Nobody"})).json()["id"]
    appointment = await _booked(api)

    answers = [await _hand(api, appointment, queueId=queue), await _hand(api, appointment, queueGroupId=group)]

    assert [(answer.status_code, answer.json()["errorCode"]) for answer in answers] == [(400, "host-not-allowed")] * 2


async def test_a_group_takes_it_over_together_or_not_at_all(api: Api) -> None:
    one, two, away = [await api.member() for _ in range(3)]
    await _block(api, away)
    queue = await _queue(api)
    group = (await api.post("/v4/queue-user-group", {"queueId": queue, "name": "Pair"})).json()["id"]
    for member in (one, two, away):
        await api.patch(f"/v4/queue-user-group/{group}", {"userId": str(member.user_id)})
    await api.patch(f"/v4/queue-user-group/{group}", {"mainGroupHostId": str(two.user_id)})
    appointment = await _booked(api, api)

    refused = await _hand(api, appointment, queueGroupId=group)
    await api.patch(f"/v4/queue-user-group/{group}", {"userId": str(away.user_id)})
    handed = await _hand(api, appointment, queueGroupId=group)
    again = await _hand(api, appointment, queueGroupId=group)

    assert (refused.status_code, refused.json()["errorCode"]) == (400, "outside-hours")
    assert handed.json()["hostIds"] == [str(two.user_id), str(one.user_id)]
    assert await _claims(api, appointment) == [(one.user_id, True), (two.user_id, True)]
    assert (again.status_code, again.json()["errorCode"]) == (400, "already-host")


async def test_a_group_appointment_goes_over_with_all_its_seats(api: Api) -> None:
    """Its guests stay together, and later ones join it at the new host."""
    member = await api.member()
    async with api.app.transaction() as conn:
        kind = (await factories.meeting_type(conn, api.company, spots=3)).id
    appointment = await _booked(api, kind=kind, email="ana@guests.test")

    handed = await _hand(api, appointment, userId=str(member.user_id))
    wanted = order(kind, host_ids=(member.user_id,) if member.user_id else (), email="ben@guests.test")
    async with api.app.transaction() as conn:
        joined = await bookings.book(conn, actor=factories.actor(api.company), order=wanted, clock=clock)

    assert handed.json()["hostIds"] == [str(member.user_id)]
    assert isinstance(joined, Booked)
    assert joined.appointment_id == appointment.id
    assert await _claims(api, appointment) == [(member.user_id, True)]


async def test_a_seat_held_in_it_goes_over_too(api: Api) -> None:
    """The old host is free at once, and the hold becomes a seat at the new one."""
    member = await api.member()
    async with api.app.transaction() as conn:
        kind = (await factories.meeting_type(conn, api.company, spots=3)).id
    appointment = await _booked(api, kind=kind, email="ana@guests.test")
    wanted = {"meetingTypeId": str(kind), "start": START.format_iso()}
    hold = (await api.post("/v4/booking-hold", wanted)).json()["holdId"]

    await _hand(api, appointment, userId=str(member.user_id))
    freed = await _booked(api)
    seat = await api.post("/v4/booking", wanted | {"holdId": hold, "attendee": {"email": "ben@guests.test"}})

    assert [host.id for host in freed.hosts] == [api.user_id]
    assert (seat.status_code, seat.json().get("appointmentId")) == (201, str(appointment.id))
    assert await _claims(api, appointment) == [(member.user_id, True)]
    async with api.app.reading() as conn:
        cursor = await conn.execute(
            """SELECT count(*) FROM claim c JOIN user_account u ON u.host_no = c.host_no
            WHERE c.company_id = %s AND c.reservation_id IS NOT NULL""",
            (api.company.company_id,),
        )
        assert await cursor.fetchone() == (0,)


async def test_the_users_who_could_take_it_over_are_told_from_those_who_could_not(api: Api) -> None:
    free, away, busy = await api.member(given_name="Ida", family_name="Berg"), await api.member(), await api.member()
    await api.member(user_type="resource")
    await _block(api, away)
    await _booked(api, busy, start=START.add(minutes=15), ignore_availability=True)
    appointment = await _booked(api)
    address = "/v4/handoff/available-handoffs"

    shown = (await api.get(address, appointmentId=str(appointment.id))).json()["users"]
    everybody = (await api.get(address, isOnline="true", channelId="", appointmentId="")).json()["users"]

    assert [(user["id"], user["blocked"]) for user in shown] == [
        (str(api.user_id), "not_available"),
        (str(free.user_id), None),
        (str(away.user_id), "not_available"),
        (str(busy.user_id), "not_available"),
    ]
    assert shown[1] == {
        "id": str(free.user_id), "firstname": "Ida", "lastname": "Berg", "picture": None, "blocked": None,
    }  # fmt: skip
    assert [user["blocked"] for user in everybody] == [None] * 4
    assert (await _hand(api, appointment, userId=str(free.user_id))).status_code == 200


async def test_handing_over_takes_the_buffers_of_the_type(api: Api) -> None:
    member = await api.member()
    async with api.app.transaction() as conn:
        info = {"bufferBefore": 10, "bufferAfter": 20}
        kind = (await factories.meeting_type(conn, api.company, meeting_info=info, now=NOW)).id
    appointment = await _booked(api, kind=kind)

    await _hand(api, appointment, userId=str(member.user_id))

    async with api.app.reading() as conn:
        cursor = await conn.execute(
            "SELECT start_at, end_at FROM claim WHERE company_id = %s", (api.company.company_id,)
        )
        assert await cursor.fetchall() == [
            (appointment.start_at.subtract(minutes=10), appointment.end_at.add(minutes=20))
        ]
