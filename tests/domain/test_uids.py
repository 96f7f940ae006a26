"""UIDs: what appointments are called, and which appointment one names."""

from uuid import UUID

import pytest

from kalends.domain import uids
from kalends.domain.uids import Part

APPOINTMENT = UUID("01977b2e-4c4a-7a31-9f0e-0000dfabb114")


@pytest.mark.parametrize(
    ("part", "uid"),
    [
        ("event", f"{APPOINTMENT}@kalends"),
        ("buffer-before", f"{APPOINTMENT}-before@kalends"),
        ("buffer-after", f"{APPOINTMENT}-after@kalends"),
    ],
)
def test_each_part_of_an_appointment_has_a_uid_that_names_it(part: Part, uid: str) -> None:
    assert (uids.uid(APPOINTMENT, part), uids.appointment_named(uid)) == (uid, APPOINTMENT)


@pytest.mark.parametrize("uid", [f"{APPOINTMENT}@example.com", "meeting@kalends", "", None])
def test_what_others_call_their_events_names_no_appointment(uid: str | None) -> None:
    assert uids.appointment_named(uid) is None
