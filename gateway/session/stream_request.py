"""What a client asks for in the URL of its stream, checked against its token.

Two kinds of fault, told apart because they end differently: what cannot be read is a bad
message and final, what may not be had is forbidden. A service that does not exist and one
that the token does not list get the same answer, or the difference would tell which exist.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fanwire.auth.claims import Claims
from fanwire.core.ids import Service, checked_service
from fanwire.core.position import Position, parse_position
from fanwire.errors import BadMessage, Forbidden, TooManyServices, shortened


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """The services and the property asked for, and where to go on."""

    services: frozenset[Service]
    property_id: str | None
    resume: Mapping[Service, Position]


def parse_stream_query(
    query: Sequence[tuple[str, str]], *, claims: Claims, max_services: int
) -> StreamRequest:
    """Return the request that a query string spells.

    No `services` means the token's list, or none if the token says all.

    Raises:
        BadMessage, InvalidId, InvalidPosition, TooManyServices: If it cannot be read.
        Forbidden: If the token does not allow it.
    """
    named = _single(query, "services")
    services = (
        _services(named.split(",") if named else (), max_services=max_services)
        if named is not None
        else frozenset(map(Service, claims.services or ()))
    )
    if len(services) > max_services:
        raise TooManyServices(count=len(services), limit=max_services)
    property_id = _single(query, "propertyId") or None
    check_allowed(services, property_id, claims=claims)
    resume = _resume(_single(query, "resume") or "")
    return StreamRequest(services, property_id, {s: p for s, p in resume.items() if s in services})


def check_allowed(services: Iterable[str], property_id: str | None, *, claims: Claims) -> None:
    """Refuse what the token does not list; raises Forbidden."""
    for service in services:
        if not claims.may_receive(service):
            raise Forbidden(f"service {shortened(service)} is not allowed")
    if property_id is None or claims.properties is None or property_id in claims.properties:
        return
    raise Forbidden(f"property {shortened(property_id)} is not allowed")


def _single(query: Sequence[tuple[str, str]], name: str) -> str | None:
    values = [value for key, value in query if key == name]
    if len(values) > 1:
        raise BadMessage(f"{name} is given {len(values)} times")
    return values[0] if values else None


def _services(names: Sequence[str], *, max_services: int) -> frozenset[Service]:
    # Counted before the names are looked at: ten thousand bad names must not cost more.
    if len(names) > max_services:
        raise TooManyServices(count=len(names), limit=max_services)
    return frozenset(map(checked_service, names))


def _resume(text: str) -> dict[Service, Position]:
    positions: dict[Service, Position] = {}
    for part in text.split(",") if text else ():
        name, _, position = part.partition(":")
        service = checked_service(name)
        if service in positions:
            raise BadMessage(f"resume names {service} twice")
        positions[service] = parse_position(position)
    return positions
