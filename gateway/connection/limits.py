"""What one socket may cost."""

from dataclasses import dataclass
from typing import Final

from fanwire.auth.token_size import DEFAULT_TOKEN_BYTES
from gateway.connection.rate_limit import RateLimit
from gateway.websocket.events import FrameLimits

TOLERATED_UNKNOWN_MESSAGES: Final = 2
"""A newer client may try something once or twice; more is a client that is wrong."""

CLOSE_GRACE_MS: Final = 2_000
"""A client that is there answers within a round trip; a slot is worth more than patience."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Shared by all sockets."""

    frames: FrameLimits
    rate: RateLimit
    hard_limit_bytes: int
    send_buffer_bytes: int
    max_token_bytes: int = DEFAULT_TOKEN_BYTES
