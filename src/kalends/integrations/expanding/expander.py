"""Asks the child to read iCalendar text, and ends it when it takes too long."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kalends.domain.ical import Asked, Head
from kalends.domain.remote_events import RemoteEvent, Window
from kalends.errors import Upstream
from kalends.ports import CalendarTooLarge

from . import frames

TIME_LIMIT_S = 20.0
MEMORY = 1 << 30  # bytes of address space; 20 MB of events take a third of it

_SMALL = 256_000  # bytes of texts that do not have to wait behind large ones
_FORGOTTEN = 4_000_000  # after so many bytes a child's memory is given back with it
_PIECE = 1 << 16  # bytes written at once: what waits to be written is moved with every piece that leaves
_START_S = 20.0  # on a machine that has other things to do
_END_S = 1.0  # how long a child that has nothing to do may take to end


# It was too slow; or it is not there any more, most likely for want of memory.
_GONE = (TimeoutError, asyncio.IncompleteReadError, ConnectionError)


@dataclass(frozen=True, slots=True)
class Feed:
    """A text with many events, read; those without a time in the window are left out."""

    head: Head
    events: list[RemoteEvent]


class Expander:
    """Reads iCalendar text in processes of its own, one for what is small and one for what is large.

    They are started when they are first needed, end with this process, and are started anew after they were ended.
    """

    def __init__(self, *, time_limit_s: float = TIME_LIMIT_S, memory: int = MEMORY) -> None:
        self._small = _Child(time_limit_s, memory)
        self._large = _Child(time_limit_s, memory)

    async def events(
        self,
        resources: Sequence[tuple[str, str | None, str]],
        *,
        zone: str | None,
        window: Window,
        own: Collection[str],
    ) -> list[RemoteEvent]:
        """Read resources (name, ETag, text): one event for each, in their order.

        Args:
            zone: what all-day events and times without a zone are read in; None: what a text says, else UTC.
            own: e-mail addresses of the calendar's owner, in lower case.

        Raises:
            CalendarTooLarge: more than 20,000 times in the window, or too much work.
            Upstream: it could not be read now.
        """
        texts = [text.encode("utf-8", "replace") for _, _, text in resources]
        named = [(name, etag) for name, etag, _ in resources]
        _, events = await self._ask(Asked(window, own, zone), named, texts)
        return events

    async def feed(self, content: bytes, *, otherwise: str = "UTC", window: Window, own: Collection[str]) -> Feed:
        """Read a whole calendar, whatever is sent for one.

        Args:
            otherwise: the zone of a calendar that names none.

        Raises: as `events`.
        """
        head, events = await self._ask(Asked(window, own, otherwise=otherwise), None, [content])
        return Feed(Head(**head), events)

    async def aclose(self) -> None:
        """End the processes; what they are asked at the moment fails."""
        await asyncio.gather(self._small.end(), self._large.end())

    async def _ask(
        self, asked: Asked, resources: Sequence[tuple[str, str | None]] | None, texts: Sequence[bytes]
    ) -> tuple[Any, list[RemoteEvent]]:
        question = frames.Question(asked, resources, [len(text) for text in texts])
        child = self._small if sum(question.sizes) <= _SMALL else self._large
        return await child.ask(question, texts)


class _Child:
    """One child process; it is asked one thing at a time."""

    def __init__(self, time_limit_s: float, memory: int) -> None:
        self._time_limit_s, self._memory = time_limit_s, memory
        self._free = asyncio.Lock()
        self._process: Process | None = None

    async def ask(self, question: frames.Question, texts: Sequence[bytes]) -> tuple[Any, list[RemoteEvent]]:
        """Ask, and gather the answer: what it ends with, and the events."""
        async with self._free:
            while True:
                had_one = self._process is not None
                try:
                    answer = await self._asked(question, texts)
                    break
                except _GONE as error:
                    # One that was there already may have been ended by anything; a new one was ended by what it read.
                    if isinstance(error, TimeoutError) or not had_one:
                        raise CalendarTooLarge from error
            if sum(question.sizes) > _FORGOTTEN:
                await self.end()
        return answer

    async def _asked(self, question: frames.Question, texts: Sequence[bytes]) -> tuple[Any, list[RemoteEvent]]:
        try:
            process = await self._running()
            async with asyncio.timeout(self._time_limit_s):
                return await _answer(process, question, texts)
        except BaseException:
            self._kill()  # whatever it still says would be taken for the next answer
            raise

    async def end(self) -> None:
        """Let it end, or else end it."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _END_S)
        if self._process is process:
            self._kill()

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            module = (sys.executable, "-m", __package__, str(self._memory), str(self._time_limit_s))
            try:
                self._process = await asyncio.create_subprocess_exec(*module, stdin=PIPE, stdout=PIPE)
                async with asyncio.timeout(_START_S):
                    await _said(self._process)
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                raise Upstream("The calendar cannot be read at the moment.") from error
        return self._process

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()


async def _answer(process: Process, question: frames.Question, texts: Sequence[bytes]) -> tuple[Any, list[RemoteEvent]]:
    assert process.stdin is not None
    process.stdin.write(frames.frame(frames.from_question(question)))
    for text in texts:
        for start in range(0, len(text), _PIECE):
            process.stdin.write(text[start : start + _PIECE])
            await process.stdin.drain()
    found: list[RemoteEvent] = []
    while True:
        said = await _said(process)
        if "failed" in said:
            raise Upstream(f"The calendar could not be read ({said['failed']}).")
        if said.get("too_large"):
            raise CalendarTooLarge
        if "events" not in said:
            return said["head"], found
        found += frames.to_events(said["events"])
        await asyncio.sleep(0)  # whoever else waits comes in between


async def _said(process: Process) -> Any:
    assert process.stdout is not None
    size = frames.size_of(await process.stdout.readexactly(frames.LENGTH))
    return json.loads(await process.stdout.readexactly(size))
