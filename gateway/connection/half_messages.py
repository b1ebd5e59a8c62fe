"""What the sockets of a gateway have sent of messages that are not complete, in sum.

Each message has a bound of its own, and thousands of them begun at once would have none together.
Bound: `max_bytes`; beyond it the socket whose message was begun first is given up; its client is
told with 1013 and comes back.
"""

from typing import Final, Generic, TypeVar

Socket = TypeVar("Socket")

MAX_BYTES: Final = 32 * 1024 * 1024
"""512 messages of the size that GATEWAY_MAX_FRAME_BYTES allows by default; a client's own messages
are some hundred bytes and come in one piece."""


class HalfMessages(Generic[Socket]):
    """Bytes by socket, the message that was begun first at the front."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._held: dict[Socket, int] = {}
        self.used_bytes = 0

    def note(self, socket: Socket, held_bytes: int) -> Socket | None:
        """Note what a socket holds by now; return the one to give up, if they hold too much."""
        if not held_bytes:
            self.used_bytes -= self._held.pop(socket, 0)
            return None
        self.used_bytes += held_bytes - self._held.get(socket, 0)
        self._held[socket] = held_bytes
        return next(iter(self._held)) if self.used_bytes > self._max_bytes else None
