"""One client's socket, after its upgrade.

A connection moves bytes and keeps order: it parses what comes, and ends. What goes out is in
writer.py beside it; what a message means, who gets which frame and when a timer is due is decided
elsewhere. It is small on purpose; ten thousand of them are the normal case.
"""

from typing import Final

from fanwire.core.ids import Service
from fanwire.core.tiers import Tier
from fanwire.errors import RateLimited, RealtimeError
from fanwire.wire.encode import encode_error
from gateway.auth.claims import Claims
from gateway.connection.lanes import ReplayPoint
from gateway.connection.messages import UnknownType, parse_message
from gateway.connection.owner import ConnectionEvents
from gateway.connection.phases import SessionInput, advance
from gateway.connection.rate_limit import TokenBucket
from gateway.connection.writer import SocketWriter
from gateway.websocket.events import (
    BinaryMessage,
    Close,
    FrameEvent,
    Ping,
    Pong,
    TextMessage,
    Violation,
)
from gateway.websocket.parser import FrameParser
from gateway.websocket.writer import close_frame, pong_frame

TOLERATED_UNKNOWN_MESSAGES: Final = 2
CLOSE_GRACE_MS: Final = 2_000
ABNORMAL: Final = 1006
"""The code of a socket that ended without a close: no frame ever carries it."""
NOTHING_SHED: Final[frozenset[Tier]] = frozenset()


class Connection(SocketWriter):
    """Owned by its transport; ends in `ConnectionEvents.ended`, whoever ended it."""

    __slots__ = (
        "_bucket", "_parser", "_unknown_count", "address", "caught_up_ms", "claims", "due_ms",
        "heard_ms", "id", "is_hidden", "property_id", "property_version", "services", "shed",
        "version", "withheld",
    )  # fmt: skip

    def __init__(
        self, sessions: ConnectionEvents, claims: Claims, connection_id: str, address: str = ""
    ) -> None:
        super().__init__(sessions)
        self.id = connection_id
        self.address = address
        self.claims = claims
        self.services: frozenset[Service] = frozenset()
        self.property_id: str | None = None
        self.version = 0
        self.property_version = 0
        self.is_hidden = False
        self.shed: frozenset[Tier] = NOTHING_SHED
        self.withheld: dict[Service, ReplayPoint] | None = None
        """Services that it does not get for now, and from where it will."""
        self.caught_up_ms = 0.0
        """When its last catch-up ended: what it acks of it is not late."""
        self.heard_ms = self.due_ms = sessions.now_ms()
        self._parser = FrameParser(sessions.limits.frames)
        self._bucket = TokenBucket(sessions.limits.rate, now_ms=self.heard_ms)
        self._unknown_count = 0

    def advance(self, happened: SessionInput) -> None:
        """Move to the next phase of the session."""
        self.phase = advance(self.phase, happened)

    def close(self, error: RealtimeError) -> None:
        """Say why, close with the error's code, and wait a moment for the client's close."""
        if not self.is_open:
            return
        self.send(encode_error(error))
        self._end_with(close_frame(error.code, error.name), error.code)

    def abort(self) -> None:
        """Drop the socket at once, whatever is unsent."""
        self._leave(ABNORMAL)
        self.lanes = None
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Act on every frame that `data` completes."""
        now_ms = self._sessions.now_ms()
        self.heard_ms = now_ms
        for event in self._parser.feed(data):
            if self.is_open and not self._bucket.spend(self._sessions.limits.rate, now_ms=now_ms):
                self.close(RateLimited("too many frames", retry_after_ms=1_000))
            self._receive(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the transport, before it closes the descriptor."""
        self._leave(ABNORMAL)
        self.lanes = None

    def _receive(self, event: FrameEvent) -> None:
        match event:
            case Close():
                self._end_with(close_frame(event.code), event.code)
                self._transport.close()
            case _ if not self.is_open:
                pass  # our close is under way; the client's frames crossed it
            case TextMessage():
                self._act_on(event.payload)
            case Ping():
                self.write(pong_frame(event.payload))
            case Violation():
                self._end_with(close_frame(event.close_code, event.reason), event.close_code)
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

    def _end_with(self, frame: bytes, code: int) -> None:
        if not self.is_open:
            return
        if self.lanes is not None:
            self.lanes.keep_control()  # a batch may not follow the close that overtakes it
        self.write(frame)
        self._leave(code)
        # A socket that is closed at once may lose the close frame to a reset; the client's
        # own close, or this deadline, ends it.
        self._sessions.due_at(self, at_ms=self._sessions.now_ms() + CLOSE_GRACE_MS)

    def _leave(self, code: int) -> None:
        if self.is_open:
            self.advance(SessionInput.CLOSE)
            self._sessions.ended(self, code=code)

    def _fell_behind(self) -> None:
        self._sessions.fell_behind(self)

    def _overrun(self) -> None:
        self._sessions.overrun(self)
