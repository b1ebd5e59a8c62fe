"""How far behind a socket is by its own account, and whether that account can be true."""

from collections.abc import Mapping

from fanwire.core.clock import now_ms
from fanwire.core.ids import Service
from fanwire.core.keys import Topic
from fanwire.core.position import Position
from fanwire.errors import BadMessage
from gateway.connection.connection import Connection
from gateway.delivery.hub import Hub
from gateway.flow_control.socket_flow import withheld_of


def ack_lag_ms(connection: Connection, positions: Mapping[Service, Position], hub: Hub) -> float:
    """Return for how long the socket has had more to take than it acknowledges.

    Raises:
        BadMessage: If it acknowledges what was never sent.
    """
    lag_ms = 0.0
    for service, position in positions.items():
        held = hub.get(Topic(connection.claims.org, service))
        if held is None or service not in connection.subscription.services:
            continue  # it crossed a change of the subscription
        if service in withheld_of(connection):
            continue  # nothing holds the topic for this socket: its epoch may be another by now
        # Not `position`: a reset may have taken that back while the ack was on its way.
        if position > held.furthest:
            raise BadMessage(
                f"ack of {service} at {position} is ahead of what was sent, {held.furthest}"
            )
        lag_ms = max(lag_ms, _lag_ms(connection, service, position))
    return lag_ms


def _lag_ms(connection: Connection, service: Service, position: Position) -> float:
    group = connection.group_of(service)
    # The timers of a hidden page are held up by its browser, and what a catch-up writes is old.
    if group is None or connection.is_hidden:
        return 0.0
    since_ms = group.unacked_since_ms(position)
    return 0.0 if since_ms is None else now_ms() - max(since_ms, connection.caught_up_ms)
