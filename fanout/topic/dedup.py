"""Which events are repeats of one that was published before.

A publisher that lost a reply sends its event again under the same id; the second must not
reach a browser. Ids are asked before the commit and remembered after it: remembered sooner,
a failed commit would make the retry look like a repeat, and the event would be gone. Until
then they are held apart, so that a repeat inside one batch is found as well.

Age is counted in the time at which Redis took the entries, not in the time at which they
are read. The verdict so is the same after a pause, a backlog or a takeover.

Rejected: comparing payloads. Two equal events without ids are legal and both count.
"""

from collections import OrderedDict
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

DedupKey = tuple[str, str]


class Sighting(NamedTuple):
    """When an id was first published, and a digest of its payload if that is known."""

    ts_ms: int
    digest: int | None


class DedupVerdict(Enum):
    """What an id is to the topic."""

    NEW = "new"
    REPEAT = "repeat"
    CONFLICT = "conflict"  # a repeat by its id, but with another payload: the first wins


class Dedup:
    """The ids of one topic: at most `max_ids` committed ones of the last `window_ms`."""

    def __init__(self, *, max_ids: int, window_ms: float) -> None:
        self._max_ids = max_ids
        self._window_ms = window_ms
        self._kept: OrderedDict[DedupKey, Sighting] = OrderedDict()
        self._held: dict[DedupKey, Sighting] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def judge(self, key: DedupKey, seen: Sighting) -> DedupVerdict:
        """Tell what `key` is; nothing is recorded."""
        first = self._held.get(key) or self._kept.get(key)
        if first is None or seen.ts_ms - first.ts_ms > self._window_ms:
            return DedupVerdict.NEW
        if first.digest is not None and first.digest != seen.digest:
            return DedupVerdict.CONFLICT
        return DedupVerdict.REPEAT

    def hold(self, key: DedupKey, seen: Sighting) -> None:
        """Record an id whose event waits for its commit."""
        self._held[key] = seen

    def remember(self, keys: Iterable[DedupKey]) -> None:
        """Record that the events of these held ids are committed."""
        for key in keys:
            seen = self._held.pop(key, None)
            # Held twice in a window that ran out in between, and committed twice: the
            # first commit took the entry.
            if seen is not None:
                self._keep(key, seen)

    def restore(self, sightings: Iterable[tuple[DedupKey, Sighting]]) -> None:
        """Record ids that the replay log holds, oldest first."""
        for key, seen in sightings:
            self._keep(key, seen)

    def forget_until(self, ts_ms: float) -> None:
        """Drop what is too old to matter to an event published at `ts_ms` or later."""
        oldest_ms = ts_ms - self._window_ms
        while self._kept and next(iter(self._kept.values())).ts_ms < oldest_ms:
            self._kept.popitem(last=False)

    def _keep(self, key: DedupKey, seen: Sighting) -> None:
        self._kept[key] = seen
        self._kept.move_to_end(key)
        if len(self._kept) > self._max_ids:
            self._kept.popitem(last=False)
