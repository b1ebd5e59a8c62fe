"""What a client's messages do, and what the end of its connection means."""

import time
from dataclasses import dataclass, field

import structlog

from fanwire.core.connection_ids import connection_field
from fanwire.core.ids import Service
from fanwire.core.keys import Topic
from fanwire.core.position import Position
from fanwire.errors import BadMessage, Forbidden, Unauthorized
from fanwire.wire.encode import encode_auth
from gateway.auth.tokens import TokenVerifier
from gateway.connection.connection import Connection
from gateway.connection.counters import GatewayCounters
from gateway.connection.limits import ConnectionLimits
from gateway.connection.messages import (
    AckMessage,
    AuthMessage,
    ClientMessage,
    PingMessage,
    VisibilityMessage,
)
from gateway.connection.phases import SessionInput
from gateway.connection.registry import ConnectionRegistry
from gateway.delivery.hub import Hub
from gateway.flow_control.monitor import FlowMonitor
from gateway.session.joining import Joiner
from gateway.session.revocations import Revocations
from gateway.session.store import SubscriptionStore
from gateway.session.timers import SocketTimers
from shared.runtime import now_ms

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SessionParts:
    """What the messages of a client act upon."""

    hub: Hub
    registry: ConnectionRegistry
    joiner: Joiner
    store: SubscriptionStore
    verifier: TokenVerifier
    revocations: Revocations
    timers: SocketTimers
    flow: FlowMonitor
    counters: GatewayCounters = field(default_factory=GatewayCounters)


class SessionMessages:
    """The conversations of all open connections."""

    def __init__(self, limits: ConnectionLimits, parts: SessionParts) -> None:
        self.limits = limits
        self._parts = parts

    def now_ms(self) -> float:
        """Return the monotonic time."""
        return now_ms()

    def due_at(self, connection: Connection, *, at_ms: float) -> None:
        """Look at the connection again at `at_ms`."""
        self._parts.timers.due_at(connection, at_ms=at_ms)

    def fell_behind(self, connection: Connection) -> None:
        """Watch over a connection that does not keep up."""
        self._parts.flow.watch(connection)

    def overrun(self, connection: Connection) -> None:
        """Make room for a connection whose backlog is over the hard limit, or abort it."""
        self._parts.flow.overrun(connection, hard_limit_bytes=self.limits.hard_limit_bytes)

    def received(self, connection: Connection, message: ClientMessage) -> None:
        """Act on a client's message; raises RealtimeError to end its connection."""
        connection.advance(SessionInput.MESSAGE)
        match message:
            case AuthMessage():
                self._refresh(connection, message.token)
            case AckMessage():
                self._check_ack(connection, message)
            case VisibilityMessage():
                connection.is_hidden = message.hidden
                self._parts.flow.withholding.refresh(connection)
            case PingMessage():
                self._parts.timers.beat(connection)

    def ended(self, connection: Connection, *, code: int) -> None:
        """Forget a connection: nothing is delivered to it any more."""
        self._parts.counters.closed[code] += 1
        self._parts.hub.leave_all(connection)
        self._parts.flow.forget(connection)
        self._parts.registry.remove(connection)
        claims = connection.claims
        self._parts.store.unregister(claims.org, connection_field(claims.sub, connection.id))
        log.debug("conn.closed", connection=connection.id, org=claims.org, code=code)

    def _refresh(self, connection: Connection, token: str) -> None:
        now_s = time.time()  # noqa: TID251 (tokens know no other clock)
        try:
            claims = self._parts.verifier.verify(token, now_s=now_s)
        except Unauthorized as error:
            self._parts.counters.judge(error)
            raise
        if (claims.org, claims.sub) != (connection.claims.org, connection.claims.sub):
            raise Forbidden("the fresh token is another user's")
        self._parts.revocations.check(claims)
        connection.claims = claims
        self._parts.joiner.narrow(connection)
        self._parts.timers.renew(connection)
        connection.send(encode_auth(claims.exp_ms))

    def _check_ack(self, connection: Connection, ack: AckMessage) -> None:
        lag_ms = 0.0
        for service, position in ack.positions.items():
            held = self._parts.hub.get(Topic(connection.claims.org, service))
            if held is None or service not in connection.subscription.services:
                continue  # it crossed a change of the subscription
            if self._parts.flow.withholding.withholds(connection, service):
                continue  # nothing holds the topic for this socket: it may have begun anew
            # Not `position`: a reset may have taken that back while the ack was on its way.
            if position > held.furthest:
                raise BadMessage(
                    f"ack of {service} at {position} is ahead of what was sent, {held.furthest}"
                )
            lag_ms = max(lag_ms, _ack_lag_ms(connection, service, position))
        self._parts.flow.acked(connection, lag_ms)


def _ack_lag_ms(connection: Connection, service: Service, position: Position) -> float:
    group = connection.group_of(service)
    # The timers of a hidden page are held up by its browser, and what a catch-up writes is old.
    if group is None or connection.is_hidden:
        return 0.0
    since_ms = group.unacked_since_ms(position)
    return 0.0 if since_ms is None else now_ms() - max(since_ms, connection.caught_up_ms)
