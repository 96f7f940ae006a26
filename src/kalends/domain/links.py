"""Links that people write and others are shown: http and https, nothing else; and who can use an address of ours."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit


def checked_link(text: str) -> str:
    """Check a link.

    Raises:
        ValueError: it is none, or one that is not http(s), such as javascript:.
    """
    wrong = ValueError("must be a link that begins with http:// or https://")
    if not re.fullmatch(r"https?://[^\s/?#@\\]+([/?#]\S*)?", text, re.IGNORECASE):
        raise wrong
    try:
        named = urlsplit(text).hostname is not None and urlsplit(text).port != 0
    except ValueError:  # a bracket too few, a port too large: whoever shows the link would stumble over it
        raise wrong from None
    if not named:
        raise wrong
    return text


def is_secure(url: str) -> bool:
    """Tell whether browsers take an address for secure: https, or this very machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")


def is_reachable(base_url: str) -> bool:
    """Tell whether a provider on the internet could reach this address, as far as its name says."""
    parts = urlsplit(base_url)
    name = (parts.hostname or "").rstrip(".")
    if parts.scheme != "https" or name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        return False
    try:
        return ip_address(name).is_global
    except ValueError:
        return "." in name
