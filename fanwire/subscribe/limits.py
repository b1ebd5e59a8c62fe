"""What a subscriber may hold, and how long it waits between connections."""

from dataclasses import dataclass, field

from fanwire.subscribe.reconnect import ReconnectLimits


@dataclass(frozen=True, slots=True)
class SubscriberLimits:
    """Bounds of a subscriber."""

    inbox_count: int = 1000
    """Updates that wait for the app before the socket is no longer read."""
    max_frame_bytes: int = 4 * 1024 * 1024
    """Four times the largest that a worker may be set to make."""
    reconnect: ReconnectLimits = field(default_factory=ReconnectLimits)
