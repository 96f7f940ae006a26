"""Phone numbers as they are kept (E.164)."""

import pytest

from kalends.domain.phones import e164


@pytest.mark.parametrize(
    ("text", "zone", "kept"),
    [
        ("+49 171 1234567", None, "+491711234567"),
        ("+49 (0)171/123-4567", None, "+491711234567"),
        ("0049 171 1234567", "America/New_York", "+491711234567"),
        ("0171 1234567", "Europe/Berlin", "+491711234567"),
        ("0660 1234567", "Europe/Vienna", "+436601234567"),
        (" (212) 555-0100 ", "America/New_York", "+12125550100"),
        ("06 1234 5678", "Europe/Rome", "+390612345678"),  # Italy dials its zero from abroad too
        ("22 12 34 56", "Europe/Oslo", "+4722123456"),  # a link to Europe/Berlin in the zone database
        ("044 123 4567", "Europe/Kiev", "+380441234567"),  # an old name
    ],
)
def test_numbers_are_kept_with_their_countrys_code(text: str, zone: str | None, kept: str) -> None:
    assert e164(text, timezone=zone) == kept
    assert e164(kept, timezone=None) == kept


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("0171 1234567", None),
        ("0171 1234567", "UTC"),
        ("0171 1234567", "Mars/Olympus"),
    ],
)
def test_a_national_number_needs_a_country(text: str, zone: str | None) -> None:
    with pytest.raises(ValueError, match=r"must begin with \+"):
        e164(text, timezone=zone)


@pytest.mark.parametrize(
    "text",
    [
        "", "+", "hello", "123", "+49 1", "+49 171 123456789012345", "+999 1234567", "0", "00",
        "555-0100",  # dialled in its own town only
    ],
)  # fmt: skip
def test_what_nobody_can_call_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a phone number"):
        e164(text, timezone="America/New_York")


def test_an_extension_is_refused_not_lost() -> None:
    with pytest.raises(ValueError, match="extension"):
        e164("+49 30 123456 ext. 5", timezone=None)
