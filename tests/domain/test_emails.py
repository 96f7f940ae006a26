"""E-mail addresses."""

import pytest

from kalends.domain.emails import checked_email


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("ana@klinik.test", "ana@klinik.test"),
        ("Ana.Roth+x@Example.COM", "Ana.Roth+x@example.com"),
        ("ana@müller.test", "ana@xn--mller-kva.test"),
        ("o'hara@acme.example", "o'hara@acme.example"),
    ],
)
def test_an_address_is_kept_as_mail_servers_take_it(text: str, kept: str) -> None:
    assert checked_email(text) == kept


@pytest.mark.parametrize(
    "text", ["", "ana", "ana@", "@acme.test", "a b@acme.test", "Ana <ana@acme.test>", "ana@acme", "änne@acme.test",
             "ana@acme.test\n", f"ana@{'a.' * 100_000}test", "a@[127.0.0.1]", "ana@acme..test", f"{'a' * 65}@acme.test"]
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        checked_email(text)
