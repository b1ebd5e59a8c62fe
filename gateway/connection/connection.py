"""One client's socket, after its upgrade.

A connection moves bytes and keeps order: it parses what comes, and ends. What goes out is in
writer.py beside it; what a message means, who gets which frame and when a timer is due is decided
elsewhere. It is small on purpose; ten thousand of them are the normal case.
"""

import asyncio
from typing import Final, cast

from fanwire.auth.claims import Claims
from fanwire.core.ids import Service
from fanwire.errors import RateLimited, RealtimeError
from fanwire.wire.encode import encode_error
from gateway.connection.events import ConnectionEvents, WriteGroup
from gateway.connection.lanes import Queued
from gateway.connection.limits import CLOSE_GRACE_MS, TOLERATED_UNKNOWN_MESSAGES
from gateway.connection.messages import UnknownType, parse_message
from gateway.connection.phases import SessionInput, SessionPhase, advance
from gateway.connection.rate_limit import TokenBucket
from gateway.connection.records import NOT_SUBSCRIBED, SocketFlow
from gateway.connection.writer import SocketWriter, WriteChange
from gateway.websocket import events as ws
from gateway.websocket.parser import FrameParser
from gateway.websocket.writer import close_frame, pong_frame, text_frame

ABNORMAL: Final = 1006
"""The code of a socket that ended without a close: no frame ever carries it."""


class Connection(asyncio.Protocol):
    """Owned by its transport; ends in `ConnectionEvents.ended`, whatever ends it."""

    __slots__ = (
        "_bucket", "_events", "_parser", "_unknown_count", "address", "caught_up_ms", "claims",
        "due_ms", "flow", "groups", "heard_ms", "id", "is_hidden", "phase", "subscription",
        "writer",
    )  # fmt: skip

    writer: SocketWriter
    """There from `connection_made` on."""

    def __init__(
        self,
        events: ConnectionEvents["Connection"],
        claims: Claims,
        connection_id: str,
        address: str = "",
    ) -> None:
        self._events = events
        self.id = connection_id
        self.address = address
        self.claims = claims
        self.phase = SessionPhase.JOINING
        self.subscription = NOT_SUBSCRIBED
        self.groups: tuple[WriteGroup[Connection], ...] = ()
        self.flow: SocketFlow | None = None
        """What is kept from it; None while it gets everything."""
        self.is_hidden = False
        self.caught_up_ms = 0.0
        """When its last catch-up ended: what it acks of it is not late."""
        self.heard_ms = self.due_ms = events.now_ms()
        self._parser = FrameParser(events.limits.frames)
        self._bucket = TokenBucket(events.limits.rate, now_ms=self.heard_ms)
        self._unknown_count = 0

    @property
    def is_open(self) -> bool:
        """Tell whether frames may still be written."""
        return self.phase is not SessionPhase.CLOSED

    def group_of(self, service: Service) -> "WriteGroup[Connection] | None":
        """Return where this socket gets `service` live, None if it does not."""
        return next((group for group in self.groups if group.service == service), None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport over from the handshake."""
        self.writer = SocketWriter(
            # A cast: uvloop's transports are not of asyncio's class.
            cast(asyncio.Transport, transport),
            hard_limit_bytes=self._events.limits.hard_limit_bytes,
            send_buffer_bytes=self._events.limits.send_buffer_bytes,
            now_ms=self._events.now_ms(),
        )

    def send(self, body: bytes) -> None:
        """Write one control frame, before any batch that waits; not once the socket is closed."""
        if self.is_open:
            self.write(text_frame(body))

    def write(self, frames: bytes) -> None:
        """Write whole control frames, before any batch that waits."""
        self.queue(Queued(frames, queued_ms=self._events.now_ms()))

    def queue(self, queued: Queued) -> None:
        """Write whole frames now, or when it is the turn of their lane."""
        self._follow(self.writer.queue(queued, now_ms=self._events.now_ms()))

    def write_rest(self, rest: bytes) -> None:
        """Write what remains of a frame whose beginning is written already."""
        self._follow(self.writer.write_rest(rest, now_ms=self._events.now_ms()))

    def pause_writing(self) -> None:
        """Called by the transport as soon as it holds bytes back."""
        self._follow(self.writer.pause(now_ms=self._events.now_ms()))

    def resume_writing(self) -> None:
        """Called by the transport when all is written: let the lanes follow."""
        self._follow(self.writer.resume(now_ms=self._events.now_ms()))

    def advance(self, happened: SessionInput) -> None:
        """Move to the next phase of the session."""
        self.phase = advance(self.phase, happened)

    def close(self, error: RealtimeError) -> None:
        """Say why, close with the error's code, and wait a moment for the client's close."""
        told = text_frame(encode_error(error))
        self._end_with(told + close_frame(error.code, error.name), error.code)

    def abort(self) -> None:
        """Drop the socket at once, whatever is unsent."""
        self._leave(ABNORMAL)
        self.writer.abort()

    def data_received(self, data: bytes) -> None:
        """Act on every frame that `data` completes."""
        now_ms = self._events.now_ms()
        self.heard_ms = now_ms
        for event in self._parser.feed(data):
            if self.is_open and not self._bucket.spend(self._events.limits.rate, now_ms=now_ms):
                self.close(RateLimited("too many frames", retry_after_ms=1_000))
            self._receive(event)
        self._events.holds_half(self, self._parser.held_bytes if self.is_open else 0)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the transport, before it closes the descriptor."""
        self._leave(ABNORMAL)
        self.writer.discard()

    def _receive(self, event: ws.FrameEvent) -> None:
        match event:
            case ws.Close():
                self._end_with(close_frame(event.code), event.code)
                self.writer.close()
            case _ if not self.is_open:
                pass  # our close is under way; the client's frames crossed it
            case ws.TextMessage():
                self._act_on(event.payload)
            case ws.Ping():
                self.write(pong_frame(event.payload))
            case ws.Violation():
                self._end_with(close_frame(event.close_code, event.reason), event.close_code)
            case ws.Pong() | ws.BinaryMessage():
                pass

    def _act_on(self, payload: bytes) -> None:
        try:
            limit = self._events.limits.max_token_bytes
            self._events.received(self, parse_message(payload, max_token_bytes=limit))
        except UnknownType as error:
            self._unknown_count += 1
            if self._unknown_count > TOLERATED_UNKNOWN_MESSAGES:
                self.close(error)
            else:
                self.send(encode_error(error))
        except RealtimeError as error:
            self.close(error)

    def _end_with(self, frames: bytes, code: int) -> None:
        if not self.is_open:
            return
        if not self.writer.makes_room_for(frames):
            self.abort()  # so much control is unread that the close would be as well
            return
        self.write(frames)
        self._leave(code)
        # A socket that is closed at once may lose the close frame to a reset; the client's
        # own close, or this deadline, ends it.
        self._events.due_at(self, at_ms=self._events.now_ms() + CLOSE_GRACE_MS)

    def _leave(self, code: int) -> None:
        if self.is_open:
            self.advance(SessionInput.CLOSE)
            self._events.ended(self, code=code)

    def _follow(self, change: WriteChange | None) -> None:
        match change:
            case WriteChange.FELL_BEHIND:
                self._regroup()
                self._events.fell_behind(self)
            case WriteChange.CAUGHT_UP:
                self._regroup()
            case WriteChange.OVERRUN:
                self._events.overrun(self)

    def _regroup(self) -> None:
        for group in self.groups:
            group.moved(self)
