"""The flow record of a socket: made when something is kept from it, gone when nothing is."""

from collections.abc import Mapping
from typing import Final

from fanwire.core.ids import Service
from fanwire.core.tiers import Tier
from gateway.connection.connection import Connection
from gateway.connection.lanes import ReplayPoint
from gateway.connection.records import SocketFlow

NOTHING_SHED: Final[frozenset[Tier]] = frozenset()
NOTHING_WITHHELD: Final[Mapping[Service, ReplayPoint]] = {}


def shed_of(connection: Connection) -> frozenset[Tier]:
    """Return the tiers that its quarantine keeps from a socket."""
    return NOTHING_SHED if connection.flow is None else connection.flow.shed


def withheld_of(connection: Connection) -> Mapping[Service, ReplayPoint]:
    """Return the services that a socket does not get for now, and from where it will."""
    return NOTHING_WITHHELD if connection.flow is None else connection.flow.withheld


def shed(connection: Connection, tiers: frozenset[Tier]) -> None:
    """Note which tiers its quarantine keeps from a socket from now on."""
    _flow_of(connection).shed = tiers
    _forget_if_healthy(connection)


def keep_point(connection: Connection, service: Service, point: ReplayPoint) -> None:
    """Note from where a socket will get a withheld service."""
    _flow_of(connection).withheld[service] = point


def pop_point(connection: Connection, service: Service) -> ReplayPoint | None:
    """Return from where a socket gets a service that is withheld no more; None if it was not."""
    if connection.flow is None:
        return None
    point = connection.flow.withheld.pop(service, None)
    _forget_if_healthy(connection)
    return point


def forget(connection: Connection) -> None:
    """Forget all of a socket that has ended."""
    connection.flow = None


def _flow_of(connection: Connection) -> SocketFlow:
    if connection.flow is None:
        connection.flow = SocketFlow(NOTHING_SHED, {})
    return connection.flow


def _forget_if_healthy(connection: Connection) -> None:
    flow = connection.flow
    if flow is not None and not (flow.shed or flow.withheld):
        connection.flow = None
