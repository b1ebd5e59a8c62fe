"""The room that a caller passes before it has a socket."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from gateway.edge.admission import Admission
from gateway.edge.client_address import ClientAddresses
from gateway.edge.origins import AllowedOrigins


@dataclass(frozen=True, slots=True)
class Edge:
    """Who may come in, from which page, and which address it counts under."""

    admission: Admission
    origins: AllowedOrigins
    addresses: ClientAddresses
    forwarded_header: str = "x-forwarded-for"
    """The header in which the proxies in front name the client."""

    def address_of(self, request: HTTPConnection) -> str:
        """Return the address that a request's client counts under."""
        peer = request.client.host if request.client else ""
        return self.addresses.of(peer, request.headers.getlist(self.forwarded_header))
