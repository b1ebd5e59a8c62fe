"""Which web pages may open a socket.

A browser names the page's origin, and no page can forge it. Browsers spell an origin in one
way only (RFC 6454 §6.2), so equal strings are equal origins: the allow-list is brought into
that spelling once, and what a caller sends is compared whole and never parsed. A suffix, a
prefix or another port is simply another string.

The shells of mobile and desktop apps have schemes of their own, such as `capacitor://localhost` or
`chrome-extension://<id>`. They are listed like pages.

`null` is what sandboxed frames and local files call themselves. Anybody can make one, so it
is refused even where every origin is allowed.

Rejected: patterns such as `*.example.com`. One forgotten subdomain, or one that can be taken
over, would open the gateway to its next owner.
"""

import re
from collections.abc import Iterable
from typing import Final

ANY: Final = "*"
_ORIGIN: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])"
    r"(:(?P<port>[1-9][0-9]{0,4}))?/?"
).fullmatch
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_NO_ORIGIN: Final = frozenset({"about", "blob", "data", "file", "javascript", "ws", "wss"})
"""Schemes whose pages call themselves `null`, or that no page has."""


class AllowedOrigins:
    """The pages that may open a socket. `*` allows all; settings refuse it in production."""

    __slots__ = ("_any", "_origins")

    def __init__(self, origins: Iterable[str]) -> None:
        listed = tuple(origins)
        self._any = ANY in listed
        self._origins = frozenset(canonical_origin(origin) for origin in listed if origin != ANY)

    def allows(self, origin: str | None, *, token_in_header: bool) -> bool:
        """Tell whether a page of `origin` may connect. None means that no Origin was sent.

        Without one it is no browser, and it must prove that by what no page can do:
        `token_in_header` says that the token came in an Authorization header.
        """
        if origin is None:
            return token_in_header
        if origin == "null":
            return False
        return self._any or origin in self._origins


def canonical_origin(origin: str) -> str:
    """Return `origin` as a browser spells it.

    Raises:
        ValueError: If it is not exactly one scheme, host and optional port.
    """
    parts = _ORIGIN(origin.strip().lower())
    if parts is None or parts["scheme"] in _NO_ORIGIN:
        raise ValueError(
            f"origin {origin!r} must be http(s)://host[:port], or the scheme://host of an app's "
            "shell, without path, user or wildcard (a name outside ASCII in its xn-- form)"
        )
    scheme, host, port = parts["scheme"], parts["host"], parts["port"]
    if port is None or port == _DEFAULT_PORTS.get(scheme):
        return f"{scheme}://{host}"
    return f"{scheme}://{host}:{port}"


def origin_problem(origin: str, *, production: bool) -> str | None:
    """Return what is wrong with an entry of the allow-list, or None."""
    if origin == ANY:
        return "must list the origins in production, not *" if production else None
    if origin.endswith("/"):
        return f"must list origins without a path: {origin.rstrip('/')}"
    try:
        canonical_origin(origin)
    except ValueError as error:
        return f"must list exact origins: {error}"
    return None
