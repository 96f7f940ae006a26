"""Headers that browsers obey: CORS for the API, content security policy and framing for what they show."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response

from .routes import below, is_api

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
_UNFRAMED = ("/b", "/p", "/app", "/login", "/logout", "/oauth", *_DOCS)


def preflight(request: Request) -> Response | None:
    """Answer a browser's question whether a script may call the API; None when this is no such question."""
    if request.method != "OPTIONS" or "access-control-request-method" not in request.headers:
        return None
    return Response(status_code=204, headers=_PREFLIGHT) if is_api(request.scope["path"]) else None


def secure(request: Request, found: MutableHeaders) -> None:
    """Add the security headers to an answer; a header that its route has set stays."""
    path = request.scope["path"]
    found.setdefault("X-Content-Type-Options", "nosniff")
    if is_api(path) or path == "/openapi.json":
        found.setdefault("Access-Control-Allow-Origin", "*")
        found.setdefault("Access-Control-Expose-Headers", _EXPOSED_HEADERS)
        found.setdefault("Content-Security-Policy", _API_POLICY)
        found.setdefault("Referrer-Policy", "no-referrer")
        found.setdefault("Cache-Control", "no-store")
        return
    found.setdefault("Content-Security-Policy", _policy(path))
    if below(path, ("/b", "/p")) or "/booked/" in path:  # a secret stands in the path
        found.setdefault("Referrer-Policy", "no-referrer")
        found.setdefault("Cache-Control", "no-store")
        found.setdefault("X-Robots-Tag", "noindex")
    found.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")


def _policy(path: str) -> str:
    if below(path, _DOCS):
        return _DOCS_POLICY
    return (_UNFRAMED_POLICY if below(path, _UNFRAMED) else _POLICY) + _IMAGES
