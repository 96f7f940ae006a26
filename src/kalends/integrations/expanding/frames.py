"""What the two processes say to each other: JSON behind its length, and the texts as they are behind that.

A question is one frame (`Question`) with the texts after it; the answer are frames with events, then one that ends it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from whenever import Instant

from kalends.domain.ical import Asked
from kalends.domain.remote_events import Occurrence, RemoteEvent, Window

LENGTH = 4  # bytes, the largest first
LARGEST = 64_000_000  # bytes of a frame


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for some texts.

    Attributes:
        resources: name and ETag of each text that is one event; None: the one text is a feed.
        sizes: the lengths of the texts, in bytes.
    """

    asked: Asked
    resources: Sequence[tuple[str, str | None]] | None
    sizes: Sequence[int]


def frame(value: Mapping[str, Any]) -> bytes:
    """Write a frame."""
    content = json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()
    return len(content).to_bytes(LENGTH, "big") + content


def size_of(prefix: bytes) -> int:
    """Read how long a frame is.

    Raises:
        ValueError: longer than any.
    """
    size = int.from_bytes(prefix, "big")
    if size > LARGEST:
        raise ValueError("no frame")
    return size


def from_question(question: Question) -> dict[str, Any]:
    """Write a question down."""
    asked = question.asked
    return {
        "window": [asked.window.start.timestamp(), asked.window.end.timestamp()],
        "own": sorted(asked.own),
        "zone": asked.zone,
        "otherwise": asked.otherwise,
        "resources": question.resources,
        "sizes": question.sizes,
    }


def to_question(value: Mapping[str, Any]) -> Question:
    """Read a question."""
    start, end = map(Instant.from_timestamp, value["window"])
    asked = Asked(Window(start, end), frozenset(value["own"]), value["zone"], value["otherwise"])
    resources = value["resources"]
    return Question(asked, None if resources is None else [(name, etag) for name, etag in resources], value["sizes"])


def from_events(events: Iterable[RemoteEvent]) -> list[Any]:
    """Write events down."""
    return [
        [
            event.remote_id,
            event.uid,
            event.etag,
            [
                [one.start.timestamp(), one.end.timestamp(), int(one.transparent), one.answer]
                for one in event.occurrences
            ],
            event.guests,
            event.link,
            event.unreadable,
        ]
        for event in events
    ]


def to_events(values: Iterable[Any]) -> list[RemoteEvent]:
    """Read events."""
    at = Instant.from_timestamp
    return [
        RemoteEvent(
            remote_id,
            uid,
            etag,
            tuple(Occurrence(at(start), at(end), bool(free), answer) for start, end, free, answer in occurrences),
            tuple((address, answer) for address, answer in guests),
            link,
            unreadable,
        )
        for remote_id, uid, etag, occurrences, guests, link, unreadable in values
    ]
