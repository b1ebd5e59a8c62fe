"""What both servers tell of their process."""

from shared.redis.presence import RedisPresence
from shared.redis.server_clock import ServerClock
from shared.telemetry import names
from shared.telemetry.instruments import Instruments
from shared.telemetry.loop_lag import LoopLag


def observe_runtime(
    instruments: Instruments, presence: RedisPresence, lag: LoopLag, clock: ServerClock
) -> None:
    """Register the lag of the event loop, the outages of Redis, and how far its clock is off."""
    instruments.observe(names.LOOP_LAG, lambda: lag.worst_s)
    instruments.observe(names.REDIS_CONNECTED, lambda: int(presence.is_connected))
    instruments.observe(names.CLOCK_AHEAD, lambda: clock.ahead_ms / 1000)
    instruments.observe(names.REDIS_LOST, lambda: presence.lost_count)
