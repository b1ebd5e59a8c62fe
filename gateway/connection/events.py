"""Who a connection reports to, as far as it knows them.

`Socket_contra` stands for the connection itself: the two know each other, and the imports run one
way.
"""

from typing import Protocol, TypeVar

from fanwire.core.ids import Service
from fanwire.core.position import Position
from fanwire.core.property_filter import PropertyFilter
from gateway.connection.limits import ConnectionLimits
from gateway.connection.messages import ClientMessage

Socket_contra = TypeVar("Socket_contra", contravariant=True)


class WriteGroup(Protocol[Socket_contra]):
    """The sockets that get the same bytes of a service, as one of them sees it."""

    service: Service
    wanted: PropertyFilter
    served: Position

    def moved(self, connection: Socket_contra) -> None:
        """Take note that a member fell behind, or caught up."""

    def unacked_since_ms(self, position: Position) -> float | None:
        """Return since when a member that stands at `position` has had more to take."""


class ConnectionEvents(Protocol[Socket_contra]):
    """What happens on a socket, and the limits that it is given."""

    limits: ConnectionLimits

    def now_ms(self) -> float:
        """Return the monotonic time."""

    def received(self, connection: Socket_contra, message: ClientMessage) -> None:
        """Act on a message; raises RealtimeError to end the connection with it."""

    def holds_half(self, connection: Socket_contra, held_bytes: int) -> None:
        """Note how much of a message has come that is not complete, 0 if none is under way."""

    def ended(self, connection: Socket_contra, *, code: int) -> None:
        """Forget the connection: it delivers nothing more. Called once, with its close code."""

    def fell_behind(self, connection: Socket_contra) -> None:
        """Watch over a connection that does not keep up."""

    def overrun(self, connection: Socket_contra) -> None:
        """Make room for a connection whose backlog is over the hard limit, or end it."""

    def due_at(self, connection: Socket_contra, *, at_ms: float) -> None:
        """Look at the connection again at `at_ms`."""
