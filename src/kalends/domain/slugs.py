"""Slugs: the names of people and meeting types in a booking page's address."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

USER_MIN = 5
MAX = 80

# First path segments that routes need, now or later; no user may be called so (design section 7).
RESERVED = (
    "_", ".well-known", "admin", "api", "apple-touch-icon.png", "app", "assets", "auth", "availability", "b",
    "booking", "bookings", "calendar-connected", "callback", "company", "crm", "data-field", "docs", "embed", "f",
    "favicon.ico", "health", "healthz", "help", "hooks", "humans.txt", "knowledge", "legal", "login", "logout",
    "manifest.json", "mcp", "metrics", "oauth", "openapi.json", "p", "ping", "privacy", "readyz", "redoc", "register",
    "robots.txt", "security.txt", "settings", "setup", "signin", "signup", "sitemap.xml", "spec", "static", "status",
    "support", "team", "teams", "terms", "user", "users", "v1", "v2", "v3", "v4", "v5", "web-chat", "webhooks",
    "widget",
)  # fmt: skip

_NOT_ALLOWED = re.compile(r"[^a-z0-9]+")
# Letters that have a usual spelling in plain ASCII, which taking the accents off would miss.
_SPELLED = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "æ": "ae",
        "ø": "o",
        "œ": "oe",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
    }
)


def normalise(text: str) -> str:
    """Turn any text into a slug: lower case ASCII letters and digits joined by hyphens ("John Doe" -> "john-doe").

    Empty when the text holds nothing that can be spelled so; at most `MAX` characters.
    """
    spelled = unicodedata.normalize("NFC", text).lower().translate(_SPELLED)
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return _NOT_ALLOWED.sub("-", plain).strip("-")[:MAX].rstrip("-")


def checked_user_slug(text: str) -> str:
    """Normalise a slug somebody chose for a user.

    Raises:
        ValueError: shorter than 5 characters once normalised, or a name that routes need.
    """
    slug = normalise(text)
    if len(slug) < USER_MIN:
        raise ValueError(f"must have at least {USER_MIN} letters or digits")
    if slug in RESERVED:
        raise ValueError("is reserved")
    return slug


def user_slug(name: str) -> str:
    """Derive a user's slug from his name; always at least 5 characters and never reserved."""
    slug = normalise(name)
    if len(slug) < USER_MIN or slug in RESERVED:
        slug = f"{slug}-user" if slug else "user-page"
    return slug


def numbered(slug: str) -> Iterator[str]:
    """Yield the slug, then the slug with -2, -3, …; none longer than `MAX`."""
    yield slug
    number = 2
    while True:
        ending = f"-{number}"
        yield slug[: MAX - len(ending)].rstrip("-") + ending
        number += 1
