"""The time of the Redis server, as far as this process knows it.

Workers stamp batches and judge the age of what another worker has stamped, so they must
read one clock, and their own may differ. The server's is learnt with each heartbeat and
carried on by the monotonic clock in between.
"""

from fanwire.core.clock import now_ms


class ServerClock:
    """Unix milliseconds by the server; wrong until the first `set`."""

    def __init__(self) -> None:
        self._offset_ms = 0.0

    def set(self, server_ms: float) -> None:
        """Note that it is `server_ms` on the server now."""
        self._offset_ms = server_ms - now_ms()

    def now_ms(self) -> float:
        """Return the server's time."""
        return now_ms() + self._offset_ms
