"""How much of a topic's replay log is kept.

A batch stays while it is younger than the age or among the last events, whichever keeps
more; the byte bound wins over both. What was cut is told to the commit, which trims in the
same script, so the log never grows between the two.

The newest batch is never cut, however large: gateways read it after the bell.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from fanwire.position import Position


@dataclass(frozen=True, slots=True)
class RetentionLimits:
    """Least age and count that are kept, and the bytes that win over them."""

    age_ms: float = 300_000
    event_count: int = 1_000
    size_bytes: int = 16 * 1024 * 1024


class LogEntry(NamedTuple):
    """One batch as the replay log holds it."""

    position: Position
    event_count: int
    size_bytes: int
    committed_at_ms: float


class Cut(NamedTuple):
    """How many of the oldest batches go, and the oldest position that stays."""

    batch_count: int
    oldest_kept: Position


class Retention:
    """The batches of one replay log, oldest first; `plan` asks, `record` changes."""

    def __init__(self, limits: RetentionLimits) -> None:
        self._limits = limits
        self._entries: deque[LogEntry] = deque()
        self._event_count = 0
        self.size_bytes = 0

    def plan(self, added: LogEntry, *, now_ms: float) -> Cut | None:
        """Return what is to be cut when `added` is committed; None if nothing is."""
        size_bytes = self.size_bytes + added.size_bytes
        event_count = self._event_count + added.event_count
        cut_count = 0
        for entry in self._entries:
            event_count -= entry.event_count
            if size_bytes <= self._limits.size_bytes and self._is_kept(entry, event_count, now_ms):
                break
            size_bytes -= entry.size_bytes
            cut_count += 1
        if not cut_count:
            return None
        is_all = cut_count == len(self._entries)
        return Cut(cut_count, added.position if is_all else self._entries[cut_count].position)

    def record(self, added: LogEntry, cut: Cut | None = None) -> None:
        """Note that `added` is committed and `cut` is gone."""
        for _ in range(cut.batch_count if cut else 0):
            gone = self._entries.popleft()
            self._event_count -= gone.event_count
            self.size_bytes -= gone.size_bytes
        self._entries.append(added)
        self._event_count += added.event_count
        self.size_bytes += added.size_bytes

    def _is_kept(self, entry: LogEntry, newer_event_count: int, now_ms: float) -> bool:
        is_young = now_ms - entry.committed_at_ms < self._limits.age_ms
        return is_young or newer_event_count < self._limits.event_count
