"""Connections that are made to the very address that was looked at (no second look-up could answer otherwise)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias

import httpcore2
import httpx2

from kalends.errors import Upstream

from .addresses import Network, is_in, is_public

# Looks a name up: host, port -> addresses in the order they are to be tried.
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]

_NOT_IN_THE_CLEAR = "A password is not sent in the clear: the address has to begin with https://."

NEXT_ADDRESS_S = 3.0  # for one of several addresses, so that a broken IPv6 does not take all the time there is


class AddressNotAllowed(Upstream):
    """This address is not on the public internet; the operator can allow its network (KALENDS_OUTGOING_NETWORKS)."""

    code = "address-not-allowed"


async def look_up(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Carries requests to public addresses and to allowed networks; the certificate is still the name's.

    Args:
        public: False: to allowed networks only.
    """

    def __init__(
        self, allowed: Sequence[Network], *, resolve: Resolve, tls: ssl.SSLContext, public: bool = True
    ) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls, max_connections=4, keepalive_expiry=30, network_backend=_Guard(allowed, resolve, public)
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, AsyncIterable)
        url = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        request.extensions["trace"] = steps = _Steps()
        while True:
            try:
                answer = await self._pool.handle_async_request(
                    httpcore2.Request(
                        request.method,
                        url,
                        headers=request.headers.raw,
                        content=request.stream,
                        extensions=dict(request.extensions),
                    )
                )
            except (httpcore2.NetworkError, httpcore2.RemoteProtocolError):
                # Some close a connection they kept open just when it is used again (RFC 9112 9.3.1; SOGo never says
                # that it will). Nobody asks through here for what may not be done twice.
                if steps.has_connected:
                    raise
            else:
                break
        assert isinstance(answer.stream, AsyncIterable)
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=dict(answer.extensions)
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Steps:
    """Hears of what is done for a request, and so whether it was sent on a connection made for it."""

    def __init__(self) -> None:
        self.has_connected = False

    async def __call__(self, step: str, _: object) -> None:
        self.has_connected |= step == "connection.connect_tcp.started"


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._answer.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._answer.aclose()


class _Guard(httpcore2.AsyncNetworkBackend):
    def __init__(self, allowed: Sequence[Network], resolve: Resolve, public: bool) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._public = public
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await self._addresses(host, port, timeout)
        for address in addresses[:-1]:
            try:
                return await self._network.connect_tcp(address, port, NEXT_ADDRESS_S)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._network.connect_tcp(addresses[-1], port, timeout)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise AddressNotAllowed

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)

    async def _addresses(self, host: str, port: int, timeout: float | None) -> Sequence[str]:
        try:
            async with asyncio.timeout(timeout):
                found = await self._resolve(host.strip("[]"), port)
        except (OSError, UnicodeError, TimeoutError) as error:
            raise httpcore2.ConnectError from error
        if not found:
            raise httpcore2.ConnectError
        good = list(dict.fromkeys(filter(self._permits, found)))
        if good:
            return good
        if any(map(is_public, found)):
            raise AddressNotAllowed(_NOT_IN_THE_CLEAR)
        raise AddressNotAllowed

    def _permits(self, address: str) -> bool:
        return (self._public and is_public(address)) or is_in(address, self._allowed)
