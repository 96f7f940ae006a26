"""Which addresses are public: those of IANA's special-purpose registries are not."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network

_PRIVATE4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers' NAT, RFC 6598
            "127.0.0.0/8",
            "169.254.0.0/16",  # link-local; clouds keep their secrets at 169.254.169.254
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
_PUBLIC6 = IPv6Network("2000::/3")  # all that was ever given out
# Tunnels (Teredo in 2001::/23, 6to4 in 2002::/16) lead to an IPv4 address inside them; nobody keeps calendars there.
_PRIVATE6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_TRANSLATED = tuple(map(IPv6Network, ("::ffff:0:0/96", "64:ff9b::/96")))  # RFC 4291 2.5.5.2, RFC 6052


def is_public(address: str) -> bool:
    """Tell whether an address is on the public internet.

    An IPv4 address written as IPv6 (mapped, or for NAT64) is judged as what it leads to.
    """
    known = _meant(address)
    if isinstance(known, IPv4Address):
        return not any(known in network for network in _PRIVATE4)
    return known in _PUBLIC6 and not any(known in network for network in _PRIVATE6)


def is_in(address: str, networks: Iterable[Network]) -> bool:
    """Tell whether an address, judged the same way, lies in one of some networks."""
    known = _meant(address)
    return any(known.version == network.version and known in network for network in networks)


def _meant(text: str) -> IPv4Address | IPv6Address:
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
