"""Takes a socket over from uvicorn once the handshake is done.

FastAPI's WebSocket costs a task, a queue and about 30 KB for as long as a socket lives. It is
worth that for the handshake alone: routing, headers, refusals with a status. Afterwards the
transport gets a protocol object of ours, and uvicorn forgets the connection.

The ASGI scope offers this as the extension `fanwire.handover`. The uvicorn class is internal,
so its version is pinned, and tests/shell/gateway/test_handover.py holds it to what is used here.
"""

from asyncio import Protocol, Transport
from collections.abc import Callable
from typing import Any, Final, cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

EXTENSION: Final = "fanwire.handover"

HandOver = Callable[[Protocol], None]


class HandOverProtocol(WebSocketsSansIOProtocol):
    """uvicorn's handshake, with a way out."""

    early: bytes = b""
    """What came in one piece with the request; it is for the next protocol."""

    def handle_connect(self, event: Request) -> None:
        """Start the ASGI application, with the extension in its scope."""
        # A client may send its first frames right behind the handshake; they are for the next
        # protocol and stay in the kernel until it is there.
        self.transport.pause_reading()
        super().handle_connect(event)
        scope: dict[str, Any] | None = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][EXTENSION] = self.hand_over

    async def send(self, message: ASGISendEvent) -> None:
        """Send what the application says."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            # A refusal ends a handshake as well as an upgrade does; without this word uvicorn
            # logs an error for each.
            self.handshake_complete = True

    def hand_over(self, successor: Protocol) -> None:
        """Give the transport to `successor`; the handshake must have been accepted."""
        if not self.handshake_complete or self.transport.is_closing():
            raise ConnectionError("the connection ended during its handshake")
        transport, self.transport = self.transport, cast(Transport, _NoTransport())
        self.connections.discard(self)
        self.stop_keepalive()
        transport.set_protocol(successor)
        successor.connection_made(transport)
        if self.early:
            # Not now: the caller has yet to make its successor known.
            self.loop.call_soon(_begin, transport, successor, self.early)
        else:
            transport.resume_reading()


def _begin(transport: Transport, successor: Protocol, early: bytes) -> None:
    if not transport.is_closing():
        successor.data_received(early)
        transport.resume_reading()


class _NoTransport:
    """What the left-over protocol holds; uvicorn closes its transport when the route returns."""

    def close(self) -> None:
        """Do nothing: the transport is somebody else's now."""

    def is_closing(self) -> bool:
        """Return True, so that nothing is written here any more."""
        return True
