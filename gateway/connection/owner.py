"""What a connection is given, and who it reports to."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gateway.connection.messages import ClientMessage
from gateway.connection.rate_limit import RateLimit
from gateway.websocket.events import FrameLimits

if TYPE_CHECKING:
    from gateway.connection.connection import Connection


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one socket may cost; shared by all of them."""

    frames: FrameLimits
    rate: RateLimit
    hard_limit_bytes: int
    send_buffer_bytes: int


class ConnectionEvents(Protocol):
    """Who a connection reports to."""

    limits: ConnectionLimits

    def now_ms(self) -> float:
        """Return the monotonic time."""

    def received(self, connection: "Connection", message: ClientMessage) -> None:
        """Act on a message; raises RealtimeError to end the connection with it."""

    def ended(self, connection: "Connection", *, code: int) -> None:
        """Forget the connection: it delivers nothing more. Called once, with its close code."""

    def fell_behind(self, connection: "Connection") -> None:
        """Watch over a connection that does not keep up."""

    def overrun(self, connection: "Connection") -> None:
        """Make room for a connection whose backlog is over the hard limit, or abort it."""

    def due_at(self, connection: "Connection", *, at_ms: float) -> None:
        """Look at the connection again at `at_ms`."""
