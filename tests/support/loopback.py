"""A connection on a real pair of sockets, without an event loop.

The transport does what a loop's transport does, at once and on command: it writes what the
kernel takes, holds the rest back, and says so to its protocol. Frames that go past it to the
descriptor meet the same kernel buffer, so a wrong order shows.
"""

import asyncio
import socket
from typing import Any, Final

from fanwire.auth.claims import Claims
from gateway.connection.connection import Connection
from gateway.connection.events import ConnectionEvents
from gateway.connection.limits import ConnectionLimits
from gateway.connection.messages import ClientMessage
from gateway.connection.rate_limit import RateLimit
from gateway.delivery.hub import Hub
from gateway.websocket.events import FrameLimits
from tests.support import client_frames, server_frames
from tests.support.gateway_values import some_claims

LIMITS: Final = ConnectionLimits(
    frames=FrameLimits(max_message_bytes=65_536),
    rate=RateLimit(per_s=20, burst=40),
    hard_limit_bytes=1_048_576,
    send_buffer_bytes=4_096,
)


class _OwnedSocket(socket.socket):
    """Closes itself when it is forgotten, as a test forgets its clients."""

    def __del__(self) -> None:
        self.close()


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    near, far = (_OwnedSocket(fileno=each.detach()) for each in socket.socketpair())
    near.setblocking(False)
    far.setblocking(False)
    return near, far


class LoopbackTransport(asyncio.Transport):
    """One end of a socket pair; the test holds the other end as `peer`."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._socket, self.peer = _socket_pair()
        self._protocol = protocol
        self._unsent = bytearray()
        self._is_paused = False
        self._closing = False
        self.is_aborted = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._socket if name == "socket" else default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high == 0, "the fast path relies on being told of every byte held back"

    def get_write_buffer_size(self) -> int:
        return len(self._unsent)

    def is_closing(self) -> bool:
        return self._closing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.is_aborted:
            return
        self._unsent += data
        self._send()
        if self._unsent and not self._is_paused:
            self._is_paused = True
            self._protocol.pause_writing()

    def flush(self) -> None:
        """Send what the kernel takes, as a loop does when the socket becomes writable."""
        self._send()
        if self._is_paused and not self._unsent:
            self._is_paused = False
            self._protocol.resume_writing()

    def close(self) -> None:
        self._closing = True

    def abort(self) -> None:
        self.is_aborted = self._closing = True
        self._unsent.clear()

    def lose(self) -> None:
        """Tell the protocol of the end, then close the descriptor, in a transport's order."""
        self._closing = True
        self._protocol.connection_lost(None)
        self._socket.close()

    def received(self) -> bytes:
        """Return what has reached the peer, without letting anything more be sent."""
        pieces = bytearray()
        try:
            while piece := self.peer.recv(1 << 20):
                pieces += piece
        except BlockingIOError:
            pass
        return bytes(pieces)

    def received_in_full(self) -> bytes:
        """Return what reaches a peer that reads until nothing is held back."""
        pieces = self.received()
        while self._unsent:
            self.flush()
            pieces += self.received()
        return pieces

    def _send(self) -> None:
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent)
            except (BlockingIOError, BrokenPipeError):
                return
            del self._unsent[:sent]


class Client:
    """A connection, its transport, and what its peer sees."""

    def __init__(
        self,
        sessions: ConnectionEvents[Connection],
        *,
        claims: Claims | None = None,
        name: str = "gw~c1",
    ) -> None:
        self.connection = Connection(sessions, claims or some_claims(), name)
        self.transport = LoopbackTransport(self.connection)
        self.connection.connection_made(self.transport)

    def says(self, text: bytes) -> None:
        """Let the client send a text message."""
        self.connection.data_received(client_frames.text(text))

    def messages(self) -> list[dict[str, Any]]:
        """Return the messages that have reached the peer since the last look."""
        return server_frames.messages(self.transport.received_in_full())

    def types(self) -> list[str]:
        """Return the types of those messages."""
        return [message["type"] for message in self.messages()]


class RecordingSessions:
    """Records what its connections report."""

    def __init__(self, hub: Hub | None = None, limits: ConnectionLimits = LIMITS) -> None:
        self.limits = limits
        self._hub = hub
        self.clock_ms = 0.0
        self.messages: list[ClientMessage] = []
        self.ended_ids: list[str] = []
        self.due: list[tuple[str, float]] = []
        self.behind_ids: list[str] = []
        self.half_bytes = 0
        self.refusal: Exception | None = None
        """What `received` raises."""

    def now_ms(self) -> float:
        return self.clock_ms

    def received(self, connection: Connection, message: ClientMessage) -> None:
        self.messages.append(message)
        if self.refusal is not None:
            raise self.refusal

    def holds_half(self, connection: Connection, held_bytes: int) -> None:
        self.half_bytes = held_bytes

    def ended(self, connection: Connection, *, code: int) -> None:
        self.ended_ids.append(connection.id)
        if self._hub is not None:
            self._hub.leave_all(connection)

    def fell_behind(self, connection: Connection) -> None:
        self.behind_ids.append(connection.id)

    def overrun(self, connection: Connection) -> None:
        connection.abort()  # as if all that waits were critical

    def due_at(self, connection: Connection, *, at_ms: float) -> None:
        self.due.append((connection.id, at_ms))
