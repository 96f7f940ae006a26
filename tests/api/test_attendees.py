"""Quick mails over HTTP: who may write to whom, and how often (contract 2.8)."""

from typing import Any

import pytest
from httpx2 import Response

from kalends.app import App
from kalends.storage.appointments import Appointment
from tests import factories, ordering
from tests.api.conftest import Api, CompanyMaker
from tests.ordering import NOW, order

pytestmark = pytest.mark.usefixtures("still")

PATH = "/v4/attendee/quick-mail"


@pytest.fixture
async def made(api: Api) -> Appointment:
    async with api.app.transaction() as conn:
        return await ordering.booked(conn, factories.actor(api.company), order(api.company.meeting_type_id))


async def write(api: Api, made: Appointment, **fields: Any) -> Response:
    body = {"attendeeId": str(made.attendees[0].id), "title": "Before we meet", "content": "Bring the plan.", **fields}
    return await api.post(PATH, body)


async def test_the_host_writes_to_his_guest(api: Api, made: Appointment) -> None:
    answer = await write(api, made)

    assert (answer.status_code, answer.content) == (200, b"")
    async with api.app.reading() as conn:
        cursor = await conn.execute(
            """SELECT q.title, q.content, q.sender_id, j.task_name FROM quick_mail q
            JOIN procrastinate_jobs j ON (j.args->>'quick_mail_id')::bigint = q.id WHERE q.company_id = %s""",
            (api.company.company_id,),
        )
        assert await cursor.fetchall() == [("Before we meet", "Bring the plan.", api.user_id, "quick-mail.send")]


async def test_an_administrator_writes_to_all_guests_a_member_to_his_own(
    api: Api, another_company: CompanyMaker, made: Appointment
) -> None:
    ben, stranger = await api.member(), await another_company()
    async with api.app.transaction() as conn:
        assert ben.user_id
        wanted = order(api.company.meeting_type_id, host_ids=(ben.user_id,))
        his = await ordering.booked(conn, factories.actor(api.company), wanted)

    answers = [await write(*pair) for pair in ((api, his), (ben, his), (ben, made), (stranger, made))]

    assert [one.status_code for one in answers] == [200, 200, 404, 404]


async def test_each_user_writes_five_times_in_five_minutes(api: Api, app: App, made: Appointment) -> None:
    ben = await api.member()
    async with api.app.transaction() as conn:
        await conn.execute("UPDATE user_account SET is_admin = true WHERE id = %s", (ben.user_id,))
    first = [await write(api, made)]
    app.now = lambda: NOW.add(minutes=2)
    first += [await write(api, made) for _ in range(4)]

    refused, other = await write(api, made), await write(ben, made)
    app.now = lambda: NOW.add(minutes=5)
    allowed, again = await write(api, made), await write(api, made)

    assert [one.status_code for one in (*first, other, allowed)] == [200] * 7
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "180")
    assert (again.status_code, again.headers["Retry-After"]) == (429, "120")


@pytest.mark.parametrize(
    "fields",
    [{"title": " "}, {"title": "a\r\nBcc: spy@evil.test"}, {"title": "a" * 251}, {"content": ""}, {"content": "\x00"},
     {"attendeeId": None}, {"attendeeId": 7}],
)  # fmt: skip
async def test_what_cannot_be_sent_is_refused(api: Api, made: Appointment, fields: dict[str, Any]) -> None:
    assert (await write(api, made, **fields)).status_code == 400


async def test_a_guest_without_an_address_cannot_be_written_to(api: Api) -> None:
    async with api.app.transaction() as conn:
        kind = await factories.meeting_type(conn, api.company, now=NOW, meeting_options={"allowPhoneOnlyBooking": True})
        wanted = order(kind.id, email=None, phone="+436601234567", phone_only=True)
        made = await ordering.booked(conn, factories.actor(api.company), wanted)

    answer = await write(api, made)

    assert (answer.status_code, answer.json()["errors"]) == (
        400, [{"field": "attendeeId", "message": "has no e-mail address"}],
    )  # fmt: skip
