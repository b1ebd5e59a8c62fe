"""The latest batches of a topic, kept in memory for resumes.

Most resumes follow a short cut: a tunnel, a proxy restart, a rolling deploy. They are served
from here without a round trip to Redis. Bound: `max_bytes` and `max_entries`; the oldest
batch is dropped, and a resume that would need it is read from the replay log instead.
"""

from collections import deque
from itertools import islice

from fanwire.core.position import Position
from gateway.delivery.log_entry import LogEntry


class Tail:
    """A contiguous run of log entries that ends at the topic's head."""

    __slots__ = ("_entries", "_max_bytes", "_max_entries", "_used_bytes")

    def __init__(
        self,
        *,
        max_bytes: int = 262_144,  # 4 000 held topics fill a gigabyte at the worst
        max_entries: int = 64,  # two seconds of the shortest window, ten of the longest
    ) -> None:
        self._entries: deque[LogEntry] = deque()
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._used_bytes = 0

    def append(self, entry: LogEntry) -> None:
        """Keep `entry`, which must follow the last one kept."""
        self._entries.append(entry)
        self._used_bytes += len(entry.body)
        while self._used_bytes > self._max_bytes or len(self._entries) > self._max_entries:
            self._used_bytes -= len(self._entries.popleft().body)

    def clear(self) -> None:
        """Forget all: the chain broke."""
        self._entries.clear()
        self._used_bytes = 0

    def after(self, position: Position) -> list[LogEntry] | None:
        """Return what follows `position`, or None if it does not lie on this run."""
        for i, entry in enumerate(self._entries):
            if entry.prev == position:
                return list(islice(self._entries, i, None))
        return None
