"""The URLs of a gateway, from the one that the user gives.

Accepted are the address alone (`ws://host:8000`, `https://host`) and the full stream URL. A
query is refused: what belongs there is set by name, and a token must never be in a URL.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from fanwire.core.position import Position
from fanwire.errors import BadMessage, shortened

STREAM_PATH: Final = "/v2/realtime/stream"
_STREAM: Final = "/stream"
_SOCKET_SCHEME: Final = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_HTTP_SCHEME: Final = {"ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """Where a gateway is."""

    scheme: str
    host: str
    path: str

    def stream(
        self,
        services: Iterable[str] | None,
        property_id: str | None,
        resume: Mapping[str, Position],
    ) -> str:
        """Return the URL to connect to; no services means those that the token lists."""
        query: dict[str, str] = {}
        if services is not None:
            query["services"] = ",".join(services)
        if property_id is not None:
            query["propertyId"] = property_id
        if resume:
            query["resume"] = ",".join(f"{name}:{position}" for name, position in resume.items())
        text = urlencode(query, safe=",:", quote_via=quote)
        return urlunsplit((self.scheme, self.host, self.path, text, ""))

    def http(self, name: str) -> str:
        """Return the URL of the HTTP call `name`, next to the stream."""
        path = f"{self.path.removesuffix(_STREAM)}/{name}"
        return urlunsplit((_HTTP_SCHEME[self.scheme], self.host, path, "", ""))


def parse_gateway(url: str) -> GatewayAddress:
    """Return the gateway that `url` names.

    Raises:
        BadMessage: If it is not a ws, wss, http or https address, or has a query.
    """
    parts = urlsplit(url)
    scheme = _SOCKET_SCHEME.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise BadMessage(f"url {shortened(url)} is not like ws://127.0.0.1:8000")
    if parts.query or parts.fragment or parts.username is not None:
        # Not quoted: it may hold a token.
        raise BadMessage(f"the url of {parts.hostname} may have no query, fragment or login")
    path = parts.path.rstrip("/")
    return GatewayAddress(scheme, parts.netloc, path or STREAM_PATH)
