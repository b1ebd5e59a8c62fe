"""What the frame parser tells a connection, and the limits it is told.

Frozen dataclasses and not named tuples, though those are cheaper to make: as a tuple, the
ping b"x" would equal the text b"x". Inbound frames are few enough to afford the difference.
"""

from dataclasses import dataclass
from typing import Final

PROTOCOL_ERROR: Final = 1002
"""A frame that breaks the RFC."""

UNSUPPORTED_PAYLOAD: Final = 1003
"""Binary where only text is understood."""

NO_STATUS: Final = 1005
"""Stands for a close frame without a code; never travels (RFC 6455 §7.4.1)."""

INVALID_TEXT: Final = 1007
"""Text that is no UTF-8."""

TOO_BIG: Final = 1009
"""A message over `max_message_bytes`."""


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """What one inbound message may cost. Shared by all connections of a gateway."""

    max_message_bytes: int = 65536
    """GATEWAY_MAX_FRAME_BYTES by default."""
    max_fragments: int = 128
    """No client fragments such small messages on purpose; each fragment costs a frame's work."""
    accepts_binary: bool = False


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A whole text message: valid UTF-8, still encoded, since JSON is read from bytes."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class BinaryMessage:
    """A whole binary message; only where the limits accept them."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Ping:
    """Owed a pong with the same payload."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Pong:
    """An answer to a ping, or a one-way sign of life."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """The client closes. The code is NO_STATUS where its frame named none."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Violation:
    """The client broke the protocol: close with this code. The reason may be sent."""

    close_code: int
    reason: str


FrameEvent = TextMessage | BinaryMessage | Ping | Pong | Close | Violation
