"""The time of the Redis server, as far as this process knows it.

Servers stamp what others judge the age of, so they must read one clock, and their own may differ.
Redis' is learnt with each heartbeat and carried on by the monotonic clock in between. A process
whose own clock is far off says so: it judges the expiry of tokens by it.
"""

from typing import Final

from fanwire.core.clock import now_ms, wall_ms
from shared.logs import logger

log = logger()

TOLERATED_MS: Final = 2_000
"""More than NTP leaves and a trip to Redis takes; less than the leeway of a token."""


class ServerClock:
    """Unix milliseconds by the server; wrong until the first `set`."""

    def __init__(self) -> None:
        self._offset_ms = 0.0
        self._is_off = False
        self.ahead_ms = 0.0
        """By how much this process's own clock is ahead of Redis'."""

    def set(self, server_ms: float) -> None:
        """Note that it is `server_ms` on the server now."""
        self._offset_ms = server_ms - now_ms()
        self.ahead_ms = wall_ms() - server_ms
        is_off = abs(self.ahead_ms) > TOLERATED_MS
        if is_off and not self._is_off:
            remedy = "keep both machines' clocks in step by NTP"
            log.warning("clock.off", ahead_ms=round(self.ahead_ms), remedy=remedy)
        self._is_off = is_off

    def now_ms(self) -> float:
        """Return the server's time."""
        return now_ms() + self._offset_ms
