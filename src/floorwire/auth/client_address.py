"""Client addresses: behind a trusted proxy, of this machine, and as rate limits count them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from floorwire.core.authorization import Network, is_within

Address: TypeAlias = IPv4Address | IPv6Address

FORWARDING = (
    b"forward",
    b"proxy",
    b"remote-addr\n",
    b"-address\n",
    b"-ip\n",
    b"clientip\n",
    b"socketip\n",
    b"\nx-original-",
    b"\nx-arr-",
    b"\nx-azure-",
    b"\nx-envoy-",
    b"\ncf-",
    b"\ncloudfront-",
    b"\ntailscale-",
    b"\nvia\n",
    b"-via\n",
    b"\nx-varnish\n",
    b"\nx-coming-from\n",
    b"\nx-host\n",
    b"\nx-scheme\n",
    b"\ncdn-loop\n",
    b"\nsurrogate-capability\n",
)
"""A header whose name has this in it says that a proxy passed the request on. It may come from anywhere.

A newline is where the name begins or ends. It is ``Forwarded`` (RFC 7239), ``X-Forwarded-For``, ``Via``, and
what proxies and content networks write instead: ``X-Real-IP``, ``CF-Connecting-IP``, ``X-Azure-ClientIP``."""
ASKED = b"\nmax-forwards\n"
"""RFC 9110 7.6.2: what a client asks of proxies. No proxy adds it."""
MAX_HOPS = 32
MAPPED_BITS = 96
"""The bits of ::ffff:0:0/96, before the IPv4 address (RFC 4291 2.5.5.2)."""
NETWORK_BITS = 64
"""One customer has at least a /64 of IPv6. Rate limits count each /64 as one address."""


def client_address(peer: str, forwarded_for: Sequence[str], trusted: tuple[Network, ...]) -> str:
    """Return the client's address: the last hop that is not a trusted proxy.

    ``forwarded_for`` holds the X-Forwarded-For headers in order. Each proxy appends the address that it was
    called from. So only an address to the right of a trusted hop is believed; what a client wrote itself
    stands further left.
    """
    hops = [hop for line in forwarded_for for hop in line.split(",")]
    current = _plain(peer) or peer
    for hop in reversed(hops[-MAX_HOPS:]):
        if not is_within(current, trusted):
            break
        earlier = _plain(hop)
        if earlier is None:
            break
        current = earlier
    return current


def is_forwarded(names: Iterable[bytes]) -> bool:
    """Return whether a proxy passed the request on. ``names``: its headers', in lower case.

    A proxy may write ``_`` in place of ``-``.
    """
    lines = b"\n%b\n" % b"\n".join(names).replace(b"_", b"-")
    if ASKED in lines:
        lines = lines.replace(ASKED, b"\n")
    return any(part in lines for part in FORWARDING)


def is_address(host: str) -> bool:
    """Return whether the host is an IP address, not a name."""
    return _parsed(host) is not None


def is_loopback(host: str) -> bool:
    """Return whether the host, a name or an address, can be reached from this machine only."""
    if host.lower() == "localhost":
        return True
    address = _parsed(host)
    return address is not None and address.is_loopback


def network_of(address: str) -> str:
    """Return the name that rate limits count an address by: IPv4 itself, IPv6 its /64."""
    parsed = _parsed(address)
    if parsed is None:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(IPv6Address(int(parsed) >> NETWORK_BITS << NETWORK_BITS))


def _plain(hop: str) -> str | None:
    """Return the address of ``192.0.2.7``, ``192.0.2.7:123``, ``2001:db8::1`` or ``[2001:db8::1]:123``."""
    text = hop.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    parsed = _parsed(text)
    return None if parsed is None else str(parsed)


def parse_network(text: str) -> Network:
    """Return the address or network. A mapped IPv4 network (::ffff:192.0.2.0/120) is that IPv4 network.

    Clients' addresses are compared in the same form (``is_within``). Raises ValueError.
    """
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.prefixlen >= MAPPED_BITS:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - MAPPED_BITS))
    return network


def _parsed(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if isinstance(mapped, IPv4Address) else address
