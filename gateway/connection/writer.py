"""The writing half of a socket: straight to the kernel while it keeps up, else by lanes.

While the transport holds nothing back, frames go out as they come. As soon as it does, whole
frames wait in lanes, where they can be ordered by worth, conflated or dropped; the transport
itself holds no more than the rest of what it was given last, so there is always something left
to decide.

Every step returns what it changed, and the connection acts on it. Bound: `hard_limit_bytes` in
the lanes. A socket that is over it is shed, and if that does not help, what waits is dropped and
the socket closed. Its client resumes.
"""

import asyncio
import socket
from enum import Enum

from fanwire.core.ids import Service
from gateway.connection.lanes import Lanes, Queued, ReplayPoint


class WriteChange(Enum):
    """What a step changed about a socket."""

    FELL_BEHIND = "fell behind"
    CAUGHT_UP = "caught up"
    OVERRUN = "overrun"  # more waits than the hard limit allows


class SocketWriter:
    """What goes out of one connection. `lanes` is None while it keeps up."""

    __slots__ = ("_hard_limit_bytes", "_transport", "descriptor", "is_behind", "lanes", "pushed_ms")

    def __init__(
        self,
        transport: asyncio.Transport,
        *,
        hard_limit_bytes: int,
        send_buffer_bytes: int,
        now_ms: float,
    ) -> None:
        self._transport = transport
        self._hard_limit_bytes = hard_limit_bytes
        self.lanes: Lanes | None = None
        self.pushed_ms = now_ms
        """When the transport was last given anything, while it holds bytes back."""
        sock: socket.socket = transport.get_extra_info("socket")
        self.descriptor = sock.fileno()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        # Zero: `pause_writing` then says that bytes are held back, not that they are many.
        transport.set_write_buffer_limits(high=0)
        self.is_behind = transport.get_write_buffer_size() > 0

    @property
    def unsent_bytes(self) -> int:
        """What waits, in the transport and in the lanes."""
        in_lanes = 0 if self.lanes is None else self.lanes.used_bytes
        return self._transport.get_write_buffer_size() + in_lanes

    def waits(self, service: Service) -> bool:
        """Tell whether batches of `service` are not written yet."""
        return self.lanes is not None and self.lanes.holds(service)

    def drop(self, service: Service) -> ReplayPoint | None:
        """Forget the batches of `service` that wait; return from where they can be replayed."""
        return None if self.lanes is None else self.lanes.drop(service)

    def queue(self, queued: Queued, *, now_ms: float) -> WriteChange | None:
        """Write whole frames now, or when it is the turn of their lane."""
        if not self.is_behind:
            return self.write_rest(queued.frames, now_ms=now_ms)
        if self.lanes is None:
            self.lanes = Lanes()
        self.lanes.offer(queued)
        is_overrun = self.lanes.used_bytes > self._hard_limit_bytes
        return WriteChange.OVERRUN if is_overrun else None

    def write_rest(self, rest: bytes, *, now_ms: float) -> WriteChange | None:
        """Write what remains of a frame whose beginning is written already."""
        self._transport.write(rest)
        return self._follow(self._transport.get_write_buffer_size() > 0, now_ms)

    def pause(self, *, now_ms: float) -> WriteChange | None:
        """Take note that the transport holds bytes back."""
        return self._follow(True, now_ms)

    def resume(self, *, now_ms: float) -> WriteChange | None:
        """Take note that all is written, and let the lanes follow."""
        while self.lanes is not None and not self._transport.get_write_buffer_size():
            queued = self.lanes.pop()
            if queued is None:
                self.lanes = None
            else:
                self._transport.write(queued.frames)
                self.pushed_ms = now_ms
        is_behind = self.lanes is not None or self._transport.get_write_buffer_size() > 0
        return self._follow(is_behind, now_ms)

    def makes_room_for(self, close: bytes) -> bool:
        """Forget all batches that wait, as none may follow a close; tell whether it fits then."""
        if self.lanes is None:
            return True
        self.lanes.keep_control()
        return self.lanes.used_bytes + len(close) <= self._hard_limit_bytes

    def discard(self) -> None:
        """Forget all that waits in the lanes."""
        self.lanes = None

    def close(self) -> None:
        """Close the transport once it has written what it holds."""
        self._transport.close()

    def abort(self) -> None:
        """Close the transport at once, whatever is unsent."""
        self.discard()
        self._transport.abort()

    def _follow(self, is_behind: bool, now_ms: float) -> WriteChange | None:  # noqa: FBT001
        if is_behind is self.is_behind:
            return None
        self.is_behind = is_behind
        if not is_behind:
            return WriteChange.CAUGHT_UP
        self.pushed_ms = now_ms
        return WriteChange.FELL_BEHIND
