"""One client's socket, after its upgrade.

A connection moves bytes and keeps order: it parses what comes, writes what it is given, and
ends. What a message means, who gets which frame and when a timer is due is decided elsewhere.
It is small on purpose; ten thousand of them are the normal case.

Bound: `hard_limit_bytes` of unsent frames. Beyond it the socket is aborted, since a close
frame behind a megabyte of backlog would never arrive; its client sees a lost connection and
resumes from its last position.
"""

import asyncio
import socket
from typing import TYPE_CHECKING, Final, cast

from fanwire.errors import RateLimited, RealtimeError
from fanwire.ids import Service
from fanwire.wire import encode_error
from gateway.connection_owner import Sessions
from gateway.policy.claims import Claims
from gateway.policy.client_messages import UnknownType, parse_message
from gateway.policy.frame_events import (
    BinaryMessage,
    Close,
    FrameEvent,
    Ping,
    Pong,
    TextMessage,
    Violation,
)
from gateway.policy.frame_parser import FrameParser
from gateway.policy.frame_writer import close_frame, pong_frame, text_frame
from gateway.policy.session import Input, Phase, advance
from gateway.policy.token_bucket import TokenBucket

if TYPE_CHECKING:
    from gateway.audience import Audience

TOLERATED_UNKNOWN_MESSAGES: Final = 2
CLOSE_GRACE_MS: Final = 2_000


class Connection(asyncio.Protocol):
    """Owned by its transport; ends in `Sessions.ended`, whoever ended it."""

    __slots__ = (
        "_bucket", "_parser", "_sessions", "_transport", "_unknown_count", "audiences",
        "claims", "descriptor", "due_ms", "heard_ms", "id", "is_behind", "is_hidden", "phase",
        "property_id", "property_version", "services", "version",
    )  # fmt: skip

    def __init__(self, sessions: Sessions, claims: Claims, connection_id: str) -> None:
        self.id = connection_id
        self.claims = claims
        self.services: frozenset[Service] = frozenset()
        self.property_id: str | None = None
        self.version = 0
        self.property_version = 0
        self.audiences: tuple[Audience, ...] = ()
        self.phase = Phase.JOINING
        self.is_behind = False
        self.is_hidden = False
        self.heard_ms = self.due_ms = sessions.now_ms()
        self._sessions = sessions
        self._parser = FrameParser(sessions.limits.frames)
        self._bucket = TokenBucket(sessions.limits.rate, now_ms=self.heard_ms)
        self._unknown_count = 0

    @property
    def is_open(self) -> bool:
        """Tell whether frames may still be written."""
        return self.phase is not Phase.CLOSED

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport over from the handshake."""
        # A cast: uvloop's transports are not of asyncio's class.
        self._transport = cast(asyncio.Transport, transport)
        sock: socket.socket = transport.get_extra_info("socket")
        self.descriptor = sock.fileno()
        sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, self._sessions.limits.send_buffer_bytes
        )
        # Zero: `pause_writing` then says that bytes are held back, not that they are many.
        self._transport.set_write_buffer_limits(high=0)
        self.is_behind = self._transport.get_write_buffer_size() > 0

    def write(self, frames: bytes) -> None:
        """Write finished frames behind whatever is still unsent."""
        self._transport.write(frames)
        unsent_bytes = self._transport.get_write_buffer_size()
        self._set_behind(unsent_bytes > 0)
        if unsent_bytes > self._sessions.limits.hard_limit_bytes:
            self.abort()

    def send(self, body: bytes) -> None:
        """Write one text frame, unless the connection has ended."""
        if self.is_open:
            self.write(text_frame(body))

    def advance(self, happened: Input) -> None:
        """Move to the next phase of the session."""
        self.phase = advance(self.phase, happened)

    def close(self, error: RealtimeError) -> None:
        """Say why, close with the error's code, and wait a moment for the client's close."""
        if not self.is_open:
            return
        self.send(encode_error(error))
        self._end_with(close_frame(error.code, error.name))

    def abort(self) -> None:
        """Drop the socket at once, whatever is unsent."""
        self._leave()
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Act on every frame that `data` completes."""
        now_ms = self._sessions.now_ms()
        self.heard_ms = now_ms
        for event in self._parser.feed(data):
            if self.is_open and not self._bucket.take(self._sessions.limits.rate, now_ms=now_ms):
                self.close(RateLimited("too many frames", retry_after_ms=1_000))
            self._take(event)

    def pause_writing(self) -> None:
        """Called by the transport as soon as it holds bytes back."""
        self._set_behind(True)

    def resume_writing(self) -> None:
        """Called by the transport when all is written."""
        self._set_behind(self._transport.get_write_buffer_size() > 0)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the transport, before it closes the descriptor."""
        self._leave()

    def _take(self, event: FrameEvent) -> None:
        match event:
            case Close():
                self._end_with(close_frame(event.code))
                self._transport.close()
            case _ if not self.is_open:
                pass  # our close is under way; the client's frames crossed it
            case TextMessage():
                self._act_on(event.payload)
            case Ping():
                self.write(pong_frame(event.payload))
            case Violation():
                self._end_with(close_frame(event.close_code, event.reason))
            case Pong() | BinaryMessage():
                pass

    def _act_on(self, payload: bytes) -> None:
        try:
            self._sessions.received(self, parse_message(payload))
        except UnknownType as error:
            self._unknown_count += 1
            if self._unknown_count > TOLERATED_UNKNOWN_MESSAGES:
                self.close(error)
            else:
                self.send(encode_error(error))
        except RealtimeError as error:
            self.close(error)

    def _end_with(self, frame: bytes) -> None:
        if not self.is_open:
            return
        self.write(frame)
        self._leave()
        # A socket that is closed at once may lose the close frame to a reset; the client's
        # own close, or this deadline, ends it.
        self._sessions.due_at(self, at_ms=self._sessions.now_ms() + CLOSE_GRACE_MS)

    def _leave(self) -> None:
        if self.is_open:
            self.advance(Input.CLOSE)
            self._sessions.ended(self)

    def _set_behind(self, is_behind: bool) -> None:  # noqa: FBT001
        if is_behind is self.is_behind:
            return
        self.is_behind = is_behind
        for audience in self.audiences:
            audience.moved(self)
