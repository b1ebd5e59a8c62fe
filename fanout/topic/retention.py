"""How much of a topic's replay log is kept.

A batch stays while it is younger than the age or among the last events, whichever keeps more;
the byte bounds win over both: the topic's own, and what the replay budget of all topics allows it
(fanout/replay/budget.py). That much is promised to every topic. A critical one keeps four
times the age and the count, since a reset there costs its reader the most; the room for it is
left over, and the first that the budget takes back. What was cut is told to the commit, which
trims in the same script, so the log never grows between the two.

The newest batch is never cut, however large: gateways read it after the bell.

Rejected: less than the promise for the low tiers. It would cost them their resumes while there is
room; where there is none, they are the first to give way anyhow.
"""

import math
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple

from fanwire.core.position import Position
from fanwire.core.tiers import Tier

TIMES_KEPT: Final[Mapping[Tier, int]] = {
    Tier.CRITICAL: 4,
    Tier.HIGH: 1,
    Tier.NORMAL: 1,
    Tier.LOW: 1,
}
"""Of the promised age and count; the bytes are the same for all."""

_SHORTEST_SPAN_MS: Final = 1_000
"""A log younger than a second says nothing of its rate."""


@dataclass(frozen=True, slots=True)
class RetentionLimits:
    """Least age and count that are promised, and the bytes that win over them."""

    age_ms: float
    event_count: int
    size_bytes: int


class KeptBatch(NamedTuple):
    """One batch as the replay log holds it."""

    position: Position
    event_count: int
    size_bytes: int
    committed_at_ms: float


class TrimReason(StrEnum):
    """Why events left a log."""

    AGE = "age"  # neither young nor among the last
    SIZE = "size"  # the topic's own bytes
    BUDGET = "budget"  # the bytes of all topics together


class LogTrim(NamedTuple):
    """How many of the oldest batches go, and the oldest position that stays."""

    batch_count: int
    oldest_kept: Position
    event_counts: Mapping[TrimReason, int]


class Retention:
    """The batches of one replay log, oldest first; `plan` asks, `record` changes."""

    def __init__(self, limits: RetentionLimits, tier: Tier) -> None:
        self._promised = limits
        times = TIMES_KEPT[tier]
        self._limits = replace(
            limits, age_ms=times * limits.age_ms, event_count=times * limits.event_count
        )
        self._allowed_bytes = limits.size_bytes
        self._entries: deque[KeptBatch] = deque()
        self._event_count = 0
        self._is_shortened = False
        self.size_bytes = 0

    def allow(self, size_bytes: int | None) -> None:
        """Set what the budget leaves to this log; None for all that it may have."""
        own = self._limits.size_bytes
        self._allowed_bytes = own if size_bytes is None else min(size_bytes, own)

    def wanted_bytes(self, *, now_ms: float) -> int:
        """Return what the log would hold if no byte bound had shortened it, at its own rate."""
        if not (self._is_shortened and self._entries):
            return self.size_bytes
        span_ms = max(now_ms - self._entries[0].committed_at_ms, _SHORTEST_SPAN_MS)
        at_rate = int(self.size_bytes * max(self._limits.age_ms / span_ms, 1.0))
        return min(at_rate, max(self._limits.size_bytes, self.size_bytes))

    def promised_bytes(self, *, now_ms: float) -> int:
        """Return how much of it is promised to every topic, at its own rate."""
        if self._limits == self._promised or not self._entries:
            return self.wanted_bytes(now_ms=now_ms)
        span_ms = max(now_ms - self._entries[0].committed_at_ms, 1.0)
        by_age = self._promised.age_ms / span_ms
        by_count = self._promised.event_count / max(self._event_count, 1)
        at_rate = math.ceil(self.size_bytes * max(by_age, by_count))
        return min(at_rate, self.wanted_bytes(now_ms=now_ms))

    def plan(self, added: KeptBatch, *, now_ms: float) -> LogTrim | None:
        """Return what is to be cut when `added` is committed; None if nothing is."""
        return self._cut(added, now_ms=now_ms)

    def excess(self, *, now_ms: float) -> LogTrim | None:
        """Return what is over the bounds as it is."""
        return self._cut(None, now_ms=now_ms)

    def record(self, added: KeptBatch, cut: LogTrim | None = None) -> None:
        """Note that `added` is committed and `cut` is gone."""
        self._entries.append(added)
        self._event_count += added.event_count
        self.size_bytes += added.size_bytes
        if cut is not None:
            self.remove(cut)

    def remove(self, cut: LogTrim) -> None:
        """Note that `cut` is gone."""
        for _ in range(cut.batch_count):
            gone = self._entries.popleft()
            self._event_count -= gone.event_count
            self.size_bytes -= gone.size_bytes
        if cut.event_counts.keys() - {TrimReason.AGE}:
            self._is_shortened = True

    def _cut(self, added: KeptBatch | None, *, now_ms: float) -> LogTrim | None:
        size_bytes = self.size_bytes + (added.size_bytes if added else 0)
        event_count = self._event_count + (added.event_count if added else 0)
        newest = added or (self._entries[-1] if self._entries else None)
        cut_count = 0
        event_counts: Counter[TrimReason] = Counter()
        for entry in self._entries:
            event_count -= entry.event_count
            reason = self._reason_to_cut(entry, size_bytes, event_count, now_ms)
            if reason is None or entry is newest:
                break
            size_bytes -= entry.size_bytes
            event_counts[reason] += entry.event_count
            cut_count += 1
        if not cut_count:
            return None
        is_all = cut_count == len(self._entries)
        oldest = newest if is_all else self._entries[cut_count]
        assert oldest is not None
        return LogTrim(cut_count, oldest.position, event_counts)

    def _reason_to_cut(
        self, entry: KeptBatch, size_bytes: int, newer_event_count: int, now_ms: float
    ) -> TrimReason | None:
        is_young = now_ms - entry.committed_at_ms < self._limits.age_ms
        if not is_young and newer_event_count >= self._limits.event_count:
            return TrimReason.AGE
        if size_bytes > self._limits.size_bytes:
            return TrimReason.SIZE
        return TrimReason.BUDGET if size_bytes > self._allowed_bytes else None
