"""Limits beside those of credentials: of client addresses, for what comes without one, and of users."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from uuid import UUID

from starlette.requests import HTTPConnection

from kalends.app import App
from kalends.errors import LimitReached
from kalends.storage import buckets
from kalends.storage.buckets import RateLimit


class Proxies:
    """The addresses whose `X-Forwarded-For` is believed."""

    def __init__(self, trusted: Iterable[str]) -> None:
        """Read addresses and networks (``10.0.0.0/8``).

        Raises:
            ValueError: one of them is neither.
        """
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(given, strict=False) for given in trusted]

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._networks)

    def client(self, peer: str, forwarded: Iterable[str]) -> str:
        """Find who asked: the last address in the chain that is no trusted proxy, else the peer.

        Args:
            peer: the address of the connection.
            forwarded: the values of `X-Forwarded-For`, each maybe a list with commas, in order.
        """
        chain = [hop.strip() for value in forwarded for hop in value.split(",") if hop.strip()]
        found = peer
        while chain and self._trusts(found):
            hop = _parse(chain.pop())
            if hop is None:  # garbage from here on: the last known address stands
                break
            found = str(hop)
        return found

    def _trusts(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def client_address(request: HTTPConnection) -> str:
    """Name the address a request came from, as far as the trusted proxies tell."""
    peer = request.client.host if request.client else "local"
    proxies: Proxies = request.app.state.proxies
    return proxies.client(peer, request.headers.getlist("x-forwarded-for")) if proxies else peer


def client_of(request: HTTPConnection) -> str:
    """Name the client that limits count: a request's address; of IPv6 the /64, which is what one customer has."""
    return _counted(client_address(request))


@lru_cache(maxsize=1024)
def _counted(address: str) -> str:
    parsed: IPv4Address | IPv6Address | IPv6Network | IPv4Network | None = _parse(address)
    if isinstance(parsed, IPv6Address):
        parsed = ip_network((parsed, 64), strict=False)
    return str(parsed or address)


def bucket_of_address(request: HTTPConnection, name: str) -> str:
    """Name the bucket that a request's client has for `name`."""
    return f"{name}:{client_of(request)}"


async def take_address(app: App, request: HTTPConnection, name: str, per_minute: float, burst: int) -> None:
    """Take one token from the bucket that this address has for `name`, committed at once.

    An operator who switches the limit of credentials off (burst 0) switches these off too.

    Raises:
        LimitReached: it is empty.
    """
    await _take(app, request, bucket_of_address(request, name), RateLimit(per_minute, burst))


async def take_user(app: App, request: HTTPConnection, name: str, user_id: UUID, per_minute: float, burst: int) -> None:
    """Take one token from the bucket that a user has for `name`, committed at once, whoever asks.

    Raises:
        LimitReached: it is empty.
    """
    await _take(app, request, f"{name}:{user_id}", RateLimit(per_minute, burst))


async def _take(app: App, request: HTTPConnection, bucket: str, limit: RateLimit) -> None:
    limits: RateLimit = request.app.state.limits
    if limits.burst == 0:
        return
    async with app.reading() as conn:
        level = await buckets.take(conn, bucket, limit, app.now())
    if not level.taken:
        raise LimitReached(retry_after_s=level.retry_after_s)


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address.split("%", 1)[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        return parsed.ipv4_mapped
    return parsed
