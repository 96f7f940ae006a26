"""Addresses a browser is sent back to: only to origins somebody allowed, whatever the address looks like."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit

# Browsers take a backslash for a slash and drop tabs and line breaks, so neither may stand in an address.
_PLAIN = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}


def is_allowed(url: str, origins: Collection[str]) -> bool:
    """Tell whether an address is an http(s) one whose scheme, host and port are those of an allowed origin."""
    found = _origin(url)
    return found is not None and found in {_origin(one) for one in origins}


def answered(url: str, answer: Mapping[str, str]) -> str:
    """Add an answer to the query of an address; what stands there stays."""
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(answer))))
    return urlunsplit(parts._replace(query=query))


def _origin(url: str) -> tuple[str, str, int] | None:
    if not _PLAIN.fullmatch(url) or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if "@" in parts.netloc or not parts.hostname:
        return None
    scheme = parts.scheme.lower()
    return scheme, parts.hostname.lower(), _PORTS[scheme] if port is None else port
