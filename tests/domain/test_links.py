"""Links that people write, and our own."""

import pytest

from kalends.domain.links import checked_link, is_reachable


@pytest.mark.parametrize(
    "text", ["https://acme.test", "HTTP://acme.test:8080/a?b=c#d", "https://[::1]/", "http://ä.test/é"]
)
def test_http_links_are_kept(text: str) -> None:
    assert checked_link(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "acme.test", "//acme.test", "javascript:alert(1)", "ftp://acme.test", "https://", "https:///path",
        "https://ada@acme.test", "https://acme.test/a b", "https://acme.test:0/", "https://acme.test:99999/",
        "https://[::1/", "https://acme.test\\@evil.test",
    ],
)  # fmt: skip
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="http"):
        checked_link(text)


@pytest.mark.parametrize(
    ("address", "reachable"),
    [
        ("https://cal.example.com", True),
        ("https://cal.example.com:8443/x", True),
        ("http://cal.example.com", False),
        ("https://localhost", False),
        ("https://intranet", False),
        ("https://cal.local", False),
        ("https://192.168.1.4", False),
        ("https://[::1]", False),
        ("https://93.184.216.34", True),
    ],
)
def test_providers_only_reach_what_is_public(address: str, reachable: bool) -> None:
    assert is_reachable(address) is reachable
