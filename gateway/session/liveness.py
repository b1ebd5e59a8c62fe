"""When a socket gets a heartbeat, and when it is given up.

Each beat is a frame for the application and a ping for the transport. A peer that has
answered nothing for two beats and a grace is gone: a half-open socket must not hold its slot.
"""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class LivenessLimits:
    """Times in milliseconds; a silent peer is closed after `silence_ms`."""

    heartbeat_ms: int = 15_000
    """GATEWAY_HEARTBEAT_MS by default."""
    silence_ms: int = 35_000
    """Two beats that went unanswered, and 5 s for a slow network."""
    expiry_leeway_ms: int = 5_000
    """REALTIME_JWT_LEEWAY_S by default."""
    stale_ms: int = 15_000
    """How long Redis may not have answered before heartbeats say so."""


class Pulse(Enum):
    """What is due for a socket."""

    BEAT = "beat"
    SILENT = "silent"
    EXPIRED = "expired"


def pulse(
    *, now_ms: float, last_heard_ms: float, token_expires_ms: float, limits: LivenessLimits
) -> Pulse:
    """Return what to do with a socket whose timer is due."""
    if now_ms >= token_expires_ms + limits.expiry_leeway_ms:
        return Pulse.EXPIRED
    if now_ms - last_heard_ms >= limits.silence_ms:
        return Pulse.SILENT
    return Pulse.BEAT


def next_pulse_ms(
    *, now_ms: float, last_heard_ms: float, token_expires_ms: float, limits: LivenessLimits
) -> float:
    """Return when to look at the socket again.

    Not only at the next beat: a silent peer would keep its slot for almost a beat too long.
    """
    return min(
        now_ms + limits.heartbeat_ms,
        last_heard_ms + limits.silence_ms,
        token_expires_ms + limits.expiry_leeway_ms,
    )
