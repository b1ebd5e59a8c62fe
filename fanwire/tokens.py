"""Tokens for development, tests and the command line.

In production an identity provider signs them; what it must put in is what is put in here.
A token that every gateway would refuse is not made, so that the mistake shows where it is.
PyJWT makes them, which `pip install 'fanwire[cli]'` brings.
"""

from collections.abc import Iterable
from secrets import token_urlsafe
from typing import Final

import jwt

from fanwire.core.ids import checked_org, checked_service, checked_user
from fanwire.token_algorithms import least_secret_bytes

LONGEST_TTL_S: Final = 24 * 60 * 60
"""The most that REALTIME_JWT_MAX_LIFETIME_S allows."""

ALL: Final = "*"


def mint_token(
    secret: bytes | str,
    *,
    org: str,
    sub: str,
    services: str | Iterable[str],
    properties: str | Iterable[str],
    publish: bool,
    ttl_s: int,
    issuer: str,
    audience: str,
    now: float,
    algorithm: str = "HS256",
) -> str:
    """Return a signed token. `services` and `properties` are lists, or `"*"`.

    Raises:
        InvalidId: If org, sub or a service is outside the alphabet of ids.
        ValueError: If the secret is short, the life too long, a list is a single text, or the
            algorithm is none of a secret.
    """
    key = secret.encode() if isinstance(secret, str) else secret
    needed = least_secret_bytes([algorithm])
    if len(key) < needed:
        raise ValueError(f"the secret has {len(key)} bytes, at least {needed} needed")
    if not 0 < ttl_s <= LONGEST_TTL_S:
        raise ValueError(f"a life of {ttl_s} s, allowed are 1 to {LONGEST_TTL_S}")
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": checked_user(sub),
        "org": checked_org(org),
        "iat": int(now),
        "exp": int(now) + ttl_s,
        "jti": token_urlsafe(12),
        "services": _services(services),
        "properties": _listed(properties, "properties"),
        "publish": publish,
    }
    return jwt.encode(claims, key, algorithm=algorithm)


def _services(services: str | Iterable[str]) -> str | list[str]:
    listed = _listed(services, "services")
    return listed if isinstance(listed, str) else [checked_service(name) for name in listed]


def _listed(names: str | Iterable[str], what: str) -> str | list[str]:
    if isinstance(names, str):
        # A text is iterable too: "tasks" would silently become the list t, a, s, k, s.
        if names != ALL:
            raise ValueError(f'{what} must be a list or "*", not the text {names!r}')
        return names
    return sorted(set(names))
