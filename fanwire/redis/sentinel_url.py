"""Addresses of a Redis that Sentinels watch over, as users write them.

`redis+sentinel://[user:password@]host:26379,host:26379/service[/db]`, or `rediss+sentinel://` where
the Redis itself speaks TLS. The user and password are those of Redis; Sentinels that ask for
their own are given `?sentinel_password=…` (and `sentinel_username`).
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

SCHEMES: Final = ("redis+sentinel", "rediss+sentinel")

DEFAULT_PORT: Final = 26_379
"""Sentinel's own default."""

_SHAPE: Final = "redis+sentinel://host:26379,host:26379/service"


@dataclass(frozen=True, slots=True)
class SentinelUrl:
    """Which Sentinels to ask, and for what."""

    sentinels: tuple[tuple[str, int], ...]
    service: str
    db: int
    is_tls: bool
    username: str | None
    password: str | None
    sentinel_username: str | None
    sentinel_password: str | None


def is_sentinel_url(url: str) -> bool:
    """Tell whether `url` names Sentinels and not a server."""
    return url.startswith(tuple(f"{scheme}://" for scheme in SCHEMES))


def parse_sentinel_url(url: str) -> SentinelUrl:
    """Read an address; raises ValueError, whose text never repeats a password."""
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    username, _, password = credentials.partition(":")
    service, _, db = parts.path.strip("/").partition("/")
    if not hosts or not service:
        raise ValueError(f"must name Sentinels and a service: {_SHAPE}")
    if db and not db.isdecimal():
        raise ValueError(f"must end in a database number after the service, not {db!r}")
    options = dict(parse_qsl(parts.query))
    unknown = sorted(options.keys() - {"sentinel_username", "sentinel_password"})
    if unknown:
        raise ValueError(f"must not have the options {', '.join(unknown)}")
    return SentinelUrl(
        sentinels=tuple(map(_host_and_port, hosts.split(","))),
        service=unquote(service),
        db=int(db or 0),
        is_tls=parts.scheme == "rediss+sentinel",
        username=unquote(username) or None,
        password=unquote(password) or None,
        sentinel_username=options.get("sentinel_username"),
        sentinel_password=options.get("sentinel_password"),
    )


def _host_and_port(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):  # no port; or an IPv6 address, which has colons as well
        host, port = text, str(DEFAULT_PORT)
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError(f"must name each Sentinel as host:port, not {text!r}: {_SHAPE}")
    return host.strip("[]"), int(port)
