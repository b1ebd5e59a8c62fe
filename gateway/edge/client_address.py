"""Which address a client counts under.

Behind balancers the peer is a balancer, and the client's address is what they wrote into
X-Forwarded-For, or into Forwarded (RFC 7239) where the settings name that one. Anybody can send
these headers, so an entry is believed only if a trusted proxy appended it: the list is read from
its end, as far as the proxies go. Only one of the two is read, because a proxy that writes the one
passes a client's own spelling of the other on.

Proxies differ in how they write an address: bare, with a port, in brackets, in quotes.

An IPv6 client counts by its /64, since a single one is given that many addresses.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_IPV6_PREFIX: Final = 64
"""What a provider gives to one customer at least (RFC 6177)."""
_ELEMENT: Final = re.compile(r'(?:"[^"]*"|[^",])+')
_FOR: Final = re.compile(r'(?:^|;)\s*for\s*=\s*(?P<node>"[^"]*"|[^;,\s]+)', re.IGNORECASE)
_HOST: Final = re.compile(
    r"\[(?P<bracketed>[0-9A-Fa-f:.]+)\](?::\d+)?|(?P<bare>\d+\.\d+\.\d+\.\d+)(?::\d+)?"
)


class ClientAddresses:
    """Reads addresses for one set of trusted proxies."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        self._trusted: list[Network] = [ip_network(text) for text in trusted_proxies]

    def of(self, peer: str, forwarded_for: Sequence[str]) -> str:
        """Return the client's address as it is counted; `peer` itself if that is no IP address.

        `forwarded_for` holds the values of the header's lines in the order in which they came.
        """
        address = _read(peer)
        if address is None:
            return peer
        hops = _elements(",".join(forwarded_for))
        while hops and any(address in network for network in self._trusted):
            before = _read(hops.pop())
            if before is None:
                break  # the last proxy knew no better
            address = before
        return _counted(address)


def networks_problem(texts: Sequence[str]) -> str | None:
    """Tell which of `texts` is no network, None if all are."""
    for text in texts:
        try:
            ip_network(text)
        except ValueError as error:
            return f"has {text!r}: {error}; write networks such as 10.0.0.0/8,fd00::/8"
    return None


def _elements(header: str) -> list[str]:
    """Return the comma-separated elements; a comma inside quotes parts nothing."""
    return [element for element in _ELEMENT.findall(header) if element.strip()]


def _read(text: str) -> Address | None:
    host = _HOST.fullmatch(_for_parameter(text))
    try:
        address = ip_address(host["bracketed"] or host["bare"] if host else text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _for_parameter(element: str) -> str:
    """Return what `for=` of an element of Forwarded names, or the element itself."""
    named = _FOR.search(element)
    return (named["node"] if named else element).strip().strip('"').strip()


def _counted(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((address, _IPV6_PREFIX), strict=False))
