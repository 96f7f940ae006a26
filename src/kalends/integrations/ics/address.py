"""Where a feed is: the address is as secret as a password, and may hold one."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import SplitResult, unquote, urlsplit

from kalends.ports import ConnectionRefused, Credential

_LONGEST = 2_000  # characters
# Feeds are written with a scheme of their own, so that a calendar's program opens them.
_SCHEMES = {"webcal": "https", "webcals": "https", "http": "http", "https": "https"}


@dataclass(frozen=True, slots=True)
class Address:
    """An address, and what it takes to be let in there.

    Attributes:
        url: without user, password and fragment.
        login: user and password; None: the address alone will do.
    """

    url: str
    login: tuple[str, str] | None

    @classmethod
    def typed(cls, text: str) -> Address:
        """Read what somebody typed.

        Raises:
            ConnectionRefused: it is no address of a feed.
        """
        text = text.strip()
        if not text or len(text) > _LONGEST or not text.isprintable() or " " in text:
            raise ConnectionRefused("The address of a calendar feed is needed.")
        try:
            parts = urlsplit(text if "://" in text else f"https://{text}")
            known = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            known = False
        if not known or parts.scheme.lower() not in _SCHEMES:
            raise ConnectionRefused("The address of a calendar feed begins with https:// or webcal://.")
        login = (unquote(parts.username or ""), unquote(parts.password or ""))
        return cls(_plain(parts), login if any(login) else None)

    @classmethod
    def kept(cls, credential: Credential) -> Address:
        """Read what `stored` wrote."""
        login = credential.get("login")
        return cls(credential["url"], (login[0], login[1]) if login else None)

    def stored(self) -> dict[str, object]:
        """Write it down, to be sealed."""
        return {"url": self.url, "login": list(self.login) if self.login else None}

    @property
    def account(self) -> str:
        """Name it so that nobody learns where it is."""
        return "sha256:" + sha256(self.url.encode()).hexdigest()

    @property
    def host(self) -> str:
        """The server it is on: all of it that may be shown."""
        return urlsplit(self.url).hostname or ""


def _plain(parts: SplitResult) -> str:
    scheme = _SCHEMES[parts.scheme.lower()]
    return parts._replace(scheme=scheme, netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
