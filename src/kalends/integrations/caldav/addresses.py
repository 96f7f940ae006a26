"""Addresses of resources: servers write one and the same in several ways (relative, percent-encoded or not)."""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit

_PLAIN = "!$&'()*+,;=:@-._~"  # what may stand in a segment as it is, RFC 3986 3.3
_DEFAULT_PORTS = {"http": 80, "https": 443}


def absolute(base: str, href: str) -> str:
    """Resolve an href and write the address as we do: no default port, no query, one form of percent-encoding."""
    parts = urlsplit(urljoin(base, href.strip()))
    try:
        port = parts.port
    except ValueError:
        port = None
    host = (parts.hostname or "").lower()
    if ":" in host:
        host = f"[{host}]"
    if port and port != _DEFAULT_PORTS.get(parts.scheme):
        host = f"{host}:{port}"
    return f"{parts.scheme}://{host}{_path(parts.path) or '/'}"


def path_of(url: str) -> str:
    """Take the path of an address that `absolute` wrote: what we call a resource within its calendar."""
    return urlsplit(url).path


def segment(name: str) -> str:
    """Write a name as one segment of a path."""
    return quote(name, safe=_PLAIN)


def folder(url: str) -> str:
    """Write a collection's address with the slash it ends with."""
    return url if url.endswith("/") else url + "/"


def _path(path: str) -> str:
    return "/".join(quote(unquote_to_bytes(part), safe=_PLAIN) for part in path.split("/"))
