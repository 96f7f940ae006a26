"""What of a guest's words may stand in a mail to an address that has not proved itself."""

import pytest

from kalends.domain.untrusted import plain_name, plain_phone


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Jo Lee", "Jo Lee"),
        ("  José\tÑandú ", "José Ñandú"),
        ("J. R. Smith", "J. R. Smith"),
        ("jo.lee", "jo. lee"),
        ("Buy at evil.com now", "Buy at evil. com now"),
        ("Buy at evil\u3002com now", "Buy at evil. com now"),
        ("https://evil.test", ""),
        ("see www.evil.test", ""),
        ("jo@evil.test", ""),
        ("evil.test/x", ""),
        ("Jo\r\nBcc: x", "Jo Bcc: x"),
        ("x" * 61, "x" * 60),
        ("\u202egnp", "gnp"),
        (None, ""),
    ],
)
def test_names(written: str | None, shown: str) -> None:
    assert plain_name(written) == shown


@pytest.mark.parametrize(
    ("written", "shown"), [("+49 30 1234567", "+49 30 1234567"), ("call evil.test", ""), ("1" * 40, ""), (None, "")]
)
def test_phones(written: str | None, shown: str) -> None:
    assert plain_phone(written) == shown
