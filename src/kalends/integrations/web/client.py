"""The client of requests to addresses somebody typed in."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import httpcore2
import httpx2

from kalends.errors import Upstream

from .addresses import Network
from .connections import GuardedTransport, Resolve, look_up

STEP_TIMEOUT_S = 10.0  # to connect, and unless told otherwise for each piece of an answer
TOTAL_TIMEOUT_S = 30.0  # for one request, its redirects included
MOST_REDIRECTS = 5
LARGEST_ANSWER = 20_000_000  # bytes, after decompression
USER_AGENT = "kalends"

_PERSONAL = ("authorization", "cookie")
_REDIRECTS = (301, 302, 303, 307, 308)
_DEFAULT_PORTS = {"http": 80, "https": 443}

Auth: TypeAlias = httpx2.Auth | tuple[str, str] | None
Origin: TypeAlias = tuple[str, str, int | None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said.

    Attributes:
        headers: names in any case.
        body: decompressed.
        url: where it said so, after redirects; without user and password.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


class Web:
    """Everything outside that somebody else names: made once, used by all; visits share nothing but what is set here.

    Attributes:
        allowed: private networks that may be reached all the same.
    """

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        resolve: Resolve = look_up,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.allowed = tuple(allowed)
        self._resolve = resolve
        self._given_tls = tls

    @asynccontextmanager
    async def visit(self, auth: Auth = None, *, patience_s: float = STEP_TIMEOUT_S) -> AsyncIterator[Visit]:
        """Open connections, and a cookie jar, for some requests of one account.

        Args:
            auth: sent with each request; in the clear into allowed networks only.
            patience_s: how long a server may think before each piece of its answer.
        """
        transport = GuardedTransport(self.allowed, resolve=self._resolve, tls=self._tls)
        clear = GuardedTransport(self.allowed, resolve=self._resolve, tls=self._tls, public=auth is None)
        async with httpx2.AsyncClient(
            transport=transport,
            mounts={"http://": clear},
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(STEP_TIMEOUT_S, read=patience_s),
            headers={"User-Agent": USER_AGENT},
        ) as client:
            yield Visit(client, auth)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or httpcore2.default_ssl_context()


class Visit:
    """Some requests on shared connections; made by `Web.visit`."""

    def __init__(self, client: httpx2.AsyncClient, auth: Auth) -> None:
        self._client = client
        self._auth = auth

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Answer:
        """Ask, and follow redirects with the same method and body (303: with GET).

        Any status is an answer; what came with a redirect to another origin came without credentials. A user and
        password in the address are not looked at.

        Raises:
            AddressNotAllowed: a private address, of the server or of one it redirects to.
            Upstream: no answer in time, one too large or one that is not HTTP.
        """
        try:
            async with asyncio.timeout(TOTAL_TIMEOUT_S):
                return await self._followed(method, _address(url), dict(headers or {}), content)
        except (TimeoutError, httpcore2.TimeoutException, httpx2.TimeoutException) as error:
            raise Upstream("The server did not answer in time.") from error
        except (httpcore2.NetworkError, httpx2.NetworkError, ssl.SSLError, OSError) as error:
            if _is_about_certificate(error):
                raise Upstream("The server's certificate is not valid for its name.") from error
            raise Upstream("The server could not be reached.") from error
        except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol, httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Upstream("The server did not answer as a web server does.") from error

    async def _followed(self, method: str, url: httpx2.URL, headers: dict[str, str], content: bytes | None) -> Answer:
        auth = self._auth
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._asked(method, url, headers, content, auth)
            target = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not target:
                return answer
            there = _address(str(url.join(target)))
            if url.scheme == "https" and there.scheme != "https":
                raise Upstream("The server redirects to an address that is not encrypted.")
            if _origin(there) != _origin(url):
                auth = None
                headers = {name: value for name, value in headers.items() if name.lower() not in _PERSONAL}
            if answer.status == 303:
                method, content = "GET", None
            url = there
        raise Upstream("The server redirects too often.")

    async def _asked(
        self, method: str, url: httpx2.URL, headers: Mapping[str, str], content: bytes | None, auth: Auth
    ) -> Answer:
        request = self._client.build_request(method, url, headers=headers, content=content)
        response = await self._client.send(request, auth=auth, stream=True)
        try:
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > LARGEST_ANSWER:
                    raise Upstream("The server's answer is too large.")
        finally:
            await response.aclose()
        return Answer(response.status_code, response.headers, bytes(body), str(url))


def put_off(answer: Answer, sentence: str) -> Upstream:
    """Make the error of a server that is busy (429, 503): it says when to come back (RFC 9110 10.2.3), or 60 s."""
    told = answer.headers.get("retry-after", "")
    return Upstream(sentence, retry_after_s=min(int(told), 3600) if told.isascii() and told.isdigit() else 60)


def _is_about_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def origin(url: str) -> Origin:
    """Answer an address's scheme, host and port."""
    return _origin(httpx2.URL(url))


def _origin(url: httpx2.URL) -> Origin:
    return url.scheme, url.host, url.port or _DEFAULT_PORTS.get(url.scheme)


def _address(url: str) -> httpx2.URL:
    """Read an address, without user and password.

    Raises:
        Upstream: it is none that could be asked.
    """
    try:
        known = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise Upstream("This is not an address of the web.") from error
    if known.scheme not in _DEFAULT_PORTS or not known.host or (known.port or 1) > 65_535:
        raise Upstream("This is not an address of the web.")
    return known.copy_with(username=None, password=None)
