"""The writing half of a socket: straight to the kernel while it keeps up, else by lanes.

While the transport holds nothing back, frames go out as they come. As soon as it does, whole
frames wait in lanes, where they can be ordered by worth, conflated or dropped; the transport
itself holds no more than the rest of what it was given last, so there is always something left
to decide.

Bound: `hard_limit_bytes` in the lanes. Whoever is responsible for the socket is asked to shed;
if that does not help, the socket is aborted, since a close frame behind a megabyte of backlog
would never arrive. Its client sees a lost connection and resumes.
"""

import asyncio
import socket
from typing import TYPE_CHECKING, cast

from fanwire.core.ids import Service
from gateway.connection.lanes import Lanes, Queued, ReplayPoint
from gateway.connection.owner import ConnectionEvents
from gateway.connection.phases import SessionPhase
from gateway.websocket.writer import text_frame

if TYPE_CHECKING:
    from gateway.delivery.audience import Audience


class SocketWriter(asyncio.Protocol):
    """What goes out of one connection. `lanes` is None while it keeps up."""

    __slots__ = (
        "_sessions",
        "_transport",
        "audiences",
        "descriptor",
        "is_behind",
        "lanes",
        "phase",
        "pushed_ms",
    )

    def __init__(self, sessions: ConnectionEvents) -> None:
        self._sessions = sessions
        self.phase = SessionPhase.JOINING
        self.audiences: tuple[Audience, ...] = ()
        self.is_behind = False
        self.lanes: Lanes | None = None
        self.pushed_ms = sessions.now_ms()
        """When the transport was last given anything, while it holds bytes back."""

    @property
    def unsent_bytes(self) -> int:
        """What waits, in the transport and in the lanes."""
        in_lanes = 0 if self.lanes is None else self.lanes.used_bytes
        return self._transport.get_write_buffer_size() + in_lanes

    @property
    def is_open(self) -> bool:
        """Tell whether frames may still be written."""
        return self.phase is not SessionPhase.CLOSED

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport over from the handshake."""
        # A cast: uvloop's transports are not of asyncio's class.
        self._transport = cast(asyncio.Transport, transport)
        sock: socket.socket = transport.get_extra_info("socket")
        self.descriptor = sock.fileno()
        buffer_bytes = self._sessions.limits.send_buffer_bytes
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
        # Zero: `pause_writing` then says that bytes are held back, not that they are many.
        self._transport.set_write_buffer_limits(high=0)
        self.is_behind = self._transport.get_write_buffer_size() > 0

    def send(self, body: bytes) -> None:
        """Write one control frame, before any batch that waits; not once the socket is closed."""
        if self.is_open:
            self.write(text_frame(body))

    def write(self, frames: bytes) -> None:
        """Write whole control frames, before any batch that waits."""
        self.queue(Queued(frames, queued_ms=self._sessions.now_ms()))

    def queue(self, queued: Queued) -> None:
        """Write whole frames now, or when it is the turn of their lane."""
        if not self.is_behind:
            self.write_rest(queued.frames)
            return
        if self.lanes is None:
            self.lanes = Lanes()
        self.lanes.offer(queued)
        if self.lanes.used_bytes > self._sessions.limits.hard_limit_bytes:
            self._overrun()

    def write_rest(self, rest: bytes) -> None:
        """Write what remains of a frame whose beginning is written already."""
        self._transport.write(rest)
        self._set_behind(self._transport.get_write_buffer_size() > 0)

    def audience_of(self, service: Service) -> "Audience | None":
        """Return where this socket gets `service` live, None if it does not."""
        return next((a for a in self.audiences if a.service == service), None)

    def waits(self, service: Service) -> bool:
        """Tell whether batches of `service` are not written yet."""
        return self.lanes is not None and self.lanes.holds(service)

    def drop(self, service: Service) -> ReplayPoint | None:
        """Forget the batches of `service` that wait; return from where they can be replayed."""
        return None if self.lanes is None else self.lanes.drop(service)

    def pause_writing(self) -> None:
        """Called by the transport as soon as it holds bytes back."""
        self._set_behind(True)

    def resume_writing(self) -> None:
        """Called by the transport when all is written: let the lanes follow."""
        while self.lanes is not None and not self._transport.get_write_buffer_size():
            queued = self.lanes.pop()
            if queued is None:
                self.lanes = None
            else:
                self._transport.write(queued.frames)
                self.pushed_ms = self._sessions.now_ms()
        self._set_behind(self.lanes is not None or self._transport.get_write_buffer_size() > 0)

    def _set_behind(self, is_behind: bool) -> None:  # noqa: FBT001
        if is_behind is self.is_behind:
            return
        self.is_behind = is_behind
        for audience in self.audiences:
            audience.moved(self)
        if is_behind:
            self.pushed_ms = self._sessions.now_ms()
            self._fell_behind()

    def _fell_behind(self) -> None:
        """Called when bytes are held back for the first time since the socket kept up."""

    def _overrun(self) -> None:
        """Called when more waits than the hard limit allows."""
