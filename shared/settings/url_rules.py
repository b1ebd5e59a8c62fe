"""Which Redis and JWKS addresses may be used, and what to say of those that may not.

Pure text rules, without name resolution: a lookup at start-up would make a server's start
depend on DNS, and its answer may be another one a minute later. The sentences never repeat
a URL, because both kinds can carry a password.
"""

import ipaddress
from typing import Final
from urllib.parse import SplitResult, urlsplit

from fanwire.redis.sentinel_url import is_sentinel_url, parse_sentinel_url

REDIS_SCHEMES: Final = ("redis", "rediss", "unix")


def redis_url_problem(url: str, *, production: bool, insecure: bool) -> str | None:
    """Return what is wrong with a Redis URL, or None."""
    if is_sentinel_url(url):
        return _sentinel_problem(url, is_strict=production and not insecure)
    parts = _parts(url)
    if parts is None or parts.scheme not in REDIS_SCHEMES:
        return "must begin with redis://, rediss://, unix:// or redis+sentinel://"
    if parts.scheme == "unix":
        return None if parts.path else "must name a socket: unix:///path/to/redis.sock"
    if not parts.hostname:
        return f"must name a host: {parts.scheme}://host:6379/0"
    if production and not insecure and (parts.scheme != "rediss" or not parts.password):
        return _strict_problem("rediss://")
    return None


def _sentinel_problem(url: str, *, is_strict: bool) -> str | None:
    try:
        address = parse_sentinel_url(url)
    except ValueError as error:
        return str(error)
    if is_strict and not (address.is_tls and address.password):
        return _strict_problem("rediss+sentinel://")
    return None


def _strict_problem(scheme: str) -> str:
    return (
        f"must use {scheme} and a password in production; where the network itself is "
        "private and trusted, set REALTIME_REDIS_INSECURE=true"
    )


def jwks_url_problem(url: str, *, insecure: bool) -> str | None:
    """Return what is wrong with a JWKS URL, or None."""
    parts = _parts(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return "must be an https:// URL"
    if parts.username is not None or parts.password is not None:
        return "must not carry credentials"
    if insecure:
        return None
    if parts.scheme != "https":
        return "must be https://; for a test issuer, set REALTIME_JWKS_INSECURE=true"
    if is_private_host(parts.hostname):
        return "must not be a private address; if it is meant, set REALTIME_JWKS_INSECURE=true"
    return None


def is_private_host(host: str) -> bool:
    """Tell whether `host` is localhost or an address that is not on the public internet."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  raises for a port that is no number
    except ValueError:
        return None
    return parts
