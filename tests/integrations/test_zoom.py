"""Zoom meetings: made once, followed, found again; what Zoom refuses is told apart."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from whenever import Instant

from kalends.errors import Upstream
from kalends.integrations.zoom import ZoomApp, ZoomMeetings
from kalends.ports import Conference, Meeting
from tests.fakes.zoom import FakeZoom, running

NOW = Instant.parse_iso("2031-03-03T08:00:00Z")
START = Instant.parse_iso("2031-03-11T09:00:00Z")
TALK = Meeting("0197a000-key", "Talk", START, START.add(minutes=30), "Europe/Berlin", "ada@acme.test")


@pytest.fixture
def zoom() -> Iterator[FakeZoom]:
    with running() as zoom:
        yield zoom


@pytest.fixture
def meetings(zoom: FakeZoom) -> ZoomMeetings:
    return zoom.provider(lambda: NOW)


async def test_a_meeting_is_made_of_the_host_and_anybody_may_come_first(zoom: FakeZoom, meetings: ZoomMeetings) -> None:
    zoom.users.add("ada@acme.test")

    made = await meetings.put(TALK, None)

    (stored,) = zoom.meetings.values()
    assert made == Conference(stored["join_url"], str(stored["id"]), stored["id"])
    assert stored == {
        "user": "ada@acme.test", "topic": "Talk", "type": 2, "start_time": "2031-03-11T09:00:00Z", "duration": 30,
        "timezone": "Europe/Berlin", "agenda": "kalends 0197a000-key", "settings": {"join_before_host": True},
        "id": made.number, "join_url": made.link,
    }  # fmt: skip


async def test_a_host_whom_zoom_does_not_know_gets_one_of_the_owner(zoom: FakeZoom, meetings: ZoomMeetings) -> None:
    await meetings.put(TALK, None)

    assert [one["user"] for one in zoom.meetings.values()] == ["me"]


async def test_a_meeting_follows_and_goes(zoom: FakeZoom, meetings: ZoomMeetings) -> None:
    made = await meetings.put(TALK, None)
    later = replace(TALK, start=START.add(hours=2), end=START.add(hours=2, seconds=2730))

    followed = await meetings.put(later, made)
    (stored,) = [dict(one) for one in zoom.meetings.values()]
    await meetings.delete(later, made)
    await meetings.delete(later, made)

    assert followed == made
    assert (stored["start_time"], stored["duration"]) == ("2031-03-11T11:00:00Z", 46)
    assert zoom.meetings == {}


async def test_one_that_somebody_deleted_at_zoom_is_made_anew(zoom: FakeZoom, meetings: ZoomMeetings) -> None:
    made = await meetings.put(TALK, None)
    zoom.meetings.clear()

    again = await meetings.put(TALK, made)

    assert [str(number) for number in zoom.meetings] == [again.remote_id]


@pytest.mark.parametrize("before", [0, 3])
async def test_one_whose_making_nobody_heard_of_is_found_again(
    zoom: FakeZoom, meetings: ZoomMeetings, before: int
) -> None:
    zoom.page_size = 2
    for number in range(before):
        await meetings.put(replace(TALK, key=str(number)), None)
    zoom.loses = 1
    with pytest.raises(Upstream, match="Zoom cannot be reached"):
        await meetings.put(TALK, None)

    found = await meetings.put(TALK, None)

    assert len(zoom.meetings) == before + 1
    assert zoom.meetings[found.number or 0]["agenda"] == "kalends 0197a000-key"


@pytest.mark.parametrize("users", [{"me"}, {"me", "ada@acme.test"}])
async def test_one_whose_making_nobody_heard_of_is_found_and_goes(
    zoom: FakeZoom, meetings: ZoomMeetings, users: set[str]
) -> None:
    zoom.users = users
    other = await meetings.put(replace(TALK, key="other"), None)
    zoom.loses = 1
    with pytest.raises(Upstream, match="Zoom cannot be reached"):
        await meetings.put(TALK, None)
    made = len(zoom.meetings)

    await meetings.delete(TALK, None)
    await meetings.delete(TALK, None)

    assert (made, list(zoom.meetings)) == (2, [other.number])


async def test_an_app_that_may_not_list_meetings_makes_them_all_the_same(
    zoom: FakeZoom, meetings: ZoomMeetings
) -> None:
    zoom.may_list = False

    await meetings.put(TALK, None)

    assert len(zoom.meetings) == 1


async def test_a_token_is_used_for_an_hour_and_replaced_when_zoom_does_not_take_it(zoom: FakeZoom) -> None:
    now = NOW
    meetings = zoom.provider(lambda: now)
    await meetings.put(TALK, None)
    await meetings.put(TALK, None)
    used_again = len(zoom.tokens)
    now = NOW.add(minutes=59, seconds=30)
    await meetings.put(TALK, None)
    zoom.dead_tokens = set(zoom.tokens)

    await meetings.put(TALK, None)

    assert (used_again, zoom.tokens) == (1, ["token-1", "token-2", "token-3"])
    assert len(zoom.meetings) == 1


@pytest.mark.parametrize(
    ("answer", "said", "retry_after_s"),
    [
        ((429, {"code": 429, "message": "too many"}, {"Retry-After": "7"}), "Zoom is asked too often", 7),
        ((503, {}, {}), "Zoom answers 503", None),
        ((201, {"id": "no number", "join_url": "https://x.test"}, {}), "Zoom answers something we do not", None),
        ((201, {"id": 7, "join_url": "javascript:alert(1)"}, {}), "Zoom answers something we do not", None),
        ((400, {"code": 300, "message": "Validation Failed."}, {}), "Zoom answers 400: Validation Failed.", None),
    ],
)
async def test_what_zoom_refuses_can_be_tried_again(
    zoom: FakeZoom,
    meetings: ZoomMeetings,
    answer: tuple[int, dict[str, object], dict[str, str]],
    said: str,
    retry_after_s: int | None,
) -> None:
    zoom.answers = [(404, {"code": 1001}, {}), answer]

    with pytest.raises(Upstream, match=said) as refusal:
        await meetings.put(TALK, None)

    assert refusal.value.retry_after_s == retry_after_s


async def test_wrong_credentials_name_the_settings_and_not_the_secret(zoom: FakeZoom) -> None:
    meetings = zoom.provider(lambda: NOW, client_secret="wrong-one")

    with pytest.raises(Upstream, match="look at KALENDS_ZOOM_ACCOUNT_ID") as refusal:
        await meetings.put(TALK, None)

    assert "wrong-one" not in repr(refusal.value) + repr(meetings)


def test_what_is_not_set_is_named() -> None:
    meetings = ZoomMeetings(ZoomApp("account", "", ""), lambda: NOW)

    assert meetings.lacking == ["KALENDS_ZOOM_CLIENT_ID", "KALENDS_ZOOM_CLIENT_SECRET"]
