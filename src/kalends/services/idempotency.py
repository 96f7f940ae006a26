"""Requests that are sent twice and carried out once (design section 6).

A request's row is written first in the transaction of its effect, its answer last: whoever sends the same again waits
for that transaction, and either finds the answer or, when it was rolled back, carries the request out himself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import UUID

import psycopg
from whenever import Instant

from kalends.errors import Conflict, DomainError, Invalid
from kalends.storage import idempotency_keys
from kalends.storage.database import Connection
from kalends.storage.idempotency_keys import Row
from kalends.storage.secret_box import CannotOpen, SecretBox

KEPT_HOURS = 24
SAME_BODY_S = 60
LONGEST_KEY = 255


class KeyInvalid(Invalid):
    """An Idempotency-Key has 1 to 255 printable characters, and a request has one at most."""

    code = "idempotency-key-invalid"


class KeyMismatch(DomainError):
    """This Idempotency-Key was used for another request."""

    code = "idempotency-mismatch"


class InProgress(Conflict):
    """A request with this Idempotency-Key is still being carried out."""

    code = "idempotency-in-progress"


class AnswerLost(Conflict):
    """The request was carried out before, but its answer cannot be read any more."""

    code = "idempotency-answer-lost"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def check_key(keys: list[str]) -> str:
    """Answer the one key of a request.

    Raises:
        KeyInvalid: it has several, or one that is empty, too long or not printable.
    """
    if len(keys) != 1 or not 1 <= len(keys[0]) <= LONGEST_KEY or not keys[0].isprintable():
        raise KeyInvalid
    return keys[0]


async def enter(conn: Connection, box: SecretBox, row: Row, now: Instant) -> Answer | None:
    """Begin a request that has a key, first in its transaction; answers what it was answered before.

    Raises:
        InProgress: the same is being carried out, and is not done within the wait for locks.
        KeyMismatch: the key was used for another request.
        AnswerLost: the answer was sealed with another key than the box has.
    """
    if await _entered(conn, row, now.subtract(hours=KEPT_HOURS), now):
        return None
    found = await idempotency_keys.lock(conn, row)
    if found.fingerprint != row.fingerprint:
        raise KeyMismatch
    try:
        return _opened(box, found)
    except CannotOpen:
        raise AnswerLost from None


async def enter_booking(conn: Connection, box: SecretBox, row: Row, now: Instant) -> Answer | None:
    """Begin a booking that has no key but that of its own body; answers what the same was answered just before.

    That is so for a minute, and as long as what was booked stands where it was booked; then it is booked anew.

    Raises:
        InProgress: the same is being carried out, and is not done within the wait for locks.
    """
    if await _entered(conn, row, now.subtract(seconds=SAME_BODY_S), now):
        return None
    found = await idempotency_keys.lock(conn, row)
    try:
        answer = _opened(box, found)
    except CannotOpen:
        answer = None
    if answer and found.company_id and found.subject_id:
        secret = json.loads(answer.body).get("secret")
        if await idempotency_keys.booking_lives(conn, found.company_id, found.subject_id, secret=secret, now=now):
            return answer
    await idempotency_keys.renew(conn, row, now)
    return None


async def keep(conn: Connection, box: SecretBox, row: Row, answer: Answer, *, subject_id: UUID | None = None) -> None:
    """Write the answer of a request that was entered, last in its transaction.

    Args:
        subject_id: the appointment or provisional booking it made.
    """
    sealed = box.seal(json.dumps(answer.headers).encode() + b"\n" + answer.body)
    await idempotency_keys.settle(conn, row, status=answer.status, answer=sealed, subject_id=subject_id)


async def _entered(conn: Connection, row: Row, older_than: Instant, now: Instant) -> bool:
    try:
        return await idempotency_keys.enter(conn, row, older_than=older_than, now=now)
    except psycopg.errors.LockNotAvailable as error:
        raise InProgress from error


def _opened(box: SecretBox, row: Row) -> Answer:
    assert row.answer is not None, "a row is committed with its answer"
    assert row.status is not None
    headers, body = box.open(row.answer).split(b"\n", 1)
    return Answer(row.status, tuple((name, value) for name, value in json.loads(headers)), body)
