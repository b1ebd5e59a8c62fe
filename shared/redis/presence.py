"""Whether Redis is reached, told once when that changes.

Many parts of a server notice an outage, each many times. The first one to lose its connection
begins it and the last one to have it back ends it; what the parts themselves log between the two
is repetition.
"""

from fanwire.core.clock import now_ms
from shared.logs import logger

log = logger()


class RedisPresence:
    """The outages of this process."""

    def __init__(self) -> None:
        self._without: set[str] = set()
        self._since_ms = 0.0
        self.lost_count = 0

    @property
    def is_connected(self) -> bool:
        """Tell whether no part is without its connection."""
        return not self._without

    def lost(self, part: str, cause: object) -> None:
        """Take note that `part` lost its connection, or could not open one."""
        if not self._without:
            self.lost_count += 1
            self._since_ms = now_ms()
            log.warning("redis.lost", part=part, cause=str(cause))
        self._without.add(part)

    def restored(self, part: str) -> None:
        """Take note that `part` has a connection."""
        if part not in self._without:
            return
        self._without.discard(part)
        if not self._without:
            log.info("redis.restored", after_ms=round(now_ms() - self._since_ms))
