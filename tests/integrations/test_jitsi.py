"""Jitsi rooms: names that nobody guesses, and that stay."""

import re

from whenever import Instant

from kalends.integrations.jitsi import JitsiRooms
from kalends.ports import Meeting

START = Instant.parse_iso("2031-03-11T09:00:00Z")
TALK = Meeting("key", "Talk", START, START.add(minutes=30), "Europe/Berlin", "ada@acme.test")


async def test_rooms_have_names_of_their_own_that_say_nothing_of_the_meeting() -> None:
    rooms = JitsiRooms("https://meet.acme.test/")

    links = {(await rooms.put(TALK, None)).link for _ in range(20)}

    assert len(links) == 20
    assert all(re.fullmatch(r"https://meet\.acme\.test/kalends-[A-Za-z0-9]{24}", link) for link in links)


async def test_a_room_stays_when_its_meeting_moves() -> None:
    rooms = JitsiRooms("https://meet.acme.test")
    made = await rooms.put(TALK, None)

    assert await rooms.put(TALK, made) == made
    await rooms.delete(TALK, made)


def test_what_is_not_set_is_named() -> None:
    assert (JitsiRooms("").lacking, JitsiRooms("https://meet.acme.test").lacking) == (["KALENDS_JITSI_URL"], [])
