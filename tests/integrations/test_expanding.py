"""Calendars are read by processes of their own, which are ended when they take too long, and started anew."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from whenever import Instant

from kalends.domain.ical import Head
from kalends.domain.remote_events import Occurrence, RemoteEvent, Window
from kalends.integrations.expanding import Expander
from kalends.ports import CalendarTooLarge

YEAR = Window(Instant.from_utc(2026, 1, 1), Instant.from_utc(2027, 1, 1))
NINE = Instant.from_utc(2026, 7, 6, 9)
_PATIENCE_S = 10.0


def calendar(*events: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", *events, "END:VCALENDAR", ""])


def event(uid: str, *lines: str) -> str:
    times = lines or ("DTSTART:20260706T090000Z", "DTEND:20260706T100000Z")
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", *times, "END:VEVENT"])


def hostile(events: int) -> str:
    """Make a text that takes long to read: rules that have to be followed for a long time, and come to nothing."""
    rule = "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=2"
    return calendar(*(event(f"{number}", "DTSTART:17600101T000000Z", rule) for number in range(events)))


@pytest.fixture
async def expander() -> AsyncIterator[Expander]:
    made = Expander(time_limit_s=2.0)
    yield made
    await made.aclose()


async def read_one(expander: Expander) -> list[RemoteEvent]:
    return await expander.events([("a.ics", "v1", calendar(event("one")))], zone=None, window=YEAR, own=())


ONE = [RemoteEvent("a.ics", "one", "v1", (Occurrence(NINE, NINE.add(hours=1)),))]


def children() -> set[int]:
    """List the processes of this one that read calendars."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if b"kalends.integrations.expanding" in path.read_bytes():
                status = path.with_name("status").read_text()
                if f"\nPPid:\t{os.getpid()}\n" in status and "\nState:\tZ" not in status:
                    found.add(int(path.parent.name))
    return found


async def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


async def test_resources_are_read_in_their_order_with_all_that_is_known_of_them(expander: Expander) -> None:
    lines = ("DTSTART;VALUE=DATE:20260706", "ATTENDEE;PARTSTAT=DECLINED:mailto:me@acme.test", "TRANSP:TRANSPARENT")
    guest = "ATTENDEE;PARTSTAT=TENTATIVE:mailto:you@acme.test"
    resources = [
        ("b.ics", None, calendar(event("two", *lines, guest, "CONFERENCE:https://meet.example.org/a"))),
        ("a.ics", "v1", calendar(event("one"))),
        ("c.ics", "v2", "nonsense"),
        ("d.ics", "v3", calendar(event("four", "DTSTART:tomorrow"))),
    ]

    found = await expander.events(resources, zone="Asia/Tokyo", window=YEAR, own={"me@acme.test"})

    day = Occurrence(Instant.from_utc(2026, 7, 5, 15), Instant.from_utc(2026, 7, 6, 15), True, "declined")
    assert found == [
        RemoteEvent("b.ics", "two", None, (day,), (("you@acme.test", "tentative"),), "https://meet.example.org/a"),
        *ONE,
        RemoteEvent("c.ics", None, "v2"),
        RemoteEvent("d.ics", "four", "v3", unreadable="time"),
    ]


async def test_a_feed_is_read_whatever_it_is_encoded_in(expander: Expander) -> None:
    text = calendar("X-WR-CALNAME:Büro", event("one"), event("old", "DTSTART:20200101"))

    for content in (text.encode(), text.encode("cp1252"), b"\xef\xbb\xbf" + text.encode()):
        found = await expander.feed(content, window=YEAR, own=())

        assert found.head == Head(is_calendar=True, is_whole=True, name="Büro")
        assert [one.remote_id for one in found.events] == ["one"]


async def test_what_takes_too_long_is_ended_and_the_next_is_read(expander: Expander) -> None:
    with pytest.raises(CalendarTooLarge):
        await expander.events([("x", None, hostile(200))], zone=None, window=YEAR, own=())

    assert await read_one(expander) == ONE


async def test_what_takes_too_much_memory_is_ended_and_the_next_is_read() -> None:
    expander = Expander(memory=100_000_000)

    with pytest.raises(CalendarTooLarge):
        await expander.feed(calendar("X-A:" + "a" * 50_000_000).encode(), window=YEAR, own=())

    assert await read_one(expander) == ONE
    await expander.aclose()


async def test_more_times_than_a_calendar_may_have_are_refused(expander: Expander) -> None:
    hourly = ("DTSTART:20260101T000000Z", "DURATION:PT1H", "RRULE:FREQ=HOURLY")

    with pytest.raises(CalendarTooLarge):
        await expander.events(
            [(f"{number}", None, calendar(event("x", *hourly))) for number in range(3)], zone=None, window=YEAR, own=()
        )

    assert await read_one(expander) == ONE


async def test_what_is_small_does_not_wait_for_what_is_large() -> None:
    expander = Expander(time_limit_s=5.0)
    await read_one(expander)
    large = asyncio.create_task(expander.feed(hostile(4_000).encode(), window=YEAR, own=()))
    await until(lambda: len(children()) == 2)

    small = await read_one(expander)

    assert (small, large.done()) == (ONE, False)
    large.cancel()
    await asyncio.wait([large])
    await expander.aclose()


async def test_a_child_that_was_killed_is_replaced(expander: Expander) -> None:
    before = children()
    await read_one(expander)
    (child,) = children() - before
    os.kill(child, signal.SIGKILL)
    await until(lambda: child not in children())

    assert await read_one(expander) == ONE


async def test_who_gives_up_waiting_leaves_nothing_behind_for_the_next() -> None:
    expander = Expander()
    waiting = asyncio.create_task(expander.events([("x", None, hostile(400))], zone=None, window=YEAR, own=()))
    await asyncio.sleep(0.5)
    waiting.cancel()
    await asyncio.wait([waiting])

    assert waiting.cancelled()
    assert await read_one(expander) == ONE
    await expander.aclose()


async def test_children_are_nice_and_bounded_and_end_with_the_expander() -> None:
    before = children()
    expander = Expander(memory=300_000_000)
    await read_one(expander)
    (child,) = children() - before

    assert os.getpriority(os.PRIO_PROCESS, child) == min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)
    assert resource.prlimit(child, resource.RLIMIT_AS) == (300_000_000, 300_000_000)
    await expander.aclose()
    await until(lambda: child not in children())


def test_a_child_ends_with_its_parent() -> None:
    program = (
        "import asyncio, sys\n"
        "from kalends.integrations.expanding import Expander\n"
        "from tests.integrations.test_expanding import YEAR, hostile\n"
        "async def main():\n"
        "    expander = Expander(time_limit_s=1)\n"
        "    await expander.events([('a', None, '')], zone=None, window=YEAR, own=())\n"
        "    print(expander._small._process.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())

    parent.kill()
    parent.wait()

    end = time.monotonic() + _PATIENCE_S
    while Path(f"/proc/{child}").exists() and "\nState:\tZ" not in Path(f"/proc/{child}/status").read_text():
        assert time.monotonic() < end
        time.sleep(0.02)
    parent.stdout.close()
