"""Headers that browsers obey: CORS for the API, content security policy and framing for what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from .routes import below, is_api

# As the server sends them: names in lower case.
Headers: TypeAlias = list[tuple[bytes, bytes]]

_ALLOWED_HEADERS = "Authorization, Content-Type, x-meetergo-api-user-id, Idempotency-Key, If-None-Match"
_EXPOSED_HEADERS = (
    "RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset,"
    " Retry-After, X-Request-Id, ETag, Idempotency-Replayed"
)
_METHODS = "GET, POST, PUT, PATCH, DELETE"
_PREFLIGHT = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": _METHODS,
    "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
    "Access-Control-Max-Age": "86400",
}

_API_POLICY = "default-src 'none'; frame-ancestors 'none'"
_POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'"
_UNFRAMED_POLICY = f"{_POLICY}; frame-ancestors 'none'"
# A picture of a host or a page's header may stand anywhere; data: is for the images in the stylesheets.
_IMAGES = "; img-src 'self' https: data:"
# Swagger UI sets style attributes on what it draws.
_DOCS_POLICY = f"{_UNFRAMED_POLICY}; img-src 'self' data:; style-src 'self' 'unsafe-inline'"

_DOCS = ("/docs", "/spec")
# Pages that act for somebody who is signed in or holds a secret; all other pages may be framed (contract 6.5).
_UNFRAMED = ("/b", "/p", "/calendar-connected", "/app", "/login", "/logout", "/oauth", *_DOCS)


def raw(headers: Mapping[str, str]) -> Headers:
    """Write headers as the server sends them."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


_NOSNIFF = {"X-Content-Type-Options": "nosniff"}
_API = raw(
    {
        **_NOSNIFF,
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": _EXPOSED_HEADERS,
        "Content-Security-Policy": _API_POLICY,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
)
_SECRET = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
_OPEN = {"Referrer-Policy": "strict-origin-when-cross-origin"}


def preflight(request: Request) -> Response | None:
    """Answer a browser's question whether a script may call the API; None when this is no such question."""
    if request.method != "OPTIONS" or "access-control-request-method" not in request.headers:
        return None
    return Response(status_code=204, headers=_PREFLIGHT) if is_api(request.scope["path"]) else None


def secure(path: str, found: Headers) -> None:
    """Add the security headers to those of an answer; one that its route has set stays."""
    if is_api(path) or path == "/openapi.json":
        wanted = _API
    else:  # in some paths stands a secret
        wanted = _of_page(policy(path), below(path, ("/b", "/p")) or "/booked/" in path)
    present = {name for name, _ in found}
    found += [header for header in wanted if header[0] not in present]


@cache
def _of_page(policy: str, secret: bool) -> Headers:
    return raw({**_NOSNIFF, "Content-Security-Policy": policy, **(_SECRET if secret else _OPEN)})


def policy(path: str, styles: Sequence[str] = ()) -> str:
    """Write the content security policy of what a browser shows.

    Args:
        styles: the hashes of the style sheets inside the page; with them no other sheet applies.
    """
    if below(path, _DOCS):
        return _DOCS_POLICY
    inside = f"; style-src {' '.join(styles)}" if styles else ""
    return (_UNFRAMED_POLICY if below(path, _UNFRAMED) else _POLICY) + _IMAGES + inside
