"""What a client's messages do, and what the end of its connection means."""

from typing import Final

from fanwire.core.clock import now_ms
from fanwire.errors import Forbidden, Overloaded, Unauthorized
from fanwire.wire.encode import encode_auth
from gateway.connection.connection import Connection
from gateway.connection.half_messages import HalfMessages
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
from gateway.flow_control.monitor import FlowMonitor
from gateway.session.credentials import Credentials
from gateway.session.joining import Joiner
from gateway.session.timers import SocketTimers
from shared.logs import logger

log = logger()

COME_BACK_MS: Final = 1_000
"""Long enough for the flood that it was caught in to be over, short enough for a person."""


class SessionMessages:
    """The conversations of all open connections."""

    def __init__(
        self,
        limits: ConnectionLimits,
        credentials: Credentials,
        registry: ConnectionRegistry,
        joiner: Joiner,
        timers: SocketTimers,
        monitor: FlowMonitor,
    ) -> None:
        self.limits = limits
        self._credentials = credentials
        self._registry = registry
        self._joiner = joiner
        self._timers = timers
        self._monitor = monitor
        self._half_messages: HalfMessages[Connection] = HalfMessages()

    def now_ms(self) -> float:
        """Return the monotonic time."""
        return now_ms()

    def due_at(self, connection: Connection, *, at_ms: float) -> None:
        """Look at the connection again at `at_ms`."""
        self._timers.due_at(connection, at_ms=at_ms)

    def fell_behind(self, connection: Connection) -> None:
        """Watch over a connection that does not keep up."""
        self._monitor.watch(connection)

    def overrun(self, connection: Connection) -> None:
        """Make room for a connection whose backlog is over the hard limit, or end it."""
        self._monitor.overrun(connection, hard_limit_bytes=self.limits.hard_limit_bytes)

    def received(self, connection: Connection, message: ClientMessage) -> None:
        """Act on a client's message; raises RealtimeError to end its connection."""
        connection.advance(SessionInput.MESSAGE)
        match message:
            case AuthMessage():
                self._refresh(connection, message.token)
            case AckMessage():
                self._monitor.acked(connection, message.positions)
            case VisibilityMessage():
                connection.is_hidden = message.hidden
                self._monitor.withholding.refresh(connection)
            case PingMessage():
                self._timers.beat(connection)

    def holds_half(self, connection: Connection, held_bytes: int) -> None:
        """Bound what half messages hold in sum: the socket with the oldest one is given up."""
        oldest = self._half_messages.note(connection, held_bytes)
        if oldest is not None:
            why = f"half messages hold {self._half_messages.used_bytes} bytes"
            oldest.close(Overloaded(why, retry_after_ms=COME_BACK_MS))
            oldest.abort()  # or what it holds would be held until its client answers

    def ended(self, connection: Connection, *, code: int) -> None:
        """Forget a connection: nothing is delivered to it any more."""
        self._half_messages.note(connection, 0)
        self._registry.counters.closed[code] += 1
        self._monitor.forget(connection)
        self._registry.remove(connection)
        self._joiner.leave(connection)
        org = connection.claims.org
        log.debug("conn.closed", connection=connection.id, org=org, code=code)

    def _refresh(self, connection: Connection, token: str) -> None:
        try:
            claims = self._credentials.claims_of(token)
        except Unauthorized as error:
            self._registry.counters.judge(error)
            raise
        if (claims.org, claims.sub) != (connection.claims.org, connection.claims.sub):
            raise Forbidden("the fresh token is another user's")
        self._credentials.check_revoked(claims)
        connection.claims = claims
        self._joiner.narrow(connection)
        self._timers.renew(connection)
        connection.send(encode_auth(claims.exp_ms))
