"""What one socket may cost."""

from dataclasses import dataclass

from gateway.connection.rate_limit import RateLimit
from gateway.websocket.events import FrameLimits


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Shared by all sockets."""

    frames: FrameLimits
    rate: RateLimit
    hard_limit_bytes: int
    send_buffer_bytes: int
