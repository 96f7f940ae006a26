"""Ids that leave us: UUIDv7 (RFC 9562 5.7) whose `rand_a` holds the company's bucket (design section 6)."""

import secrets
import time
from uuid import UUID

BUCKETS = 4096


def company_id() -> UUID:
    """Make the id of a new company; its bucket (0–4095) is drawn here, for life."""
    return _uuid7(secrets.randbelow(BUCKETS))


def new_id(company: UUID) -> UUID:
    """Make an id for a row of `company`, carrying the company's bucket."""
    return _uuid7(bucket(company))


def bucket(any_id: UUID) -> int:
    """Read the company's bucket out of any of its ids."""
    return (any_id.int >> 64) & 0xFFF


def _uuid7(rand_a: int) -> UUID:
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80
    value |= 0x7 << 76 | rand_a << 64 | 0b10 << 62 | secrets.randbits(62)
    return UUID(int=value)
