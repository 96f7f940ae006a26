"""The child: answers questions from its standard input until that ends, within the bounds it sets itself.

python -m kalends.integrations.expanding MEMORY_BYTES TIME_LIMIT_S
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, BinaryIO

from kalends.domain import ical
from kalends.domain.remote_events import RemoteEvent
from kalends.domain.sync import MOST_EVENTS

from . import frames

_EVENTS_A_FRAME = 100  # read by the other side in a millisecond or two
_TIMES_A_FRAME = 500
_NICENESS = 10
_GRACE_S = 5  # it is killed at its time limit; it ends itself if nobody is left to do so


def main() -> None:
    """Answer until nobody asks any more."""
    memory, time_limit_s = int(sys.argv[1]), float(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then ends this
    os.nice(_NICENESS)
    with contextlib.suppress(ValueError, OSError):  # not every system bounds address space
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    answers.write(frames.frame({}))  # it is there
    answers.flush()
    while prefix := questions.read(frames.LENGTH):
        question = frames.to_question(json.loads(questions.read(frames.size_of(prefix))))
        texts = [questions.read(size) for size in question.sizes]
        signal.setitimer(signal.ITIMER_REAL, time_limit_s + _GRACE_S)
        _answer(question, texts, answers)
        signal.setitimer(signal.ITIMER_REAL, 0)
        del texts


def _answer(question: frames.Question, texts: list[bytes], answers: BinaryIO) -> None:
    ended: dict[str, Any]
    try:
        ended = _told(question, texts, answers)
    except MemoryError:
        ended = {"too_large": True}
    except Exception as error:
        # Its message may hold what somebody has in his calendar.
        ended = {"failed": f"{type(error).__name__} {_place(error)}"}
    answers.write(frames.frame(ended))
    answers.flush()


def _told(question: frames.Question, texts: list[bytes], answers: BinaryIO) -> dict[str, Any]:
    """Write the events, and answer what ends the answer."""
    times, waiting = 0, list[RemoteEvent]()
    head: dict[str, Any] | None = None
    if question.resources is None:
        text = _decoded(texts.pop())
        head = asdict(ical.head(text))
        found = ical.feed(text, question.asked)
    else:
        found = _resources(question, texts)
    waiting_times = 0
    for event in found:
        waiting.append(event)
        waiting_times += len(event.occurrences)
        times += len(event.occurrences)
        if times > MOST_EVENTS:
            return {"too_large": True}
        if len(waiting) >= _EVENTS_A_FRAME or waiting_times >= _TIMES_A_FRAME:
            answers.write(frames.frame({"events": frames.from_events(waiting)}))
            waiting, waiting_times = [], 0
    answers.write(frames.frame({"events": frames.from_events(waiting)}))
    return {"head": head}


def _resources(question: frames.Question, texts: list[bytes]) -> Iterator[RemoteEvent]:
    assert question.resources is not None
    for (name, etag), text in zip(question.resources, texts, strict=True):
        yield ical.resource(name, etag, _decoded(text), question.asked)


def _decoded(content: bytes) -> str:
    """Read a text; it ought to be UTF-8 (RFC 5545 3.1.4), and where it is not, it is most likely Windows'."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else ""


if __name__ == "__main__":
    main()
